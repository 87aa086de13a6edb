//! `/healthz`: the process is alive. `/readyz`: it can do its work, which needs the database.

use axum::extract::State;
use http::StatusCode;

use crate::app::AppState;
use crate::problem::Result;

/// Alive.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Ready, or 503.
pub async fn ready(State(app): State<AppState>) -> Result<(StatusCode, &'static str)> {
    app.database.ping().await?;
    Ok((StatusCode::OK, "ready\n"))
}
