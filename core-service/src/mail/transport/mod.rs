//! How a mail leaves us.

mod folder;
mod mime;
mod sendgrid;
mod smtp;

use lettre::message::Mailbox;
use uuid::Uuid;

use self::folder::Folder;
use self::sendgrid::SendGrid;
use self::smtp::Smtp;
use super::template::Content;
use crate::config::{MailConfig, MailTransport};
use crate::events::Outcome;

/// A mail, ready to go.
pub(super) struct Envelope<'a> {
    /// The same in every attempt.
    pub(super) id: Uuid,
    pub(super) from: &'a Mailbox,
    pub(super) to: &'a str,
    pub(super) content: Content,
}

/// One of the ways.
pub(super) enum Transport {
    Folder(Folder),
    Smtp(Smtp),
    SendGrid(SendGrid),
}

impl Transport {
    pub(super) fn new(config: &MailConfig) -> anyhow::Result<Self> {
        Ok(match &config.transport {
            MailTransport::Folder(path) => Self::Folder(Folder::new(path.clone())),
            MailTransport::Smtp(url) => Self::Smtp(Smtp::new(url)?),
            MailTransport::SendGrid { url, key } => Self::SendGrid(SendGrid::new(url, key.clone())?),
        })
    }

    pub(super) async fn send(&self, envelope: Envelope<'_>) -> Outcome {
        match self {
            Self::Folder(folder) => folder.send(&envelope).await,
            Self::Smtp(smtp) => smtp.send(&envelope).await,
            Self::SendGrid(sendgrid) => sendgrid.send(&envelope).await,
        }
    }
}
