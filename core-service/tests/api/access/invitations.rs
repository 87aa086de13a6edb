//! Invitations by mail.

use http::Method;
use serde_json::{Value, json};

use super::roles::member_with;
use crate::cast::{Cast, workspace_of};
use crate::support::{Answer, User};

async fn invite(cast: &Cast, by: &User, email: &str, role: &str) -> Answer {
    cast.send(by, Method::POST, "/invitations", json!({ "email": email, "role": role })).await
}

async fn accept(cast: &Cast, user: &User, code: &str) -> Answer {
    let call = cast.app.post("/api/v1/invitations/accept").bearer(&user.access_token);
    call.json(json!({ "code": code })).send().await
}

async fn register(cast: &Cast, email: &str) -> User {
    let new = json!({ "email": email, "password": "correct horse battery" });
    let registered = cast.app.post("/api/v1/auth/register").json(new).send().await.expect(201);
    User::of(&registered.json(), "correct horse battery")
}

/// Proves that the user's address is theirs.
async fn verify(cast: &Cast, user: &User) {
    let sql = "UPDATE users SET email_verified_at = now() WHERE email = $1";
    sqlx::query(sql).bind(&user.email).execute(&mut cast.app.database().await).await.unwrap();
}

#[tokio::test]
async fn somebody_new_registers_with_the_address_and_accepts() {
    let cast = Cast::new().await;
    let team = cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": "Pilots", "role": "editor" })).await;
    let team = team.expect(201).json()["id"].clone();
    let new = json!({ "email": "Mate@Example.org", "role": "viewer", "teams": [team] });
    let invited = cast.send(&cast.admin, Method::POST, "/invitations", new).await.expect(201);
    assert_eq!(invited.json()["email"], "mate@example.org");
    let code = cast.app.mailed_code("mate@example.org").await;
    assert!(!String::from_utf8_lossy(&invited.body).contains(&code), "the code is in the mail alone");
    let look = cast.app.post("/api/v1/invitations/look").json(json!({ "code": code })).send().await.expect(200).json();
    let expected = json!({ "id": invited.json()["id"], "workspace": cast.workspace, "workspace_name": "Harbour",
                           "email": "mate@example.org", "role": "viewer", "expires_at": invited.json()["expires_at"] });
    assert_eq!(look, expected);
    let mate = register(&cast, "mate@example.org").await;
    cast.read(&mate, "").await.problem(404, "not-found");
    let accepted = accept(&cast, &mate, &code.to_lowercase()).await.expect(200).json();
    assert_eq!((&accepted["id"], &accepted["role"]), (&json!(cast.workspace), &json!("viewer")));
    cast.read(&mate, "").await.expect(200);
    let crew = cast.read(&mate, format!("/teams/{}/members", team.as_str().unwrap())).await.expect(200).json();
    assert_eq!(crew["items"][0]["user_id"], mate.id);
    accept(&cast, &mate, &code).await.problem(400, "invalid-code");
    assert_eq!(cast.read(&cast.admin, "/invitations").await.expect(200).json()["items"], json!([]));
    invite(&cast, &cast.admin, "mate@example.org", "viewer").await.problem(409, "already-member");
    let history = cast.read(&cast.owner, "/audit?limit=2").await.expect(200).json();
    assert_eq!(history["items"][0]["action"], "invitation.accepted");
    assert_eq!(history["items"][0]["actor_id"], mate.id);
    assert_eq!(history["items"][1]["action"], "member.invited");
}

#[tokio::test]
async fn a_verified_address_needs_no_code() {
    let cast = Cast::new().await;
    let email = &cast.stranger.email;
    let invited = invite(&cast, &cast.owner, email, "editor").await.expect(201).json();
    let mine = async |user: &User| {
        cast.app.get("/api/v1/me/invitations").bearer(&user.access_token).send().await.expect(200).json()["items"]
            .clone()
    };
    let path = format!("/api/v1/me/invitations/{}/accept", invited["id"].as_str().unwrap());
    let accept = async |user: &User| cast.app.post(&path).bearer(&user.access_token).send().await;
    assert_eq!(mine(&cast.stranger).await, json!([]), "anybody registers any address");
    accept(&cast.stranger).await.problem(404, "not-found");
    verify(&cast, &cast.stranger).await;
    assert_eq!(mine(&cast.stranger).await[0]["workspace_name"], "Harbour");
    assert_eq!(mine(&cast.viewer).await, json!([]));
    accept(&cast.viewer).await.problem(404, "not-found");
    assert_eq!(accept(&cast.stranger).await.expect(200).json()["role"], "editor");
    accept(&cast.stranger).await.problem(404, "not-found");
    cast.read(&cast.stranger, "").await.expect(200);
}

#[tokio::test]
async fn only_the_account_with_the_address_accepts() {
    let cast = Cast::new().await;
    invite(&cast, &cast.owner, "mate@example.org", "admin").await.expect(201);
    let code = cast.app.mailed_code("mate@example.org").await;
    verify(&cast, &cast.stranger).await;
    accept(&cast, &cast.stranger, &code).await.problem(403, "forbidden");
    cast.read(&cast.stranger, "").await.problem(404, "not-found");
    let stored: Vec<Value> = sqlx::query_scalar("SELECT to_jsonb(i) FROM invitations i")
        .fetch_all(&mut cast.app.database().await)
        .await
        .unwrap();
    assert!(!format!("{stored:?}").contains(&code));
}

/// Whether an address has an account makes no difference to what is answered; the mail is in its owner's language.
#[tokio::test]
async fn nothing_tells_whether_the_address_has_an_account() {
    let cast = Cast::new().await;
    let mut answers = Vec::new();
    for email in [cast.stranger.email.as_str(), "nobody@example.org"] {
        let call = cast.call(&cast.owner, Method::POST, "/invitations").header("accept-language", "de");
        let answer = call.json(json!({ "email": email, "role": "viewer" })).send().await.expect(201);
        let mut body = answer.json();
        for varies in ["id", "email", "created_at", "expires_at"] {
            assert!(body.as_object_mut().unwrap().remove(varies).is_some());
        }
        answers.push(body);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(cast.app.mailed("nobody@example.org").await.last().unwrap().text.contains("Arbeitsbereich"));
    assert!(cast.app.mailed(&cast.stranger.email).await.last().unwrap().text.contains("in the workspace"));
}

#[tokio::test]
async fn an_invitation_is_sent_again_taken_back_and_over() {
    let cast = Cast::new().await;
    let email = cast.stranger.email.clone();
    let invited = invite(&cast, &cast.owner, &email, "viewer").await.expect(201).json();
    let path = format!("/invitations/{}", invited["id"].as_str().unwrap());
    let first = cast.app.mailed_code(&email).await;
    invite(&cast, &cast.owner, &email, "editor").await.problem(409, "conflict");
    cast.call(&cast.admin, Method::POST, format!("{path}/resend")).send().await.expect(200);
    accept(&cast, &cast.stranger, &first).await.problem(400, "invalid-code");
    let second = cast.app.mailed_code(&email).await;
    cast.call(&cast.admin, Method::DELETE, &path).send().await.expect(204);
    cast.call(&cast.admin, Method::DELETE, &path).send().await.problem(404, "not-found");
    accept(&cast, &cast.stranger, &second).await.problem(400, "invalid-code");
    invite(&cast, &cast.owner, &email, "editor").await.expect(201);
    let third = cast.app.mailed_code(&email).await;
    sqlx::query("UPDATE invitations SET expires_at = now()").execute(&mut cast.app.database().await).await.unwrap();
    accept(&cast, &cast.stranger, &third).await.problem(400, "invalid-code");
    for wrong in ["", "x", &"A".repeat(25)] {
        accept(&cast, &cast.stranger, wrong).await.problem(400, "invalid-code");
        let look = cast.app.post("/api/v1/invitations/look").json(json!({ "code": wrong }));
        look.send().await.problem(400, "invalid-code");
    }
    // What is over makes room.
    invite(&cast, &cast.owner, &email, "editor").await.expect(201);
    accept(&cast, &cast.stranger, &cast.app.mailed_code(&email).await).await.expect(200);
}

#[tokio::test]
async fn nobody_invites_to_more_than_they_have() {
    let cast = Cast::new().await;
    invite(&cast, &cast.admin, "mate@example.org", "owner").await.problem(403, "forbidden");
    invite(&cast, &cast.editor, "mate@example.org", "viewer").await.problem(403, "forbidden");
    invite(&cast, &cast.admin, "mate@example.org", "nobody").await.problem(422, "validation-failed");
    cast.send(&cast.owner, Method::POST, "/roles", json!({ "name": "guest", "permissions": [] })).await.expect(201);
    invite(&cast, &cast.admin, "mate@example.org", "guest").await.expect(201);
    cast.call(&cast.owner, Method::DELETE, "/roles/guest").send().await.problem(409, "role-in-use");

    let clerk = member_with(&cast, "clerk", json!(["members:manage"])).await;
    let invited = invite(&cast, &cast.owner, "chief@example.org", "admin").await.expect(201).json();
    let path = format!("/invitations/{}", invited["id"].as_str().unwrap());
    cast.call(&clerk, Method::DELETE, &path).send().await.problem(403, "forbidden");
    cast.call(&clerk, Method::POST, format!("{path}/resend")).send().await.problem(403, "forbidden");
    let team = cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": "Pilots", "role": "editor" })).await;
    let teams = json!([team.expect(201).json()["id"]]);
    let new = json!({ "email": "x@example.org", "role": "guest", "teams": teams });
    cast.send(&clerk, Method::POST, "/invitations", new).await.problem(403, "forbidden");
    let unknown = json!({ "email": "x@example.org", "role": "guest", "teams": [cast.owner.id] });
    let problem = cast.send(&cast.owner, Method::POST, "/invitations", unknown).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "/teams/0");
}

/// Who was stripped of a power has not given it away beforehand.
#[tokio::test]
async fn an_invitation_gives_nothing_that_its_author_lost() {
    let cast = Cast::new().await;
    verify(&cast, &cast.stranger).await;
    invite(&cast, &cast.admin, &cast.stranger.email, "admin").await.expect(201);
    let code = cast.app.mailed_code(&cast.stranger.email).await;
    let path = format!("/members/{}", cast.admin.id);
    cast.send(&cast.owner, Method::PATCH, &path, json!({ "role": "editor" })).await.expect(200);
    accept(&cast, &cast.stranger, &code).await.problem(400, "invalid-code");
    cast.call(&cast.owner, Method::DELETE, &path).send().await.expect(204);
    assert_eq!(cast.read(&cast.owner, "/invitations").await.expect(200).json()["items"], json!([]));
    accept(&cast, &cast.stranger, &code).await.problem(400, "invalid-code");
}

#[tokio::test]
async fn neither_mailboxes_nor_the_world_are_flooded() {
    let cast = Cast::new().await;
    for _ in 0..6 {
        let workspace = workspace_of(&cast.app, &cast.stranger).await;
        let call = cast.app.post(&format!("/api/v1/workspaces/{workspace}/invitations"));
        let call =
            call.bearer(&cast.stranger.access_token).json(json!({ "email": "mate@example.org", "role": "viewer" }));
        call.send().await.expect(201);
    }
    assert_eq!(cast.app.mailed("mate@example.org").await.len(), 5);
    // As if this user had invited others all day.
    let busy = "UPDATE guesses SET full_at = now() + interval '1 hour'";
    sqlx::query(busy).execute(&mut cast.app.database().await).await.unwrap();
    let refused = invite(&cast, &cast.stranger, "other@example.org", "viewer").await;
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    refused.problem(429, "too-many-attempts");
    invite(&cast, &cast.owner, "other@example.org", "viewer").await.expect(201);
}
