//! `/api/v1/me/api-keys`: the caller's own keys.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::made::MadeApiKey;
use super::new::{NewApiKey, Overlap};
use super::row::{self, ApiKey};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Attempt, Idempotency, Json, Page, PageQuery, Path, Query};
use crate::identity::UserSession;
use crate::identity::letters::{self, Reader};
use crate::identity::step_up;
use crate::identity::user::User;
use crate::mail::Template;
use crate::problem::{self, Problem, Result};

/// List my API keys
///
/// The oldest first; those that ended are listed for a month more.
#[utoipa::path(
    get,
    path = "/api/v1/me/api-keys",
    operation_id = "identity.api_keys.list",
    tag = "identity",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of keys", body = Page<ApiKey>),
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: UserSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ApiKey>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let keys = row::of_user(&mut tx, caller.user, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(keys, query.limit, |last| last.id)))
}

/// Make an API key
///
/// With it a program may do what the caller may, in every workspace, or less. It does not manage accounts: what is about
/// passwords, factors, sessions and keys answers it 403 `session-required`. Needs a recent proof of who is asking
/// (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/me/api-keys",
    operation_id = "identity.api_keys.create",
    tag = "identity",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe")),
    request_body = NewApiKey,
    responses(
        (status = 201, description = "The key", body = MadeApiKey),
        problem::Always, problem::InSession, problem::Body, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn create(
    State(app): State<AppState>,
    caller: UserSession,
    idempotency: Idempotency,
    Json(new): Json<NewApiKey>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &Scope::identity_of(caller.user)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    step_up::require(&mut tx, &app, &caller).await?;
    let made = MadeApiKey::make(&mut tx, &app, &caller, caller.user, new, caller.mfa).await?;
    let event = Event::by(&caller, Action::ApiKeyCreated).about("api-key", made.id());
    audit::record(&mut tx, event.with(made.details())).await?;
    tell(&mut tx, &app, &caller, &made).await?;
    tx.commit(made).await
}

/// Replace an API key
///
/// By one of the same name, permissions and addresses, which lives as long as the old one was meant to. Needs a recent proof
/// of who is asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/me/api-keys/{key}/rotate",
    operation_id = "identity.api_keys.rotate",
    tag = "identity",
    params(
        ("key" = Uuid, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = Overlap,
    responses(
        (status = 201, description = "The new key", body = MadeApiKey),
        problem::Always, problem::InSession, problem::Lookup, problem::Body, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn rotate(
    State(app): State<AppState>,
    caller: UserSession,
    Path(key): Path<Uuid>,
    idempotency: Idempotency,
    Json(overlap): Json<Overlap>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &Scope::identity_of(caller.user)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    step_up::require(&mut tx, &app, &caller).await?;
    let made = MadeApiKey::instead(&mut tx, &app, &caller, (caller.user, key), &overlap, caller.mfa).await?;
    let event = Event::by(&caller, Action::ApiKeyRotated).about("api-key", key);
    audit::record(&mut tx, event.with(made.rotated(&overlap))).await?;
    tell(&mut tx, &app, &caller, &made).await?;
    let answer = tx.commit(made).await?;
    app.identity.changed();
    Ok(answer)
}

/// End an API key
///
/// It is refused from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/me/api-keys/{key}",
    operation_id = "identity.api_keys.end",
    tag = "identity",
    params(("key" = Uuid, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It has ended"),
        problem::Always, problem::InSession, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn end(State(app): State<AppState>, caller: UserSession, Path(key): Path<Uuid>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    let name = row::delete(&mut tx, caller.user, key).await?.ok_or_else(Problem::not_found)?;
    let event = Event::by(&caller, Action::ApiKeyEnded).about("api-key", key);
    audit::record(&mut tx, event.with(json!({ "name": name }))).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// Says that there is a new key.
async fn tell(connection: &mut PgConnection, app: &AppState, caller: &UserSession, made: &MadeApiKey) -> Result<()> {
    let user = User::find(&mut *connection, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    let language = User::language(&mut *connection, caller.user).await?;
    let reader = Reader { email: &user.email, language: &language };
    let reason = format!("API key {}", made.id());
    let data = json!({ "name": made.name(), "link": letters::Page::ForgotPassword.link(app, None) });
    letters::write(connection, app, reader, Template::ApiKeyAdded, &reason, data).await?;
    Ok(())
}
