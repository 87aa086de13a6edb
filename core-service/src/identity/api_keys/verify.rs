//! Whose key it is: one indexed query, for the core's own requests and for edges that ask.

use std::net::IpAddr;

use breakwater_kit::network::Network;
use time::OffsetDateTime;
use uuid::Uuid;

use super::text::Key;
use crate::access::Permissions;
use crate::app::AppState;
use crate::audit::{self, RefusedKey};
use crate::database::Scope;
use crate::identity::{Caller, Credential};
use crate::problem::{Problem, Result, kinds};

/// A living key, and whose it is.
pub struct KeyHolder {
    /// The key's id.
    pub id: Uuid,
    /// The user or service account that it belongs to.
    pub owner: Uuid,
    /// All that it allows; none if it allows whatever its owner may do.
    pub permissions: Option<Vec<String>>,
    /// The networks that it is good from; none means all.
    pub addresses: Vec<String>,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    mfa: bool,
    /// The workspace whose service account the owner is, if they are one.
    service_of: Option<Uuid>,
    over: bool,
    /// Whether its use is not written down for this minute yet.
    unseen: bool,
}

/// What a key is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum For {
    /// What a program may do.
    Anything,
    /// What only somebody who is signed in may do.
    Session,
}

/// Who calls with this key; 401 if it is not good, or not from this address, 403 if what it is for is no key's business.
pub(in crate::identity) async fn caller(app: &AppState, key: &Key, address: Option<&str>, what: For) -> Result<Caller> {
    let holder = find(app, key, address).await?.ok_or_else(Problem::invalid_token)?;
    if !holder.is_good_from(address) {
        return Err(Problem::invalid_token());
    }
    if what == For::Session {
        holder.refused(app, "session", address).await;
        return Err(Problem::new(&kinds::SESSION_REQUIRED).detail("Sign in: API keys are not accepted here."));
    }
    note_use(app, &holder, address).await;
    let permissions = holder.permissions.as_deref().map(Permissions::named);
    Ok(Caller { user: holder.owner, credential: Credential::ApiKey(holder.id, permissions), mfa: holder.mfa })
}

/// Whose key this is, for an edge, which looks at the address itself.
pub async fn introspect(app: &AppState, text: &str, address: Option<&str>) -> Result<Option<KeyHolder>> {
    let Some(key) = Key::read(text) else { return Ok(None) };
    let Some(holder) = find(app, &key, address).await? else { return Ok(None) };
    if holder.is_good_from(address) {
        note_use(app, &holder, address).await;
    }
    Ok(Some(holder))
}

impl KeyHolder {
    /// Keeps in the trail that the key was refused.
    async fn refused(&self, app: &AppState, because: &'static str, address: Option<&str>) {
        let (key, owner, workspace) = (self.id, self.owner, self.service_of);
        audit::record_refused_key(app, RefusedKey { key, owner, workspace, because, address }).await;
    }

    fn is_good_from(&self, address: Option<&str>) -> bool {
        let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
        let inside = |network: &String| {
            address.is_some_and(|address| network.parse::<Network>().is_ok_and(|network| network.contains(address)))
        };
        self.addresses.is_empty() || self.addresses.iter().any(inside)
    }
}

/// The living key. One that is over, or is not good from this address, is recorded as refused.
async fn find(app: &AppState, key: &Key, address: Option<&str>) -> Result<Option<KeyHolder>> {
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    let found = sqlx::query_as!(
        KeyHolder,
        r#"SELECT k.id, k.user_id AS owner, k.permissions, k.addresses, k.expires_at, k.mfa, u.service_of,
                  k.expires_at <= now() AS "over!",
                  (k.last_used_at > now() - interval '1 minute') IS NOT TRUE AS "unseen!"
           FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = $1"#,
        &key.hash()[..]
    );
    let Some(holder) = found.fetch_optional(&mut *tx).await? else { return Ok(None) };
    drop(tx);
    if holder.over {
        holder.refused(app, "expired", address).await;
        return Ok(None);
    }
    if !holder.is_good_from(address) {
        holder.refused(app, "address", address).await;
    }
    Ok(Some(holder))
}

/// Writes down that a key was used, once a minute. That this fails is no reason to refuse it.
async fn note_use(app: &AppState, holder: &KeyHolder, address: Option<&str>) {
    if !holder.unseen {
        return;
    }
    let noted = async {
        let mut tx = app.database.begin(&Scope::identity()).await?;
        // Of several at once, one writes and nobody waits.
        sqlx::query!(
            "UPDATE api_keys SET last_used_at = now(), last_used_from = $2
             WHERE id = (SELECT id FROM api_keys WHERE id = $1 AND (last_used_at > now() - interval '1 minute') IS NOT TRUE
                         FOR UPDATE SKIP LOCKED)",
            holder.id,
            address
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok::<_, Problem>(())
    };
    if let Err(problem) = noted.await {
        tracing::warn!(key = %holder.id, problem = problem.kind().slug, "a key's use could not be written down");
    }
}
