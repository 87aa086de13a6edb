//! The policy as a component: the exports of the world `cache`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/caching@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

thread_local! {
    static POLICY: RefCell<crate::Cache> = RefCell::default();
}

struct Component;

impl exports::breakwater::edge::caching::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
        POLICY.with_borrow_mut(|policy| policy.configure(&section).map(|()| policy.reads()))
    }

    fn plan(request: RequestHead, caller: Option<Caller>) -> CachePlan {
        POLICY.with_borrow(|policy| policy.plan(&request, caller.as_ref()))
    }

    fn judge(request: RequestHead, key: String, stored: Option<Stored>, now: u64) -> CacheUse {
        POLICY.with_borrow(|policy| policy.judge(&request, &key, stored.as_ref(), now))
    }

    fn keep(request: RequestHead, response: ResponseHead, requested_at: u64, now: u64) -> CacheKeep {
        POLICY.with_borrow(|policy| policy.keep(&request, &response, requested_at, now))
    }

    fn update(
        request: RequestHead,
        stored: StoredHead,
        not_modified: ResponseHead,
        requested_at: u64,
        now: u64,
    ) -> CacheKeep {
        POLICY.with_borrow(|policy| policy.update(&request, &stored, &not_modified, requested_at, now))
    }
}

export!(Component);
