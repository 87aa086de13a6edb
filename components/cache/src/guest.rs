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

    fn judge(
        request: RequestHead,
        caller: Option<Caller>,
        key: String,
        stored: Option<Stored>,
        length: u64,
        now: u64,
    ) -> CacheUse {
        POLICY.with_borrow(|policy| policy.judge(&request, caller.as_ref(), &key, stored.as_ref(), length, now))
    }

    fn keep(request: RequestHead, caller: Option<Caller>, response: ResponseHead, sent: Sent, now: u64) -> CacheKeep {
        POLICY.with_borrow(|policy| policy.keep(&request, caller.as_ref(), &response, sent, now))
    }

    fn update(
        request: RequestHead,
        caller: Option<Caller>,
        stored: StoredHead,
        answer: ResponseHead,
        sent: Sent,
        now: u64,
    ) -> CacheKeep {
        POLICY.with_borrow(|policy| policy.update(&request, caller.as_ref(), &stored, &answer, sent, now))
    }

    fn rescue(request: RequestHead, stored: StoredHead, length: u64, status: Option<u16>, now: u64) -> Option<Hit> {
        POLICY.with_borrow(|policy| policy.rescue(&request, &stored, length, status, now))
    }

    fn invalidate(request: RequestHead, response: ResponseHead) -> Vec<String> {
        POLICY.with_borrow(|policy| policy.invalidate(&request, &response))
    }
}

export!(Component);
