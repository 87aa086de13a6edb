//! The members of a workspace.

mod add;
mod change;
mod get;
mod list;
mod model;
mod remove;

use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::model::Member;
use crate::app::AppState;
use crate::database;
use crate::problem::{Problem, Result, kinds};
use crate::workspaces::model::{Workspace, lock};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, add::add)).routes(routes!(
        get::get,
        change::change,
        remove::remove
    ))
}

/// The workspaces that would be left without an owner if `user` were gone. Their owners cannot change until the
/// transaction, which must be the user's, ends.
pub(crate) async fn solely_owned(connection: &mut PgConnection, user: Uuid) -> Result<Vec<Workspace>> {
    let owned = sqlx::query_scalar!(
        "SELECT workspace_id FROM workspace_members WHERE user_id = $1 AND role = 'owner' ORDER BY workspace_id",
        user
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut sole = Vec::new();
    for id in owned {
        database::enter(connection, id).await?;
        let workspace = lock(connection, id).await?;
        if !has_another_owner(connection, id, user).await? {
            sole.push(workspace);
        }
    }
    Ok(sole)
}

/// 409 unless the workspace has another owner than `user`. The workspace must be locked.
async fn keep_an_owner(connection: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let kept = has_another_owner(connection, workspace, user).await?;
    if kept { Ok(()) } else { Err(Problem::new(&kinds::LAST_OWNER)) }
}

async fn has_another_owner(
    connection: &mut PgConnection,
    workspace: Uuid,
    user: Uuid,
) -> std::result::Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM workspace_members WHERE workspace_id = $1 AND role = 'owner' AND user_id <> $2
           ) AS "another!""#,
        workspace,
        user
    )
    .fetch_one(connection)
    .await
}
