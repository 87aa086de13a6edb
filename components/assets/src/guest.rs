//! The policy as a component: the exports of the world `assets`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/static-files@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

thread_local! {
    static POLICY: RefCell<crate::Assets> = RefCell::default();
}

struct Component;

impl exports::breakwater::edge::static_files::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
        POLICY.with_borrow_mut(|policy| policy.configure(&section).map(|()| policy.reads()))
    }

    fn find(request: RequestHead) -> File {
        POLICY.with_borrow(|policy| policy.find(&request))
    }
}

export!(Component);
