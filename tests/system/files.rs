//! Files through the front door: streamed, and whole whatever dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use futures_util::{StreamExt, stream};
use reqwest::{Body, Client, Method, RequestBuilder, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

const PIECE: usize = 1 << 20;
const PIECES: usize = 200;

/// What either process may have more in memory than before; the file is much larger.
const ROOM: u64 = 64 << 20;

fn piece(n: usize) -> Vec<u8> {
    (0..PIECE).map(|byte| ((byte / 7) ^ n) as u8).collect()
}

/// One without the limit of time that others have.
fn client() -> Client {
    breakwater_tests::http::client().build().unwrap()
}

fn call(system: &System, account: &Account, method: Method, path: &str) -> RequestBuilder {
    client().request(method, system.url(&account.path(path))).bearer_auth(&account.access_token)
}

/// Bytes of a process in memory.
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_through_both_and_stays_in_neither() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "editor@example.com").await;
    let before = [memory(system.core.id()), memory(system.edge.id())];
    let grown = || {
        let now = [memory(system.core.id()), memory(system.edge.id())];
        assert!(now[0] < before[0] + ROOM && now[1] < before[1] + ROOM, "core and edge had {before:?}, have {now:?}");
    };
    let hash = Arc::new(std::sync::Mutex::new(Sha256::new()));
    let hashing = hash.clone();
    let pieces = stream::iter(0..PIECES).map(move |n| {
        let piece = piece(n);
        hashing.lock().unwrap().update(&piece);
        Ok::<_, std::io::Error>(piece)
    });
    let upload = call(&system, &account, Method::POST, "files?name=large.bin").body(Body::wrap_stream(pieces));
    let file = created(upload.send().await.unwrap()).await;
    grown();
    let sent = hash.lock().unwrap().clone().finalize();
    let hexadecimal: String = sent.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(file["content"]["sha256"], hexadecimal);
    let place = format!("files/{}", file["id"].as_str().unwrap());
    let mut answer = call(&system, &account, Method::GET, &format!("{place}/content")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-length"], (PIECE * PIECES).to_string());
    assert_eq!(answer.headers()["content-security-policy"], "default-src 'none'; sandbox");
    let mut received = Sha256::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        received.update(&chunk);
    }
    assert_eq!(received.finalize(), sent);
    grown();

    let part =
        call(&system, &account, Method::GET, &format!("{place}/content")).header("range", "bytes=1048576-1048579");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), piece(1)[..4]);
    // Whoever has the link, at the edge.
    let link = call(&system, &account, Method::POST, &format!("{place}/links")).json(&json!({}));
    let link: serde_json::Value = link.send().await.unwrap().json().await.unwrap();
    let linked = client().get(link["url"].as_str().unwrap()).header("range", "bytes=-4").send().await.unwrap();
    assert_eq!(linked.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(linked.bytes().await.unwrap(), piece(PIECES - 1)[PIECE - 4..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_dies_in_an_upload_keeps_what_was_there_and_no_half() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "editor@example.com").await;
    let whole = call(&system, &account, Method::POST, "files?name=whole").body("whole").send().await.unwrap();
    let whole = format!("files/{}/content", created(whole).await["id"].as_str().unwrap());
    for _ in 0..3 {
        // It waits in the middle until the core is dead.
        let (half, dead) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (sent, killed) = (half.clone(), dead.clone());
        let pieces = stream::iter(0..20).then(move |n| {
            let (sent, killed) = (sent.clone(), killed.clone());
            async move {
                if n == 10 {
                    sent.store(true, Ordering::Relaxed);
                    until(&killed).await;
                }
                Ok::<_, std::io::Error>(piece(n))
            }
        });
        let upload = call(&system, &account, Method::POST, "files?name=half").body(Body::wrap_stream(pieces));
        let upload = tokio::spawn(upload.send());
        until(&half).await;
        system.core.kill();
        dead.store(true, Ordering::Relaxed);
        let answer = upload.await.unwrap();
        assert!(answer.is_err() || answer.unwrap().status().is_server_error());
        system.restart_core();
        system.ready().await;
        let list: serde_json::Value =
            call(&system, &account, Method::GET, "files").send().await.unwrap().json().await.unwrap();
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        let there = call(&system, &account, Method::GET, &whole).send().await.unwrap();
        assert_eq!(there.text().await.unwrap(), "whole");
    }
    let again = call(&system, &account, Method::POST, "files?name=half").body("half").send().await.unwrap();
    created(again).await;
}

async fn until(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
