//! Upstreams with several endpoints: shares, failures, health, bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::edge::{Builder, eventually};
use crate::support::{Core, Edge, client, problem, snapshot};

/// A server that answers with its name, and misbehaves when told to.
struct Endpoint {
    address: SocketAddr,
    told: Arc<Told>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Told {
    status: AtomicU16,
    health: AtomicBool,
    /// Whether answers wait until it is over.
    holds: AtomicBool,
    served: AtomicUsize,
    most_at_once: AtomicUsize,
    at_once: AtomicUsize,
}

impl Endpoint {
    async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Told { status: AtomicU16::new(200), health: AtomicBool::new(true), ..Told::default() });
        let task = tokio::spawn(serve(listener, name, told.clone()));
        Self { address, told, task }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn served(&self) -> usize {
        self.told.served.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn serve(listener: TcpListener, name: &'static str, told: Arc<Told>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let told = told.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, name, told.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    name: &'static str,
    told: Arc<Told>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if request.uri().path() == "/healthz" {
        let status = if told.health.load(Ordering::SeqCst) { 200 } else { 503 };
        return Ok(Response::builder().status(status).body(Full::default()).unwrap());
    }
    let at_once = told.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    told.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let body = request.into_body().collect().await?.to_bytes();
    told.served.fetch_add(1, Ordering::SeqCst);
    while told.holds.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    told.at_once.fetch_sub(1, Ordering::SeqCst);
    let text = format!("{name}{}", String::from_utf8_lossy(&body));
    let status = told.status.load(Ordering::SeqCst);
    Ok(Response::builder().status(status).body(Full::from(text)).unwrap())
}

/// A snapshot whose upstream `elsewhere` has these endpoints.
fn document(version: &str, endpoints: &[&Endpoint], more: Value) -> Value {
    let mut document = snapshot::document(version);
    let mut upstream =
        json!({"endpoints": endpoints.iter().map(|one| json!({"origin": one.origin()})).collect::<Vec<_>>()});
    upstream.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document["upstreams"]["elsewhere"] = upstream;
    document
}

fn before(core: &Core) -> Builder {
    Edge::before(core).outbound("http://127.0.0.1:*").one_worker()
}

async fn get(edge: &Edge) -> String {
    let response = client().get(edge.url("/elsewhere/x")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

async fn shares(edge: &Edge, count: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        *shares.entry(get(edge).await).or_default() += 1;
    }
    shares
}

#[tokio::test(flavor = "multi_thread")]
async fn in_turn_and_by_weight() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    let mut document = document("2", &[&a, &b], json!({"balance": "round-robin"}));
    document["upstreams"]["elsewhere"]["endpoints"][0]["weight"] = json!(3);
    core.publish(&document);
    let edge = before(&core).start().await;
    assert_eq!(shares(&edge, 12).await, BTreeMap::from([("a".to_owned(), 9), ("b".to_owned(), 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_less_busy_one() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    core.publish(&document("2", &[&a, &b], json!({})));
    let edge = before(&core).start().await;
    a.told.holds.store(true, Ordering::SeqCst);
    let mut held = Vec::new();
    while a.told.at_once.load(Ordering::SeqCst) == 0 {
        held.push(tokio::spawn(client().get(edge.url("/elsewhere/x")).send()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eventually("the other has nothing to do", async || b.told.at_once.load(Ordering::SeqCst) == 0).await;
    let before = a.served();
    for _ in 0..10 {
        assert_eq!(get(&edge).await, "b");
    }
    assert_eq!(a.served(), before);
    a.told.holds.store(false, Ordering::SeqCst);
    for request in held {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_one_for_the_same_key() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    let c = Endpoint::start("c").await;
    core.publish(&document("2", &[&a, &b, &c], json!({"balance": "hash", "hash_on": "header:x-shard"})));
    let edge = before(&core).start().await;
    let ask = async |shard: usize| {
        let request = client().get(edge.url("/elsewhere/x")).header("x-shard", shard.to_string());
        request.send().await.unwrap().text().await.unwrap()
    };
    let mut first = Vec::new();
    for shard in 0..30 {
        first.push(ask(shard).await);
        assert_eq!(ask(shard).await, first[shard]);
    }
    assert!(["a", "b", "c"].iter().all(|name| first.iter().any(|got| got == name)), "{first:?}");
    c.stop().await;
    for (shard, before) in first.iter().enumerate() {
        let now = ask(shard).await;
        assert!(now == *before || before == "c", "{shard} moved from {before} to {now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_one_of_two_is_killed() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    core.publish(&document("2", &[&a, &b], json!({})));
    let edge = before(&core).start().await;
    let running = Arc::new(AtomicBool::new(true));
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let (url, running) = (edge.url("/elsewhere/x"), running.clone());
            tokio::spawn(async move {
                let client = client();
                let mut count = 0;
                while running.load(Ordering::SeqCst) {
                    let response = match index % 2 {
                        0 => client.get(&url).send().await.unwrap(),
                        _ => client.put(&url).body("+").send().await.unwrap(),
                    };
                    assert_eq!(response.status(), 200);
                    let text = response.text().await.unwrap();
                    assert!(if index % 2 == 0 { text.len() == 1 } else { text.ends_with('+') }, "{text}");
                    count += 1;
                }
                count
            })
        })
        .collect();
    eventually("both serve", async || a.served() > 20 && b.served() > 20).await;
    a.stop().await;
    let served = b.served();
    eventually("the other goes on", async || b.served() > served + 100).await;
    running.store(false, Ordering::SeqCst);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    // New connections are refused: a POST that nobody got goes to the other, too.
    for _ in 0..6 {
        let post = client().post(edge.url("/elsewhere/x")).body("!").send().await.unwrap();
        assert_eq!(post.text().await.unwrap(), "b!");
    }
    assert!(!edge.logged("an endpoint is ejected").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_left_alone_and_tried_again() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    let ejection = json!({"ejection": {"consecutive_failures": 2, "for_ms": 6000}, "balance": "round-robin"});
    core.publish(&document("2", &[&a, &b], ejection));
    let edge = before(&core).start().await;
    a.told.status.store(503, Ordering::SeqCst);
    assert_eq!(shares(&edge, 20).await, BTreeMap::from([("b".to_owned(), 20)]), "clients see nothing of it");
    assert_eq!(a.served(), 2);
    a.told.status.store(200, Ordering::SeqCst);
    eventually("it is tried again", async || get(&edge).await == "a").await;

    // A request that may not be repeated tells what came.
    a.told.status.store(502, Ordering::SeqCst);
    b.told.status.store(502, Ordering::SeqCst);
    assert_eq!(client().post(edge.url("/elsewhere/x")).send().await.unwrap().status(), 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_says_it_is_unwell_gets_nothing() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    let health = json!({"path": "/healthz", "interval_ms": 100, "healthy_after": 2, "unhealthy_after": 2});
    core.publish(&document("2", &[&a, &b], json!({"health": health, "balance": "round-robin"})));
    let edge = before(&core).start().await;
    a.told.health.store(false, Ordering::SeqCst);
    eventually("it is noticed", async || !edge.logged("an endpoint is unwell").is_empty()).await;
    eventually("it gets nothing", async || shares(&edge, 4).await.len() == 1).await;
    let served = a.served();
    shares(&edge, 10).await;
    assert_eq!(a.served(), served);

    // With nobody well, somebody is better than nobody.
    b.told.health.store(false, Ordering::SeqCst);
    eventually("both are unwell", async || edge.logged("an endpoint is unwell").len() == 2).await;
    assert_eq!(shares(&edge, 10).await.values().sum::<usize>(), 10);
    a.told.health.store(true, Ordering::SeqCst);
    eventually("it is well again", async || !edge.logged("an endpoint is well again").is_empty()).await;
    eventually("it gets all", async || shares(&edge, 4).await == BTreeMap::from([("a".to_owned(), 4)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_at_once_than_allowed() {
    let (core, a) = (Core::start().await, Endpoint::start("a").await);
    a.told.holds.store(true, Ordering::SeqCst);
    core.publish(&document("2", &[&a], json!({"max_connections": 2, "max_pending": 0})));
    // With two workers: they keep the bound together.
    let edge = Edge::before(&core).outbound("http://127.0.0.1:*").start().await;
    let under_way: Vec<_> = (0..2).map(|_| tokio::spawn(client().get(edge.url("/elsewhere/x")).send())).collect();
    eventually("two are under way", async || a.told.at_once.load(Ordering::SeqCst) == 2).await;
    problem(client().get(edge.url("/elsewhere/x")).send().await.unwrap(), 503, "upstream-unavailable").await;
    a.told.holds.store(false, Ordering::SeqCst);
    for request in under_way {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    eventually("there is a place again", async || {
        client().get(edge.url("/elsewhere/x")).send().await.unwrap().status() == 200
    })
    .await;
    assert_eq!(a.told.most_at_once.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_have_a_budget() {
    let core = Core::start().await;
    let mut document = snapshot::document("2");
    document["upstreams"]["core"] = json!({"retry_budget_percent": 0});
    core.publish(&document);
    let edge = before(&core).start().await;
    problem(client().get(edge.url("/a/first-lost")).send().await.unwrap(), 503, "upstream-unavailable").await;
    assert_eq!(core.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tries_together_have_a_time() {
    let (core, a, b) = (Core::start().await, Endpoint::start("a").await, Endpoint::start("b").await);
    let mut document = document("2", &[&a, &b], json!({}));
    let routes = document["routing"]["routes"].as_array_mut().unwrap();
    let route = routes.iter_mut().find(|route| route["id"] == "elsewhere").unwrap();
    route["timeouts"] = json!({"connect_ms": 1000, "response_ms": 400, "idle_ms": 1000, "overall_ms": 600});
    core.publish(&document);
    let edge = before(&core).start().await;
    for one in [&a, &b] {
        one.told.holds.store(true, Ordering::SeqCst);
    }
    let begin = Instant::now();
    problem(client().get(edge.url("/elsewhere/x")).send().await.unwrap(), 504, "upstream-timeout").await;
    assert!((600..5000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert_eq!((a.served(), b.served()), (1, 1), "the second try is at the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_cores_is_killed() {
    let (one, other) = (Core::start().await, Core::start().await);
    let edge = before(&one).core(&format!("http://{},http://{}", one.address, other.address)).start().await;
    eventually("both serve", async || {
        client().get(edge.url("/hello")).send().await.unwrap();
        one.count() > 0 && other.count() > 0
    })
    .await;
    one.stop().await;
    for _ in 0..20 {
        assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200);
    }
    // And the snapshot comes from the other.
    other.publish(&snapshot::document("3"));
    eventually("a new snapshot", async || !edge.logged("\"version\":\"3\"").is_empty()).await;
}
