//! `POST …/workspaces/{workspace}/grants`

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Grant, On, Row, To};
use crate::access::{Permission, Permissions, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Path};
use crate::identity::{Caller, Opaque};
use crate::problem::{self, Problem, Result, broken_constraint};

/// A grant to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// On what.
    on: On,
    /// To whom.
    to: To,
    /// On a collection `collections:read`, `documents:read` and `documents:write`, on a document the last two; to a link
    /// `documents:read` alone. What makes no sense without something else brings it along.
    #[schema(min_items = 1)]
    permissions: Vec<Permission>,
    /// When it ends. A link has to.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(nullable = false)]
    expires_at: Option<OffsetDateTime>,
}

/// A new grant, and its link's token if it is to one.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeGrant {
    /// The grant.
    #[serde(flatten)]
    grant: Grant,
    /// Whoever sends this as `Link-Token` to `/api/v1/shared/documents` reads what is granted. It is told this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link_token: Option<String>,
}

/// Grant permissions on a single thing
///
/// Who grants has the permission `grants:manage`, and every permission that they grant.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/grants",
    operation_id = "grants.create",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewGrant,
    responses(
        (status = CREATED, description = "The grant", body = MadeGrant, headers(
            ("location" = String, description = "Where it is"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<NewGrant>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let access = authorize(&mut tx, &caller, workspace, Permission::GrantsManage).await?;
    let permissions = grantable(&new)?;
    access.cover(permissions)?;
    let (collection, document) = find(&mut tx, workspace, &new.on).await?;
    if let To::Role(role) = &new.to
        && role.permissions(&mut tx, workspace).await?.is_none()
    {
        return Err(Problem::invalid_field("/to/role", "unknown", "is no role of this workspace"));
    }
    let token = match new.to {
        To::Link(_) => Some(Opaque::new().map_err(Problem::internal)?),
        _ => None,
    };
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO grants (id, workspace_id, resource_type, resource_id, collection_id, permissions, user_id, role,
             team_id, link_hash, expires_at, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           RETURNING id, $13 AS "collection!", document_id, user_id, role AS "role: RoleName", team_id, permissions,
             expires_at, created_at, created_by"#,
        Uuid::now_v7(),
        workspace,
        if document.is_some() { "document" } else { "collection" },
        document.unwrap_or(collection),
        collection,
        &permissions.names()[..],
        match new.to {
            To::User(user) => Some(user),
            _ => None,
        },
        match &new.to {
            To::Role(role) => Some(role.as_str()),
            _ => None,
        },
        match new.to {
            To::Team(team) => Some(team),
            _ => None,
        },
        token.as_ref().map(|token| token.hash().to_vec()),
        new.expires_at,
        caller.user,
        new.on.collection
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("grants_user") => Problem::invalid_field("/to/user", "unknown", "is no member of this workspace"),
        Some("grants_team") => Problem::invalid_field("/to/team", "unknown", "is no team of this workspace"),
        _ => error.into(),
    })?;
    let grant = row.shown();
    let event = Event::by(&caller, Action::GrantCreated).in_workspace(workspace).about("grant", grant.id);
    let granted = json!({ "on": grant.on, "to": grant.to, "permissions": grant.permissions });
    audit::record(&mut tx, event.with(granted)).await?;
    let location = [(header::LOCATION, format!("/api/v1/workspaces/{workspace}/grants/{}", grant.id))];
    let link_token = token.map(|token| token.text());
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    tx.commit((StatusCode::CREATED, location, no_store, Json(MadeGrant { grant, link_token }))).await
}

/// What a grant may hold, and a link has to.
fn grantable(new: &NewGrant) -> Result<Permissions> {
    let kind = match (&new.to, new.on.document) {
        (To::Link(_), _) => &[Permission::DocumentsRead][..],
        (_, Some(_)) => &[Permission::DocumentsRead, Permission::DocumentsWrite],
        (_, None) => &[Permission::CollectionsRead, Permission::DocumentsRead, Permission::DocumentsWrite],
    };
    let most: Permissions = kind.iter().copied().collect();
    let wanted: Permissions = new.permissions.iter().copied().collect();
    if let Some(other) = most.lacks(wanted) {
        let message = format!("{other} cannot be granted on this, or to this");
        return Err(Problem::invalid_field("/permissions", "enum", message));
    }
    match new.expires_at {
        None if matches!(new.to, To::Link(_)) => {
            return Err(Problem::invalid_field("/expires_at", "required", "a link has an end"));
        }
        Some(end) if end <= OffsetDateTime::now_utc() => {
            return Err(Problem::invalid_field("/expires_at", "minimum", "is over"));
        }
        _ => {}
    }
    if matches!(new.to, To::Link(false)) {
        return Err(Problem::invalid_field("/to/link", "const", "must be true"));
    }
    Ok(wanted.with_implied().and(most))
}

/// The ids of what is granted.
async fn find(connection: &mut PgConnection, workspace: Uuid, on: &On) -> Result<(Uuid, Option<Uuid>)> {
    let found = sqlx::query!(
        r#"SELECT c.id, d.id AS "document?" FROM collections c
           LEFT JOIN documents d ON d.collection_id = c.id AND d.id = $3
           WHERE c.workspace_id = $1 AND c.name = $2"#,
        workspace,
        on.collection,
        on.document
    )
    .fetch_optional(connection)
    .await?;
    let unknown = |pointer, message| Problem::invalid_field(pointer, "unknown", message);
    let found = found.ok_or_else(|| unknown("/on/collection", "is no collection of this workspace"))?;
    if found.document != on.document {
        return Err(unknown("/on/document", "is no document of this collection"));
    }
    Ok((found.id, found.document))
}
