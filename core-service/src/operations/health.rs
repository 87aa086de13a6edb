//! `/healthz`: the process is alive. `/readyz`: it can do its work, which needs the database and the keys that encrypt.

use axum::extract::State;
use http::StatusCode;

use crate::app::AppState;
use crate::problem::Result;

/// Alive.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Ready, or 503. A gateway file that cannot be used is told, but it is no reason to stop: the last good one is in use.
pub async fn ready(State(app): State<AppState>) -> Result<(StatusCode, String)> {
    app.database.ping().await?;
    app.vault.ready().await?;
    let mut text = "ready\n".to_owned();
    if let Some(mistakes) = app.edge.gateway_mistakes() {
        text.push_str(&format!("the gateway file cannot be used: {mistakes}\n"));
    }
    Ok((StatusCode::OK, text))
}
