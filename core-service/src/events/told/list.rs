//! `GET /api/v1/workspaces/{workspace}/events`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ToldEvent;
use super::page::{self, Wanted};
use crate::app::AppState;
use crate::http::{Json, Limit, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Which events, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Those that came after this one; from the first that is known if it is not said.
    after: Option<Uuid>,
    /// How many the answer holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    limit: Limit<1000>,
    /// Of these collections, by their names, with commas between; of all if it is not said.
    #[param(example = "orders,customers")]
    collections: Option<String>,
    /// Of this document.
    document: Option<Uuid>,
}

/// Events, in the order in which they happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldEvents {
    /// The events. To go on, ask for what comes after the last.
    items: Vec<ToldEvent>,
}

/// List what happened
///
/// To collections and documents that the caller may read, oldest first, for as long as the log keeps it (30 days unless the operator
/// says otherwise). Each document's events are in the order of its versions. Ask again with `after` for more: nothing is
/// missed, and an answer without items is the end for now.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/events",
    operation_id = "events.list",
    tag = "events",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), EventsQuery),
    responses(
        (status = OK, description = "What happened", body = ToldEvents),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Remembered,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<ToldEvents>> {
    // Looked up before the transaction begins, so that a request holds one connection at a time, and told after it, so that a
    // stranger learns nothing.
    let number = match query.after {
        Some(id) => page::place(&app, workspace, id).await,
        None => Ok(0),
    };
    let mut tx = page::begin(&app, &caller, workspace).await?;
    let number = number?;
    let wanted = Wanted { collections: query.collections, document: query.document };
    let placed = page::behind(&mut tx, workspace, &wanted, number, query.limit.most()).await?;
    Ok(Json(ToldEvents { items: placed.into_iter().map(|placed| placed.event).collect() }))
}
