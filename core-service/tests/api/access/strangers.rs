//! Whatever a stranger calls, in whatever order: nothing of another's is seen, and nothing of it changes.

use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cast::{Cast, workspace_of};
use crate::support::User;

/// Stands in everything that must not be seen.
const MARK: &str = "mark-of-the-other-tenant";

/// A call: which operation, whose ids in its path, with a body that fits or with which other one.
#[derive(Debug, Clone)]
struct Guess {
    operation: Index,
    foreign: [bool; 7],
    body: Option<Index>,
}

fn guesses() -> impl Strategy<Value = Vec<Guess>> {
    let guess = (any::<Index>(), any::<[bool; 7]>(), proptest::option::weighted(0.3, any::<Index>()));
    vec(guess.prop_map(|(operation, foreign, body)| Guess { operation, foreign, body }), 1..25)
}

/// What can be named of one tenant.
struct Ids {
    workspace: String,
    document: String,
    user: String,
    team: String,
    grant: String,
    invitation: String,
    session: String,
}

/// Puts something of every kind into a workspace of `owner`'s.
async fn furnish(cast: &Cast, workspace: String, owner: &User, mark: &str) -> Ids {
    let make = async |path: &str, body: Value| {
        let call = cast.app.post(&format!("/api/v1/workspaces/{workspace}{path}")).bearer(&owner.access_token);
        call.json(body).send().await.expect(201).json()["id"].as_str().unwrap_or_default().to_owned()
    };
    make("/collections", json!({ "name": "orders", "schema": { "title": mark } })).await;
    make("/roles", json!({ "name": "guest", "description": mark, "permissions": [] })).await;
    let document = make("/collections/orders/documents", json!({ "data": { "secret": mark } })).await;
    let on = json!({ "collection": "orders", "document": document });
    let team = make("/teams", json!({ "name": mark, "role": "viewer" })).await;
    let grant = json!({ "on": on, "to": { "role": "viewer" }, "permissions": ["documents:read"] });
    let grant = make("/grants", grant).await;
    let invitation = json!({ "email": format!("{}@example.org", Uuid::now_v7()), "role": "viewer" });
    let invitation = make("/invitations", invitation).await;
    let sessions = cast.app.get("/api/v1/auth/sessions").bearer(&owner.access_token).send().await.expect(200).json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    Ids { user: owner.id.clone(), document, team, grant, invitation, session, workspace }
}

/// Every operation but those of one's own account, which end sessions, or hash for a long time.
fn operations() -> Vec<(String, Method, String)> {
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let (id, method) = (operation["operationId"].as_str().unwrap(), method.to_uppercase());
            if !id.starts_with("identity.") || method == "GET" || path.contains("{session}") {
                operations.push((id.to_owned(), method.parse().unwrap(), path.clone()));
            }
        }
    }
    operations
}

/// Bodies that some operation takes, about things of the other tenant wherever that can be said.
fn bodies(theirs: &Ids, own: &Ids) -> Vec<(&'static str, Value)> {
    let on = json!({ "collection": "orders", "document": theirs.document });
    vec![
        ("collections", json!({ "name": "more", "schema": {} })),
        ("roles.create", json!({ "name": "pirates", "permissions": ["documents:read"] })),
        ("roles.change", json!({ "permissions": ["documents:read", "members:manage"] })),
        ("teams.create", json!({ "name": "Ours", "role": "admin" })),
        ("teams.change", json!({ "role": "admin" })),
        ("documents", json!({ "data": { "a": 1 } })),
        ("members.change", json!({ "role": "owner" })),
        ("members.add", json!({ "email": "pirate@example.org", "role": "owner" })),
        ("workspaces.transfer", json!({ "user": theirs.user })),
        ("workspaces.transfer", json!({ "user": own.user })),
        ("workspaces", json!({ "name": "Ours" })),
        ("invitations.create", json!({ "email": "pirate@example.org", "role": "viewer", "teams": [theirs.team] })),
        ("invitations.create", json!({ "email": "pirate@example.org", "role": "viewer", "teams": [] })),
        ("grants.create", json!({ "on": on, "to": { "user": own.user }, "permissions": ["documents:read"] })),
        (
            "grants.create",
            json!({ "on": { "collection": "orders" }, "to": { "team": theirs.team }, "permissions": ["documents:read"] }),
        ),
        (
            "grants.create",
            json!({ "on": { "collection": "orders" }, "to": { "user": theirs.user },
                                  "permissions": ["documents:read"] }),
        ),
        ("invitations", json!({ "code": "A".repeat(25) })),
        ("", json!({})),
    ]
}

/// The body that fits an operation, or the one that was drawn.
fn body<'a>(bodies: &'a [(&'static str, Value)], operation: &str, drawn: Option<&Index>) -> &'a Value {
    match drawn {
        Some(index) => &index.get(bodies).1,
        None => &bodies.iter().find(|(prefix, _)| operation.starts_with(prefix)).unwrap().1,
    }
}

fn path(template: &str, theirs: &Ids, own: &Ids, foreign: [bool; 7]) -> String {
    let of = |index: usize| if foreign[index] { theirs } else { own };
    let mut path = template
        .replace("{workspace}", &of(0).workspace)
        .replace("{collection}", "orders")
        .replace("{role}", "guest")
        .replace("{document}", &of(1).document)
        .replace("{user}", &of(2).user)
        .replace("{team}", &of(3).team)
        .replace("{grant}", &of(4).grant)
        .replace("{invitation}", &of(5).invitation)
        // To end one's own would be the end of the game.
        .replace("{session}", &theirs.session);
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, &Uuid::now_v7().to_string());
    }
    path
}

/// All that the other tenant sees.
async fn everything(cast: &Cast) -> Vec<Value> {
    let mut all = Vec::new();
    for rest in
        ["", "/members", "/roles", "/teams", "/grants", "/invitations", "/collections", "/collections/orders/documents"]
    {
        all.push(cast.read(&cast.owner, rest).await.expect(200).json());
    }
    for own in ["/api/v1/me", "/api/v1/auth/sessions", "/api/v1/workspaces"] {
        all.push(cast.app.get(own).bearer(&cast.owner.access_token).send().await.expect(200).json());
    }
    all
}

#[test]
fn no_sequence_of_calls_shows_or_changes_what_is_anothers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cast = runtime.block_on(Cast::new());
    let theirs = runtime.block_on(async {
        let name = cast.app.patch("/api/v1/me").bearer(&cast.owner.access_token);
        name.json(json!({ "display_name": MARK })).send().await.expect(200);
        furnish(&cast, cast.workspace.clone(), &cast.owner, MARK).await
    });
    let before = runtime.block_on(everything(&cast));
    assert!(before.iter().filter(|seen| seen.to_string().contains(MARK)).count() >= 5, "there is something to see");
    let operations = operations();
    let worked = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&guesses(), |guesses| {
        runtime.block_on(async {
            let elsewhere = workspace_of(&cast.app, &cast.stranger).await;
            let own = furnish(&cast, elsewhere, &cast.stranger, "mine").await;
            let bodies = bodies(&theirs, &own);
            for guess in guesses {
                let (id, method, template) = guess.operation.get(&operations);
                let path = path(template, &theirs, &own, guess.foreign);
                let call = cast.app.call(method.clone(), &path).bearer(&cast.stranger.access_token);
                let sent = body(&bodies, id, guess.body.as_ref());
                let call = if *method == Method::GET { call } else { call.json(sent.clone()) };
                let answer = call.send().await;
                let text = String::from_utf8_lossy(&answer.body);
                prop_assert!(!text.contains(MARK), "{method} {path} with {sent}: {text}");
                prop_assert!(!answer.status.is_server_error(), "{method} {path} with {sent}: {text}");
                worked.set(worked.get() + u32::from(answer.status.is_success()));
            }
            Ok::<(), TestCaseError>(())
        })
    });
    outcome.unwrap();
    assert!(worked.get() > 20, "the stranger got hardly anything done: {worked:?}");
    assert_eq!(runtime.block_on(everything(&cast)), before);
}
