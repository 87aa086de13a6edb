//! The pipeline's answer, for the host.

use breakwater_kit::types::{Field, ResponseHead};
use breakwater_pipeline::{Answer, Body};
use spin_sdk::wasip3::http::types::{self, Fields};
use spin_sdk::wasip3::wit_future;
use wit_bindgen::spawn;

use crate::body::{self, Parts};
use crate::service::{Places, give_back, set_entries};

/// Makes the host's response; `upstream` is the answer that the pipeline was shown last.
///
/// Places that the request holds are given back when the body has ended, which for once makes it go through here.
pub fn respond(answer: Answer, upstream: Option<types::Response>, held: Option<Places>) -> types::Response {
    let body = match (answer.body, upstream) {
        (Body::Whole(bytes), _) => Some(body::whole(bytes)),
        (Body::Upstream(None), Some(response)) => Some(body::of_answer(response)),
        (Body::Upstream(Some(keep)), Some(response)) => Some(body::kept(response, keep)),
        // The pipeline makes no tunnel where the shell does not say that it can carry one.
        (Body::Empty | Body::Tunnel, _) | (Body::Upstream(_), None) => None,
    };
    let body = match (body, held) {
        (Some(parts), Some(places)) => Some(body::followed(parts, give_back(places))),
        (None, Some(places)) => {
            spawn(give_back(places));
            None
        }
        (body, None) => body,
    };
    if !answer.set.is_empty() {
        spawn(set_entries(answer.set));
    }
    assemble(answer.head, body)
}

/// A response of these parts.
pub fn assemble(head: ResponseHead, body: Option<Parts>) -> types::Response {
    let (contents, trailers) = match body {
        Some((contents, trailers)) => (Some(contents), trailers),
        None => (None, wit_future::new(|| Ok(None)).1),
    };
    let (response, _) = types::Response::new(headers(head.headers), contents, trailers);
    // Only a policy could say a status that is none; the host's own is 200, which would be a lie.
    if response.set_status_code(head.status).is_err() {
        let _ = response.set_status_code(500);
    }
    response
}

/// All header lines, or all that the host takes: a policy may say what is no header.
fn headers(lines: Vec<Field>) -> Fields {
    let lines: Vec<_> = lines.into_iter().map(|field| (field.name, field.value)).collect();
    Fields::from_list(&lines).unwrap_or_else(|_| {
        let fields = Fields::new();
        for (name, value) in &lines {
            if fields.append(name, value).is_err() {
                eprintln!("a header that the host does not take was left out: {name}");
            }
        }
        fields
    })
}
