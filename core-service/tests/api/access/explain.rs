//! Why somebody may do something, or may not.

use http::Method;
use serde_json::{Value, json};

use super::roles::member_with;
use super::teams::{place, team};
use crate::cast::Cast;
use crate::support::User;

async fn ask(cast: &Cast, user: &User, query: &str) -> Value {
    cast.read(user, format!("/access/explain?{query}")).await.expect(200).json()
}

#[tokio::test]
async fn an_answer_names_what_decided_or_that_nothing_did() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let guest = member_with(&cast, "guest", json!([])).await;
    let about = format!("permission=documents:write&collection=orders&document={document}");

    let nothing = ask(&cast, &guest, &about).await;
    assert_eq!(nothing["allowed"], false);
    assert_eq!(nothing["because"], "No role, team or grant of this user gives documents:write here.");
    assert_eq!(nothing["sources"][0]["kind"], "role");

    let by_role = ask(&cast, &cast.editor, &about).await;
    assert_eq!(by_role["because"], "The role editor gives documents:write.");

    let pilots = team(&cast, "Pilots", json!("editor")).await;
    cast.call(&cast.owner, Method::PUT, place(&pilots, &guest)).send().await.expect(204);
    assert_eq!(ask(&cast, &guest, &about).await["because"], "The team Pilots gives documents:write.");
    cast.call(&cast.owner, Method::DELETE, &pilots).send().await.expect(204);

    let body = json!({ "on": { "collection": "orders", "document": document }, "to": { "user": guest.id },
                       "permissions": ["documents:write"] });
    let grant = cast.send(&cast.admin, Method::POST, "/grants", body).await.expect(201).json();
    let by_grant = ask(&cast, &guest, &about).await;
    assert_eq!(by_grant["because"], "A grant on this document gives documents:write.");
    let source = by_grant["sources"].as_array().unwrap().iter().find(|source| source["decides"] == true).unwrap();
    assert_eq!(source["grant"], grant["id"]);
    assert_eq!(ask(&cast, &guest, "permission=documents:write&collection=orders").await["allowed"], false);

    sqlx::query("UPDATE grants SET expires_at = now()").execute(&mut cast.app.database().await).await.unwrap();
    let over = ask(&cast, &guest, &about).await;
    assert_eq!(over["allowed"], false);
    assert!(
        over["sources"].as_array().unwrap().iter().any(|source| source["grant"] == grant["id"]),
        "an old grant is told"
    );
}

/// The explanation is what the decision was, for everybody and everything.
#[tokio::test]
async fn explanations_agree_with_decisions() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let guest = member_with(&cast, "guest", json!(["audit:read"])).await;
    let path = format!("/collections/orders/documents/{document}");
    for user in [&cast.owner, &cast.admin, &cast.editor, &cast.viewer, &guest] {
        for (permission, method, path, body) in [
            ("documents:read", Method::GET, path.as_str(), None),
            ("documents:write", Method::PATCH, path.as_str(), Some(json!({ "data": {} }))),
            ("collections:read", Method::GET, "/collections/orders", None),
            ("collections:manage", Method::PATCH, "/collections/orders", Some(json!({ "schema": {} }))),
            ("members:read", Method::GET, "/members", None),
            ("audit:read", Method::GET, "/audit", None),
            ("grants:manage", Method::GET, "/grants", None),
        ] {
            let query = format!("permission={permission}&collection=orders&document={document}");
            let told = ask(&cast, user, &query).await["allowed"].as_bool().unwrap();
            let call = cast.call(user, method, path);
            let done = match body {
                Some(body) => call.json(body).send().await,
                None => call.send().await,
            };
            assert_eq!(done.status == 200, told, "{} {permission}: {done:?}", user.email);
        }
    }
}

#[tokio::test]
async fn about_others_it_is_told_to_who_may_grant() {
    let cast = Cast::new().await;
    let about = format!("permission=documents:read&user={}", cast.editor.id);
    assert_eq!(ask(&cast, &cast.admin, &about).await["allowed"], true);
    cast.read(&cast.viewer, format!("/access/explain?{about}")).await.problem(403, "forbidden");
    let about = format!("permission=documents:read&user={}", cast.stranger.id);
    assert_eq!(ask(&cast, &cast.admin, &about).await["because"], "The user is no member of this workspace.");
    cast.read(&cast.stranger, "/access/explain?permission=documents:read").await.problem(404, "not-found");
    cast.read(&cast.viewer, "/access/explain?permission=documents:fly").await.problem(400, "invalid-query");
    let lone = format!("/access/explain?permission=documents:read&document={}", cast.editor.id);
    cast.read(&cast.viewer, lone).await.problem(400, "invalid-query");
}
