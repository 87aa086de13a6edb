//! The log of events: everything that commits is in it, in an order that nobody can read past.

mod told;

use std::sync::{Arc, Mutex};

use core_service::events::{self, Consumer, Event};
use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use crate::cast::Cast;
use crate::support::TestApp;

type Seen = Arc<Mutex<Vec<Event>>>;

/// A consumer that remembers what it saw; its position is put where the migrations of others put theirs.
async fn consumer(app: &TestApp, name: &'static str) -> (Vec<Consumer>, Seen) {
    let sql = "INSERT INTO event_consumers (name) VALUES ($1)";
    sqlx::query(sql).bind(name).execute(&mut app.database().await).await.unwrap();
    let seen = Seen::default();
    let seeing = seen.clone();
    let consumer = Consumer::new(name, move |_, _, events| {
        seeing.lock().unwrap().extend(events);
        Box::pin(async { Ok(()) })
    });
    (vec![consumer], seen)
}

fn kinds(seen: &Seen) -> Vec<(String, Option<i64>)> {
    seen.lock().unwrap().iter().map(|event| (event.kind.clone(), event.version)).collect()
}

#[tokio::test]
async fn what_happens_to_documents_is_told() {
    let cast = Cast::new().await;
    let (consumers, seen) = consumer(&cast.app, "test").await;
    cast.collection("notes", json!({})).await;
    let id = cast.document("notes", json!({ "a": 1 })).await;
    let path = format!("/collections/notes/documents/{id}");
    cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "a": 2 } })).await.expect(200);
    // What is refused is not told.
    cast.send(&cast.viewer, Method::PATCH, &path, json!({ "data": { "a": 3 } })).await.expect(403);
    let nowhere = json!({ "operations": [{ "op": "create", "collection": "notes", "data": {} },
                                         { "op": "create", "collection": "nowhere", "data": {} }] });
    cast.send(&cast.editor, Method::POST, "/documents/bulk", nowhere).await.expect(404);
    cast.call(&cast.admin, Method::DELETE, &path).send().await.expect(204);
    cast.call(&cast.editor, Method::POST, format!("/collections/notes/trash/{id}/restore")).send().await.expect(200);
    cast.send(&cast.owner, Method::PATCH, "/collections/notes", json!({ "name": "memos" })).await.expect(200);
    events::settle(&cast.app.state, &consumers).await.unwrap();
    let expected = [
        ("collection.created", None),
        ("document.created", Some(1)),
        ("document.changed", Some(2)),
        ("document.deleted", Some(2)),
        ("document.restored", Some(3)),
        ("collection.changed", None),
    ];
    assert_eq!(kinds(&seen), expected.map(|(kind, version)| (kind.to_owned(), version)));
    let told = seen.lock().unwrap().clone();
    assert!(told.iter().all(|event| event.workspace.to_string() == cast.workspace));
    assert!(told[1..5].iter().all(|event| event.document.map(|document| document.to_string()) == Some(id.clone())));
    let actors: Vec<_> = told[1..4].iter().map(|event| event.actor.unwrap().to_string()).collect();
    assert_eq!(actors, [&cast.editor.id, &cast.editor.id, &cast.admin.id].map(String::as_str));
    // Once is once.
    events::settle(&cast.app.state, &consumers).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), expected.len());
}

/// Writers race each other and those who number: nothing is lost, nothing is told twice, and the versions of each document
/// are told in their order.
#[tokio::test]
async fn events_of_a_document_are_in_order_however_many_write() {
    let cast = Cast::new().await;
    let (consumers, seen) = consumer(&cast.app, "test").await;
    let (another, _) = cast.app.another();
    cast.collection("counters", json!({})).await;
    let ids = [cast.document("counters", json!({})).await, cast.document("counters", json!({})).await];
    let write = async |index: usize| {
        let path = format!("/collections/counters/documents/{}", ids[index % 2]);
        cast.send(&cast.editor, Method::PATCH, path, json!({ "data": { "n": index } })).await.expect(200);
        // Two cores, each right after its own write.
        let state = if index.is_multiple_of(3) { &cast.app.state } else { &another };
        events::settle(state, &consumers).await.unwrap();
    };
    join_all((0..40).map(write)).await;
    events::settle(&cast.app.state, &consumers).await.unwrap();
    let seen = seen.lock().unwrap();
    for id in &ids {
        let own = seen.iter().filter(|event| event.document.is_some_and(|document| document.to_string() == *id));
        let versions: Vec<_> = own.map(|event| event.version.unwrap()).collect();
        assert_eq!(versions, (1..=21).collect::<Vec<_>>());
    }
    assert!(seen.windows(2).all(|pair| pair[0].number < pair[1].number));
}

/// A consumer that fails sees the same again, and what it wrote meanwhile is undone with its position.
#[tokio::test]
async fn a_consumer_that_fails_sees_the_same_again() {
    let cast = Cast::new().await;
    let (_, seen) = consumer(&cast.app, "test").await;
    let seeing = seen.clone();
    let failing = Consumer::new("test", move |_, tx, events| {
        let seeing = seeing.clone();
        Box::pin(async move {
            sqlx::query("UPDATE event_consumers SET position = 1000 WHERE name = 'test'").execute(&mut **tx).await?;
            let first = seeing.lock().unwrap().is_empty();
            seeing.lock().unwrap().extend(events);
            anyhow::ensure!(!first, "not the first time");
            Ok(())
        })
    });
    cast.collection("notes", json!({})).await;
    events::settle(&cast.app.state, std::slice::from_ref(&failing)).await.unwrap_err();
    events::settle(&cast.app.state, std::slice::from_ref(&failing)).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].id, seen[1].id);
}

#[tokio::test]
async fn old_events_are_forgotten_once_all_have_seen_them() {
    let cast = Cast::new().await;
    let (consumers, _) = consumer(&cast.app, "test").await;
    cast.collection("notes", json!({})).await;
    events::log::number(&cast.app.state).await.unwrap();
    let mut connection = cast.app.database().await;
    sqlx::query("UPDATE events SET at = now() - interval '31 days'").execute(&mut connection).await.unwrap();
    let count = async || -> i64 {
        let mut connection = cast.app.database().await;
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut connection).await.unwrap()
    };
    core_service::operations::upkeep::once(&cast.app.state).await.unwrap();
    assert_eq!(count().await, 1, "somebody has not seen it");
    events::settle(&cast.app.state, &[consumers, core_service::app::consumers()].concat()).await.unwrap();
    core_service::operations::upkeep::once(&cast.app.state).await.unwrap();
    assert_eq!(count().await, 0);
}

/// What a workspace told goes with it, also what nobody has numbered yet.
#[tokio::test]
async fn a_workspace_takes_its_events_along() {
    let cast = Cast::new().await;
    cast.collection("notes", json!({})).await;
    events::log::number(&cast.app.state).await.unwrap();
    cast.document("notes", json!({})).await;
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
    events::log::number(&cast.app.state).await.unwrap();
    let mut connection = cast.app.database().await;
    for table in ["SELECT count(*) FROM events", "SELECT count(*) FROM event_inbox"] {
        let left: i64 = sqlx::query_scalar(table).fetch_one(&mut connection).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}
