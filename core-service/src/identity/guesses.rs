//! Guesses at passwords and codes are few, and so are invitations: at one account, and from one network (docs/security/throttling.md).
//!
//! A guess is taken before it is looked at, so that guesses beside each other count as well, and given back if it was
//! right. An account that does not exist has the same buckets as one that does.

use std::net::IpAddr;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::session::Origin;
use crate::app::AppState;
use crate::audit::TooMany;
use crate::config::Guesses;
use crate::hex::hex;
use crate::problem::{Problem, Result, kinds};
use crate::vault::mac;

/// A guess that was taken.
#[must_use]
pub(super) struct Guess(Vec<Bucket>);

struct Bucket {
    id: [u8; 32],
    limit: Guesses,
}

/// Takes a guess at the password of the account with this address, which need not exist.
pub(super) async fn at_account(
    connection: &mut PgConnection,
    app: &AppState,
    email: &str,
    origin: &Origin,
) -> Result<Guess> {
    let limits = &app.config.identity.guesses;
    let network = network(origin);
    let bucket = |limit, parts: &[&str]| bucket(app, limit, parts);
    let mut buckets = vec![bucket(limits.pair, &["pair", email, &network])];
    let (user, known) = look_up(&mut *connection, app, email, &network).await?;
    if !known {
        buckets.push(bucket(limits.account, &["account", email]));
        buckets.push(bucket(limits.network, &["network", &network]));
    }
    take(connection, user, buckets).await
}

/// Takes a guess at something of a user who has proved something already: that they are signed in, or their password.
pub(super) async fn by_user(connection: &mut PgConnection, app: &AppState, user: Uuid) -> Result<Guess> {
    let bucket = bucket(app, app.config.identity.guesses.proof, &["proof", &user.to_string()]);
    take(connection, Some(user), vec![bucket]).await
}

/// How often one user may invite others.
const INVITATIONS: Guesses = Guesses { size: 50, refill: Duration::from_secs(60) };
/// How many invitations one mailbox gets.
const INVITED: Guesses = Guesses { size: 5, refill: Duration::from_secs(720) };

/// 429 if a user invites others very often.
pub(super) async fn invite(connection: &mut PgConnection, app: &AppState, user: Uuid) -> Result<()> {
    let bucket = bucket(app, INVITATIONS, &["invitations", &user.to_string()]);
    let limit = hex(&bucket.id);
    match wait(connection, &[bucket]).await? {
        None => Ok(()),
        Some(seconds) => Err(Problem::new(&kinds::TOO_MANY_ATTEMPTS)
            .detail("You have invited many people. Please wait a little.")
            .refused(TooMany { user: Some(user), limit })
            .retry_after(seconds)),
    }
}

/// Whether a mailbox gets one more invitation, from whichever workspace.
pub(super) async fn write_to(connection: &mut PgConnection, app: &AppState, email: &str) -> Result<bool> {
    Ok(wait(connection, &[bucket(app, INVITED, &["invited", email])]).await?.is_none())
}

impl Guess {
    /// It was right, so it was no guess.
    pub(super) async fn was_right(self, connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
        let (ids, refill, _) = columns(&self.0);
        // Locked in the order in which guesses are taken: in any other, the two could wait for each other.
        sqlx::query!(
            "WITH held AS MATERIALIZED (SELECT bucket FROM guesses WHERE bucket = ANY ($1) ORDER BY bucket FOR UPDATE)
             UPDATE guesses g SET full_at = g.full_at - make_interval(secs => l.refill)
             FROM held JOIN unnest($1::bytea[], $2::float8[]) AS l (bucket, refill) USING (bucket)
             WHERE g.bucket = held.bucket",
            &ids,
            &refill
        )
        .execute(connection)
        .await
        .map(drop)
    }
}

/// Remembers that a user signed in from there.
pub(super) async fn remember(
    connection: &mut PgConnection,
    app: &AppState,
    user: Uuid,
    origin: &Origin,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO known_networks (user_id, network) VALUES ($1, $2)
         ON CONFLICT (user_id, network) DO UPDATE SET seen_at = now()",
        user,
        &id(app, &["known", &network(origin)])[..]
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Forgets buckets that are full, and networks that nobody signed in from for long.
pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM guesses WHERE full_at < now()").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM known_networks WHERE seen_at < now() - interval '180 days'")
        .execute(connection)
        .await
        .map(drop)
}

/// Whose address it is, and whether they have signed in from there.
async fn look_up(
    connection: &mut PgConnection,
    app: &AppState,
    email: &str,
    network: &str,
) -> std::result::Result<(Option<Uuid>, bool), sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT u.id, k.user_id IS NOT NULL AS "known!"
           FROM users u LEFT JOIN known_networks k ON k.user_id = u.id AND k.network = $2 WHERE u.email = $1"#,
        email,
        &id(app, &["known", network])[..]
    );
    let found = found.fetch_optional(connection).await?;
    Ok(found.map_or((None, false), |found| (Some(found.id), found.known)))
}

async fn take(connection: &mut PgConnection, user: Option<Uuid>, buckets: Vec<Bucket>) -> Result<Guess> {
    let Some(seconds) = wait(connection, &buckets).await? else {
        return Ok(Guess(buckets));
    };
    Err(Problem::new(&kinds::TOO_MANY_ATTEMPTS)
        .detail("There were too many wrong attempts. Please wait, or reset the password.")
        .refused(TooMany { user, limit: buckets.first().map(|bucket| hex(&bucket.id)).unwrap_or_default() })
        .retry_after(seconds))
}

/// Takes one from each bucket, or tells for how many seconds it cannot.
async fn wait(connection: &mut PgConnection, buckets: &[Bucket]) -> std::result::Result<Option<u32>, sqlx::Error> {
    let (ids, refill, size) = columns(buckets);
    let wait = sqlx::query_scalar!(r#"SELECT breakwater_guess($1, $2, $3) AS "wait!""#, &ids, &refill, &size)
        .fetch_one(connection)
        .await?;
    Ok((wait > 0.0).then(|| wait.ceil().min(86_400.0) as u32))
}

fn columns(buckets: &[Bucket]) -> (Vec<Vec<u8>>, Vec<f64>, Vec<f64>) {
    (
        buckets.iter().map(|bucket| bucket.id.to_vec()).collect(),
        buckets.iter().map(|bucket| bucket.limit.refill.as_secs_f64()).collect(),
        buckets.iter().map(|bucket| f64::from(bucket.limit.size)).collect(),
    )
}

fn bucket(app: &AppState, limit: Guesses, parts: &[&str]) -> Bucket {
    Bucket { id: id(app, parts), limit }
}

fn id(app: &AppState, parts: &[&str]) -> [u8; 32] {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    mac(&app.identity.guess_key, &parts)
}

/// Where a request came from, as far as one client can choose it: an address of IPv4, or the first half of one of IPv6.
fn network(origin: &Origin) -> String {
    let address = origin.address.as_deref().unwrap_or_default();
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => format!("{:x?}", &address.segments()[..4]),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_ipv6_has_many_addresses_and_one_network() {
        let network =
            |address: &str| network(&Origin { address: Some(address.to_owned()), user_agent: None, language: "en" });
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
