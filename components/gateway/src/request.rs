//! The request as it came, as the pipeline wants it.

use std::net::SocketAddr;

use breakwater_kit::types::{Field, RequestHead};
use spin_sdk::http::{HeaderMap, Request};
use spin_sdk::wasip3::http::types;

/// Head and, not yet read, the rest.
pub fn split(request: Request) -> (RequestHead, Option<types::Request>) {
    let (parts, mut body) = request.into_parts();
    let head = RequestHead {
        method: parts.method.as_str().to_owned(),
        scheme: parts.uri.scheme_str().unwrap_or("http").to_owned(),
        authority: parts.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(ToOwned::to_owned),
        client_address: client_address(&parts.headers),
        headers: fields(&parts.headers),
    };
    (head, body.take_unstarted())
}

fn fields(headers: &HeaderMap) -> Vec<Field> {
    headers
        .iter()
        .map(|(name, value)| Field { name: name.as_str().to_owned(), value: value.as_bytes().to_vec() })
        .collect()
}

/// Spin adds `spin-client-addr` behind whatever a client sent under that name, so the last one is Spin's. Under a host
/// that says nothing, all clients are one.
fn client_address(headers: &HeaderMap) -> String {
    headers
        .get_all("spin-client-addr")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok()?.parse::<SocketAddr>().ok())
        .map_or_else(|| "0.0.0.0".to_owned(), |address| address.ip().to_canonical().to_string())
}
