//! Events through the front door: told as they happen, and none lost when the core dies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writers in a row are not what limits are for.
const UNLIMITED: &[(&str, &str)] =
    &[("BREAKWATER_EDGE__LIMITS__ADDRESS__BURST", "1000000"), ("BREAKWATER_EDGE__LIMITS__CALLER__BURST", "1000000")];

/// A stream of events, read line by line.
struct Stream {
    answer: Response,
    read: String,
}

impl Stream {
    async fn connect(system: &System, account: &Account, last: Option<&str>) -> Self {
        // One without the limit of time that others have.
        let http = breakwater_tests::http::client().build().unwrap();
        let begun = Instant::now();
        loop {
            let call = http.get(system.url(&account.path("events/stream"))).bearer_auth(&account.access_token);
            let call = last.iter().fold(call, |call, last| call.header("last-event-id", *last));
            match call.send().await {
                Ok(answer) if answer.status() == StatusCode::OK => return Self { answer, read: String::new() },
                other => assert!(begun.elapsed() < PATIENCE, "{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The id and the data of the next event; `None` when the connection is lost.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let told = field("id: ").zip(field("data: "));
                self.read = rest.to_owned();
                if let Some((id, data)) = told {
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("nothing is told").ok()??;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_told_through_the_edge_and_a_lost_stream_goes_on() {
    let cluster = Cluster::start_new();
    let mut system = System::start_with(&cluster.url(), UNLIMITED).await;
    let account = Account::new(&system, "reader@example.com").await;
    let mut stream = Stream::connect(&system, &account, None).await;
    let mut last = stream.next().await.unwrap().0;
    let write = async |system: &System, n: i64| {
        let call = account.request(system, Method::POST, &account.documents()).json(&json!({ "data": { "n": n } }));
        created(call.send().await.unwrap()).await["id"].clone()
    };
    let mut took = Vec::new();
    for n in 0..20 {
        let id = write(&system, n).await;
        let written = Instant::now();
        loop {
            let (event, data) = stream.next().await.unwrap();
            last = event;
            if data["document"] == id {
                break;
            }
        }
        took.push(written.elapsed());
    }
    took.sort();
    println!("told {:?} after the answer to a write (median of 20, the slowest {:?})", took[10], took[19]);

    // The core dies; what was written before anybody could be told is told afterwards.
    let id = write(&system, 20).await;
    system.core.kill();
    while stream.next().await.is_some_and(|(event, data)| {
        last = event;
        data["document"] != id
    }) {}
    system.restart_core();
    system.ready().await;
    let next = write(&system, 21).await;
    let mut stream = Stream::connect(&system, &account, Some(&last)).await;
    while stream.next().await.unwrap().1["document"] != next {}
}

/// What a writer was told of a document: its last version that was answered.
type Answered = BTreeMap<String, i64>;

/// What all writers have in common.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    answered: AtomicUsize,
}

impl Load {
    /// Waits until so many more writes were answered.
    async fn more(&self, count: usize) {
        let (begun, until) = (Instant::now(), self.answered.load(Ordering::Relaxed) + count);
        while self.answered.load(Ordering::Relaxed) < until {
            assert!(begun.elapsed() < PATIENCE, "nobody gets anything written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Creates documents and changes them, until told to stop. What is not answered may have happened or not.
async fn write(http: Client, documents: String, token: String, load: Arc<Load>) -> Answered {
    let mut answered = Answered::new();
    let mut current: Option<String> = None;
    for n in 0.. {
        if load.stop.load(Ordering::Relaxed) {
            break;
        }
        let body = json!({ "data": { "n": n } });
        let call = match &current {
            Some(id) if n % 4 != 0 => http.patch(format!("{documents}/{id}")),
            _ => http.post(&documents),
        };
        match call.bearer_auth(&token).json(&body).send().await {
            Ok(answer) if answer.status().is_success() => {
                let Ok(document) = answer.json::<Value>().await else { continue };
                let id = document["id"].as_str().unwrap().to_owned();
                answered.insert(id.clone(), document["version"].as_i64().unwrap());
                current = Some(id);
                load.answered.fetch_add(1, Ordering::Relaxed);
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    answered
}

/// The core is killed three times while eight clients write: nothing that was answered is lost, and the log tells every version of every
/// document once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_is_killed_under_load_loses_and_repeats_nothing() {
    let cluster = Cluster::start_new();
    let mut system = System::start_with(&cluster.url(), UNLIMITED).await;
    let account = Account::new(&system, "writer@example.com").await;
    let load = Arc::new(Load::default());
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let documents = system.url(&account.documents());
            tokio::spawn(write(system.http.clone(), documents, account.access_token.clone(), load.clone()))
        })
        .collect();
    for _ in 0..3 {
        load.more(100).await;
        system.core.kill();
        system.restart_core();
        system.ready().await;
    }
    load.more(100).await;
    load.stop.store(true, Ordering::Relaxed);
    let mut answered = Answered::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }

    let read = async |path: String| -> Value {
        let answer = account.request(&system, Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    };
    let mut there = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = read(format!("{}?limit=100&fields=version{cursor}", account.documents())).await;
        for item in page["items"].as_array().unwrap() {
            there.insert(item["id"].as_str().unwrap().to_owned(), item["version"].as_i64().unwrap());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for (id, version) in &answered {
        assert!(there.get(id).is_some_and(|there| there >= version), "{id} had version {version}: {:?}", there.get(id));
    }
    // What was committed is numbered when a core is back.
    let begun = Instant::now();
    loop {
        let mut told: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = read(account.path(&format!("events?limit=1000{after}"))).await;
            let Some(last) = page["items"].as_array().unwrap().last() else { break };
            after = format!("&after={}", last["id"].as_str().unwrap());
            for event in page["items"].as_array().unwrap().iter().filter(|event| !event["document"].is_null()) {
                let versions = told.entry(event["document"].as_str().unwrap().to_owned()).or_default();
                versions.push(event["version"].as_i64().unwrap());
            }
        }
        let expected: BTreeMap<_, Vec<_>> =
            there.iter().map(|(id, version)| (id.clone(), (1..=*version).collect())).collect();
        if told == expected {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the log tells something else: {told:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{} documents, {} versions", there.len(), there.values().sum::<i64>());
}
