//! The policy as a component: the exports of the world `router`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/routing@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

struct Component;

impl exports::breakwater::edge::routing::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<(), String> {
        if section.is_empty() { Err("no".into()) } else { Ok(()) }
    }

    fn route(request: RequestHead) -> RouteDecision {
        RouteDecision::Refuse(Problem {
            status: 404,
            slug: request.path,
            title: String::new(),
            detail: String::new(),
            headers: request.headers,
        })
    }
}

export!(Component);
