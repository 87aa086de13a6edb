//! Deleted documents, which can be restored for a while.
//!
//! Rules: a document in the trash is in no list and no reference, and its unique values are free for others; what its
//! deletion took along is restored with it; when its time is over, or when somebody purges it, it goes for good with all
//! its versions; whoever may write a collection's documents sees its trash.

mod list;
mod purge;
mod restore;

use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::AppState;
use crate::problem::Result;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list)).routes(routes!(purge::purge)).routes(routes!(restore::restore))
}

/// A document that goes, and for how many days it stays in the trash.
pub(super) struct Going {
    pub(super) id: Uuid,
    pub(super) days: u16,
}

/// Puts locked documents into the trash, or deletes them if their collection has none. They go with `root`.
pub(super) async fn put(tx: &mut PgConnection, going: &[Going], root: Uuid, user: Uuid) -> Result<()> {
    let (kept, gone): (Vec<&Going>, Vec<&Going>) = going.iter().partition(|going| going.days > 0);
    let gone: Vec<Uuid> = gone.into_iter().map(|going| going.id).collect();
    if !gone.is_empty() {
        forget(tx, &gone).await?;
    }
    if !kept.is_empty() {
        let (ids, days): (Vec<Uuid>, Vec<i32>) = kept.iter().map(|going| (going.id, i32::from(going.days))).unzip();
        sqlx::query!(
            "INSERT INTO document_trash (id, workspace_id, collection_id, version, data, created_at, updated_at,
                                         created_by, updated_by, deleted_by, deleted_with, purge_at)
             SELECT d.id, workspace_id, collection_id, version, data, created_at, updated_at, created_by, updated_by,
                    $3, $4, now() + make_interval(days => g.days)
             FROM unnest($1::uuid[], $2::integer[]) AS g (id, days) JOIN documents d ON d.id = g.id",
            &ids,
            &days,
            user,
            root
        )
        .execute(&mut *tx)
        .await?;
    }
    let all: Vec<Uuid> = going.iter().map(|going| going.id).collect();
    sqlx::query!("DELETE FROM documents WHERE id = ANY ($1)", &all).execute(tx).await?;
    Ok(())
}

/// Purges what has been in the trash for its time: at most so many at once, and says how many.
pub(crate) async fn sweep(tx: &mut PgConnection) -> std::result::Result<u64, sqlx::Error> {
    let gone = sqlx::query_scalar!(
        "WITH over AS (SELECT id FROM document_trash WHERE purge_at <= now() ORDER BY purge_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
         DELETE FROM document_trash t USING over WHERE t.id = over.id RETURNING t.id"
    )
    .fetch_all(&mut *tx)
    .await?;
    forget(tx, &gone).await?;
    Ok(gone.len() as u64)
}

/// Forgets what is kept of documents that are gone for good: their versions, and what was said about them.
async fn forget(tx: &mut PgConnection, gone: &[Uuid]) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM document_versions WHERE document_id = ANY ($1)", gone).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM document_comments WHERE document_id = ANY ($1)", gone).execute(tx).await?;
    Ok(())
}
