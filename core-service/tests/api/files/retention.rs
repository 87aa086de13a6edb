//! What must be kept is kept.

use core_service::files::sweep::sweep;
use http::Method;
use serde_json::{Value, json};

use super::{content, file, replace, stored};
use crate::cast::Cast;
use crate::support::{Answer, User};

async fn keep(cast: &Cast, user: &User, id: &str, body: Value) -> Answer {
    cast.send(user, Method::PUT, format!("/files/{id}/retention"), body).await
}

#[tokio::test]
async fn what_is_held_does_not_go() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "one").await;
    keep(&cast, &cast.editor, &id, json!({ "legal_hold": true })).await.problem(403, "forbidden");
    let held = keep(&cast, &cast.admin, &id, json!({ "legal_hold": true })).await.expect(200);
    assert_eq!((&held.json()["legal_hold"], held.header("etag")), (&json!(true), "\"v2\""));
    let delete = || cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send();
    delete().await.problem(409, "file-held");
    // Nor what it is in.
    cast.call(&cast.owner, Method::DELETE, "").send().await.problem(409, "file-held");
    replace(&cast, &id, "two").await.expect(200);
    assert_eq!(&cast.read(&cast.viewer, format!("/files/{id}/content?version=1")).await.expect(200).body[..], b"one");
    keep(&cast, &cast.owner, &id, json!({})).await.expect(200);
    delete().await.expect(204);
    let trail = cast.read(&cast.admin, "/audit?action=file.held").await.expect(200).json();
    assert_eq!(trail["items"][0]["details"]["legal_hold"], json!({ "from": true, "to": false }));
}

#[tokio::test]
async fn a_period_is_never_made_shorter() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "one").await;
    let put = async |until: &str| keep(&cast, &cast.admin, &id, json!({ "retain_until": until })).await;
    put("2099-01-01T00:00:00Z").await.expect(200);
    put("2098-12-31T23:59:59Z").await.problem(409, "file-held");
    keep(&cast, &cast.owner, &id, json!({})).await.problem(409, "file-held");
    let longer = put("2099-01-02T00:00:00Z").await.expect(200).json();
    assert_eq!(longer["retain_until"], "2099-01-02T00:00:00Z");
    cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send().await.problem(409, "file-held");
    // Not even if it lay in the trash, and its time there were over.
    let mut connection = cast.app.database().await;
    let sql = "UPDATE files SET deleted_at = now() - interval '1 year', folder_id = NULL";
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    sweep(&cast.app.state).await.unwrap();
    cast.call(&cast.editor, Method::DELETE, format!("/files/trash/{id}")).send().await.problem(409, "file-held");
    assert_eq!(stored(&cast), 1);
    cast.call(&cast.editor, Method::POST, format!("/files/trash/{id}/restore")).send().await.expect(200);
    assert_eq!(content(&cast, &id).await, "one");
    // When the time has come, it goes like any other.
    sqlx::query("UPDATE files SET retain_until = now() - interval '1 second'").execute(&mut connection).await.unwrap();
    keep(&cast, &cast.admin, &id, json!({})).await.expect(200);
    cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send().await.expect(204);
}
