//! The audit trail: what is kept, who reads it, and that nobody rewrites it.

use core_service::audit::{Action, verify};
use core_service::database::Scope;
use http::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use crate::cast::{Cast, encoded};
use crate::support::{TestApp, User};

/// The events of a list, oldest first, as `action outcome`.
fn told(page: &Value) -> Vec<String> {
    let events = page["items"].as_array().unwrap().iter().rev();
    events
        .map(|event| format!("{} {}", event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect()
}

async fn own(app: &TestApp, user: &User) -> Value {
    app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.expect(200).json()
}

#[tokio::test]
async fn an_account_has_its_history() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let wrong = json!({ "email": user.email, "password": "battery staple" });
    app.post("/api/v1/auth/login").json(wrong).send().await.problem(401, "invalid-credentials");
    let other = app.sign_in(&user).await;
    app.post("/api/v1/auth/logout").bearer(&other.access_token).send().await.expect(204);
    let third = app.sign_in(&user).await;
    let sessions = app.get("/api/v1/auth/sessions").bearer(&third.access_token).send().await.json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let call = app.delete(&format!("/api/v1/auth/sessions/{session}"));
    call.bearer(&user.access_token).header("user-agent", "harbour/1.0").send().await.expect(204);
    let history = own(&app, &user).await;
    assert_eq!(
        told(&history),
        [
            "user.registered success",
            "session.started success",
            "login.failed failure",
            "session.started success",
            "session.ended success",
            "session.started success",
            "session.ended success",
        ]
    );
    let newest = &history["items"][0];
    assert_eq!(newest["actor_id"], user.id.as_str());
    assert_eq!(newest["target_id"], session.as_str());
    assert_eq!(newest["details"], json!({ "because": "revoked" }));
    assert_eq!(newest["address"], "192.0.2.1");
    assert_eq!(newest["user_agent"], "harbour/1.0");
    assert!(newest["request_id"].is_string());
    assert_eq!(history["items"][4]["actor"], "anonymous", "a failed sign-in says nothing of who it was");
    assert!(!history.to_string().contains("battery"));
    assert_eq!(
        told(&own(&app, &app.user().await).await),
        ["user.registered success", "session.started success"],
        "of oneself alone"
    );
}

/// For an address that nobody has, something is kept as well: in nobody's trail.
#[tokio::test]
async fn a_failed_sign_in_with_an_unknown_address_is_kept() {
    let app = TestApp::start().await;
    let wrong = json!({ "email": "nobody@example.org", "password": "battery staple" });
    app.post("/api/v1/auth/login").json(wrong).send().await.problem(401, "invalid-credentials");
    let kept: Value = sqlx::query_scalar("SELECT to_jsonb(e) FROM audit_events e")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(kept["action"], "login.failed");
    assert_eq!((&kept["user_id"], &kept["actor_id"]), (&Value::Null, &Value::Null));
    assert!(!kept.to_string().contains("nobody@"), "people type passwords into the wrong field");
}

#[tokio::test]
async fn a_stolen_refresh_token_is_told() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let refresh =
        async |token: &str| app.post("/api/v1/auth/refresh").json(json!({ "refresh_token": token })).send().await;
    let child = refresh(&user.refresh_token).await.expect(200).json();
    refresh(child["refresh_token"].as_str().unwrap()).await.expect(200);
    refresh(&user.refresh_token).await.problem(400, "invalid-grant");
    let again = app.sign_in(&user).await;
    assert!(told(&own(&app, &again).await).contains(&"session.refresh-reused denied".to_owned()));
}

#[tokio::test]
async fn a_workspace_has_its_history_and_denials_are_in_it() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let path = "/collections/orders";
    cast.send(&cast.admin, Method::PATCH, path, json!({ "schema": { "title": "t" } })).await.expect(200);
    cast.send(&cast.viewer, Method::PATCH, path, json!({ "schema": {} })).await.problem(403, "forbidden");
    cast.call(&cast.stranger, Method::DELETE, path).send().await.problem(404, "not-found");
    cast.call(&cast.admin, Method::DELETE, path).send().await.expect(204);
    let member = format!("/members/{}", cast.viewer.id);
    cast.send(&cast.owner, Method::PATCH, &member, json!({ "role": "editor" })).await.expect(200);
    cast.call(&cast.owner, Method::DELETE, &member).send().await.expect(204);
    let history = cast.read(&cast.admin, "/audit").await.expect(200).json();
    assert_eq!(
        told(&history),
        [
            "workspace.created success",
            "member.added success",
            "member.added success",
            "member.added success",
            "collection.created success",
            "collection.changed success",
            "permission.denied denied",
            "collection.deleted success",
            "member.changed success",
            "member.removed success",
        ]
    );
    let denied = &history["items"][3];
    assert_eq!(denied["actor_id"], cast.viewer.id.as_str());
    let asked = json!({ "missing": "collections:manage", "method": "PATCH", "path": cast.path(path) });
    assert_eq!(denied["details"], asked);
    assert_eq!(history["items"][1]["details"], json!({ "role": { "from": "viewer", "to": "editor" } }));
}

#[tokio::test]
async fn the_trail_outlives_its_workspace() {
    let cast = Cast::new().await;
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
    cast.read(&cast.owner, "/audit").await.problem(404, "not-found");
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_events WHERE workspace_id::text = $1 ORDER BY id DESC")
            .bind(&cast.workspace)
            .fetch_all(&mut cast.app.database().await)
            .await
            .unwrap();
    assert_eq!(kept[0], "workspace.deleted");
    assert_eq!(kept.len(), 5);
}

#[tokio::test]
async fn it_is_asked_with_filters_and_pages() {
    let cast = Cast::new().await;
    let ask = async |query: &str| cast.read(&cast.owner, format!("/audit?{query}")).await;
    assert_eq!(told(&ask("action=member.added").await.expect(200).json()).len(), 3);
    assert_eq!(told(&ask(&format!("target_id={}", cast.editor.id)).await.expect(200).json()).len(), 1);
    assert_eq!(told(&ask(&format!("actor_id={}", cast.owner.id)).await.expect(200).json()).len(), 4);
    assert_eq!(told(&ask("outcome=denied").await.expect(200).json()).len(), 0);
    let first = ask("limit=1").await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ask(&format!("limit=3&cursor={cursor}")).await.expect(200).json();
    assert_eq!(second["items"].as_array().unwrap().len(), 3);
    assert_eq!(second["next_cursor"], Value::Null);
    let middle = encoded(second["items"][1]["at"].as_str().unwrap());
    assert_eq!(told(&ask(&format!("since={middle}")).await.expect(200).json()).len(), 3);
    assert_eq!(told(&ask(&format!("until={middle}")).await.expect(200).json()).len(), 1);
    ask("since=yesterday").await.problem(400, "invalid-query");
    ask("secret=1").await.problem(400, "invalid-query");
    ask("action=a%00b").await.problem(400, "invalid-query");
    ask("cursor=x").await.problem(400, "invalid-cursor");
}

/// More than one piece of it, so that the seams are looked at.
#[tokio::test]
async fn the_export_is_the_whole_trail_as_json_lines() {
    let cast = Cast::new().await;
    let fill = "INSERT INTO audit_events (id, workspace_id, action, outcome, actor)
                SELECT gen_random_uuid(), $1::uuid, 'x.filled', 'success', 'system' FROM generate_series(1, 1200)";
    sqlx::query(fill).bind(&cast.workspace).execute(&mut cast.app.database().await).await.unwrap();
    let answer = cast.read(&cast.admin, "/audit/export").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/jsonl");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: std::collections::HashSet<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (1204, 1204));
    let some = cast.read(&cast.admin, "/audit/export?action=member.added").await.expect(200);
    assert_eq!(some.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), 3);
    let exports = cast.read(&cast.owner, "/audit?action=audit.exported").await.expect(200).json();
    assert_eq!(told(&exports).len(), 2, "that somebody took it with them is told, too");
}

/// What clients say of themselves stays inside the entry that it belongs to.
#[tokio::test]
async fn no_client_writes_an_entry_of_its_own() {
    let cast = Cast::new().await;
    let lines = async || {
        let answer = cast.read(&cast.admin, "/audit/export").await.expect(200);
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let before = lines().await.len();
    let forged = "x\"}\\n{\"action\":\"member.added\",\t\"id\":\"1";
    cast.call(&cast.viewer, Method::DELETE, "").header("user-agent", forged).send().await.problem(403, "forbidden");
    let after = lines().await;
    // The export before is an entry, too.
    assert_eq!(after.len(), before + 2);
    let denied = after.iter().find(|line| line["action"] == "permission.denied").unwrap();
    assert_eq!(denied["user_agent"], forged);
}

#[tokio::test]
async fn the_service_can_only_add() {
    let cast = Cast::new().await;
    let scopes = [
        Scope::user(cast.owner.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap()),
        Scope::user(cast.owner.id.parse().unwrap()),
    ];
    for sql in [
        "UPDATE audit_events SET action = 'x.y'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "INSERT INTO audit_links VALUES (gen_random_uuid(), 1, gen_random_uuid(), sha256(''))",
        "UPDATE audit_links SET position = 7",
        "DELETE FROM audit_links",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    ] {
        for scope in &scopes {
            let mut tx = cast.app.state.database.begin(scope).await.unwrap();
            let error = sqlx::query(sql).execute(&mut *tx).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn events_that_race_make_one_unbroken_chain() {
    let cast = Cast::new().await;
    let call = |number: usize| {
        let user = [&cast.viewer, &cast.editor][number % 2];
        cast.send(user, Method::POST, "/collections", json!({ "name": "x", "schema": {} }))
    };
    for answer in futures_util::future::join_all((0..40).map(call)).await {
        answer.problem(403, "forbidden");
    }
    let found = verify::verify(&cast.app.state, &[]).await.unwrap();
    assert_eq!(found.wrong, Vec::<String>::new());
    let chain = found.heads.iter().find(|head| head.chain.to_string() == cast.workspace).unwrap();
    assert_eq!(chain.position, 44);
    assert_eq!(found.heads.len(), 7, "five accounts and two workspaces");
}

/// As somebody who owns the database and takes down every guard.
#[tokio::test]
async fn tampering_is_found() {
    let app = TestApp::start().await;
    let users = [app.user().await, app.user().await, app.user().await];
    for user in &users {
        for _ in 0..3 {
            app.sign_in(user).await;
        }
    }
    let before = verify::verify(&app.state, &[]).await.unwrap();
    assert_eq!((before.wrong.len(), before.good, before.heads.len()), (0, 15, 3));
    let mut database = app.database().await;
    let event = |position: i64| {
        let chain = &users[0].id;
        format!("(SELECT event_id FROM audit_links WHERE chain = '{chain}' AND position = {position})")
    };
    for (tampering, found) in [
        (
            format!("UPDATE audit_events SET address = '203.0.113.7' WHERE id = {}", event(2)),
            "is not as it was written",
        ),
        (
            format!("UPDATE audit_events SET at = at - interval '1 hour' WHERE id = {}", event(1)),
            "is not as it was written",
        ),
        (format!("DELETE FROM audit_events WHERE id = {}", event(3)), "is missing"),
        (format!("DELETE FROM audit_links WHERE event_id = {}", event(2)), "is in no chain"),
        (format!("UPDATE audit_events SET user_id = '{}' WHERE id = {}", users[1].id, event(1)), "is missing"),
        (
            format!(
                "WITH gone AS (DELETE FROM audit_links WHERE event_id = {} RETURNING event_id)
                 DELETE FROM audit_events WHERE id = (SELECT event_id FROM gone)",
                event(5)
            ),
            "was cut off",
        ),
    ] {
        let mut tx = database.begin().await.unwrap();
        let bare = "ALTER TABLE audit_events DISABLE TRIGGER ALL; ALTER TABLE audit_links DISABLE TRIGGER ALL";
        sqlx::raw_sql(bare).execute(&mut *tx).await.unwrap();
        sqlx::query("CREATE TABLE kept_events AS SELECT * FROM audit_events").execute(&mut *tx).await.unwrap();
        sqlx::query("CREATE TABLE kept_links AS SELECT * FROM audit_links").execute(&mut *tx).await.unwrap();
        sqlx::query(AssertSqlSafe(tampering.clone())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let after = verify::verify(&app.state, &before.heads).await.unwrap();
        assert!(after.wrong.iter().any(|wrong| wrong.contains(found)), "{tampering}: {:?}", after.wrong);
        // As it was, for the next.
        let columns = "id, at, workspace_id, user_id, action, outcome, actor, actor_id, session_id, impersonator_id,
                       target_type, target_id, details, address, user_agent, request_id";
        let mend = format!(
            "DELETE FROM audit_events; INSERT INTO audit_events ({columns}) SELECT {columns} FROM kept_events;
             DELETE FROM audit_links; INSERT INTO audit_links SELECT * FROM kept_links;
             DROP TABLE kept_events, kept_links"
        );
        sqlx::raw_sql(AssertSqlSafe(mend)).execute(&mut database).await.unwrap();
        let mended = verify::verify(&app.state, &before.heads).await.unwrap();
        assert_eq!(mended.wrong, Vec::<String>::new());
    }
}

#[test]
fn every_action_is_told() {
    let page = include_str!("../../../docs/security/audit.md");
    let told: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
    assert_eq!(told, known, "docs/security/audit.md and audit/action.rs differ");
}
