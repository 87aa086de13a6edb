//! `POST /api/v1/auth/login`

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::session::{self, Origin};
use super::tokens::{NO_STORE, SignedIn, Tokens};
use super::user::{User, normalised};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::Json;
use crate::problem::{self, Problem, Result};

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The address they registered with.
    #[schema(max_length = 254, example = "ada@example.org")]
    email: String,
    /// Their password.
    #[schema(format = "password", max_length = 256)]
    password: String,
}

/// Sign in
///
/// Begins a session. An unknown address and a wrong password are answered alike, after the same
/// work.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    operation_id = "identity.login",
    tag = "identity",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Authenticated,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn login(
    State(app): State<AppState>,
    origin: Origin,
    Json(credentials): Json<Credentials>,
) -> Result<impl IntoResponse> {
    let (user, hash) = find(&app, &normalised(&credentials.email)).await?.unzip();
    let fits = app.identity.hasher.verify(credentials.password, hash).await?;
    let Some(user) = user.filter(|_| fits) else {
        return Err(Problem::invalid_credentials());
    };
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let life = app.config.identity.refresh_token_life;
    let (session, refresh) = session::begin(&mut tx, &app.identity.refresh_key, user.id, &origin, life).await?;
    tx.commit().await?;
    let caller = Caller { user: user.id, session };
    let tokens = Tokens::issue(&app, caller, &refresh).await?;
    Ok((NO_STORE, Json(SignedIn { user, tokens })))
}

/// The user with this address, and their password's hash.
async fn find(app: &AppState, email: &str) -> Result<Option<(User, String)>> {
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    let row = sqlx::query!(
        "SELECT u.id, u.email, u.display_name, u.created_at, u.updated_at, u.version, p.hash
         FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.email = $1",
        email
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|row| {
        let user = User {
            id: row.id,
            email: row.email,
            display_name: row.display_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        };
        (user, row.hash)
    }))
}
