//! The room `documents`.

use utoipa_axum::router::OpenApiRouter;

use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
