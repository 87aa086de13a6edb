//! Row-level security makes the decision once more: asked directly, as the service's role, for members who may not.

use core_service::database::Scope;
use http::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::roles::member_with;
use crate::cast::Cast;
use crate::support::User;

fn scope(cast: &Cast, user: &User) -> Scope {
    Scope::user(user.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap())
}

/// How many rows it touches; `None` if it is refused.
async fn touches(cast: &Cast, user: &User, sql: &str) -> Option<u64> {
    let mut tx = cast.app.state.database.begin(&scope(cast, user)).await.unwrap();
    match sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await {
        Ok(done) => Some(done.rows_affected()),
        Err(error) => {
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{sql}: {error}");
            None
        }
    }
}

#[tokio::test]
async fn members_write_what_their_role_allows() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    cast.document("orders", json!({})).await;
    let (workspace, viewer, stranger) = (&cast.workspace, &cast.viewer.id, &cast.stranger.id);
    let new = Uuid::now_v7();
    let collection: Uuid =
        sqlx::query_scalar("SELECT id FROM collections").fetch_one(&mut cast.app.database().await).await.unwrap();
    let nothing = |touched: Option<u64>| touched.unwrap_or_default() == 0;
    for (sql, least) in [
        ("UPDATE documents SET data = '{}'".to_owned(), "editor"),
        ("DELETE FROM documents".to_owned(), "editor"),
        (
            format!(
                "INSERT INTO documents (id, workspace_id, collection_id, data)
                 VALUES ('{new}', '{workspace}', '{collection}', '{{}}')"
            ),
            "editor",
        ),
        ("UPDATE collections SET schema = '{}'".to_owned(), "admin"),
        ("DELETE FROM collections".to_owned(), "admin"),
        (
            format!("INSERT INTO collections (id, workspace_id, name, schema) VALUES ('{new}', '{workspace}', 'x', '{{}}')"),
            "admin",
        ),
        ("UPDATE workspaces SET name = 'x'".to_owned(), "admin"),
        ("DELETE FROM workspaces".to_owned(), "owner"),
        (format!("UPDATE workspace_members SET role = 'viewer' WHERE user_id = '{viewer}'"), "admin"),
        (format!("UPDATE workspace_members SET role = 'owner' WHERE user_id = '{viewer}'"), "owner"),
        (format!("DELETE FROM workspace_members WHERE user_id = '{}'", cast.owner.id), "owner"),
        (
            format!("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{workspace}', '{stranger}', 'viewer')"),
            "admin",
        ),
        (
            format!("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{workspace}', '{stranger}', 'owner')"),
            "owner",
        ),
        (format!("INSERT INTO roles (workspace_id, name, permissions) VALUES ('{workspace}', 'x', '{{workspace:read}}')"), "admin"),
        (format!("INSERT INTO roles (workspace_id, name, permissions) VALUES ('{workspace}', 'x', '{{owners:manage}}')"), "owner"),
        (format!("INSERT INTO teams (id, workspace_id, name, role) VALUES ('{new}', '{workspace}', 'x', 'admin')"), "admin"),
        (
            format!(
                "INSERT INTO grants (id, workspace_id, resource_type, resource_id, collection_id, permissions, user_id)
                 VALUES ('{new}', '{workspace}', 'collection', '{collection}', '{collection}', '{{documents:write}}', '{viewer}')"
            ),
            "admin",
        ),
    ] {
        let mut allowed = false;
        for role in ["viewer", "editor", "admin", "owner"] {
            allowed = allowed || role == least;
            let touched = touches(&cast, cast.member(role), &sql).await;
            assert_eq!(!nothing(touched), allowed, "{role}: {sql}: {touched:?}");
        }
    }
}

#[tokio::test]
async fn members_see_what_their_role_allows() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    cast.document("orders", json!({})).await;
    let guest = member_with(&cast, "guest", json!([])).await;
    let count = async |user: &User, relation: &str| {
        let mut tx = cast.app.state.database.begin_read(&scope(&cast, user)).await.unwrap();
        let sql = format!("SELECT count(*) FROM {relation}");
        sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&mut *tx).await.unwrap()
    };
    for (relation, guests, viewers, admins) in [
        ("documents", 0, 2, 2),
        ("member_documents", 0, 2, 2),
        ("collections", 0, 1, 1),
        ("workspace_members", 1, 5, 5),
        ("audit_events WHERE workspace_id IS NOT NULL", 0, 0, 7),
        ("grants", 0, 0, 0),
    ] {
        let seen =
            (count(&guest, relation).await, count(&cast.viewer, relation).await, count(&cast.admin, relation).await);
        assert_eq!(seen, (guests, viewers, admins), "{relation}");
    }
    let body = json!({ "on": { "collection": "orders", "document": document }, "to": { "user": guest.id },
                       "permissions": ["documents:read"] });
    cast.send(&cast.owner, Method::POST, "/grants", body).await.expect(201);
    for (relation, seen) in [("documents", 1), ("member_documents", 1), ("collections", 1), ("grants", 0)] {
        assert_eq!(count(&guest, relation).await, seen, "{relation}");
    }
    assert_eq!(touches(&cast, &guest, "UPDATE documents SET data = '{}'").await, Some(0));
}
