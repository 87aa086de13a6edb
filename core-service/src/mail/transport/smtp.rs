//! SMTP, RFC 5321.

use std::time::Duration;

use anyhow::Context;
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Envelope, mime};
use crate::config::Secret;
use crate::events::{Failure, Outcome};

/// A command that is not answered for so long has failed. Jobs may take longer (`events.job_timeout_seconds`).
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail server.
pub(in crate::mail) struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    pub(super) fn new(url: &Secret) -> anyhow::Result<Self> {
        // The error does not say the URL, which may hold a password.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal())
            .ok()
            .context("mail.smtp_url: must be an smtp:// or smtps:// URL")?;
        Ok(Self(builder.timeout(Some(PATIENCE)).build()))
    }

    pub(super) async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        let message = mime::message(envelope).map_err(Failure::Final)?;
        self.0.send(message).await.map(drop).map_err(failure)
    }
}

/// RFC 5321 section 4.2.1: 5yz is final, everything else passes. The server's words name no secret of ours.
fn failure(error: Error) -> Failure {
    if error.is_permanent() { Failure::Final(error.into()) } else { Failure::Passing(error.into()) }
}
