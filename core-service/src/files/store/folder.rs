//! A folder of this machine: `ab/<id>`, where `ab` is how the id ends.
//!
//! Content is written beside its place and moved there when all of it has reached the disk, so that it is there whole or not
//! at all, also after the power went off.

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use futures_util::StreamExt;
use tempfile::TempPath;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::Pieces;

/// What is given to the file system, and taken from it, at once.
const PIECE: usize = 256 * 1024;

/// A folder.
pub struct Folder {
    path: PathBuf,
}

/// A file being written.
pub struct Writer {
    file: BufWriter<File>,
    arriving: TempPath,
    path: PathBuf,
    place: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder of an id, and its file there.
    fn place(&self, id: Uuid) -> (PathBuf, PathBuf) {
        let name = id.as_hyphenated().to_string();
        let place = self.path.join(&name[name.len() - 2..]);
        let path = place.join(name);
        (place, path)
    }

    pub(super) async fn write(&self, id: Uuid) -> io::Result<Writer> {
        let (place, path) = self.place(id);
        fs::create_dir_all(&place).await?;
        let arriving = arriving(&path);
        let file = File::options().write(true).create_new(true).open(&arriving).await?;
        Ok(Writer {
            file: BufWriter::with_capacity(PIECE, file),
            arriving: TempPath::try_from_path(arriving)?,
            path,
            place,
        })
    }

    pub(super) async fn read(&self, id: Uuid, part: Range<u64>) -> io::Result<Pieces> {
        let mut file = File::open(self.place(id).1).await?;
        file.seek(io::SeekFrom::Start(part.start)).await?;
        Ok(ReaderStream::with_capacity(file.take(part.end - part.start), PIECE).boxed())
    }

    pub(super) async fn delete(&self, id: Uuid) -> io::Result<()> {
        let path = self.place(id).1;
        for path in [arriving(&path), path] {
            match fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Writer {
    pub(super) async fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece).await
    }

    pub(super) async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        let (arriving, path) = (self.arriving, self.path);
        tokio::task::spawn_blocking(move || arriving.persist(path)).await?.map_err(|error| error.error)?;
        // The name, too.
        File::open(self.place).await?.sync_all().await
    }
}

/// Where content is while it arrives.
fn arriving(path: &std::path::Path) -> PathBuf {
    path.with_extension("arriving")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::TryStreamExt;

    use super::*;

    async fn read(folder: &Folder, id: Uuid, part: Range<u64>) -> Vec<u8> {
        folder.read(id, part).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn content_is_there_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().join("files"));
        let (id, other) = (Uuid::from_u128(0xab), Uuid::from_u128(0xcd));
        let mut writer = folder.write(id).await.unwrap();
        writer.push(b"hello, ").await.unwrap();
        assert!(folder.read(id, 0..7).await.is_err(), "it is not there yet");
        writer.push(b"world").await.unwrap();
        writer.finish().await.unwrap();
        assert_eq!(read(&folder, id, 0..12).await, b"hello, world");
        assert_eq!(read(&folder, id, 7..9).await, b"wo");
        // What stops on the way leaves nothing.
        let mut writer = folder.write(other).await.unwrap();
        writer.push(b"half").await.unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(place.path().join("files/cd")).unwrap().count(), 0);
        folder.delete(other).await.unwrap();
        folder.delete(id).await.unwrap();
        assert!(folder.read(id, 0..1).await.is_err());
    }

    /// An id is used once: nobody's content is written over.
    #[tokio::test]
    async fn half_written_content_is_not_written_over() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().to_owned());
        let _writer = folder.write(Uuid::nil()).await.unwrap();
        assert!(folder.write(Uuid::nil()).await.is_err());
        folder.delete(Uuid::nil()).await.unwrap();
    }
}
