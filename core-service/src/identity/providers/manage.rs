//! `/api/v1/me/identities`: accounts elsewhere that sign the caller in.

use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::linked::{self, LinkedIdentity};
use super::{begin, sign_in, ticket};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::caller::UserSession;
use crate::identity::user::User;
use crate::identity::{cookies, step_up, ways_in};
use crate::mail::Template;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// Which provider is to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentity {
    /// Its name.
    #[schema(max_length = 32, example = "google")]
    provider: String,
    /// As with `identity.providers.begin`.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2048)]
    return_to: Option<String>,
}

/// What the caller brings back from the provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityTicket {
    /// What stood behind `#ticket=`.
    #[schema(max_length = 100)]
    ticket: String,
}

/// List my accounts elsewhere
#[utoipa::path(
    get,
    path = "/api/v1/me/identities",
    operation_id = "identity.identities.list",
    tag = "identity",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of them", body = Page<LinkedIdentity>),
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: UserSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<LinkedIdentity>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    let identities = linked::list(&mut tx, caller.user, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(identities, query.limit, |last| last.id)))
}

/// Begin to link an account elsewhere
///
/// Goes on like `identity.providers.begin`; the ticket goes to `identity.identities.confirm`. Needs a recent proof of who
/// is asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/me/identities",
    operation_id = "identity.identities.begin",
    tag = "identity",
    request_body = NewIdentity,
    responses(
        (status = 200, description = "Where to go", body = begin::WayOut),
        problem::Always, problem::InSession, problem::Body, problem::Lookup,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(("bearer" = [])),
)]
pub async fn begin(
    State(app): State<AppState>,
    caller: UserSession,
    Json(new): Json<NewIdentity>,
) -> Result<impl IntoResponse> {
    let mut reading = app.database.begin_read(&Scope::identity()).await?;
    step_up::require(&mut reading, &app, &caller).await?;
    drop(reading);
    begin::way_out(&app, &new.provider, new.return_to.as_deref(), Some(caller.user)).await
}

/// Link an account elsewhere
///
/// From now on it signs the caller in.
#[utoipa::path(
    post,
    path = "/api/v1/me/identities/confirm",
    operation_id = "identity.identities.confirm",
    tag = "identity",
    request_body = IdentityTicket,
    responses(
        (status = 201, description = "Linked", body = LinkedIdentity),
        problem::Always, problem::InSession, problem::Body, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn confirm(
    State(app): State<AppState>,
    caller: UserSession,
    headers: HeaderMap,
    Json(given): Json<IdentityTicket>,
) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    let back = ticket::take(&mut tx, &app, &headers, &given.ticket, Some(user.id)).await?;
    let taken = || Problem::new(&kinds::IDENTITY_TAKEN).detail("Sign in with it to see whose, or unlink it there.");
    let identity = linked::insert(&mut tx, user.id, &back.provider, &back.told)
        .await
        .on_constraint("linked_identities_subject_key", taken)?;
    let event = Event::by(&caller, Action::IdentityLinked).about("identity", identity.id);
    audit::record(&mut tx, event.with(json!({ "provider": back.provider }))).await?;
    sign_in::tell(&mut tx, &app, &user, &back.provider, Template::IdentityLinked).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, [cookies::FLOW.clear(&app)?], Json(identity)))
}

/// Unlink an account elsewhere
///
/// It signs the caller in no more. Refused (409 `last-way-in`) if nothing else would. Needs a recent proof of who is asking
/// (`identity.step_up`).
#[utoipa::path(
    delete,
    path = "/api/v1/me/identities/{identity}",
    operation_id = "identity.identities.remove",
    tag = "identity",
    params(("identity" = Uuid, Path, description = "Which")),
    responses(
        (status = 204, description = "Unlinked"),
        problem::Always, problem::InSession, problem::Lookup, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn remove(State(app): State<AppState>, caller: UserSession, Path(id): Path<Uuid>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    step_up::require(&mut tx, &app, &caller).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    let provider = linked::remove(&mut tx, user.id, id).await?.ok_or_else(Problem::not_found)?;
    ways_in::require_one(&mut tx, &app, user.id).await?;
    let event = Event::by(&caller, Action::IdentityUnlinked).about("identity", id);
    audit::record(&mut tx, event.with(json!({ "provider": provider }))).await?;
    sign_in::tell(&mut tx, &app, &user, &provider, Template::IdentityUnlinked).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
