//! `POST /api/v1/auth/register`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::session::{self, Origin};
use super::tokens::{NO_STORE, SignedIn, Tokens};
use super::user::{User, normalised};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::{Attempt, Idempotency, Json};
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// An address that nobody has registered.
    #[schema(format = "email", max_length = 254, example = "ada@example.org")]
    email: String,
    /// At least 8 characters; the longer, the better.
    #[schema(format = "password", min_length = 8, max_length = 256)]
    password: String,
    /// How they want to be called.
    #[schema(min_length = 1, max_length = 200)]
    display_name: Option<String>,
}

/// Register
///
/// Registers a user and signs them in.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    operation_id = "identity.register",
    tag = "identity",
    request_body = NewUser,
    responses(
        (status = 201, description = "Registered and signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Conflicting,
    ),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn register(
    State(app): State<AppState>,
    idempotency: Idempotency,
    origin: Origin,
    Json(new): Json<NewUser>,
) -> Result<Response> {
    let email = normalised(&new.email);
    if email.chars().count() > 254 {
        return Err(Problem::invalid_field("/email", "maxLength", "is too long in lower case"));
    }
    // Before the transaction: hashing takes long, and a connection is dear.
    let hash = app.identity.hasher.hash(new.password).await?;
    let mut tx = match idempotency.begin(&app, &Scope::identity()).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let user = User::insert(&mut tx, &email, new.display_name.as_deref(), &hash)
        .await
        .on_constraint("users_email_key", || Problem::new(&kinds::EMAIL_TAKEN))?;
    let life = app.config.identity.refresh_token_life;
    let (session, refresh) = session::begin(&mut tx, &app.identity.refresh_key, user.id, &origin, life).await?;
    let caller = Caller { user: user.id, session };
    let tokens = Tokens::issue(&app, caller, &refresh).await?;
    tx.commit((StatusCode::CREATED, NO_STORE, Json(SignedIn { user, tokens }))).await
}
