//! A key that was just made: the only time that it is told.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::new::{NewApiKey, Overlap, Settings};
use super::row::{self, ApiKey};
use super::text::Key;
use crate::app::AppState;
use crate::http::Json;
use crate::identity::UserSession;
use crate::identity::tokens::NO_STORE;
use crate::problem::{Problem, Result};

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeApiKey {
    /// What is known of it later, too.
    #[serde(flatten)]
    api_key: ApiKey,
    /// The key. Send it as `Authorization: Bearer …`. It is told this once.
    #[schema(example = "bwk_…")]
    key: String,
}

impl MadeApiKey {
    /// Makes a key of `owner`'s. `mfa` is whether its callers count as having given a second factor.
    pub(crate) async fn make(
        connection: &mut PgConnection,
        app: &AppState,
        caller: &UserSession,
        owner: Uuid,
        new: NewApiKey,
        mfa: bool,
    ) -> Result<Self> {
        let settings = new.checked(app, mfa)?;
        Self::with(connection, caller, owner, &settings).await
    }

    /// Makes a key like another one, which then ends; 404 if `owner` has no such key.
    pub(crate) async fn instead(
        connection: &mut PgConnection,
        app: &AppState,
        caller: &UserSession,
        (owner, old): (Uuid, Uuid),
        overlap: &Overlap,
        mfa: bool,
    ) -> Result<Self> {
        let before = row::lock(&mut *connection, owner, old).await?.ok_or_else(Problem::not_found)?;
        // It lives as long as the other was meant to.
        let life = before.expires_at - before.created_at;
        let settings = Settings {
            name: before.name,
            permissions: before.permissions,
            addresses: before.addresses,
            mfa,
            expires_at: OffsetDateTime::now_utc()
                + life.min(app.config.identity.api_key_life.try_into().unwrap_or(life)),
        };
        let made = Self::with(&mut *connection, caller, owner, &settings).await?;
        match overlap.overlap_seconds {
            None | Some(0) => drop(row::delete(connection, owner, old).await?),
            Some(seconds) => row::end_in(connection, old, seconds).await?,
        }
        Ok(made)
    }

    async fn with(
        connection: &mut PgConnection,
        caller: &UserSession,
        owner: Uuid,
        settings: &Settings,
    ) -> Result<Self> {
        let key = Key::new().map_err(Problem::internal)?;
        let api_key = row::insert(connection, &key, owner, caller.user, settings).await?;
        Ok(Self { api_key, key: key.text().to_owned() })
    }

    pub(crate) fn id(&self) -> Uuid {
        self.api_key.id
    }

    pub(crate) fn name(&self) -> &str {
        &self.api_key.name
    }

    /// What the audit trail keeps when it replaces another.
    pub(crate) fn rotated(&self, overlap: &Overlap) -> Value {
        let mut details = self.details();
        details["by"] = json!(self.id());
        details["overlap_seconds"] = json!(overlap.overlap_seconds.unwrap_or(0));
        details
    }

    /// What the audit trail keeps of it.
    pub(crate) fn details(&self) -> Value {
        let ApiKey { name, hint, permissions, addresses, expires_at, .. } = &self.api_key;
        json!({ "name": name, "hint": hint, "permissions": permissions, "addresses": addresses,
                "expires_at": expires_at.unix_timestamp() })
    }
}

impl IntoResponse for MadeApiKey {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, NO_STORE, Json(self)).into_response()
    }
}
