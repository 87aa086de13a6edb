//! Requests and answers that two servers in a row could read differently (RFC 9112, section 11.2).
//!
//! Each row goes to the edge over a plain socket, with an honest request behind it on the same connection. What counts is
//! what the upstream got: whole requests that can be read in one way only, each of them one that the row tells of. Where
//! nobody can know what follows a request, the connection ends, and the honest request is not answered.

mod answers;
mod http1;
mod http2;

use serde_json::json;

use crate::support::recorder::Recorder;
use crate::support::{Core, Edge, snapshot};

/// A core, an upstream that writes down, and an edge before both.
async fn start() -> (Core, Recorder, Edge) {
    let (core, upstream) = (Core::start().await, Recorder::start().await);
    let mut document = snapshot::document("2");
    document["upstreams"]["elsewhere"] = json!({ "origin": format!("http://{}", upstream.address) });
    let routes = document["routing"]["routes"].as_array_mut().unwrap();
    let mut quick = routes.iter().find(|route| route["id"] == "quick").unwrap().clone();
    quick["id"] = json!("quick-elsewhere");
    quick["path"] = json!("/quick-elsewhere/{*rest}");
    quick["target"] = json!({ "upstream": "elsewhere" });
    routes.push(quick);
    core.publish(&document);
    let edge = Edge::before(&core).outbound("http://127.0.0.1:*").one_worker().start().await;
    (core, upstream, edge)
}

/// The statuses of all answers in what a connection brought.
fn statuses(read: &str) -> Vec<u16> {
    let lines = read.split("HTTP/1.1 ").skip(1);
    lines.map(|line| line[..3].parse().unwrap()).collect()
}
