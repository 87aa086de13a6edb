//! What the world `gateway` imports: the policies and the state.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

spin_sdk::wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest {
        import breakwater:edge/routing@1.0.0;
        import breakwater:edge/rate-limiting@1.0.0;
        import breakwater:edge/authentication@1.0.0;
        import breakwater:edge/caching@1.0.0;
        import breakwater:edge/static-files@1.0.0;
        import breakwater:edge/state@1.0.0;
    }",
    world: "breakwater:guest/guest",
    runtime_path: "::spin_sdk::wit_bindgen::rt",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
    generate_all,
});

pub use breakwater::edge::{authentication, caching, rate_limiting, routing, state, static_files};
