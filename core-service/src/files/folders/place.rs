//! Whether a folder may be where it is to be: never inside itself, and not without end.

use sqlx::PgConnection;
use uuid::Uuid;

use super::model::no_parent;
use crate::problem::{Problem, Result};

/// Folders are so deep at the most.
const DEEPEST: i64 = 100;

/// Looks at the folders above a place. Others in the workspace cannot be moved until the transaction is over: what was looked at
/// stays true.
pub(super) async fn look_at(
    tx: &mut PgConnection,
    workspace: Uuid,
    folder: Option<Uuid>,
    parent: Option<Uuid>,
) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('folders ' || $1::uuid, 0))", workspace)
        .fetch_one(&mut *tx)
        .await?;
    let above = sqlx::query_scalar!(
        r#"WITH RECURSIVE above (id, parent_id, depth) AS (
               SELECT id, parent_id, 1 FROM folders WHERE workspace_id = $1 AND id = $2
               UNION ALL
               SELECT f.id, f.parent_id, a.depth + 1 FROM above a JOIN folders f ON f.workspace_id = $1 AND f.id = a.parent_id
               WHERE a.depth <= $3)
           SELECT id AS "id!" FROM above"#,
        workspace,
        parent,
        DEEPEST as i32
    );
    let above = above.fetch_all(tx).await?;
    if above.is_empty() {
        return Err(no_parent());
    }
    if folder.is_some_and(|folder| above.contains(&folder)) {
        return Err(Problem::invalid_field("/parent", "folder", "is inside the folder"));
    }
    if above.len() as i64 >= DEEPEST {
        return Err(Problem::invalid_field("/parent", "folder", format!("has {DEEPEST} folders above it")));
    }
    Ok(())
}
