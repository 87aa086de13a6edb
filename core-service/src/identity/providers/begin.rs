//! `/api/v1/auth/providers`: which there are, and the way to one.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::flow::{self, NewFlow, Secrets};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::{Json, Path};
use crate::identity::cookies;
use crate::identity::opaque::Opaque;
use crate::identity::tokens::NO_STORE;
use crate::problem::{self, Problem, Result, kinds};

/// A provider that people may sign in with.
#[derive(Serialize, ToSchema)]
pub struct ProviderName {
    /// Its name in paths.
    #[schema(example = "google")]
    name: String,
    /// What people call it.
    #[schema(example = "Google")]
    title: String,
}

/// The providers.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    /// In the order of their names.
    providers: Vec<ProviderName>,
}

/// Where to come back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Departure {
    /// A page of the app that is listed in `identity.return_urls`; the first of these when it is not said.
    #[serde(default)]
    #[schema(nullable = false, max_length = 2048, example = "https://app.example.org/signed-in")]
    pub(super) return_to: Option<String>,
}

/// The way to a provider.
#[derive(Serialize, ToSchema)]
pub struct WayOut {
    /// Where the browser is to go.
    #[schema(format = "uri")]
    authorization_url: String,
    /// For how many seconds it is good.
    expires_in: u64,
}

/// List sign-in providers
#[utoipa::path(
    get,
    path = "/api/v1/auth/providers",
    operation_id = "identity.providers.list",
    tag = "identity",
    responses((status = 200, description = "The providers", body = ProviderList), problem::Always),
    security(()),
)]
pub async fn list(State(app): State<AppState>) -> Json<ProviderList> {
    let name = |provider: &std::sync::Arc<super::Provider>| ProviderName {
        name: provider.config.name.clone(),
        title: provider.config.title.clone(),
    };
    Json(ProviderList { providers: app.identity.providers.all.iter().map(name).collect() })
}

/// Begin to sign in with a provider
///
/// The browser goes to `authorization_url` and, signed in there, comes back to `return_to` with `#ticket=…`, which
/// `identity.providers.sign_in` takes, or `#error=…`. The answer sets a cookie that binds all this to the browser.
#[utoipa::path(
    post,
    path = "/api/v1/auth/providers/{provider}",
    operation_id = "identity.providers.begin",
    tag = "identity",
    params(("provider" = String, Path, description = "Its name")),
    request_body = Departure,
    responses(
        (status = 200, description = "Where to go", body = WayOut),
        problem::Always, problem::Body, problem::Lookup,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn begin(
    State(app): State<AppState>,
    Path(provider): Path<String>,
    Json(departure): Json<Departure>,
) -> Result<impl IntoResponse> {
    way_out(&app, &provider, departure.return_to.as_deref(), None).await
}

/// The way to a provider, for somebody who signs in or who wants to link.
pub(super) async fn way_out(
    app: &AppState,
    provider: &str,
    return_to: Option<&str>,
    user: Option<Uuid>,
) -> Result<impl IntoResponse + use<>> {
    let providers = &app.identity.providers;
    let provider = providers.named(provider)?;
    let return_to = return_page(app, return_to)?;
    let (state, browser) = (Opaque::new().map_err(Problem::internal)?, Opaque::new().map_err(Problem::internal)?);
    let secrets = Secrets::of(&providers.key, &state.text());
    let url = provider.authorization_url(app, &secrets).await.map_err(|error| {
        tracing::warn!(provider = provider.config.name, error = format!("{error:#}"), "a provider cannot be used");
        Problem::new(&kinds::PROVIDER_UNAVAILABLE).detail("Try again, or sign in another way.").retry_after(5)
    })?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let new = NewFlow { provider: &provider.config.name, return_to: &return_to, user };
    flow::keep(&mut tx, &state, &browser, new).await?;
    tx.commit().await?;
    let cookie = cookies::FLOW.set(app, &browser.text(), flow::LIFE)?;
    let way = WayOut { authorization_url: url.into(), expires_in: flow::LIFE.as_secs() };
    Ok((NO_STORE, [cookie], Json(way)))
}

/// A page that is listed, letter by letter (RFC 9700 section 4.1.3); the first when none is wanted.
pub(super) fn return_page(app: &AppState, wanted: Option<&str>) -> Result<String> {
    let pages = &app.config.identity.return_urls;
    let usual = || app.config.mail.app_url.as_ref().map_or(app.config.identity.issuer.clone(), ToString::to_string);
    let first = pages.first().cloned().unwrap_or_else(usual);
    match wanted {
        None => Ok(first),
        Some(wanted) if pages.iter().any(|page| page == wanted) || wanted == first => Ok(wanted.to_owned()),
        Some(_) => Err(Problem::invalid_field("/return_to", "unlisted", "is not among identity.return_urls")),
    }
}
