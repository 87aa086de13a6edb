//! The snapshot, fetched from the core and verified.

use breakwater_kit::types::Field;
use breakwater_pipeline::{EdgeKeys, Snapshot, SnapshotRequest};
use spin_sdk::wasip3::http::client;

use crate::body;
use crate::clock::{now_ms, seed, within};
use crate::configuration::Known;
use crate::origin::Origin;
use crate::upstream::{self, Outgoing, TimeOuts};

/// Bytes of a snapshot that are read at the most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The core is near: a request that waits for it should not wait for long.
const TIME_OUTS: TimeOuts = TimeOuts { connect: 1000, first_byte: 2000, between_bytes: 1000 };

/// For the whole exchange.
const PATIENCE_MS: u32 = 5000;

/// What the core answered.
pub enum Fetched {
    Unchanged,
    New(Known),
}

/// Asks the core for a snapshot other than `known`.
pub async fn fetch(core: &Origin, keys: &EdgeKeys, known: Option<&Known>) -> Result<Fetched, String> {
    within(PATIENCE_MS, exchange(core, keys, known))
        .await
        .unwrap_or_else(|| Err(format!("nothing whole within {PATIENCE_MS} ms")))
}

async fn exchange(core: &Origin, keys: &EdgeKeys, known: Option<&Known>) -> Result<Fetched, String> {
    let ask = SnapshotRequest::new(keys, &seed(), known.map(|known| known.etag.as_str()), now_ms());
    let outgoing = Outgoing {
        origin: core,
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
        (304, Some(_)) => Ok(Fetched::Unchanged),
        (304, None) => Err("304 to a request without a condition".to_owned()),
        _ => {
            let snapshot = Snapshot::parse(&bytes).map_err(|error| error.to_string())?;
            Ok(Fetched::New(Known { snapshot, etag }))
        }
    }
}
