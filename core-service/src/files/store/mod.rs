//! Where the content of files lies: in a folder, or in S3.
//!
//! What is put there has an id of its own and never changes: it is written whole, read whole or in part, and deleted.

mod folder;
mod s3;

use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

use self::folder::Folder;
use self::s3::Bucket;
use crate::app::AppState;
use crate::config::{FileStore, FilesConfig};
use crate::problem::{Problem, kinds};

/// A store.
pub enum Store {
    /// A folder of this machine.
    Folder(Folder),
    /// A bucket.
    S3(Box<Bucket>),
}

/// Content on its way into a store. Dropped before [`Writer::finish`], it leaves nothing that anybody reads.
pub enum Writer {
    /// Into a folder.
    Folder(Box<folder::Writer>),
    /// Into a bucket.
    S3(Box<s3::Writer>),
}

/// Content as it is read, piece by piece.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

impl Store {
    /// The store that is configured.
    pub fn new(config: &FilesConfig) -> Self {
        match &config.store {
            FileStore::Folder(path) => Self::Folder(Folder::new(path.clone())),
            FileStore::S3(config) => Self::S3(Box::new(Bucket::new(config))),
        }
    }

    /// Begins to write content under a new id.
    pub async fn write(&self, id: Uuid) -> io::Result<Writer> {
        match self {
            Self::Folder(folder) => folder.write(id).await.map(|writer| Writer::Folder(Box::new(writer))),
            Self::S3(bucket) => Ok(Writer::S3(Box::new(bucket.write(id)))),
        }
    }

    /// Reads a part of some content.
    pub async fn read(&self, id: Uuid, part: Range<u64>) -> io::Result<Pieces> {
        match self {
            Self::Folder(folder) => folder.read(id, part).await,
            Self::S3(bucket) => bucket.read(id, part).await,
        }
    }

    /// A URL under which anybody can read content for a while, if the store has such URLs.
    pub async fn link(
        &self,
        id: Uuid,
        lasts: Duration,
        disposition: &str,
        media_type: &str,
    ) -> io::Result<Option<String>> {
        match self {
            Self::Folder(_) => Ok(None),
            Self::S3(bucket) => bucket.link(id, lasts, disposition, media_type).await.map(Some),
        }
    }

    /// Deletes content, whole or half written; that there is none is no error.
    pub async fn delete(&self, id: Uuid) -> io::Result<()> {
        match self {
            Self::Folder(folder) => folder.delete(id).await,
            Self::S3(bucket) => bucket.delete(id).await,
        }
    }
}

impl Writer {
    /// Writes the next piece.
    pub async fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Folder(writer) => writer.push(piece).await,
            Self::S3(writer) => writer.push(piece).await,
        }
    }

    /// After this it is there, whatever happens to the machine.
    pub async fn finish(self) -> io::Result<()> {
        match self {
            Self::Folder(writer) => writer.finish().await,
            Self::S3(writer) => writer.finish().await,
        }
    }
}

/// Reads parts of several pieces, one after the other. The first is opened at once, so that an error there can still be told.
pub(super) async fn read_all(app: &AppState, parts: Vec<(Uuid, Range<u64>)>) -> io::Result<Pieces> {
    let mut parts = parts.into_iter().filter(|(_, part)| !part.is_empty());
    let Some((id, part)) = parts.next() else { return Ok(stream::empty().boxed()) };
    let first = app.files.read(id, part).await?;
    let app = app.clone();
    let rest = stream::iter(parts).then(move |(id, part)| {
        let app = app.clone();
        async move { app.files.read(id, part).await }
    });
    Ok(first.chain(rest.try_flatten()).boxed())
}

/// 503: what went wrong is logged and not told.
pub(super) fn unavailable(error: io::Error) -> Problem {
    tracing::error!(%error, "the file store failed");
    Problem::new(&kinds::STORE_UNAVAILABLE)
}
