//! Whether the trail is as it was written: every event in its chain, every link made of the one before it and its event.
//!
//! The hashes are worked out here, not in the database that is looked at. What no chain can show is that its end was
//! cut off; so keep the heads that [`verify`] tells somewhere else, and give them back to it the next time.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Action, Event, record_alone};
use crate::app::AppState;
use crate::database::Scope;
use crate::hex::hex;
use crate::problem::Result;

/// How many links are held in memory at once.
const PIECE: i64 = 1000;

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The workspace or account.
    pub chain: Uuid,
    /// How many events it has.
    pub position: i64,
    /// The last link's hash, in hexadecimal.
    pub hash: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many events are as they were written.
    pub good: u64,
    /// What is wrong, in words.
    pub wrong: Vec<String>,
    /// The end of every chain.
    pub heads: Vec<Head>,
}

/// The same as [`verify`], by command, which the trail then tells.
pub async fn by_command(app: &AppState, known: &[Head]) -> Result<Findings> {
    let found = verify(app, known).await?;
    let details = json!({ "good": found.good, "wrong": found.wrong.len() });
    record_alone(&app.database, &Scope::audit(), Event::by_operator(Action::AuditVerified).with(details)).await?;
    Ok(found)
}

/// Looks at every event there is. `known` are heads from an earlier time, which must still be there.
pub async fn verify(app: &AppState, known: &[Head]) -> Result<Findings> {
    let mut known: HashMap<(Uuid, i64), &str> =
        known.iter().map(|head| ((head.chain, head.position), head.hash.as_str())).collect();
    let mut found = Findings::default();
    let (mut chain, mut position) = (Uuid::nil(), 0);
    let mut previous: Vec<u8> = Vec::new();
    loop {
        let mut tx = app.database.begin_read(&Scope::audit()).await?;
        let links = sqlx::query!(
            r#"SELECT l.chain, l.position, l.hash, l.event_id, e.chain AS "of?",
                      breakwater_audit_content(e) AS content
               FROM audit_links l LEFT JOIN audit_events e ON e.id = l.event_id
               WHERE (l.chain, l.position) > ($1, $2) ORDER BY l.chain, l.position LIMIT $3"#,
            chain,
            position,
            PIECE
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = links.last() else { break };
        let next = (last.chain, last.position);
        for link in links {
            if link.chain != chain || position == 0 {
                (chain, position) = (link.chain, 0);
                previous.clear();
            }
            let at = format!("chain {chain}, position {}", link.position);
            if link.position != position + 1 {
                found.wrong.push(format!("{at}: the links before it are missing"));
            }
            match link.content.filter(|_| link.of == Some(chain)) {
                None => found.wrong.push(format!("{at}: the event {} is missing", link.event_id)),
                Some(content) => {
                    let hash = Sha256::new().chain_update(&previous).chain_update(content).finalize();
                    if hash[..] == link.hash {
                        found.good += 1;
                    } else {
                        found.wrong.push(format!("{at}: the event {} is not as it was written", link.event_id));
                    }
                }
            }
            if known.remove(&(chain, link.position)).is_some_and(|hash| hash != hex(&link.hash)) {
                found.wrong.push(format!("{at}: the chain was written anew"));
            }
            position = link.position;
            let head = Head { chain, position, hash: hex(&link.hash) };
            match found.heads.last_mut() {
                Some(before) if before.chain == chain => *before = head,
                _ => found.heads.push(head),
            }
            previous = link.hash;
        }
        (chain, position) = next;
    }
    let mut cut: Vec<_> = known.into_keys().collect();
    cut.sort_unstable();
    found
        .wrong
        .extend(cut.iter().map(|(chain, position)| format!("chain {chain}, position {position}: it was cut off")));
    let mut tx = app.database.begin_read(&Scope::audit()).await?;
    let unlinked = sqlx::query_scalar!(
        "SELECT id FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_links WHERE event_id = e.id) LIMIT 100"
    )
    .fetch_all(&mut *tx)
    .await?;
    found.wrong.extend(unlinked.iter().map(|event| format!("the event {event} is in no chain")));
    Ok(found)
}
