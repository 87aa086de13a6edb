//! Mails as files, for a machine without a mail server: `<id>.eml`, in the order in which they were asked for.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Envelope, mime};
use crate::events::{Failure, Outcome};

/// A folder of mails.
pub(in crate::mail) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        let message = mime::message(envelope).map_err(Failure::Final)?.formatted();
        let path = self.0.join(format!("{}.eml", envelope.id));
        let folder = self.0.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &path, &message));
        Ok(written.await.map_err(anyhow::Error::from)??)
    }
}

/// Renamed into place, so that nobody reads half a mail; only its owner may read it, since it may let somebody in.
fn write(folder: &Path, path: &Path, message: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    let failed = || format!("mail.folder: {} cannot be written", path.display());
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(failed)?;
    let half = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&half).with_context(failed)?;
    file.write_all(message).with_context(failed)?;
    std::fs::rename(&half, path).with_context(failed)
}
