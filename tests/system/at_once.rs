//! A change of what somebody may do, from the client's side (docs/security/access.md, "How soon a change acts"): reads go on
//! all the while, each remembers when it began, and none that began when the change was known to be committed succeeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::edge::{header, problem};

/// How many read at the same time.
const READERS: usize = 4;

/// Readers in a row are not what limits are for.
const UNLIMITED: &[(&str, &str)] =
    &[("BREAKWATER_EDGE__LIMITS__ADDRESS__BURST", "1000000"), ("BREAKWATER_EDGE__LIMITS__CALLER__BURST", "1000000")];

/// One read: when it began, and what came of it.
struct Read {
    began: Instant,
    status: StatusCode,
    /// Whether it came out of a cache.
    kept: bool,
}

/// Somebody who reads one thing over and over, at one edge, with a token that stays good.
struct Readers {
    stop: Arc<AtomicBool>,
    reading: Vec<JoinHandle<Vec<Read>>>,
}

impl Readers {
    fn start(http: &Client, url: &str, token: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let read = |stop: Arc<AtomicBool>, http: Client, url: String, token: String| async move {
            let mut reads = Vec::new();
            loop {
                // Before the question: the reads after `stop` begin after the change.
                let last = stop.load(Ordering::Acquire);
                let began = Instant::now();
                let answer = http.get(&url).bearer_auth(&token).send().await.unwrap();
                let (status, kept) = (answer.status(), answer.headers().contains_key("age"));
                drop(answer.text().await);
                reads.push(Read { began, status, kept });
                if last {
                    return reads;
                }
                // Others read, too.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let reading =
            (0..READERS).map(|_| tokio::spawn(read(stop.clone(), http.clone(), url.to_owned(), token.to_owned())));
        Self { reading: reading.collect(), stop }
    }

    /// Ends them, each with one more read, and gives all that they read.
    async fn end(self) -> Vec<Read> {
        self.stop.store(true, Ordering::Release);
        let mut all = Vec::new();
        for reading in self.reading {
            all.extend(reading.await.unwrap());
        }
        all
    }
}

/// Makes a change while somebody reads. Its answer is proof that it was committed: no read that began after that may succeed.
async fn change_while_reading(
    system: &System,
    path: &str,
    token: &str,
    change: impl Future<Output = StatusCode>,
    name: &str,
) {
    let readers = Readers::start(&system.http, &system.url(path), token);
    let before = system.http.get(system.url(path)).bearer_auth(token).send().await.unwrap();
    assert_eq!(before.status(), StatusCode::OK, "{name}: nobody read before");
    let status = change.await;
    let committed = Instant::now();
    assert!(status.is_success(), "{name}: {status}");
    let reads = readers.end().await;
    assert!(reads.iter().filter(|read| read.began > committed).count() >= READERS, "{name}: nobody read afterwards");
    for read in &reads {
        assert!(!read.kept, "{name}: no answer that depends on who asks is kept");
        let late = read.began.saturating_duration_since(committed);
        assert!(read.began < committed || read.status != StatusCode::OK, "{name}: read {late:?} after the commit");
    }
}

/// A workspace with a document, and somebody who may read it by a role of the workspace's own.
struct Scene {
    owner: Account,
    member: Value,
    token: String,
    document: String,
    path: String,
}

impl Scene {
    async fn new(system: &System) -> Self {
        let owner = Account::new(system, "ada@example.com").await;
        let register = system.http.post(system.url("/api/v1/auth/register"));
        let body = json!({ "email": "bob@example.com", "password": "a long enough password" });
        let member = created(register.json(&body).send().await.unwrap()).await;
        let made = |path: String, body: Value| owner.request(system, Method::POST, &path).json(&body).send();
        let document = made(owner.documents(), json!({ "data": { "n": 1 } }));
        let document = created(document.await.unwrap()).await["id"].as_str().unwrap().to_owned();
        for (name, permissions) in [("reader", json!(["documents:read"])), ("guest", json!([]))] {
            created(made(owner.path("roles"), json!({ "name": name, "permissions": permissions })).await.unwrap())
                .await;
        }
        created(made(owner.path("members"), json!({ "email": "bob@example.com", "role": "reader" })).await.unwrap())
            .await;
        let token = member["access_token"].as_str().unwrap().to_owned();
        let path = format!("{}/{document}", owner.documents());
        Self { owner, member: member["user"].clone(), token, document, path }
    }

    async fn send(&self, system: &System, method: Method, path: &str, body: Value) -> StatusCode {
        self.owner.request(system, method, &self.owner.path(path)).json(&body).send().await.unwrap().status()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_that_began_after_the_commit_succeeds() {
    let cluster = Cluster::start_new();
    let system = System::start_with(&cluster.url(), UNLIMITED).await;
    let scene = Scene::new(&system).await;
    let member = format!("members/{}", scene.member["id"].as_str().unwrap());
    let (path, token) = (&scene.path, &scene.token);

    let lowered = scene.send(&system, Method::PATCH, &member, json!({ "role": "guest" }));
    change_while_reading(&system, path, token, lowered, "a role is lowered").await;

    let grant = json!({
        "on": { "collection": "notes", "document": scene.document }, "to": { "user": scene.member["id"] },
        "permissions": ["documents:read"],
    });
    let grant =
        scene.owner.request(&system, Method::POST, &scene.owner.path("grants")).json(&grant).send().await.unwrap();
    let grant = format!("grants/{}", created(grant).await["id"].as_str().unwrap());
    let revoked = scene.send(&system, Method::DELETE, &grant, json!({}));
    change_while_reading(&system, path, token, revoked, "a grant is revoked").await;

    assert!(scene.send(&system, Method::PATCH, &member, json!({ "role": "reader" })).await.is_success());
    let removed = scene.send(&system, Method::DELETE, &member, json!({}));
    change_while_reading(&system, path, token, removed, "a member is removed").await;

    assert!(
        scene
            .send(&system, Method::POST, "members", json!({ "email": "bob@example.com", "role": "reader" }))
            .await
            .is_success()
    );
    let out = system.http.post(system.url("/api/v1/auth/logout")).bearer_auth(&scene.token).send();
    let ended = async { out.await.unwrap().status() };
    change_while_reading(&system, path, token, ended, "a session ends").await;
}

/// Without the core an edge goes by what it knew last: it says of the core's answers that they cannot be had, gives none that
/// it once saw, and lets nobody in any longer than their token lives.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_core_nothing_personal_is_answered_and_tokens_still_end() {
    let cluster = Cluster::start_new();
    let settings = &[("BREAKWATER_IDENTITY__ACCESS_TOKEN_SECONDS", "20"), ("BREAKWATER_IDENTITY__LEEWAY_SECONDS", "0")];
    let mut system = System::start_with(&cluster.url(), settings).await;
    let scene = Scene::new(&system).await;
    // A token that is new when the core goes.
    let login = system.http.post(system.url("/api/v1/auth/login"));
    let body = json!({ "email": "bob@example.com", "password": "a long enough password" });
    let token: Value = login.json(&body).send().await.unwrap().json().await.unwrap();
    let (http, url) = (system.http.clone(), system.url(&scene.path));
    let ask = || http.get(&url).bearer_auth(token["access_token"].as_str().unwrap()).send();
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    system.core.kill();
    let mut away = 0;
    // As long as the token lives the core is away; then the edge itself refuses. Both are told, and nothing is read.
    loop {
        let answer = ask().await.unwrap();
        match answer.status() {
            StatusCode::SERVICE_UNAVAILABLE => {
                away += 1;
                assert!(header(&answer, "retry-after").is_some(), "{:?}", answer.headers());
            }
            StatusCode::UNAUTHORIZED => {
                problem(answer, 401, "invalid-token").await;
                break;
            }
            status => panic!("{status} without a core"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(away > 0, "the token was good when the core went");
}
