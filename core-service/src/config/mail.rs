//! Mail.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::DecodePublicKey;
use url::Url;

use super::{ConfigError, Secret, Section};

/// Mail's settings.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// How mails leave.
    pub transport: MailTransport,
    /// Who writes.
    pub from: Mailbox,
    /// What the service is called in mails.
    pub product: String,
    /// Where links in mails lead; `None` is the edge itself.
    pub app_url: Option<Url>,
    /// What SendGrid's event webhook is signed with.
    pub sendgrid_events_key: Option<VerifyingKey>,
}

/// How mails leave.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// As files in this folder.
    Folder(PathBuf),
    /// To the mail server of this URL, which may hold a password.
    Smtp(Secret),
    /// Through SendGrid.
    SendGrid {
        /// Its API.
        url: Url,
        /// The API key.
        key: Secret,
    },
}

impl MailConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let must = |key: &str, value: Option<Secret>| value.ok_or_else(|| section.bad(key, "must be set"));
        let transport = match section.string("transport")? {
            "folder" => MailTransport::Folder(section.string("folder")?.into()),
            "smtp" => MailTransport::Smtp(must("smtp_url", section.secret("smtp_url")?)?),
            "sendgrid" => MailTransport::SendGrid {
                url: section.parse("sendgrid_url")?,
                key: must("sendgrid_api_key", section.secret("sendgrid_api_key")?)?,
            },
            _ => return Err(section.bad("transport", "must be folder, smtp or sendgrid")),
        };
        Ok(Self {
            transport,
            from: section.parse("from")?,
            product: section.string("product")?.to_owned(),
            app_url: section.parse_optional("app_url")?,
            sendgrid_events_key: section
                .optional("sendgrid_events_key")?
                .map(|text| public_key(text).ok_or_else(|| section.bad("sendgrid_events_key", "is no public key")))
                .transpose()?,
        })
    }
}

/// As SendGrid shows it: a SubjectPublicKeyInfo in base64.
fn public_key(text: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_public_key_der(&STANDARD.decode(text).ok()?).ok()
}
