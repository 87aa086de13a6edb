//! Puts the rooms together: the state that handlers share, and the router.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use breakwater_spans::Spans;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_axum::router::OpenApiRouter;

use crate::config::Config;
use crate::database::Database;
use crate::edge::Edge;
use crate::events::{Consumer, Handler, Tail, Written};
use crate::files::store::Store;
use crate::http::{Uploads, layers};
use crate::identity::Identity;
use crate::mail::Mail;
use crate::operations::{ApiDocument, Metrics, traces};
use crate::problem::ProblemBody;
use crate::vault::Vault;
use crate::{access, audit, documents, edge, events, files, identity, mail, operations, workspaces};

/// What handlers share. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState(Arc<App>);

/// The parts of [`AppState`].
pub struct App {
    /// The configuration.
    pub config: Config,
    /// PostgreSQL.
    pub database: Database,
    /// Encryption and derived keys.
    pub vault: Vault,
    /// Signing keys, revoked sessions, password hashing.
    pub identity: Identity,
    /// How mails leave.
    pub mail: Mail,
    /// Edge keys and the snapshot.
    pub edge: Edge,
    /// Whether there may be events to number.
    pub written: Written,
    /// Who waits for events.
    pub tail: Tail,
    /// Where the content of files lies.
    pub files: Store,
    /// Which operations take uploads.
    pub uploads: Uploads,
    /// The OpenAPI document.
    pub document: ApiDocument,
    /// What is counted.
    pub metrics: Metrics,
    /// Where traces are told, if they are.
    pub spans: Option<Spans>,
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

/// Builds the state and the router that serves it. Needs no database yet: the pool connects when it is used.
pub fn build(config: Config) -> anyhow::Result<(AppState, Router)> {
    let (router, openapi) = api().split_for_parts();
    let database = Database::new(&config.database)?;
    let vault = Vault::new(&config, database.clone())?;
    let state = AppState(Arc::new(App {
        database,
        identity: Identity::new(&config.identity, &vault)?,
        mail: Mail::new(&config.mail)?,
        edge: Edge::new(&config, &openapi)?,
        written: Written::default(),
        tail: Tail::default(),
        files: Store::new(&config.files),
        uploads: Uploads::new(&openapi),
        metrics: Metrics::new(&openapi),
        spans: traces::start(&config.telemetry)?,
        document: ApiDocument::new(openapi)?,
        vault,
        config,
    }));
    let router = router.merge(edge::routes()).merge(operations::routes());
    Ok((state.clone(), layers::around(router, state)))
}

/// Who does the jobs of the outbox.
pub fn handlers() -> Vec<Handler> {
    [identity::handlers(), mail::handlers(), documents::handlers()].concat()
}

/// Who reads the log of events.
pub fn consumers() -> Vec<Consumer> {
    documents::consumers()
}

/// The OpenAPI document, as `core-service openapi` prints it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

/// Everything that clients can call: each operation is told in the OpenAPI document and, from it, to the edges.
fn api() -> OpenApiRouter<AppState> {
    let mut api = OpenApiRouter::with_openapi(Api::openapi())
        .merge(identity::routes())
        .merge(workspaces::routes())
        .merge(documents::routes())
        .merge(files::routes())
        .merge(events::told::routes())
        .merge(audit::routes())
        .merge(access::routes())
        .merge(mail::routes())
        .merge(edge::api())
        .merge(operations::document_routes());
    for item in api.get_openapi_mut().paths.paths.values_mut() {
        let reads = [&mut item.get, &mut item.head];
        reads.into_iter().flatten().for_each(|operation| or_by_cookie(operation, &["session"]));
        let changes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        changes.into_iter().flatten().for_each(|operation| or_by_cookie(operation, &["session", "csrf"]));
    }
    api
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Breakwater",
        description = "The API of Breakwater. Errors are problem details (RFC 9457), lists have cursors, changes \
                       honour If-Match, and every POST that creates accepts an Idempotency-Key.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody)),
    modifiers(&Credentials),
)]
struct Api;

/// The ways to authenticate: with a bearer token (RFC 6750), or with a session's cookie wherever a session's token is one.
struct Credentials;

impl utoipa::Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let access_token = "An access token from auth/login, auth/register or auth/refresh, or an API key. Operations that \
                            answer 403 session-required take no key.";
        let access_token = bearer(access_token).bearer_format("JWT").build();
        let purge_key = bearer("The key of the core's setting `edge.purge_key`.").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(access_token));
        components.add_security_scheme("purge_key", SecurityScheme::Http(purge_key));
        let session = "The session's cookie, set by signing in with `X-Session-Mode: cookie`. On this machine, without TLS, its name has \
                       no prefix.";
        let session = ApiKeyValue::with_description("__Host-breakwater-access", session);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let csrf =
            "The `csrf_token` of the session, with its cookie and whatever is no GET. The page's `Origin` counts, too.";
        let csrf = ApiKeyValue::with_description("X-CSRF-Token", csrf);
        components.add_security_scheme("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    }
}

/// Adds the cookie to what an access token can do.
fn or_by_cookie(operation: &mut Operation, schemes: &[&str]) {
    let alternatives = operation.security.iter_mut().flatten();
    if alternatives.into_iter().any(|one| *one == SecurityRequirement::new("bearer", [""; 0])) {
        let together = schemes.iter().fold(SecurityRequirement::default(), |all, name| all.add(*name, [""; 0]));
        operation.security.get_or_insert_default().push(together);
    }
}

fn bearer(description: &str) -> HttpBuilder {
    HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description))
}
