//! The keys that access tokens are signed with. Two are always published: the current one, and the next, so that
//! every verifier knows it before it signs. After a rotation the previous one verifies until its last token is dead.

use std::time::Duration;

use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use serde_json::Value;
use sqlx::PgConnection;

use super::access_token;
use crate::config::{IdentityConfig, SigningAlgorithm};
use crate::problem::Result as Answer;
use crate::vault::{Batch, ROUND, Ring, Vault, random};

/// One signing key out of the database.
pub(super) struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) jwk: Value,
    pub(super) verifying: DecodingKey,
    /// What its tokens must say.
    pub(super) validation: Validation,
    /// Only of the current key.
    pub(super) signing: Option<EncodingKey>,
    /// Which of the three states it is in.
    pub(super) state: String,
}

/// A signing key as it is stored.
pub(super) struct Row {
    kid: String,
    pub(super) algorithm: String,
    public_jwk: Value,
    private_key: Vec<u8>,
    pub(super) state: String,
}

/// Every key that may still verify.
pub(super) async fn load(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT kid, algorithm, public_jwk, private_key, state FROM signing_keys
         WHERE verifies_until IS NULL OR verifies_until > now() ORDER BY created_at, kid"
    )
    .fetch_all(connection)
    .await
}

impl Row {
    /// Ready to verify, and the current one to sign.
    pub(super) async fn read(self, vault: &Vault, config: &IdentityConfig) -> Answer<SigningKey> {
        let jwk: Jwk = serde_json::from_value(self.public_jwk.clone()).map_err(anyhow::Error::from)?;
        let algorithm = algorithm_of(&jwk)?;
        let signing = if self.state == "current" {
            let pkcs8 = vault.open(self.kid.as_bytes(), &self.private_key).await?;
            Some(match algorithm {
                Algorithm::EdDSA => EncodingKey::from_ed_der(&pkcs8),
                _ => EncodingKey::from_ec_der(&pkcs8),
            })
        } else {
            None
        };
        Ok(SigningKey {
            kid: self.kid,
            algorithm,
            jwk: self.public_jwk,
            verifying: DecodingKey::from_jwk(&jwk).map_err(anyhow::Error::from)?,
            validation: access_token::validation(config, algorithm),
            signing,
            state: self.state,
        })
    }
}

fn algorithm_of(jwk: &Jwk) -> anyhow::Result<Algorithm> {
    match jwk.common.key_algorithm {
        Some(jsonwebtoken::jwk::KeyAlgorithm::EdDSA) => Ok(Algorithm::EdDSA),
        Some(jsonwebtoken::jwk::KeyAlgorithm::ES256) => Ok(Algorithm::ES256),
        _ => anyhow::bail!("a signing key has an algorithm that is not ours"),
    }
}

/// Sees to it that there is a current and a next key of `algorithm`. `keep` is how long a retired key verifies.
pub(super) async fn ensure(
    connection: &mut PgConnection,
    ring: &Ring,
    algorithm: SigningAlgorithm,
    keep: Duration,
) -> anyhow::Result<()> {
    lock(connection).await?;
    retire_current(connection, keep, Some(algorithm)).await?;
    sqlx::query!("DELETE FROM signing_keys WHERE state = 'next' AND algorithm <> $1", algorithm.name())
        .execute(&mut *connection)
        .await?;
    for state in ["current", "next"] {
        let there =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM signing_keys WHERE state = $1) AS "there!""#, state)
                .fetch_one(&mut *connection)
                .await?;
        if !there {
            generate(connection, ring, algorithm, state).await?;
        }
    }
    Ok(())
}

/// Replaces the current key by the next, and that by a new one.
pub(super) async fn rotate(
    connection: &mut PgConnection,
    ring: &Ring,
    algorithm: SigningAlgorithm,
    keep: Duration,
) -> anyhow::Result<()> {
    ensure(connection, ring, algorithm, keep).await?;
    retire_current(connection, keep, None).await?;
    sqlx::query!("UPDATE signing_keys SET state = 'current', current_since = now() WHERE state = 'next'")
        .execute(&mut *connection)
        .await?;
    generate(connection, ring, algorithm, "next").await
}

/// Whether the current key is older than `age`, once no other core rotates: of two that both found it due, the second
/// would sign with a key that nobody has heard of yet.
pub(super) async fn due(connection: &mut PgConnection, age: Duration) -> Result<bool, sqlx::Error> {
    lock(connection).await?;
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM signing_keys
             WHERE state = 'current' AND current_since < now() - make_interval(secs => $1)
           ) AS "due!""#,
        age.as_secs_f64()
    )
    .fetch_one(connection)
    .await
}

/// Forgets keys that verify nothing any more.
pub(super) async fn forget_dead(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM signing_keys WHERE verifies_until < now()").execute(connection).await.map(drop)
}

/// Encrypts private keys anew: see [`Batch`].
pub(crate) async fn reseal(connection: &mut PgConnection, ring: &Ring, after: String) -> anyhow::Result<Batch<String>> {
    let rows = sqlx::query!(
        "SELECT kid, private_key FROM signing_keys
         WHERE kid > $1 AND breakwater_sealed_with(private_key) IS DISTINCT FROM $2 ORDER BY kid LIMIT $3 FOR UPDATE",
        after,
        ring.current(),
        ROUND
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows = rows.into_iter().map(|row| (row.kid.clone(), row.kid.into_bytes(), row.private_key));
    let batch = Batch::of(ring, rows)?;
    sqlx::query!(
        "UPDATE signing_keys SET private_key = new.sealed FROM unnest($1::text[], $2::bytea[]) AS new (kid, sealed)
         WHERE signing_keys.kid = new.kid",
        &batch.keys,
        &batch.sealed
    )
    .execute(connection)
    .await?;
    Ok(batch)
}

/// One core at a time: others wait and then find the work done.
async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    const SIGNING_KEYS: i64 = 0x6272_6561_6b6b_6579;
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", SIGNING_KEYS).execute(connection).await.map(drop)
}

async fn retire_current(
    connection: &mut PgConnection,
    keep: Duration,
    unless: Option<SigningAlgorithm>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE signing_keys
         SET state = 'previous', verifies_until = now() + make_interval(secs => $1)
         WHERE state = 'current' AND algorithm IS DISTINCT FROM $2",
        keep.as_secs_f64(),
        unless.map(SigningAlgorithm::name)
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn generate(
    connection: &mut PgConnection,
    ring: &Ring,
    algorithm: SigningAlgorithm,
    state: &str,
) -> anyhow::Result<()> {
    let (pkcs8, jwk) = new_key(algorithm)?;
    let kid = jwk.common.key_id.clone().unwrap_or_default();
    let sealed = ring.seal(kid.as_bytes(), &pkcs8)?;
    sqlx::query!(
        "INSERT INTO signing_keys (kid, algorithm, public_jwk, private_key, state, current_since)
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $5 = 'current' THEN now() END)",
        kid,
        algorithm.name(),
        serde_json::to_value(&jwk)?,
        sealed,
        state
    )
    .execute(connection)
    .await?;
    tracing::info!(kid, %algorithm, state, "signing key made");
    Ok(())
}

fn new_key(algorithm: SigningAlgorithm) -> anyhow::Result<(Vec<u8>, Jwk)> {
    let failed = |error| anyhow::anyhow!("a signing key cannot be made: {error}");
    let pkcs8 = match algorithm {
        SigningAlgorithm::EdDsa => {
            // Without the public key: the form of RFC 8410 section 7 that every library reads.
            let key = ed25519_dalek::pkcs8::KeypairBytes { secret_key: random()?, public_key: None };
            key.to_pkcs8_der().map_err(failed)?.as_bytes().to_vec()
        }
        SigningAlgorithm::Es256 => {
            let key = p256::ecdsa::SigningKey::from_slice(&random::<32>()?)?;
            key.to_pkcs8_der().map_err(failed)?.as_bytes().to_vec()
        }
    };
    let (name, signing) = match algorithm {
        SigningAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_der(&pkcs8)),
        SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_der(&pkcs8)),
    };
    let mut jwk = Jwk::from_encoding_key(&signing, name)?;
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    Ok((pkcs8, jwk))
}
