//! Support acting in a member's name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_service::identity::{appoint_support, dismiss_support};
use http::Method;
use serde_json::{Value, json};

use crate::accounts::mfa;
use crate::cast::{Cast, workspace_of};
use crate::support::{Answer, User};

/// Somebody who is support, signed in with a second factor.
async fn supporter(cast: &Cast) -> User {
    let (user, secret) = mfa::with_app(&cast.app).await;
    appoint_support(&cast.app.state, &user.email).await.unwrap();
    let answer = json!({ "challenge": mfa::challenge(&cast.app, &user).await, "method": "totp",
                         "code": mfa::code(&secret, 1) });
    let signed_in = cast.app.post("/api/v1/auth/mfa").json(answer).send().await.expect(200).json();
    User::of(&signed_in, &user.password)
}

async fn consent(cast: &Cast) {
    cast.send(&cast.owner, Method::PUT, "/support-access", json!({ "hours": 2 })).await.expect(200);
}

async fn begin(cast: &Cast, support: &User, member: &User) -> Answer {
    cast.send(support, Method::POST, "/support-sessions", json!({ "user": member.id, "reason": "Ticket 4711" })).await
}

/// The member, in support's hands.
async fn acting(cast: &Cast, support: &User, member: &User) -> User {
    let begun = begin(cast, support, member).await.expect(201).json();
    let text = |name: &str| begun[name].as_str().unwrap().to_owned();
    User { access_token: text("access_token"), refresh_token: text("refresh_token"), ..member.clone() }
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn support_sees_what_the_member_sees_and_it_is_seen() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let support = supporter(&cast).await;
    consent(&cast).await;
    let hands = acting(&cast, &support, &cast.editor).await;
    let token = claims(&hands.access_token);
    assert_eq!(token["sub"], cast.editor.id);
    assert_eq!(token["act"], json!({ "sub": support.id, "workspace": cast.workspace }));
    let made = cast.send(&hands, Method::POST, "/collections/orders/documents", json!({ "data": { "a": 1 } })).await;
    assert_eq!(made.expect(201).json()["created_by"], cast.editor.id);
    cast.read(&hands, "/members").await.expect(200);

    let mine = cast.app.get("/api/v1/auth/sessions").bearer(&cast.editor.access_token).send().await.expect(200).json();
    assert_eq!(mine["items"][0]["support"], support.id);
    assert_eq!(mine["items"][0]["id"], token["sid"]);
    let access = cast.read(&cast.viewer, "/support-access").await.expect(200).json();
    assert_eq!(access["given_by"], cast.owner.id);
    let running = &access["sessions"][0];
    assert_eq!((&running["user"], &running["support"]), (&json!(cast.editor.id), &json!(support.id)));
    assert_eq!(running["reason"], "Ticket 4711");
    let mails = cast.app.mailed(&cast.editor.email).await;
    let mail = &mails.last().unwrap().text;
    assert!(mail.contains("Ticket 4711") && mail.contains("Harbour"), "{mail}");

    let trail = cast.read(&cast.owner, "/audit?limit=3").await.expect(200).json();
    let told: Vec<_> =
        trail["items"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["support.acted", "support.acted", "support.began"]);
    for event in trail["items"].as_array().unwrap() {
        assert_eq!(event["actor_id"], cast.editor.id, "{event}");
        assert_eq!(event["impersonator_id"], support.id, "{event}");
    }
    assert_eq!(trail["items"][0]["details"], json!({ "method": "GET", "path": cast.path("/members") }));
    let own =
        cast.app.get("/api/v1/me/audit?limit=1").bearer(&cast.editor.access_token).send().await.expect(200).json();
    assert_eq!(own["items"][0]["action"], "support.began");
}

#[tokio::test]
async fn support_needs_consent_a_second_factor_and_a_recent_proof() {
    let cast = Cast::new().await;
    let support = supporter(&cast).await;
    begin(&cast, &support, &cast.editor).await.problem(403, "forbidden");
    cast.send(&cast.admin, Method::PUT, "/support-access", json!({ "hours": 2 })).await.problem(403, "forbidden");
    for hours in [0, 73] {
        let body = json!({ "hours": hours });
        cast.send(&cast.owner, Method::PUT, "/support-access", body).await.problem(422, "validation-failed");
    }
    consent(&cast).await;
    begin(&cast, &cast.stranger, &cast.editor).await.problem(404, "not-found");
    begin(&cast, &cast.owner, &cast.editor).await.problem(404, "not-found");
    begin(&cast, &support, &cast.stranger).await.problem(422, "validation-failed");
    let elsewhere = format!("/api/v1/workspaces/{}/support-sessions", cast.elsewhere);
    let body = json!({ "user": cast.stranger.id, "reason": "Ticket" });
    let call = cast.app.post(&elsewhere).bearer(&support.access_token).json(body);
    call.send().await.problem(403, "forbidden");
    // With the password alone.
    let colleague = cast.app.user().await;
    appoint_support(&cast.app.state, &colleague.email).await.unwrap();
    begin(&cast, &colleague, &cast.editor).await.problem(403, "mfa-needed");
    let long_ago = "UPDATE sessions SET authenticated_at = now() - interval '1 day'";
    sqlx::query(long_ago).execute(&mut cast.app.database().await).await.unwrap();
    begin(&cast, &support, &cast.editor).await.problem(401, "step-up-required");
}

/// Of all operations there are, those of this list alone are for support; a new one is not until it stands here.
#[tokio::test]
async fn nothing_but_this_is_for_support() {
    const ALLOWED: &[&str] = &[
        "access.explain",
        "collections.get",
        "collections.list",
        "documents.aggregate",
        "documents.bulk",
        "documents.comments.change",
        "documents.comments.create",
        "documents.comments.delete",
        "documents.comments.list",
        "documents.create",
        "documents.delete",
        "documents.export",
        "documents.get",
        "documents.import",
        "documents.list",
        "documents.replace",
        "documents.trash.list",
        "documents.trash.restore",
        "documents.update",
        "documents.versions.diff",
        "documents.versions.get",
        "documents.versions.list",
        "documents.versions.restore",
        "events.list",
        "files.change",
        "files.content",
        "files.create",
        "files.delete",
        "files.get",
        "files.list",
        "files.replace",
        "files.trash.list",
        "files.trash.restore",
        "files.usage",
        "files.versions.list",
        "files.versions.restore",
        "folders.change",
        "folders.create",
        "folders.delete",
        "folders.get",
        "folders.list",
        "identity.logout",
        "members.get",
        "members.list",
        "roles.get",
        "roles.list",
        "search.index.get",
        "search.query",
        "service_accounts.get",
        "service_accounts.list",
        "support.access.get",
        "teams.get",
        "teams.list",
        "teams.members.list",
        "uploads.append",
        "uploads.begin",
        "uploads.end",
        "uploads.get",
        "workspaces.get",
    ];
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let support = supporter(&cast).await;
    consent(&cast).await;
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let security = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !security.contains(&json!({ "bearer": [] })) {
                continue;
            }
            asked += 1;
            // In the name of an owner, who may do everything.
            let hands = acting(&cast, &support, &cast.owner).await;
            let path = template.replace("{workspace}", &cast.workspace).replace("{collection}", "orders");
            let path = path.replace("{user}", &cast.viewer.id).replace("{role}", "editor");
            let mut path = path.replace("{session}", claims(&hands.access_token)["sid"].as_str().unwrap());
            while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                path.replace_range(from..=to, &cast.workspace);
            }
            let call = cast.app.call(method.to_uppercase().parse().unwrap(), &path).bearer(&hands.access_token);
            let call = if method == "get" { call } else { call.json(bodies(id)) };
            let answer = call.send().await;
            let refused = answer.status == 403;
            if refused == ALLOWED.contains(&id) || answer.status.is_server_error() {
                wrong.push(format!("{method} {path} ({id}): {}", answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asked > 100, "only {asked} operations were tried");
}

/// A body that the operation would take, so that nothing but support's limits refuses it.
fn bodies(operation: &str) -> Value {
    match operation {
        "documents.bulk" => json!({ "operations": [{ "op": "create", "collection": "orders", "data": {} }] }),
        "documents.create" | "documents.replace" | "documents.update" => json!({ "data": {} }),
        "collections.create" => json!({ "name": "more", "schema": {} }),
        "collections.replace" => json!({ "name": "orders", "schema": {} }),
        "collections.update" => json!({ "schema": {} }),
        "collections.rules.put" => json!({ "rules": [] }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn either_side_ends_it_at_once() {
    let cast = Cast::new().await;
    let support = supporter(&cast).await;
    let refresh = async |hands: &User| {
        let body = json!({ "refresh_token": hands.refresh_token });
        cast.app.post("/api/v1/auth/refresh").json(body).send().await
    };
    consent(&cast).await;
    // The member.
    let hands = acting(&cast, &support, &cast.editor).await;
    let session = claims(&hands.access_token)["sid"].as_str().unwrap().to_owned();
    let end = cast.app.delete(&format!("/api/v1/auth/sessions/{session}")).bearer(&cast.editor.access_token);
    end.send().await.expect(204);
    cast.read(&hands, "").await.problem(401, "invalid-token");
    refresh(&hands).await.problem(400, "invalid-grant");
    // The workspace, whatever token is shown: also at a core that has not heard of it.
    let hands = acting(&cast, &support, &cast.editor).await;
    let (_, elsewhere) = cast.app.another();
    let there = async || {
        let call = crate::support::Call::new(elsewhere.clone(), Method::GET, &cast.path("/members"));
        call.bearer(&hands.access_token).send().await
    };
    there().await.expect(200);
    cast.call(&cast.owner, Method::DELETE, "/support-access").send().await.expect(204);
    assert!([401, 404].contains(&there().await.status.as_u16()));
    cast.read(&hands, "").await.problem(401, "invalid-token");
    refresh(&hands).await.problem(400, "invalid-grant");
    // Support itself, and the operator.
    consent(&cast).await;
    let hands = acting(&cast, &support, &cast.editor).await;
    cast.app.post("/api/v1/auth/logout").bearer(&hands.access_token).send().await.expect(204);
    cast.read(&hands, "").await.problem(401, "invalid-token");
    let hands = acting(&cast, &support, &cast.editor).await;
    dismiss_support(&cast.app.state, &support.email).await.unwrap();
    cast.read(&hands, "").await.problem(401, "invalid-token");
    begin(&cast, &support, &cast.editor).await.problem(404, "not-found");
}

/// A consent that is over ends what a token still says, and refreshing does not make a session longer.
#[tokio::test]
async fn it_ends_by_itself() {
    let cast = Cast::new().await;
    let support = supporter(&cast).await;
    consent(&cast).await;
    let hands = acting(&cast, &support, &cast.editor).await;
    let body = json!({ "refresh_token": hands.refresh_token });
    let renewed = cast.app.post("/api/v1/auth/refresh").json(body).send().await.expect(200).json();
    assert_eq!(claims(renewed["access_token"].as_str().unwrap())["act"]["sub"], support.id, "it stays what it is");
    let good: bool = sqlx::query_scalar(
        "SELECT expires_at <= created_at + interval '1 hour' AND expires_at <= not_after FROM sessions
         WHERE impersonator_id IS NOT NULL",
    )
    .fetch_one(&mut cast.app.database().await)
    .await
    .unwrap();
    assert!(good);
    cast.read(&hands, "").await.expect(200);
    sqlx::query("UPDATE support_consents SET expires_at = now()")
        .execute(&mut cast.app.database().await)
        .await
        .unwrap();
    cast.read(&hands, "").await.problem(404, "not-found");
}

/// Not even by the database: what the service lets through, the policies of the tables refuse.
#[tokio::test]
async fn support_is_held_down_in_every_workspace_but_one() {
    let cast = Cast::new().await;
    let support = supporter(&cast).await;
    consent(&cast).await;
    let hands = acting(&cast, &support, &cast.owner).await;
    let other = workspace_of(&cast.app, &cast.owner).await;
    let path = format!("/api/v1/workspaces/{other}/members");
    cast.app.get(&path).bearer(&hands.access_token).send().await.problem(403, "forbidden");
    cast.app.get("/api/v1/workspaces").bearer(&hands.access_token).send().await.problem(403, "forbidden");
    let denied = cast.read(&cast.owner, "/audit?action=permission.denied").await.expect(200).json();
    assert_eq!(denied["items"].as_array().unwrap().len(), 2);
    assert_eq!(denied["items"][0]["impersonator_id"], support.id);
}
