//! Teams: members of a workspace who get roles and grants together.
//!
//! Rules: who makes somebody a member of a team has every permission that the team's role gives; a team is no owner; who
//! leaves the workspace leaves its teams.

mod change;
mod create;
mod delete;
mod get;
mod list;
mod members;
mod model;

use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Access, RoleName};
use crate::app::AppState;
use crate::problem::Result;

/// Whether there is such a team; 403 if its role gives more than the caller has.
pub(super) async fn may_put_into(
    connection: &mut PgConnection,
    access: &Access,
    workspace: Uuid,
    team: Uuid,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT role AS "role: RoleName" FROM teams WHERE workspace_id = $1 AND id = $2"#,
        workspace,
        team
    );
    match found.fetch_optional(&mut *connection).await? {
        None => Ok(false),
        Some(role) => model::may_give(connection, access, workspace, role.as_ref()).await.map(|()| true),
    }
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, change::change, delete::delete))
        .routes(routes!(members::list))
        .routes(routes!(members::add, members::remove))
}
