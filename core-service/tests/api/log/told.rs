//! Events as clients get them: lists and streams.

use std::time::Duration;

use axum::body::Body;
use core_service::events;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::cast::Cast;
use crate::support::User;

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers and follows the log, as `serve` does, until it is dropped.
struct Following([AbortHandle; 2]);

impl Following {
    fn start(cast: &Cast) -> Self {
        let numbering = tokio::spawn(events::consumer::number(cast.app.state.clone()));
        let following = tokio::spawn(events::tail::follow(cast.app.state.clone()));
        Self([numbering.abort_handle(), following.abort_handle()])
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// A client of the stream.
struct Client {
    body: Body,
    read: String,
}

#[derive(Debug)]
struct Told {
    kind: String,
    id: String,
    data: Value,
}

impl Client {
    async fn connect(cast: &Cast, user: &User, query: &str, last: Option<&str>) -> Self {
        let mut call = cast.call(user, Method::GET, format!("/events/stream{query}"));
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        let answer = call.open().await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body(), read: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    lines.map(str::trim).collect::<Vec<_>>().join("\n")
                };
                let told = (!field("event").is_empty()).then(|| Told {
                    kind: field("event"),
                    id: field("id"),
                    data: serde_json::from_str(&field("data")).unwrap(),
                });
                self.read = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("nothing is told");
            let data = frame?.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    async fn ready(mut self) -> (Self, String) {
        let first = self.next().await.unwrap();
        assert_eq!(first.kind, "ready");
        (self, first.id)
    }
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_goes_on_where_it_was_lost() {
    let cast = Cast::new().await;
    let _following = Following::start(&cast);
    cast.collection("notes", json!({})).await;
    let (mut client, _) = Client::connect(&cast, &cast.viewer, "?collections=notes", None).await.ready().await;
    let id = cast.document("notes", json!({ "n": 1 })).await;
    let mut told = client.next().await.expect("the stream goes on");
    // The collection's own event may be numbered after the stream began.
    while told.kind != "document.created" {
        told = client.next().await.expect("the stream goes on");
    }
    let (data, actor) = (&told.data, &cast.editor.id);
    assert_eq!((&data["document"], &data["collection"], &data["version"]), (&json!(id), &json!("notes"), &json!(1)));
    assert_eq!(
        (&data["actor"], &data["id"], &data["type"]),
        (&json!(actor), &json!(told.id), &json!("document.created"))
    );
    assert!(data.get("data").is_none(), "what is in it is read with the rights of whoever reads");

    // The connection is lost a hundred times, and meanwhile things happen.
    let path = format!("/collections/notes/documents/{id}");
    let (mut seen, mut last) = (Vec::new(), told.id);
    for n in 0..100 {
        drop(client);
        cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "n": n } })).await.expect(200);
        (client, _) = Client::connect(&cast, &cast.viewer, "", Some(&last)).await.ready().await;
        let told = client.next().await.unwrap();
        seen.push(told.data["version"].as_i64().unwrap());
        last = told.id;
    }
    assert_eq!(seen, (2..=101).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_may_not_read_is_not_told() {
    let cast = Cast::new().await;
    let _following = Following::start(&cast);
    for name in ["notes", "secrets"] {
        cast.collection(name, json!({})).await;
    }
    let nobody = json!({ "name": "nobody", "permissions": [] });
    cast.send(&cast.owner, Method::POST, "/roles", nobody).await.expect(201);
    let guest = cast.app.user().await;
    cast.add(&guest, "nobody").await;
    let grant =
        json!({ "on": { "collection": "notes" }, "to": { "user": guest.id }, "permissions": ["documents:read"] });
    let grant = cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201).json();
    events::log::number(&cast.app.state).await.unwrap();
    let (mut client, _) = Client::connect(&cast, &guest, "", None).await.ready().await;
    let (mut member, _) = Client::connect(&cast, &cast.viewer, "", None).await.ready().await;
    cast.document("secrets", json!({})).await;
    let seen = cast.document("notes", json!({})).await;
    assert_eq!(client.next().await.unwrap().data["document"], json!(seen));
    let both = [member.next().await.unwrap(), member.next().await.unwrap()].map(|told| told.data["collection"].clone());
    assert_eq!(both, ["secrets", "notes"]);
    let listed = cast.read(&guest, "/events").await.expect(200).json();
    assert!(listed["items"].as_array().unwrap().iter().all(|event| event["collection"] == "notes"));
    // What was taken back counts from the next event on.
    let id = grant["id"].as_str().unwrap();
    cast.call(&cast.owner, Method::DELETE, format!("/grants/{id}")).send().await.expect(204);
    cast.document("notes", json!({})).await;
    let (member, client) = (member.next().await, tokio::time::timeout(Duration::from_millis(300), client.next()).await);
    assert_eq!(member.unwrap().data["collection"], "notes");
    assert!(client.is_err(), "{client:?}");
    assert_eq!(cast.read(&guest, "/events").await.expect(200).json()["items"], json!([]));
    cast.read(&cast.stranger, "/events").await.problem(404, "not-found");
    cast.read(&cast.stranger, "/events/stream").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_membership() {
    let cast = Cast::new().await;
    let _following = Following::start(&cast);
    cast.collection("notes", json!({})).await;
    events::log::number(&cast.app.state).await.unwrap();
    let (mut viewer, _) = Client::connect(&cast, &cast.viewer, "", None).await.ready().await;
    let (mut admin, _) = Client::connect(&cast, &cast.admin, "", None).await.ready().await;
    cast.app.post("/api/v1/auth/logout").bearer(&cast.viewer.access_token).send().await.expect(204);
    cast.call(&cast.owner, Method::DELETE, format!("/members/{}", cast.admin.id)).send().await.expect(204);
    cast.document("notes", json!({})).await;
    assert!(viewer.next().await.is_none());
    assert!(admin.next().await.is_none());
    // They may have ended before it was numbered.
    events::log::number(&cast.app.state).await.unwrap();
    let (mut editor, _) = Client::connect(&cast, &cast.editor, "", None).await.ready().await;
    // The service stops.
    cast.app.state.tail.stop();
    assert!(editor.next().await.is_none());
}

#[tokio::test]
async fn lists_go_on_and_say_when_too_much_is_forgotten() {
    let cast = Cast::new().await;
    cast.collection("notes", json!({})).await;
    let ids = [cast.document("notes", json!({})).await, cast.document("notes", json!({})).await];
    events::log::number(&cast.app.state).await.unwrap();
    let first = cast.read(&cast.viewer, "/events?limit=2").await.expect(200).json();
    let kinds: Vec<_> = first["items"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["collection.created", "document.created"]);
    let after = first["items"][1]["id"].as_str().unwrap();
    let rest = cast.read(&cast.viewer, format!("/events?after={after}")).await.expect(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["document"], json!(ids[1]));
    let one = cast.read(&cast.viewer, format!("/events?document={}", ids[0])).await.expect(200).json();
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let none = cast.read(&cast.viewer, "/events?collections=nothing").await.expect(200).json();
    assert_eq!(none["items"], json!([]));
    let unknown = Uuid::now_v7();
    cast.read(&cast.viewer, format!("/events?after={unknown}")).await.problem(410, "events-forgotten");
    cast.read(&cast.viewer, "/events?limit=1001").await.problem(400, "invalid-query");

    let unknown = unknown.to_string();
    let mut client = Client::connect(&cast, &cast.viewer, "", Some(&unknown)).await;
    let reset = client.next().await.unwrap();
    assert_eq!(reset.kind, "reset");
    assert_eq!(json!(reset.id), rest["items"][0]["id"], "from now on");
}

/// What was numbered after a stream began and before the log was followed for the first time.
#[tokio::test]
async fn nothing_is_slept_through_before_the_first_look() {
    let cast = Cast::new().await;
    cast.collection("notes", json!({})).await;
    events::log::number(&cast.app.state).await.unwrap();
    let (mut client, _) = Client::connect(&cast, &cast.viewer, "", None).await.ready().await;
    let early = tokio::time::timeout(Duration::from_millis(300), client.next()).await;
    assert!(early.is_err(), "it has looked, and waits: {early:?}");
    let id = cast.document("notes", json!({})).await;
    events::log::number(&cast.app.state).await.unwrap();
    let _following = Following::start(&cast);
    assert_eq!(client.next().await.unwrap().data["document"], json!(id));
}
