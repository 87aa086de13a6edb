//! Some events of a workspace, from a place on.

use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::IntoParams;
use uuid::Uuid;

use super::ToldEvent;
use crate::access::{Permission, Resource, look_at};
use crate::app::AppState;
use crate::database::{Scope, Tx};
use crate::identity::Caller;
use crate::problem::{Problem, Result, kinds};

/// Which events.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of these collections, by their names, with commas between; of all if it is not said.
    #[param(example = "orders,customers")]
    pub collections: Option<String>,
    /// Of this document.
    pub document: Option<Uuid>,
}

/// An event and its place in the log.
pub(super) struct Placed {
    pub(super) number: i64,
    pub(super) event: ToldEvent,
}

/// Begins to read for a caller: 404 for strangers. Members without a single right on documents are told nothing.
pub(super) async fn begin(app: &AppState, caller: &Caller, workspace: Uuid) -> Result<Tx> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let anything = Resource::Collection("");
    let access = look_at(&mut tx, caller, workspace, Permission::DocumentsRead, anything).await?;
    if caller.withholds(Permission::DocumentsRead) {
        access.require(Permission::DocumentsRead)?;
    }
    Ok(tx)
}

/// Up to `limit` events behind a number, that the transaction's caller may know of.
pub(super) async fn behind(
    tx: &mut PgConnection,
    workspace: Uuid,
    wanted: &Wanted,
    number: i64,
    limit: i64,
) -> Result<Vec<Placed>> {
    let names: Option<Vec<String>> =
        wanted.collections.as_deref().map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    let rows = sqlx::query!(
        r#"SELECT e.number, e.id, e.type AS kind, e.collection_id, c.name AS "collection?", e.document_id AS document,
                  e.version, e.actor_id AS actor, e.at
           FROM events e LEFT JOIN collections c ON c.id = e.collection_id
           WHERE e.workspace_id = $1 AND e.number > $2 AND ($3::text[] IS NULL OR c.name = ANY ($3))
             AND ($4::uuid IS NULL OR e.document_id = $4)
           ORDER BY e.number LIMIT $5"#,
        workspace,
        number,
        names.as_deref(),
        wanted.document,
        limit
    );
    let placed = rows.fetch_all(tx).await?.into_iter().map(|row| Placed {
        number: row.number,
        event: ToldEvent {
            id: row.id,
            kind: row.kind,
            collection_id: row.collection_id,
            collection: row.collection,
            document: row.document,
            version: row.version,
            actor: row.actor,
            at: row.at,
        },
    });
    Ok(placed.collect())
}

/// Where an event of the workspace stands, whoever may know of it; 410 if it is forgotten or never was.
pub(super) async fn place(app: &AppState, workspace: Uuid, id: Uuid) -> Result<i64> {
    let mut tx = app.database.begin_read(&Scope::worker()).await?;
    let number = sqlx::query_scalar!("SELECT number FROM events WHERE id = $1 AND workspace_id = $2", id, workspace);
    let forgotten = || {
        let detail = "This event is not in the log any more. Read anew what you follow, and go on from now.";
        Problem::new(&kinds::EVENTS_FORGOTTEN).detail(detail)
    };
    number.fetch_optional(&mut *tx).await?.ok_or_else(forgotten)
}

/// The last event of the workspace, if there is one.
pub(super) async fn last(app: &AppState, workspace: Uuid) -> Result<Option<(i64, Uuid)>> {
    let mut tx = app.database.begin_read(&Scope::worker()).await?;
    let last =
        sqlx::query!("SELECT number, id FROM events WHERE workspace_id = $1 ORDER BY number DESC LIMIT 1", workspace);
    Ok(last.fetch_optional(&mut *tx).await?.map(|row| (row.number, row.id)))
}
