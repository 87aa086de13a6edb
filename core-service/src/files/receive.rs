//! Takes the content of an upload into the store, as it arrives: nothing of it is kept in memory but a piece.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use sqlx::PgConnection;
use tokio::time::timeout;
use uuid::Uuid;

use super::declared::Declared;
use super::progress::Progress;
use super::store::{self, Writer};
use super::{sniff, usage};
use crate::app::AppState;
use crate::database::Scope;
use crate::problem::{Problem, Result, kinds};

/// The longest pause between two pieces.
const PATIENCE: Duration = Duration::from_secs(30);

/// Content that is in the store, and that nothing names yet.
pub(super) struct Received {
    pub(super) id: Uuid,
    size: i64,
    sha256: [u8; 32],
    media_type: String,
}

/// Takes it in. Its row is there before, so that whatever happens the store's part of it is found again.
pub(super) async fn receive(
    app: &AppState,
    scope: &Scope,
    workspace: Uuid,
    declared: Declared,
    body: Body,
) -> Result<Received> {
    let id = Uuid::now_v7();
    let mut tx = app.database.begin(scope).await?;
    let insert = sqlx::query!("INSERT INTO file_contents (id, workspace_id) VALUES ($1, $2)", id, workspace);
    insert.execute(&mut *tx).await?;
    tx.commit().await?;
    let received = take_in(app, id, declared, body).await;
    if received.is_err() {
        discard(app, id).await;
    }
    received
}

async fn take_in(app: &AppState, id: Uuid, declared: Declared, body: Body) -> Result<Received> {
    let mut writer = app.files.write(id).await.map_err(store::unavailable)?;
    let mut progress = Progress::default();
    take(body, &mut writer, &mut progress, app.config.files.max_bytes).await?;
    let received = Received::of(id, progress, declared.sha256, declared.media_type)?;
    writer.finish().await.map_err(store::unavailable)?;
    Ok(received)
}

/// Writes a body as it arrives, up to `most` bytes in all.
pub(super) async fn take(mut body: Body, writer: &mut Writer, progress: &mut Progress, most: u64) -> Result<()> {
    loop {
        let frame = timeout(PATIENCE, body.frame()).await;
        let frame = frame.map_err(|_| Problem::bad_request("The content stopped arriving."))?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|_| Problem::bad_request("The content did not arrive whole."))?;
        // Trailers say nothing that is looked at.
        let Ok(piece) = frame.into_data() else { continue };
        if progress.size + piece.len() as u64 > most {
            return Err(too_large(most));
        }
        writer.push(&piece).await.map_err(store::unavailable)?;
        progress.push(&piece);
    }
}

impl Received {
    /// All that arrived, if it is what was declared.
    pub(super) fn of(
        id: Uuid,
        progress: Progress,
        sha256: Option<[u8; 32]>,
        media_type: Option<String>,
    ) -> Result<Self> {
        let size = i64::try_from(progress.size).map_err(Problem::internal)?;
        let media_type = sniff::media_type(media_type, &progress.beginning)?;
        let found = progress.sha256();
        if sha256.is_some_and(|declared| declared != found) {
            return Err(Problem::new(&kinds::DIGEST_MISMATCH));
        }
        Ok(Self { id, size, sha256: found, media_type })
    }

    /// From now on it is kept, and counted, if the workspace may keep so much.
    pub(super) async fn keep(&self, app: &AppState, tx: &mut PgConnection, workspace: Uuid) -> Result<()> {
        let kept = sqlx::query!(
            "UPDATE file_contents SET state = 'kept', size = $2, sha256 = $3, media_type = $4 WHERE id = $1 AND state = 'arriving'",
            self.id,
            self.size,
            &self.sha256[..],
            self.media_type
        );
        if kept.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(Problem::overloaded("The upload took so long that it was given up. Try again."));
        }
        usage::count(tx, workspace, self.size, app.config.files.workspace_bytes).await
    }
}

/// Forgets content, or a piece of some, that came to nothing, if nobody keeps it; should this fail, it is swept later.
pub(super) async fn discard(app: &AppState, id: Uuid) {
    let discarded = async {
        let mut tx = app.database.begin(&Scope::files()).await?;
        // Whether a transaction that kept it came through is not always known: only the row knows.
        let rows = sqlx::query_scalar!(
            r#"WITH content AS (DELETE FROM file_contents WHERE id = $1 AND state = 'arriving' RETURNING id),
                    piece AS (DELETE FROM file_pieces WHERE id = $1 AND number IS NULL RETURNING id)
               SELECT (SELECT count(*) FROM content) + (SELECT count(*) FROM piece) AS "rows!""#,
            id
        );
        if rows.fetch_one(&mut *tx).await? > 0 {
            app.files.delete(id).await?;
        }
        tx.commit().await?;
        anyhow::Ok(())
    };
    if let Err(error) = discarded.await {
        tracing::warn!(content = %id, error = %format!("{error:#}"), "an upload that came to nothing is still in the file store");
    }
}

/// 413 for what is declared to be larger than a file may be.
pub(super) fn refuse_too_large(app: &AppState, length: Option<u64>) -> Result<()> {
    let most = app.config.files.max_bytes;
    if length.is_some_and(|length| length > most) { Err(too_large(most)) } else { Ok(()) }
}

fn too_large(most: u64) -> Problem {
    Problem::new(&kinds::PAYLOAD_TOO_LARGE).detail(format!("There are at most {most} bytes in it."))
}
