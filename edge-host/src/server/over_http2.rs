//! WebSockets in HTTP/2's streams (RFC 8441): made the handshake that pipeline and upstreams know, and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakwater_kit::problems;
use breakwater_kit::types::{Field, RequestHead};
use breakwater_pipeline::{OutsideAnswer, answer_outside};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::answer_body::AnswerBody;
use crate::upstream;

/// Whether a request wants a WebSocket (section 4).
pub fn is_handshake(parts: &Parts) -> bool {
    let protocol = parts.extensions.get::<hyper::ext::Protocol>();
    parts.method == Method::CONNECT && protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// Makes it the handshake of HTTP/1.1. Its key is ours: HTTP/2 has none.
pub fn as_http1(head: &mut RequestHead, key: [u8; 16]) {
    head.method = Method::GET.as_str().to_owned();
    head.headers.retain(|field| !matches!(field.name.as_str(), "connection" | "upgrade" | "sec-websocket-key"));
    head.headers.push(Field::new("connection", "upgrade"));
    head.headers.push(Field::new("upgrade", "websocket"));
    head.headers.push(Field::new("sec-websocket-key", STANDARD.encode(key)));
}

/// Makes the answer HTTP/2's: 200 is what opens a tunnel there, so nothing else may be a success (section 5).
pub fn answer(mut response: Response<AnswerBody>, outside: impl FnOnce() -> OutsideAnswer) -> Response<AnswerBody> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        *response.status_mut() = StatusCode::OK;
        for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT] {
            response.headers_mut().remove(name);
        }
    } else if response.status().is_success() {
        let (head, bytes) = answer_outside(problems::bad_upstream_answer(), &outside());
        response = Response::new(AnswerBody::Whole(Some(bytes)));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        *response.headers_mut() = upstream::to_header_map(head.headers);
    }
    response
}
