//! Lists are read from their indexes, however many rows there are, as the service asks for them: behind row-level security, with plans
//! that know no values.

use core_service::database::Scope;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use super::folder;
use crate::cast::Cast;

/// The one query of the service's that has all of this in it.
fn query(parts: &[&str]) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let queries = folder.read_dir().unwrap().map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["query"].as_str().unwrap().to_owned()
    });
    let mut found: Vec<_> = queries.filter(|query| parts.iter().all(|part| query.contains(part))).collect();
    assert_eq!(found.len(), 1, "{parts:?}: {found:#?}");
    found.remove(0)
}

async fn plan(connection: &mut PgConnection, sql: &str, values: &str) -> String {
    let all = format!("DEALLOCATE ALL; PREPARE looked_at AS {sql}");
    sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut *connection).await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE looked_at({values})"));
    let rows: Vec<String> = sqlx::query_scalar(explain).persistent(false).fetch_all(connection).await.unwrap();
    rows.join("\n")
}

#[tokio::test]
async fn lists_of_a_hundred_thousand_files_use_their_indexes() {
    let cast = Cast::new().await;
    let folder = folder(&cast, "many", None).await;
    let many = format!(
        "INSERT INTO file_contents (id, workspace_id, state, size, sha256, media_type)
         SELECT gen_random_uuid(), '{0}', 'kept', 1, sha256(''), 'text/plain' FROM generate_series(1, 100000);
         INSERT INTO files (id, workspace_id, folder_id, name)
         SELECT id, '{0}', CASE WHEN random() < 0.5 THEN '{1}'::uuid END, id::text FROM file_contents;
         UPDATE files SET deleted_at = now() - random() * interval '1 day', folder_id = NULL WHERE random() < 0.2;
         INSERT INTO file_versions (file_id, number, workspace_id, content_id) SELECT id, 1, '{0}', id FROM file_contents;
         INSERT INTO folders (id, workspace_id, parent_id, name)
         SELECT gen_random_uuid(), '{0}', '{1}', n::text FROM generate_series(1, 20000) n;
         ANALYZE files, file_versions, file_contents, folders;",
        cast.workspace, folder
    );
    sqlx::raw_sql(AssertSqlSafe(many)).execute(&mut cast.app.database().await).await.unwrap();
    let scope = Scope::user(cast.editor.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap());
    let mut tx = cast.app.state.database.begin_read(&scope).await.unwrap();
    let (here, inside) = (&cast.workspace, &folder);
    for (parts, values, index) in [
        (&["FROM current_files", "name > $3"][..], format!("'{here}', '{inside}', 'a', 51"), "files_name"),
        (&["FROM folders", "name > $3"], format!("'{here}', '{inside}', 'a', 51"), "folders_name"),
        (&["FROM current_files", "deleted_at IS NOT NULL"], format!("'{here}', now(), '{here}', 51"), "files_deleted"),
        (&["FROM file_versions", "ORDER BY v.number DESC"], format!("'{here}', 7, 51"), "file_versions_pkey"),
    ] {
        let plan = plan(&mut tx, &query(parts), &values).await;
        assert!(plan.contains(index) && !plan.contains("Seq Scan") && !plan.contains("Sort"), "{parts:?}\n{plan}");
    }
}
