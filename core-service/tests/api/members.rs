//! Members and their roles.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::{Call, User};

fn member(user: &User) -> String {
    format!("/members/{}", user.id)
}

#[tokio::test]
async fn members_are_listed_with_their_roles() {
    let cast = Cast::new().await;
    let listed = cast.read(&cast.viewer, "/members?limit=3").await.expect(200).json();
    let cursor = listed["next_cursor"].as_str().unwrap();
    let rest = cast.read(&cast.viewer, &format!("/members?limit=3&cursor={cursor}")).await.expect(200).json();
    let mut seen: Vec<_> = [listed, rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap().clone())
        .map(|member| (member["email"].as_str().unwrap().to_owned(), member["role"].clone()))
        .collect();
    let mut expected = vec![
        (cast.owner.email.clone(), json!("owner")),
        (cast.admin.email.clone(), json!("admin")),
        (cast.editor.email.clone(), json!("editor")),
        (cast.viewer.email.clone(), json!("viewer")),
    ];
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn adding_finds_users_whatever_the_case_of_their_address() {
    let cast = Cast::new().await;
    let new = cast.app.user().await;
    let body = json!({ "email": new.email.to_uppercase(), "role": "editor" });
    let answer = cast.send(&cast.admin, Method::POST, "/members", body.clone()).await.expect(201);
    assert_eq!(answer.header("location"), cast.path(&member(&new)));
    assert_eq!(answer.header("etag"), "\"v1\"");
    let read = cast.read(&new, member(&new)).await.expect(200).json();
    assert_eq!(read, answer.json());
    assert_eq!(read["role"], "editor");
    cast.send(&cast.admin, Method::POST, "/members", body).await.problem(409, "already-member");
}

#[tokio::test]
async fn nonsense_is_refused() {
    let cast = Cast::new().await;
    for (body, pointer) in [
        (json!({ "email": "nobody@example.org", "role": "editor" }), "/email"),
        (json!({ "email": "no address", "role": "editor" }), "/email"),
        (json!({ "email": "a\u{0}@example.org", "role": "editor" }), "/email"),
        (json!({ "email": cast.stranger.email, "role": "king" }), "/role"),
        (json!({ "email": cast.stranger.email }), "/role"),
    ] {
        let answer = cast.send(&cast.owner, Method::POST, "/members", body.clone()).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
    let change = cast.send(&cast.owner, Method::PATCH, member(&cast.stranger), json!({ "role": "admin" }));
    change.await.problem(404, "not-found");
    cast.call(&cast.owner, Method::DELETE, member(&cast.stranger)).send().await.problem(404, "not-found");
}

/// Whether an address is registered is told only to those who may add it.
#[tokio::test]
async fn who_may_not_add_learns_nothing_of_addresses() {
    let cast = Cast::new().await;
    for email in ["nobody@example.org", &cast.stranger.email] {
        let body = json!({ "email": email, "role": "viewer" });
        let refused = cast.send(&cast.editor, Method::POST, "/members", body.clone()).await;
        let problem = refused.problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("members:manage"), "{problem}");
        cast.send(&cast.stranger, Method::POST, "/members", body).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn only_owners_make_and_unmake_owners() {
    let cast = Cast::new().await;
    let role = |role: &str| json!({ "role": role });
    let change = async |by: &User, of: &User, to: &str| cast.send(by, Method::PATCH, member(of), role(to)).await;
    let new = json!({ "email": cast.stranger.email, "role": "owner" });
    cast.send(&cast.admin, Method::POST, "/members", new).await.problem(403, "forbidden");
    change(&cast.admin, &cast.admin, "owner").await.problem(403, "forbidden");
    change(&cast.admin, &cast.owner, "viewer").await.problem(403, "forbidden");
    let remove = cast.call(&cast.admin, Method::DELETE, member(&cast.owner)).send().await;
    let problem = remove.problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("owners:manage"), "{problem}");
    change(&cast.admin, &cast.viewer, "admin").await.expect(200);
    change(&cast.owner, &cast.admin, "owner").await.expect(200);
    change(&cast.admin, &cast.owner, "viewer").await.expect(200);
    change(&cast.owner, &cast.admin, "viewer").await.problem(403, "forbidden");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let cast = Cast::new().await;
    let path = member(&cast.owner);
    cast.call(&cast.owner, Method::DELETE, &path).send().await.problem(409, "last-owner");
    cast.send(&cast.owner, Method::PATCH, &path, json!({ "role": "admin" })).await.problem(409, "last-owner");
    cast.send(&cast.owner, Method::PATCH, &path, json!({ "role": "owner" })).await.expect(200);
    cast.send(&cast.owner, Method::PATCH, member(&cast.admin), json!({ "role": "owner" })).await.expect(200);
    cast.call(&cast.owner, Method::DELETE, &path).send().await.expect(204);
    cast.read(&cast.owner, "").await.problem(404, "not-found");
}

#[tokio::test]
async fn owners_who_leave_at_the_same_time_do_not_leave_nobody() {
    let cast = Cast::new().await;
    for _ in 0..8 {
        cast.send(&cast.owner, Method::PATCH, member(&cast.admin), json!({ "role": "owner" })).await.expect(200);
        let (one, other) = tokio::join!(
            cast.call(&cast.owner, Method::DELETE, member(&cast.owner)).send(),
            cast.send(&cast.admin, Method::PATCH, member(&cast.admin), json!({ "role": "admin" })),
        );
        let left = one.status == 204;
        assert_ne!(left, other.status == 200, "{one:?} {other:?}");
        // Who is left owns: begin again with both.
        if left {
            let body = json!({ "email": cast.owner.email, "role": "owner" });
            cast.send(&cast.admin, Method::POST, "/members", body).await.expect(201);
        }
    }
}

/// The role that allows a change is the one that is there when the change happens.
#[tokio::test]
async fn two_owners_who_demote_each_other_do_not_both_succeed() {
    let cast = Cast::new().await;
    cast.send(&cast.owner, Method::PATCH, member(&cast.admin), json!({ "role": "owner" })).await.expect(200);
    let (one, other) = tokio::join!(
        cast.send(&cast.owner, Method::PATCH, member(&cast.admin), json!({ "role": "viewer" })),
        cast.send(&cast.admin, Method::PATCH, member(&cast.owner), json!({ "role": "viewer" })),
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
}

#[tokio::test]
async fn everybody_else_may_leave() {
    let cast = Cast::new().await;
    for user in [&cast.viewer, &cast.editor, &cast.admin] {
        cast.call(user, Method::DELETE, member(user)).send().await.expect(204);
        cast.read(user, "").await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn changes_can_be_conditional() {
    let cast = Cast::new().await;
    let path = member(&cast.viewer);
    let change = |tag: &'static str, role: &str| {
        cast.call(&cast.owner, Method::PATCH, &path).header("if-match", tag).json(json!({ "role": role })).send()
    };
    assert_eq!(change("\"v1\"", "editor").await.expect(200).header("etag"), "\"v2\"");
    change("\"v1\"", "admin").await.problem(412, "precondition-failed");
    let remove = cast.call(&cast.owner, Method::DELETE, &path).header("if-match", "\"v1\"");
    remove.send().await.problem(412, "precondition-failed");
}

#[tokio::test]
async fn adding_tells_nothing_of_the_accounts_of_strangers() {
    let cast = Cast::new().await;
    let mut config = cast.app.config.clone();
    config.identity.email_verification = core_service::config::EmailVerification::Required;
    let router = core_service::app::build(config).unwrap().1;
    let add = |email: &str| {
        let call = Call::new(router.clone(), Method::POST, &cast.path("/members")).bearer(&cast.owner.access_token);
        call.json(json!({ "email": email, "role": "viewer" })).send()
    };
    let told = |mut problem: Value| {
        problem["request_id"].take();
        problem
    };
    let stranger = told(add(&cast.stranger.email).await.problem(422, "validation-failed"));
    let nobody = told(add("nobody@example.org").await.problem(422, "validation-failed"));
    assert_eq!(stranger, nobody);
    // They meet somewhere else.
    let body = json!({ "email": cast.owner.email, "role": "viewer" });
    let path = format!("/api/v1/workspaces/{}/members", cast.elsewhere);
    cast.app.post(&path).bearer(&cast.stranger.access_token).json(body).send().await.expect(201);
    add(&cast.stranger.email).await.expect(201);
}
