//! `POST /api/v1/auth/password-strength`: a hint while somebody chooses a password. Nothing is kept of it.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::{self, About};
use crate::app::AppState;
use crate::http::Json;
use crate::identity::tokens::NO_STORE;
use crate::identity::user::normalised;
use crate::problem::{self, Problem, Result};

/// A password that somebody thinks of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The password.
    #[schema(format = "password", max_length = 256)]
    password: String,
    /// Their e-mail address: it makes a bad password.
    #[serde(default)]
    #[schema(max_length = 254)]
    email: String,
    /// Their name: so does it.
    #[schema(max_length = 200)]
    display_name: Option<String>,
}

/// How good a password is.
#[derive(Serialize, ToSchema)]
pub struct Strength {
    /// From 0, which falls at once, to 4, which is very hard to guess.
    #[schema(minimum = 0, maximum = 4)]
    score: u8,
    /// About how many guesses it takes, as a power of ten.
    guesses_log10: f64,
    /// Why it would be refused: `short`, `common`, `personal` or `breached`; null if it would not be.
    #[schema(required = true)]
    refused: Option<&'static str>,
    /// What is weak about it, in English.
    #[schema(required = true)]
    warning: Option<String>,
    /// What would make it better, in English.
    suggestions: Vec<String>,
}

/// Rate a password
///
/// A hint to show while somebody chooses one. Only `refused` is a rule.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password-strength",
    operation_id = "identity.password.rate",
    tag = "identity",
    request_body = Candidate,
    responses(
        (status = 200, description = "How good it is", body = Strength),
        problem::Always, problem::Body,
    ),
    security(()),
)]
pub async fn rate(State(app): State<AppState>, Json(candidate): Json<Candidate>) -> Result<impl IntoResponse> {
    let Candidate { password, email, display_name } = candidate;
    let email = normalised(&email);
    let about = About { email: &email, display_name: display_name.as_deref() };
    let refused = match password.chars().count() {
        0..8 => Some("short"),
        _ => policy::refuses(&app, &password, about).await?.map(|reason| reason.code()),
    };
    let estimated = tokio::task::spawn_blocking(move || {
        let known: Vec<&str> = [Some(email.as_str()), display_name.as_deref()].into_iter().flatten().collect();
        zxcvbn::zxcvbn(&password, &known)
    });
    let estimate = estimated.await.map_err(Problem::internal)?;
    let feedback = estimate.feedback();
    let strength = Strength {
        score: u8::from(estimate.score()),
        guesses_log10: estimate.guesses_log10().max(0.0),
        refused,
        warning: feedback.and_then(|feedback| feedback.warning()).map(|warning| warning.to_string()),
        suggestions: feedback
            .map(|feedback| feedback.suggestions().iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    };
    Ok((NO_STORE, Json(strength)))
}
