//! Mail that the service writes to people.
//!
//! Rules: a mail is asked for in the transaction of the write that it tells of ([`send`]) and goes out through the
//! outbox, with retries; it has a reason, and **one reason is one mail**, whose Message-ID stays the same; text and
//! HTML are made from one template per language ([`template`]), so that they say the same; nothing is sent to an
//! address that bounced or complained ([`suppression`]); what a mail says is encrypted while it waits, since it may
//! hold links that sign in.
//!
//! What "once" can mean: should the process die after the mail server took a mail and before we wrote that down, the
//! same mail is handed over again, with the same Message-ID (RFC 5322 section 3.6.4).

mod letter;
mod sendgrid_events;
pub mod suppression;
pub mod template;
mod transport;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::letter::reseal;
pub use self::letter::{Letter, send};
pub use self::template::Template;
use self::transport::Transport;
use crate::app::AppState;
use crate::config::MailConfig;
use crate::events::Handler;

/// Mail's part of the state.
pub struct Mail {
    transport: Transport,
}

impl Mail {
    /// Prepares the configured transport; nothing is connected yet.
    pub fn new(config: &MailConfig) -> anyhow::Result<Self> {
        Ok(Self { transport: Transport::new(config)? })
    }
}

/// Who sends what the outbox holds.
pub fn handlers() -> Vec<Handler> {
    vec![Handler::new(letter::QUEUE, letter::deliver)]
}

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(sendgrid_events::take))
}
