//! The snapshot, fetched from the core and verified; and the copy in the state, which instances to come begin with.
//!
//! The state is shared and not ours alone, so the copy carries a seal made with the edge key.

use std::borrow::Cow;

use breakwater_kit::types::Field;
use breakwater_pipeline::{EdgeKeys, Snapshot, SnapshotRequest};
use spin_sdk::wasip3::http::client;

use crate::body;
use crate::clock::{now_ms, seed, within};
use crate::configuration::Known;
use crate::imports::state;
use crate::origin::Origin;
use crate::service::log_state;
use crate::upstream::{self, Outgoing, TimeOuts};

/// Bytes of a snapshot that are read at the most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The core is near: a request that waits for it should not wait for long.
const TIME_OUTS: TimeOuts = TimeOuts { connect: 1000, first_byte: 2000, between_bytes: 1000 };

/// For the whole exchange.
const PATIENCE_MS: u32 = 5000;

/// How long the copy in the state lives: longer than the core should ever be away.
const COPY_MS: u64 = 7 * 24 * 3600 * 1000;

/// A new snapshot and its document, or nothing if the known one still holds.
type Fetched = Option<(Known, Vec<u8>)>;

/// Asks the core for a snapshot other than `known`, and tells it whose keys are `missing`.
pub async fn fetch(
    core: &Origin,
    keys: &EdgeKeys,
    known: Option<&Known>,
    missing: &[String],
) -> Result<Fetched, String> {
    within(PATIENCE_MS, exchange(core, keys, known, missing))
        .await
        .unwrap_or_else(|| Err(format!("nothing whole within {PATIENCE_MS} ms")))
}

async fn exchange(
    core: &Origin,
    keys: &EdgeKeys,
    known: Option<&Known>,
    missing: &[String],
) -> Result<Fetched, String> {
    let ask = SnapshotRequest::new(keys, &seed(), known.map(|known| known.etag.as_str()), now_ms()).reporting(missing);
    let outgoing = Outgoing {
        origin: Cow::Borrowed(core),
        method: "GET",
        path_and_query: SnapshotRequest::PATH,
        headers: &ask.headers,
        time_outs: TIME_OUTS,
    };
    let response = client::send(outgoing.without_body().map_err(|failure| format!("{failure:?}"))?)
        .await
        .map_err(|code| code.to_string())?;

    let status = response.get_status_code();
    let headers = upstream::fields(&response.get_headers());
    let header = |name: &str| -> &[u8] {
        headers.iter().find(|field| field.name == name).map_or(&[], |field: &Field| field.value.as_slice())
    };
    let etag = std::str::from_utf8(header("etag")).map_err(|_| "an ETag that is no text")?.to_owned();
    let bytes = body::read(response, MAX_BYTES).await.map_err(|failure| format!("its body: {failure:?}"))?;

    match status {
        200 | 304 => {
            ask.verify(status, &etag, &bytes, header("breakwater-core")).map_err(|error| error.to_string())?;
        }
        _ => return Err(format!("status {status}")),
    }
    match (status, known) {
        (304, Some(_)) => Ok(None),
        (304, None) => Err("304 to a request without a condition".to_owned()),
        _ => {
            let snapshot = Snapshot::parse(&bytes).map_err(|error| error.to_string())?;
            Ok(Some((Known { snapshot, etag }, bytes)))
        }
    }
}

/// Keeps a copy for instances to come.
pub async fn remember(core: &Origin, keys: &EdgeKeys, etag: &str, document: &[u8]) {
    let named = [etag.as_bytes(), b"\n", document].concat();
    let Some(seal) = keys.seal(&named) else { return };
    let copy = [seal.as_bytes(), b"\n", &named].concat();
    if let Err(error) = state::set(key(core), copy, COPY_MS).await {
        log_state(error);
    }
}

/// The copy that another instance has kept, if there is one and an edge with this key made it.
pub async fn recall(core: &Origin, keys: &EdgeKeys) -> Option<Known> {
    let copy = state::get(key(core)).await.map_err(log_state).ok()??;
    let (seal, named) = split_line(&copy)?;
    if !keys.is_sealed(named, seal) {
        return None;
    }
    let (etag, document) = split_line(named)?;
    let snapshot = Snapshot::parse(document).ok()?;
    Some(Known { snapshot, etag: std::str::from_utf8(etag).ok()?.to_owned() })
}

fn key(core: &Origin) -> String {
    format!("snapshot:{}", core.authority)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
