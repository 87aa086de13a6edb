//! The policy as a component: the exports of the world `rate-limit`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/rate-limiting@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

thread_local! {
    static POLICY: RefCell<crate::RateLimiter> = RefCell::default();
}

struct Component;

impl exports::breakwater::edge::rate_limiting::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
        POLICY.with_borrow_mut(|policy| policy.configure(&section).map(|()| policy.reads()))
    }

    fn draw(presented: Presented, route: String, limits: Vec<String>, caller: Option<Subscriber>) -> DrawPlan {
        POLICY.with_borrow(|policy| policy.draw(&presented, &route, &limits, caller.as_ref()))
    }

    fn judge(drawn: Vec<Drawn>, leased: Vec<Leased>) -> Option<Problem> {
        POLICY.with_borrow(|policy| policy.judge(&drawn, &leased))
    }
}

export!(Component);
