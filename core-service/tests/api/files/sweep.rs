//! The store keeps what a version names, and nothing else.

use core_service::files::sweep::sweep;
use http::Method;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{content, file, replace, stored};
use crate::cast::Cast;

async fn set(connection: &mut PgConnection, change: &str) {
    sqlx::query(AssertSqlSafe(format!("UPDATE file_contents SET {change}"))).execute(connection).await.unwrap();
}

#[tokio::test]
async fn what_a_version_names_stays_whatever_its_state() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "one").await;
    replace(&cast, &id, "two").await.expect(200);
    let mut connection = cast.app.database().await;
    for state in ["state = 'condemned'", "state = 'arriving', expires_at = now() - interval '1 year'"] {
        set(&mut connection, state).await;
        sweep(&cast.app.state).await.unwrap();
        assert_eq!(stored(&cast), 2, "{state}");
    }
    assert_eq!(content(&cast, &id).await, "two");
}

/// As a core leaves it that was killed in the middle of an upload.
#[tokio::test]
async fn what_never_arrived_goes_after_a_day() {
    let cast = Cast::new().await;
    let id = uuid::Uuid::now_v7();
    let sql = "INSERT INTO file_contents (id, workspace_id) VALUES ($1, gen_random_uuid())";
    let mut connection = cast.app.database().await;
    sqlx::query(sql).bind(id).execute(&mut connection).await.unwrap();
    let mut writer = cast.app.state.files.write(id).await.unwrap();
    writer.push(&[1; 1_000_000]).await.unwrap();
    std::mem::forget(writer);
    sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 1);
    set(&mut connection, "expires_at = now() - interval '1 second'").await;
    sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 0);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM file_contents").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_workspace_takes_its_files_along() {
    let cast = Cast::new().await;
    let folder = super::folder(&cast, "folder", None).await;
    let inner = super::folder(&cast, "inner", Some(&folder)).await;
    let call = cast.call(&cast.editor, Method::POST, format!("/files?name=a&folder={inner}"));
    call.body("one").send().await.expect(201);
    file(&cast, "b", "two").await;
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
    sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 0);
    for table in ["folders", "files", "file_versions", "file_contents", "file_usage"] {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut cast.app.database().await).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}
