//! The policy as a component: the exports of the world `router`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/routing@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

thread_local! {
    static POLICY: RefCell<crate::Router> = RefCell::default();
}

struct Component;

impl exports::breakwater::edge::routing::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
        POLICY.with_borrow_mut(|policy| policy.configure(&section).map(|()| policy.reads()))
    }

    fn route(request: RequestHead) -> RouteDecision {
        POLICY.with_borrow(|policy| policy.route(&request))
    }
}

export!(Component);
