//! What is asked for in a new key.

use breakwater_kit::network::Network;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::access::{Permission, whole};
use crate::app::AppState;
use crate::problem::{FieldError, Problem, Result};

/// No key is good from more networks than this.
const MOST_ADDRESSES: usize = 50;

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$",
        example = "Nightly import"
    )]
    name: String,
    /// All that it is to allow. What its owner may not do, it does not allow either. What makes no sense without something
    /// else brings it along. When not said, it allows whatever its owner may do.
    #[serde(default)]
    #[schema(nullable = false, min_items = 1)]
    permissions: Option<Vec<Permission>>,
    /// When it ends: a year from now at the latest, unless the service is configured otherwise. The latest, when not said.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(nullable = false)]
    expires_at: Option<OffsetDateTime>,
    /// The addresses and networks that it is good from. Everywhere, when not said.
    #[serde(default)]
    #[schema(nullable = false, min_items = 1, max_items = 50, example = json!(["192.0.2.0/24", "2001:db8::/32"]))]
    addresses: Option<Vec<String>>,
}

/// How long a key that is replaced goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// For so many seconds both keys are good. When not said, the old one ends at once.
    #[serde(default)]
    #[schema(nullable = false, minimum = 0, maximum = 604_800)]
    pub(crate) overlap_seconds: Option<u32>,
}

/// What a key is to be.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) addresses: Vec<String>,
    pub(super) mfa: bool,
    pub(super) expires_at: OffsetDateTime,
}

impl NewApiKey {
    /// 422 if it cannot be.
    pub(super) fn checked(self, app: &AppState, mfa: bool) -> Result<Settings> {
        let now = OffsetDateTime::now_utc();
        let latest = now + app.config.identity.api_key_life;
        let expires_at = self.expires_at.unwrap_or(latest);
        let mut errors = Vec::new();
        if expires_at <= now || expires_at > latest {
            let days = app.config.identity.api_key_life.as_secs() / 86_400;
            let reason = format!("is in the past, or more than {days} days away");
            errors.push(FieldError::new("/expires_at", "range", reason));
        }
        let addresses = self.addresses.unwrap_or_default();
        for (number, address) in addresses.iter().enumerate().take(MOST_ADDRESSES) {
            if address.parse::<Network>().is_err() {
                let reason = "is no address and no network such as 192.0.2.0/24 or 2001:db8::/32";
                errors.push(FieldError::new(format!("/addresses/{number}"), "format", reason));
            }
        }
        if !errors.is_empty() {
            return Err(Problem::validation(errors));
        }
        let permissions = self.permissions.map(|permissions| whole(permissions).names());
        Ok(Settings { name: self.name, permissions, addresses, mfa, expires_at })
    }
}
