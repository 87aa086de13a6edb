//! What the built components may ask of a host: no more than their worlds in `wit/` say.

use breakwater_tests::process::workspace;
use wasmparser::{Parser, Payload};

/// The policies' own interface, and nothing else.
const POLICIES: [(&str, &str); 5] = [
    ("router", "breakwater:edge/routing@1.0.0"),
    ("rate-limit", "breakwater:edge/rate-limiting@1.0.0"),
    ("auth", "breakwater:edge/authentication@1.0.0"),
    ("cache", "breakwater:edge/caching@1.0.0"),
    ("assets", "breakwater:edge/static-files@1.0.0"),
];

/// Names of types, which no call can be made of.
const TYPES: &str = "breakwater:edge/types@1.0.0";

/// What Rust's standard library asks of WASI 0.2, used or not: the environment, clocks, standard streams and randomness.
/// No sockets, and no files but the preopened ones, of which there are none.
const STANDARD_LIBRARY: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/preopens@0.2",
    "wasi:filesystem/types@0.2",
    "wasi:io/",
    "wasi:random/",
];

#[test]
fn policies_import_nothing() {
    for (name, interface) in POLICIES {
        let component = Interface::of(name);
        assert!(component.imports.is_empty(), "{name} imports {:?}", component.imports);
        assert_eq!(component.exports, [TYPES, interface], "{name}");
    }
}

#[test]
fn state_redis_imports_redis_alone() {
    let component = Interface::of("state-redis");
    component.imports_only(&[&[TYPES, "spin:redis/redis@3.0.0", "spin:variables/variables@3.0.0"], &STANDARD_LIBRARY]);
    assert!(component.exports.contains(&"breakwater:edge/state@1.0.0".to_owned()), "{:?}", component.exports);
}

#[test]
fn the_gateway_imports_its_world_and_http() {
    let component = Interface::of("gateway");
    let policies = POLICIES.map(|(_, interface)| interface);
    component.imports_only(&[
        &policies,
        &[TYPES, "breakwater:edge/state@1.0.0", "spin:variables/variables@3.0.0"],
        &["wasi:http/client@0.3", "wasi:http/types@0.3"],
        &STANDARD_LIBRARY,
    ]);
    for policy in policies {
        assert!(component.imports.iter().any(|import| import == policy), "{policy} is not asked");
    }
    assert_eq!(component.exports, ["wasi:http/handler@0.3.0"]);
}

/// What a component imports and exports, by name.
struct Interface {
    name: &'static str,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Interface {
    fn of(name: &'static str) -> Self {
        let path = workspace().join("target/components").join(name).with_extension("wasm");
        let bytes = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask build components`", path.display()));
        let mut interface = Self { name, imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(&bytes) {
            match payload.unwrap() {
                Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    interface.imports.extend(section.into_iter().map(|import| import.unwrap().name.0.to_owned()));
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    interface.exports.extend(section.into_iter().map(|export| export.unwrap().name.0.to_owned()));
                }
                _ => {}
            }
        }
        interface
    }

    /// Every import begins as one of these does.
    fn imports_only(&self, allowed: &[&[&str]]) {
        for import in &self.imports {
            let allowed = allowed.iter().flat_map(|some| some.iter()).any(|start| import.starts_with(start));
            assert!(allowed, "{} imports {import}", self.name);
        }
    }
}
