//! `GET /api/v1/auth/providers/{provider}/callback`: where providers send people back to.

use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use url::form_urlencoded;

use super::begin::return_page;
use super::flow::{self, Flow, Secrets};
use super::{Provider, ticket};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Path;
use crate::identity::cookies;
use crate::identity::opaque::Opaque;
use crate::problem::{self, Problem, Result};

/// What a provider answers (RFC 6749 section 4.1.2, RFC 9207 section 2). Whatever else it says is ignored.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reply {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

impl Reply {
    /// None if something is there twice: RFC 6749 section 3.1.
    fn read(query: &str) -> Option<Self> {
        let mut reply = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "state" => &mut reply.state,
                "code" => &mut reply.code,
                "error" => &mut reply.error,
                "iss" => &mut reply.iss,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(reply)
    }
}

/// Come back from a provider
///
/// For browsers that a provider sends back. The answer sends them on to the page that `identity.providers.begin` was told, with
/// `#ticket=…`, or with `#error=` and one of `access_denied` (the user declined), `flow_over` (begin again: too late, used
/// before, or begun in another browser), `provider_failed` (what the provider said cannot be used).
#[utoipa::path(
    get,
    path = "/api/v1/auth/providers/{provider}/callback",
    operation_id = "identity.providers.callback",
    tag = "identity",
    params(
        ("provider" = String, Path, description = "Its name"),
        ("state" = Option<String>, Query, description = "The flow"),
        ("code" = Option<String>, Query, description = "The authorization code"),
        ("error" = Option<String>, Query, description = "Why there is no code"),
        ("iss" = Option<String>, Query, description = "Who answers (RFC 9207)"),
    ),
    responses(
        (status = 303, description = "On to the app", headers(("location" = String, description = "Its page"))),
        problem::Always, problem::Lookup,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn callback(
    State(app): State<AppState>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse> {
    let provider = app.identity.providers.named(&provider)?;
    let reply = Reply::read(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let browser = cookies::FLOW.read(&app, &headers).and_then(|cookie| Opaque::read(&cookie));
    let state = reply.state.as_deref().and_then(Opaque::read);
    let (Some(browser), Some(state)) = (browser, state) else {
        return onward(&return_page(&app, None)?, "error", "flow_over");
    };
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let flow = flow::take(&mut tx, &state, &browser, &provider.config.name).await?;
    // Whatever comes of it, it is used up.
    tx.commit().await?;
    let Some(flow) = flow else {
        return onward(&return_page(&app, None)?, "error", "flow_over");
    };
    match ticket(&app, &provider, &reply, &state, &browser, &flow).await? {
        Ok(ticket) => onward(&flow.return_to, "ticket", &ticket),
        Err(word) => {
            note_failure(&app, &provider, &flow, word).await?;
            onward(&flow.return_to, "error", word)
        }
    }
}

/// A ticket for what the provider says, or why there is none.
async fn ticket(
    app: &AppState,
    provider: &Provider,
    reply: &Reply,
    state: &Opaque,
    browser: &Opaque,
    flow: &Flow,
) -> Result<std::result::Result<String, &'static str>> {
    let failed = |error: anyhow::Error| {
        tracing::warn!(provider = provider.config.name, error = format!("{error:#}"), "a sign-in failed");
        "provider_failed"
    };
    // Before the code goes anywhere: it may be another provider's (RFC 9207 section 2.4).
    match provider.is_from(app, reply.iss.as_deref()).await {
        Ok(true) => {}
        Ok(false) => return Ok(Err(failed(anyhow::anyhow!("the answer names another issuer, or none")))),
        Err(error) => return Ok(Err(failed(error))),
    }
    match (reply.error.as_deref(), reply.code.as_deref()) {
        (Some("access_denied"), _) => Ok(Err("access_denied")),
        (None, Some(code)) => {
            let secrets = Secrets::of(&app.identity.providers.key, &state.text());
            let told = match provider.redeem(app, code, &secrets).await {
                Ok(told) => told,
                Err(error) => return Ok(Err(failed(error))),
            };
            let mut tx = app.database.begin(&Scope::identity()).await?;
            let ticket = ticket::keep(&mut tx, browser, flow.user, &provider.config.name, &told).await?;
            tx.commit().await?;
            Ok(Ok(ticket))
        }
        _ => Ok(Err(failed(anyhow::anyhow!("the provider answered with an error")))),
    }
}

async fn note_failure(app: &AppState, provider: &Provider, flow: &Flow, because: &str) -> Result<()> {
    let details = json!({ "factor": "provider", "provider": provider.config.name, "because": because });
    let mut event = Event::by_anybody(Action::LoginFailed).failed().with(details);
    if let Some(user) = flow.user {
        event = event.of_user(user);
    }
    audit::record_alone(&app.database, &Scope::identity(), event).await
}

/// On to a page. What is behind the `#` is told to no server.
fn onward(page: &str, name: &str, value: &str) -> Result<(StatusCode, [(HeaderName, HeaderValue); 3])> {
    let location = HeaderValue::from_str(&format!("{page}#{name}={value}")).map_err(Problem::internal)?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The page that we leave has a code in its address.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((StatusCode::SEE_OTHER, headers))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reply_says_each_thing_once() {
        let reply = Reply::read("code=a%20b&state=s&iss=https%3A%2F%2Fid.example&session_state=x&authuser=0").unwrap();
        assert_eq!(reply.code.as_deref(), Some("a b"));
        assert_eq!(reply.iss.as_deref(), Some("https://id.example"));
        assert_eq!(reply.error, None);
        for twice in ["state=a&state=a", "code=a&code=b", "iss=a&state=s&iss=b"] {
            assert_eq!(Reply::read(twice), None, "{twice}");
        }
        assert_eq!(Reply::read(""), Some(Reply::default()));
    }
}
