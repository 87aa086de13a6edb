//! Row-level security, asked directly as the role that the service connects as: what the database shows when the
//! service's own rules have failed.

use core_service::config::Config;
use core_service::database::{Scope, migrate};
use core_service::{app, events};
use http::Method;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use url::Url;
use uuid::Uuid;

use crate::cast::Cast;
use crate::support::{TestApp, database_config, settings};

/// Everything in the database that belongs to one workspace, by its column: tables and views that have a
/// `workspace_id`, and `workspaces` itself.
async fn tenant_relations(connection: &mut PgConnection) -> Vec<(String, String, bool)> {
    let rows = sqlx::query(
        "SELECT c.relname, c.relkind = 'r' AS is_table,
                CASE c.relname WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END AS tenant
         FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND (
             c.relname = 'workspaces' OR EXISTS (
                 SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND a.attnum > 0
             ))
         ORDER BY c.relname",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get("relname"), row.get("tenant"), row.get("is_table"))).collect()
}

async fn full_cast() -> Cast {
    let cast = Cast::new().await;
    let options = json!({ "unique": [{ "fields": ["data.secret"] }],
                          "references": [{ "field": "data.after", "collection": "orders" }],
                          "files": [{ "field": "data.file" }],
                          "search": { "fields": [{ "field": "data.secret" }] } });
    let collection = json!({ "name": "orders", "schema": {}, "options": options });
    cast.send(&cast.owner, Method::POST, "/collections", collection).await.expect(201);
    let document = cast.document("orders", json!({ "secret": 1 })).await;
    cast.document("orders", json!({ "after": document })).await;
    let comments = format!("/collections/orders/documents/{document}/comments");
    cast.send(&cast.owner, Method::POST, comments, json!({ "text": "Mind this." })).await.expect(201);
    let folder =
        cast.send(&cast.owner, Method::POST, "/folders", json!({ "name": "contracts" })).await.expect(201).json();
    let file = format!("/files?name=a&folder={}", folder["id"].as_str().unwrap());
    let file = cast.call(&cast.owner, Method::POST, file).body("a").send().await.expect(201).json();
    cast.document("orders", json!({ "file": file["id"] })).await;
    let upload = crate::files::uploads::begin(&cast, &crate::files::uploads::named("b"), 2).await;
    crate::files::uploads::append(&cast, &upload, 0, "b").await.expect(204);
    let gone = cast.document("orders", json!({})).await;
    let gone = format!("/collections/orders/documents/{gone}");
    cast.send(&cast.owner, Method::PATCH, &gone, json!({ "data": { "a": 1 } })).await.expect(200);
    cast.call(&cast.owner, Method::DELETE, &gone).send().await.expect(204);
    cast.send(&cast.owner, Method::POST, "/roles", json!({ "name": "reader", "permissions": [] })).await.expect(201);
    let team = cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": "Pilots" })).await.expect(201).json();
    let place = format!("/teams/{}/members/{}", team["id"].as_str().unwrap(), cast.viewer.id);
    cast.call(&cast.owner, Method::PUT, place).send().await.expect(204);
    let grant = json!({ "on": { "collection": "orders", "document": document }, "to": { "user": cast.viewer.id },
                        "permissions": ["documents:write"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let invitation = json!({ "email": "mate@example.org", "role": "viewer" });
    cast.send(&cast.owner, Method::POST, "/invitations", invitation).await.expect(201);
    cast.send(&cast.owner, Method::PUT, "/support-access", json!({ "hours": 1 })).await.expect(200);
    crate::api_keys::service_account(&cast, "viewer").await;
    events::settle(&cast.app.state, &app::consumers()).await.unwrap();
    cast
}

async fn count(cast: &Cast, scope: &Scope, relation: &str, tenant: &str) -> i64 {
    let mut tx = cast.app.state.database.begin_read(scope).await.unwrap();
    // Names come from the catalogue.
    let sql = format!("SELECT count(*) FROM {relation} WHERE {tenant} = $1");
    let workspace: Uuid = cast.workspace.parse().unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(workspace).fetch_one(&mut *tx).await.unwrap()
}

/// Scopes that must see nothing of the workspace: nobody, strangers, and every half-set or mixed-up setting.
fn outsiders(cast: &Cast) -> Vec<(&'static str, Scope)> {
    let id = |text: &str| text.parse::<Uuid>().unwrap();
    let stranger = Scope::user(id(&cast.stranger.id));
    vec![
        ("nobody", Scope::nobody()),
        ("nobody in the workspace", Scope::nobody().in_workspace(id(&cast.workspace))),
        ("a stranger", stranger),
        ("a stranger in the workspace", stranger.in_workspace(id(&cast.workspace))),
        ("a stranger at home", stranger.in_workspace(id(&cast.elsewhere))),
        ("a user who is none", Scope::user(Uuid::now_v7()).in_workspace(id(&cast.workspace))),
    ]
}

#[tokio::test]
async fn every_tenant_table_has_forced_row_level_security() {
    let cast = Cast::new().await;
    let mut connection = cast.app.database().await;
    let relations = tenant_relations(&mut connection).await;
    let names: Vec<_> = relations.iter().map(|(name, ..)| name.as_str()).collect();
    for known in ["workspaces", "workspace_members", "collections", "documents", "member_documents"] {
        assert!(names.contains(&known), "{known} is not looked at");
    }
    for (name, _, is_table) in relations {
        if !is_table {
            continue; // a view shows what its tables show; that it shows too little is tested below
        }
        let protected: bool = sqlx::query_scalar(
            "SELECT relrowsecurity AND relforcerowsecurity
                    AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)
             FROM pg_class c WHERE oid = $1::regclass",
        )
        .bind(&name)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert!(protected, "{name} has a workspace_id and no forced row-level security with a policy");
    }
}

/// Whatever it is about: a new table without a policy fails here.
#[tokio::test]
async fn every_table_has_forced_row_level_security() {
    let cast = Cast::new().await;
    let bare: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class c
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations'
           AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))",
    )
    .fetch_all(&mut cast.app.database().await)
    .await
    .unwrap();
    assert_eq!(bare, Vec::<String>::new());
}

#[tokio::test]
async fn members_see_their_workspace_and_nobody_else_does() {
    let cast = full_cast().await;
    let mut connection = cast.app.database().await;
    let member = Scope::user(cast.owner.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap());
    for (relation, tenant, _) in tenant_relations(&mut connection).await {
        // Members see the other view; this one is for everybody (`public.rs`), and here nothing is.
        let is_for_members = relation != "public_documents";
        assert_eq!(
            count(&cast, &member, &relation, &tenant).await > 0,
            is_for_members,
            "{relation}: give the test rows of it to look at"
        );
        for (who, scope) in outsiders(&cast) {
            assert_eq!(count(&cast, &scope, &relation, &tenant).await, 0, "{who} sees {relation}");
        }
    }
}

#[tokio::test]
async fn nobody_else_changes_anything() {
    let cast = full_cast().await;
    let mut connection = cast.app.database().await;
    let workspace: Uuid = cast.workspace.parse().unwrap();
    for (relation, tenant, is_table) in tenant_relations(&mut connection).await {
        if !is_table {
            continue;
        }
        for (who, scope) in outsiders(&cast) {
            for sql in [
                format!("UPDATE {relation} SET {tenant} = {tenant} WHERE {tenant} = $1"),
                format!("DELETE FROM {relation} WHERE {tenant} = $1"),
            ] {
                let mut tx = cast.app.state.database.begin(&scope).await.unwrap();
                match sqlx::query(AssertSqlSafe(sql.clone())).bind(workspace).execute(&mut *tx).await {
                    Ok(done) => assert_eq!(done.rows_affected(), 0, "{who}: {sql}"),
                    // What is only ever added to: nobody has the right.
                    Err(error) => {
                        assert_eq!(
                            error.as_database_error().unwrap().code().unwrap(),
                            "42501",
                            "{who}: {sql}: {error}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_else_puts_anything_in() {
    let cast = full_cast().await;
    let collection: Uuid =
        sqlx::query_scalar("SELECT id FROM collections").fetch_one(&mut cast.app.database().await).await.unwrap();
    let (workspace, stranger) = (&cast.workspace, &cast.stranger.id);
    let new = Uuid::now_v7();
    let insertions = [
        format!(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{workspace}', '{stranger}', 'owner')"
        ),
        format!(
            "INSERT INTO collections (id, workspace_id, name, schema) VALUES ('{new}', '{workspace}', 'x', '{{}}')"
        ),
        format!(
            "INSERT INTO documents (id, workspace_id, collection_id, data)
             VALUES ('{new}', '{workspace}', '{collection}', '{{}}')"
        ),
        format!(
            "INSERT INTO document_keys (workspace_id, collection_id, document_id, rule, hash)
             VALUES ('{workspace}', '{collection}', '{new}', 'x', sha256(''))"
        ),
        format!(
            "INSERT INTO document_references
                 (workspace_id, collection_id, document_id, field, target_collection_id, target_id)
             VALUES ('{workspace}', '{collection}', '{new}', 'x', '{collection}', '{new}')"
        ),
        format!(
            "INSERT INTO document_files (workspace_id, collection_id, document_id, field, file_id)
             VALUES ('{workspace}', '{collection}', '{new}', 'x', '{new}')"
        ),
        format!(
            "INSERT INTO document_comments (id, workspace_id, collection_id, document_id, text, created_by)
             VALUES ('{new}', '{workspace}', '{collection}', '{new}', 'x', '{stranger}')"
        ),
        format!(
            "INSERT INTO document_versions (workspace_id, collection_id, document_id, version, data, updated_at)
             VALUES ('{workspace}', '{collection}', '{new}', 1, '{{}}', now())"
        ),
        format!(
            "INSERT INTO document_trash
                 (id, workspace_id, collection_id, version, data, created_at, updated_at, deleted_with, purge_at)
             VALUES ('{new}', '{workspace}', '{collection}', 1, '{{}}', now(), now(), '{new}', now())"
        ),
        format!("INSERT INTO folders (id, workspace_id, name) VALUES ('{new}', '{workspace}', 'x')"),
        format!("INSERT INTO files (id, workspace_id, name) VALUES ('{new}', '{workspace}', 'x')"),
        format!("INSERT INTO file_contents (id, workspace_id) VALUES ('{new}', '{workspace}')"),
        format!(
            "INSERT INTO file_versions (file_id, number, workspace_id, content_id)
             VALUES ('{new}', 2, '{workspace}', '{new}')"
        ),
        format!("INSERT INTO file_pieces (id, content_id, workspace_id) VALUES ('{new}', '{new}', '{workspace}')"),
        format!(
            "INSERT INTO uploads (id, workspace_id, name, length, hash, created_by)
             VALUES ('{new}', '{workspace}', 'x', 1, '', '{stranger}')"
        ),
        format!("INSERT INTO file_usage (workspace_id, bytes) VALUES ('{workspace}', 0)"),
        format!("INSERT INTO roles (workspace_id, name, permissions) VALUES ('{workspace}', 'x', '{{workspace:read}}')"),
        format!("INSERT INTO teams (id, workspace_id, name, role) VALUES ('{new}', '{workspace}', 'x', 'viewer')"),
        format!(
            "INSERT INTO invitations (id, workspace_id, email, role, code_hash, invited_by, expires_at)
             VALUES ('{new}', '{workspace}', 'x@example.org', 'viewer', sha256(''), '{stranger}', now() + interval '1 day')"
        ),
        format!("INSERT INTO support_consents (workspace_id, expires_at) VALUES ('{workspace}', now() + interval '1 day')"),
        format!("INSERT INTO team_members (workspace_id, team_id, user_id) VALUES ('{workspace}', '{new}', '{stranger}')"),
        format!(
            "INSERT INTO grants (id, workspace_id, resource_type, resource_id, collection_id, permissions, role)
             VALUES ('{new}', '{workspace}', 'collection', '{collection}', '{collection}', '{{documents:read}}', 'viewer')"
        ),
        format!(
            "INSERT INTO audit_events (id, workspace_id, action, outcome, actor)
             VALUES ('{new}', '{workspace}', 'x.y', 'success', 'anonymous')"
        ),
    ];
    for sql in insertions {
        for (who, scope) in outsiders(&cast) {
            let mut tx = cast.app.state.database.begin(&scope).await.unwrap();
            let error = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut *tx).await.unwrap_err();
            let code = error.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{who}: {sql}: {error}");
        }
    }
}

/// Not even a member of both: a row stays in its tenant.
#[tokio::test]
async fn rows_cannot_be_moved_between_workspaces() {
    let cast = full_cast().await;
    let elsewhere = crate::cast::workspace_of(&cast.app, &cast.owner).await;
    let scope = Scope::user(cast.owner.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap());
    for table in [
        "workspace_members",
        "collections",
        "documents",
        "roles",
        "teams",
        "grants",
        "invitations",
        "support_consents",
        "folders",
        "files",
    ] {
        let mut tx = cast.app.state.database.begin(&scope).await.unwrap();
        let sql = format!("UPDATE {table} SET workspace_id = '{elsewhere}'");
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{table}: {error}");
    }
}

/// A tenant cannot be founded twice, nor for somebody else.
#[tokio::test]
async fn founding_is_for_oneself_and_once() {
    let cast = Cast::new().await;
    let new = Uuid::now_v7();
    let stranger: Uuid = cast.stranger.id.parse().unwrap();
    let founding = Scope::user(stranger).in_workspace(new);
    let insert = |user: &str, role: &str| {
        format!("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ('{new}', '{user}', '{role}')")
    };
    for wrong in [insert(&cast.viewer.id, "owner"), insert(&cast.stranger.id, "viewer")] {
        let mut tx = cast.app.state.database.begin(&founding).await.unwrap();
        sqlx::query("INSERT INTO workspaces (id, name) VALUES ($1, 'x')").bind(new).execute(&mut *tx).await.unwrap();
        let error = sqlx::query(AssertSqlSafe(wrong)).execute(&mut *tx).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{error}");
    }
    let mut tx = cast.app.state.database.begin(&Scope::user(stranger)).await.unwrap();
    let unscoped = sqlx::query("INSERT INTO workspaces (id, name) VALUES ($1, 'x')").bind(new).execute(&mut *tx).await;
    assert_eq!(unscoped.unwrap_err().as_database_error().unwrap().code().unwrap(), "42501");
}

/// Several databases of one cluster, which share the service's role, are migrated at the same time.
#[tokio::test]
async fn databases_of_one_cluster_can_be_migrated_side_by_side() {
    let server: Url = std::env::var("BREAKWATER_TEST_POSTGRES").unwrap().parse().unwrap();
    let mut superuser = PgConnection::connect(server.as_str()).await.unwrap();
    let names = [(); 4].map(|()| format!("side_{}", Uuid::now_v7().simple()));
    for name in &names {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut superuser).await.unwrap();
    }
    let migrating = names.each_ref().map(async |name| migrate(&database_config(name)).await.unwrap());
    for migrated in futures_util::future::join_all(migrating).await {
        assert!(migrated.from.is_none() && migrated.to.is_some());
    }
    for name in names {
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut superuser).await.unwrap();
    }
}

/// Managed databases give out no superuser: the owner of the tables is then bound by row-level security too, and the
/// functions and the view that look behind it on purpose must still work.
#[tokio::test]
async fn an_owner_without_superpowers_is_enough() {
    let server: Url = std::env::var("BREAKWATER_TEST_POSTGRES").unwrap().parse().unwrap();
    let name = format!("plain_{}", Uuid::now_v7().simple());
    let mut superuser = PgConnection::connect(server.as_str()).await.unwrap();
    for sql in [
        format!("CREATE ROLE {name} LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD '{name}'"),
        format!("CREATE DATABASE {name} OWNER {name}"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut superuser).await.unwrap();
    }
    let url = |user: &str| {
        let mut url = server.clone();
        url.set_path(&name);
        url.set_username(user).unwrap();
        url.set_password(Some(user)).unwrap();
        url.to_string()
    };
    let own = settings([("DATABASE__URL", &url("breakwater_service")), ("DATABASE__OWNER_URL", &url(&name))]);
    migrate(&Config::load_with(None, own.clone()).unwrap().database).await.unwrap();

    let cast = Cast::in_app(TestApp::start_with(own).await).await;
    cast.collection("orders", json!({})).await;
    cast.document("orders", json!({ "n": 1 })).await;
    let found =
        cast.read(&cast.viewer, "/collections/orders/documents?filter=data.n%20eq%201").await.expect(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let listed = cast.read(&cast.viewer, "/members").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    for relation in ["workspaces", "workspace_members", "collections", "documents", "member_documents"] {
        let tenant = if relation == "workspaces" { "id" } else { "workspace_id" };
        for (who, scope) in outsiders(&cast) {
            assert_eq!(count(&cast, &scope, relation, tenant).await, 0, "{who} sees {relation}");
        }
    }
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);

    cast.app.state.database.close().await;
    for sql in [format!("DROP DATABASE {name} WITH (FORCE)"), format!("DROP ROLE {name}")] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut superuser).await.unwrap();
    }
}
