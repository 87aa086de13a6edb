//! `POST /api/v1/invitations/look`: where an invitation leads, before anybody signs in or registers.

use axum::extract::State;

use super::model::{InvitationCode, Invited, invalid};
use crate::access::RoleName;
use crate::app::AppState;
use crate::database::Scope;
use crate::http::Json;
use crate::problem::{self, Result};

/// Look at an invitation
///
/// For whoever has its code: the app can then lead them to sign in, or to register with the address.
#[utoipa::path(
    post,
    path = "/api/v1/invitations/look",
    operation_id = "invitations.look",
    tag = "workspaces",
    request_body = InvitationCode,
    responses(
        (status = OK, description = "Where it leads", body = Invited),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn look(State(app): State<AppState>, Json(code): Json<InvitationCode>) -> Result<Json<Invited>> {
    let mut tx = app.database.begin_read(&Scope::nobody().invited(code.hash()?)).await?;
    let invited = sqlx::query_as!(
        Invited,
        r#"SELECT id AS "id!", workspace_id AS "workspace!", workspace_name AS "workspace_name!", email AS "email!",
                  role AS "role!: RoleName", expires_at AS "expires_at!" FROM breakwater_invited() WHERE by_code"#
    );
    Ok(Json(invited.fetch_optional(&mut *tx).await?.ok_or_else(invalid)?))
}
