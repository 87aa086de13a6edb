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
use crate::problem::{Problem, Result, kinds};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, add::add)).routes(routes!(
        get::get,
        change::change,
        remove::remove
    ))
}

/// 409 unless the workspace has another owner than `user`. The workspace must be locked.
async fn keep_an_owner(connection: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<()> {
    let kept = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM workspace_members WHERE workspace_id = $1 AND role = 'owner' AND user_id <> $2
           ) AS "kept!""#,
        workspace,
        user
    )
    .fetch_one(connection)
    .await?;
    if kept { Ok(()) } else { Err(Problem::new(&kinds::LAST_OWNER)) }
}
