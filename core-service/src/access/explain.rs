//! `GET …/workspaces/{workspace}/access/explain`: why somebody may do something, or may not.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Permission, authorize};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::rules::{self, FieldLimit};
use crate::http::{Json, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// What is to be explained.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// Which permission.
    permission: Permission,
    /// On which collection, by name; without one, in the whole workspace.
    #[param(value_type = Option<String>)]
    collection: Option<CollectionName>,
    /// On which document of it.
    document: Option<Uuid>,
    /// Whose; the caller's own if nobody is named. About others it needs the permission `grants:manage`.
    user: Option<Uuid>,
}

/// Why, or why not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The user it is about.
    user: Uuid,
    /// The permission.
    permission: Permission,
    /// Whether they have it.
    allowed: bool,
    /// The same in a sentence.
    because: String,
    /// Everything that gives this user anything here; those with `decides` decided.
    sources: Vec<Source>,
    /// Fields of the collection that are hidden from this user, or that they only read. What is hidden from the caller is
    /// not told to them.
    fields: Vec<FieldLimit>,
}

/// Something that gives a user permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Source {
    /// `role` (their own), `team` (its role) or `grant`.
    #[schema(example = "grant")]
    kind: String,
    /// The role's or the team's name; of a grant, the team's or role's that it is to, or `user`.
    name: String,
    /// The grant's id.
    #[schema(required = true)]
    grant: Option<Uuid>,
    /// On what: `workspace`, `collection` or `document`.
    on: String,
    /// The permissions that it gives.
    permissions: Vec<String>,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    expires_at: Option<OffsetDateTime>,
    /// Whether it gives the permission that was asked about, now.
    decides: bool,
}

/// Explain a decision
///
/// Which roles, teams and grants give a permission, or that none does.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/access/explain",
    operation_id = "access.explain",
    tag = "access",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), Question),
    responses(
        (status = OK, description = "Why, or why not", body = Explanation),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn explain(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(question): Query<Question>,
) -> Result<Json<Explanation>> {
    if question.document.is_some() && question.collection.is_none() {
        return Err(Problem::new(&kinds::INVALID_QUERY).detail("`document` needs `collection`."));
    }
    let user = question.user.unwrap_or(caller.user);
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let needed = if user == caller.user { Permission::WorkspaceRead } else { Permission::GrantsManage };
    let access = authorize(&mut tx, &caller, workspace, needed).await?;
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind!", name AS "name!", grant_id, resource_type AS "on!", permissions AS "permissions!",
                  expires_at, coalesce(expires_at <= now(), false) AS "over!"
           FROM breakwater_sources($1, $2, $3)"#,
        user,
        question.collection.as_ref().map(CollectionName::as_str),
        question.document
    )
    .fetch_all(&mut *tx)
    .await?;
    let is_member = rows.iter().any(|row| row.kind == "role");
    let sources: Vec<_> = rows
        .into_iter()
        .map(|row| Source {
            decides: is_member && !row.over && row.permissions.iter().any(|name| name == question.permission.name()),
            kind: row.kind,
            name: row.name,
            grant: row.grant_id,
            on: row.on,
            permissions: row.permissions,
            expires_at: row.expires_at,
        })
        .collect();
    let fields = match &question.collection {
        Some(collection) => rules::limits(&mut tx, &access, workspace, collection, user).await?,
        None => Vec::new(),
    };
    let withheld = user == caller.user && caller.withholds(question.permission);
    let because = match withheld {
        true => format!("The API key does not allow {}.", question.permission),
        false => because(is_member, question.permission, &sources),
    };
    let allowed = sources.iter().any(|source| source.decides) && !withheld;
    Ok(Json(Explanation { user, permission: question.permission, allowed, because, sources, fields }))
}

fn because(is_member: bool, permission: Permission, sources: &[Source]) -> String {
    if !is_member {
        return "The user is no member of this workspace.".to_owned();
    }
    match sources.iter().find(|source| source.decides) {
        Some(source) if source.kind == "grant" => format!("A grant on this {} gives {permission}.", source.on),
        Some(source) => format!("The {} {} gives {permission}.", source.kind, source.name),
        None => format!("No role, team or grant of this user gives {permission} here."),
    }
}
