//! The policy as a component: the exports of the world `auth`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use breakwater_kit::types::*;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/authentication@1.0.0; }",
    world: "breakwater:guest/guest",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

thread_local! {
    static POLICY: RefCell<crate::Authenticator> = RefCell::default();
}

struct Component;

impl exports::breakwater::edge::authentication::Guest for Component {
    fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
        POLICY.with_borrow_mut(|policy| policy.configure(&section).map(|()| policy.reads()))
    }

    fn authenticate(
        presented: Presented,
        requirement: Requirement,
        certificate: Option<ClientCertificate>,
        now: u64,
    ) -> Verdict {
        POLICY.with_borrow_mut(|policy| policy.authenticate(&presented, &requirement, certificate.as_ref(), now))
    }

    fn introspected(presented: Presented, requirement: Requirement, answer: Option<Opinion>, now: u64) -> Verdict {
        POLICY.with_borrow_mut(|policy| policy.introspected(&presented, &requirement, answer.as_ref(), now))
    }
}

export!(Component);
