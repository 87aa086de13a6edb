//! A routing policy that misbehaves where a test asks it to: it traps at `/trap`, loops at `/loop`, and eats memory at
//! `/eat`. Every other path goes to the core, if the instance was configured; one that was made anew and not configured
//! traps there too.

#[cfg(target_family = "wasm")]
mod guest {
    // Only the generated glue needs it.
    #![allow(unsafe_code, missing_docs)]

    use std::cell::Cell;

    use breakwater_kit::types::*;

    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package breakwater:guest; world guest { export breakwater:edge/routing@1.0.0; }",
        world: "breakwater:guest/guest",
        with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
    });

    thread_local! {
        static CONFIGURED: Cell<bool> = const { Cell::new(false) };
    }

    struct Component;

    impl exports::breakwater::edge::routing::Guest for Component {
        fn configure(section: Vec<u8>) -> Result<Vec<String>, String> {
            if section == b"\"trap\"" {
                trap();
            }
            CONFIGURED.set(true);
            Ok(Vec::new())
        }

        fn route(request: RequestHead) -> RouteDecision {
            match request.path.as_str() {
                "/trap" => trap(),
                "/loop" => endless(),
                "/eat" => eat(),
                _ => {}
            }
            if !CONFIGURED.get() {
                trap();
            }
            RouteDecision::Forward(Route {
                id: "any".to_owned(),
                target: Target::Upstream("core".to_owned()),
                path_and_query: request.path,
                requirement: Requirement::Public,
                limits: Vec::new(),
                cacheable: false,
                connect_timeout: 1000,
                response_timeout: 1000,
                idle_timeout: 1000,
                overall_timeout: 0,
                retries: 0,
                upgrades: false,
                max_body: 1000,
                extras: None,
            })
        }
    }

    fn trap() {
        core::arch::wasm32::unreachable()
    }

    fn endless() {
        let mut count = 0u64;
        while std::hint::black_box(true) {
            count = std::hint::black_box(count.wrapping_add(1));
        }
    }

    fn eat() {
        let mut eaten = Vec::new();
        while std::hint::black_box(true) {
            eaten.push(vec![1u8; 1 << 20]);
        }
        std::hint::black_box(eaten);
    }

    export!(Component);
}
