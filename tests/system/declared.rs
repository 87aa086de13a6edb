//! `gateway.toml` through the front door: another service behind the gateway, and changes under load.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use breakwater_tests::api::Account;
use breakwater_tests::postgres::Cluster;
use breakwater_tests::process::{Process, free_port};
use breakwater_tests::system::System;
use reqwest::{Method, RequestBuilder, Response, StatusCode};

use crate::fixture::edge::{header, problem, redis_url};
use crate::spin::Gateway;

/// The time in which every edge has to have a change.
const PROMISED: Duration = Duration::from_secs(5);

/// The example of the documentation, with another port.
fn documented(port: u16) -> String {
    let page = include_str!("../../docs/gateway.md");
    let block =
        page.split("<!-- the test takes this block -->\n```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(block.contains("http://127.0.0.1:9000"));
    block.replace("9000", &port.to_string())
}

/// Asks until the answer is as wanted.
pub async fn until(ask: impl Fn() -> RequestBuilder, wanted: impl Fn(&Response) -> bool) -> Response {
    let start = Instant::now();
    loop {
        let answer = ask().send().await.unwrap();
        if wanted(&answer) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_service_stands_behind_both_edges() {
    let folder = tempfile::tempdir().unwrap();
    let tea = folder.path().join("tea.txt");
    std::fs::write(&tea, "Tea, 4.50\n").unwrap();
    // What changed long ago is fresh for a while.
    let years = Duration::from_secs(2 * 365 * 24 * 3600);
    File::options().write(true).open(&tea).unwrap().set_modified(SystemTime::now() - years).unwrap();
    let port = free_port();
    let mut python = Command::new("python3");
    python.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]).arg(folder.path());
    let logs = tempfile::tempdir().unwrap();
    let _python = Process::start("python", python, logs.path());

    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "lin@example.com").await;
    let (core, key, redis) = (system.core_url(), System::edge_key(), redis_url());
    let values = [("core_url", core.as_str()), ("edge_key", key.as_str()), ("redis_url", redis.as_str())];
    let spin = Gateway::start_reaching(&values, &[&format!("http://127.0.0.1:{port}")]).await;
    system.declare(&documented(port));

    for edge in [system.url(""), format!("http://{}", spin.address)] {
        let get = |path: &str| system.http.request(Method::GET, format!("{edge}{path}"));
        let tea = until(|| get("/shop/tea.txt"), |answer| answer.status() == StatusCode::OK).await;
        assert_eq!((header(&tea, "x-served-by"), header(&tea, "server")), (Some("breakwater"), None));
        assert!(header(&tea, "ratelimit").is_some_and(|told| told.contains("shop")), "{tea:?}");
        assert_eq!(tea.text().await.unwrap(), "Tea, 4.50\n");
        let hit = |answer: &Response| header(answer, "cache-status").is_some_and(|told| told.contains("hit"));
        let again = until(|| get("/shop/tea.txt"), hit).await;
        assert_eq!(again.text().await.unwrap(), "Tea, 4.50\n");
        assert_eq!(get("/shop/coffee.txt").send().await.unwrap().status(), StatusCode::NOT_FOUND);

        problem(get("/members/shop/tea.txt").send().await.unwrap(), 401, "authentication-required").await;
        let member = get("/members/shop/tea.txt").bearer_auth(&account.access_token).send().await.unwrap();
        assert_eq!(member.text().await.unwrap(), "Tea, 4.50\n");

        let post = system.http.post(format!("{edge}/shop/tea.txt")).send().await.unwrap();
        problem(post, 405, "method-not-allowed").await;
        // The client follows it.
        let moved = get("/catalogue/tea.txt").send().await.unwrap();
        assert!(moved.url().path() == "/shop/tea.txt" && moved.status() == StatusCode::OK, "{moved:?}");
        // The core's own API is as it was.
        assert_eq!(get("/api/v1/me").bearer_auth(&account.access_token).send().await.unwrap().status(), StatusCode::OK);

        let mut last = StatusCode::OK;
        for _ in 0..12 {
            last = get("/shop/tea.txt").send().await.unwrap().status();
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    }
}

/// A service that says its name.
async fn service(name: &'static str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(move || async move { name });
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_in_use_within_five_seconds_and_drop_no_request() {
    let cluster = Cluster::start_new();
    let system = Arc::new(System::start(&cluster.url()).await);
    let (one, two) = (service("one").await, service("two").await);
    let declared = |name: &str| {
        format!(
            "[upstreams.one]\norigin = \"http://127.0.0.1:{one}\"\n[upstreams.two]\norigin = \"http://127.0.0.1:{two}\"\n\
             [[routes]]\nid = \"app\"\npath = \"/app/{{*rest}}\"\nauthentication = \"public\"\nlimits = []\nupstream = {name:?}\n"
        )
    };
    system.declare(&declared("one"));
    let get = || system.http.get(system.url("/app/x"));
    until(get, |answer| answer.status() == StatusCode::OK).await;

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = (0..4).map(|_| {
        let (system, over, answered) = (Arc::clone(&system), Arc::clone(&over), Arc::clone(&answered));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let answer = system.http.get(system.url("/app/x")).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                let name = answer.text().await.unwrap();
                assert!(name == "one" || name == "two", "{name}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let load: Vec<_> = load.collect();

    let mut took = Vec::new();
    for name in ["two", "one", "two", "one"] {
        system.declare(&declared(name));
        let changed = Instant::now();
        while get().send().await.unwrap().text().await.unwrap() != name {
            assert!(changed.elapsed() < PROMISED, "{}", system.core.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        took.push(changed.elapsed());
        // A broken edit keeps what was good, and is told.
        system.declare(&declared("nobody"));
        let ready = || system.http.get(format!("{}/readyz", system.core_url()));
        let told = Instant::now();
        loop {
            let text = ready().send().await.unwrap().text().await.unwrap();
            if text.contains("there is no upstream \"nobody\"") {
                break;
            }
            assert!(told.elapsed() < Duration::from_secs(20), "{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(get().send().await.unwrap().text().await.unwrap(), name);
    }
    over.store(true, Ordering::Relaxed);
    for one in load {
        one.await.unwrap();
    }
    assert!(system.core.output().contains("the gateway file cannot be used"));
    println!(
        "changes were in use after {took:?}; {} requests were answered meanwhile",
        answered.load(Ordering::Relaxed)
    );
}
