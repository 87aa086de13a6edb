//! What every request passes through, from the outside in.

use std::any::Any;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::{drain, idempotency, request_id};
use crate::app::AppState;
use crate::audit::denials;
use crate::edge;
use crate::events::consumer;
use crate::operations::{metrics, traces};
use crate::problem::{Problem, Result, kinds};

/// Puts the layers around `router`. Read from the bottom: the request's id comes first, so that every problem and
/// log line has it.
pub fn around(router: Router<AppState>, app: AppState) -> Router {
    let config = &app.config.http;
    router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::new(&kinds::METHOD_NOT_ALLOWED))
        .layer(middleware::from_fn_with_state(app.clone(), consumer::layer))
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::layer))
        .layer(middleware::from_fn_with_state(app.clone(), denials::layer))
        .layer(DefaultBodyLimit::max(config.max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), time_out))
        .layer(middleware::from_fn_with_state(app.clone(), edge::link::layer))
        .layer(middleware::from_fn_with_state(config.max_body_bytes, drain::layer))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::layer))
        .layer(middleware::from_fn_with_state(app.clone(), traces::layer))
        .layer(middleware::from_fn(request_id::layer))
        .with_state(app)
}

async fn time_out(State(app): State<AppState>, request: Request, next: Next) -> Result<Response> {
    // How long an upload takes is the client's affair, as long as it goes on.
    if app.uploads.contain(request.method(), request.extensions()) {
        return Ok(next.run(request).await);
    }
    tokio::time::timeout(app.config.http.request_timeout, next.run(request))
        .await
        .map_err(|_| Problem::overloaded("The request took too long and was given up."))
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::internal(format!("panic: {message}")).into_response()
}
