//! The gateway and its dependencies made one component, in the manner of Spin's `crates/compose`.

use breakwater_tests::process::workspace;
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use super::manifest::Component;

/// The interfaces that a dependency has only if it inherits the configuration of this name (Spin's
/// `crates/capabilities`). Environment and files are left out: Spin gives empty ones instead.
const CAPABILITIES: [(&str, &[&str]); 6] = [
    ("allowed_outbound_hosts", &["spin:redis/", "spin:mqtt/", "spin:mysql/", "spin:postgres/"]),
    ("allowed_outbound_hosts", &["wasi:http/client@", "wasi:http/outgoing-handler@", "wasi:sockets/"]),
    ("variables", &["spin:variables/", "wasi:config/"]),
    ("key_value_stores", &["spin:key-value/", "wasi:keyvalue/"]),
    ("sqlite_databases", &["spin:sqlite/"]),
    ("ai_models", &["fermyon:spin/"]),
];

/// Every import that the manifest names is answered by the dependency's export of the same name; all other imports,
/// its own and its dependencies', are the host's to answer.
pub fn compose(component: &Component) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let (world, gateway) = instantiate(&mut graph, "gateway", &component.source);
    for (import, dependency) in &component.dependencies {
        let (exports, instance) = instantiate(&mut graph, import, &dependency.path);
        check_inheritance(&graph, exports, import, &dependency.inherit_configuration);
        check_types(&graph, world, exports, import);
        let export = graph.alias_instance_export(instance, import).unwrap();
        graph.set_instantiation_argument(gateway, import, export).unwrap();
    }
    let exports: Vec<String> = graph.types()[world].exports.keys().cloned().collect();
    for name in exports {
        let export = graph.alias_instance_export(gateway, &name).unwrap();
        graph.export(export, &name).unwrap();
    }
    graph.encode(EncodeOptions::default()).unwrap()
}

fn instantiate(graph: &mut CompositionGraph, name: &str, path: &std::path::Path) -> (WorldId, NodeId) {
    let path = workspace().join(path);
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask build components`", path.display()));
    // The package's name only has to be unique.
    let package = Package::from_bytes(name, None, bytes, graph.types_mut()).unwrap();
    let world = package.ty();
    let package = graph.register_package(package).unwrap();
    (world, graph.instantiate(package))
}

/// Spin would let such a call fail at run time; here it fails before.
fn check_inheritance(graph: &CompositionGraph, world: WorldId, name: &str, inherited: &[String]) {
    for import in graph.types()[world].imports.keys() {
        for (capability, interfaces) in CAPABILITIES {
            let guarded = interfaces.iter().any(|interface| import.starts_with(interface));
            assert!(
                !guarded || inherited.iter().any(|name| name == capability),
                "{name} imports {import} without inheriting {capability}"
            );
        }
    }
}

fn check_types(graph: &CompositionGraph, world: WorldId, exports: WorldId, name: &str) {
    let types = graph.types();
    let wanted = types[world].imports.get(name).unwrap_or_else(|| panic!("the gateway does not import {name}"));
    let given = types[exports].exports.get(name).unwrap_or_else(|| panic!("no component exports {name}"));
    let mut cache = Default::default();
    SubtypeChecker::new(&mut cache).is_subtype(*given, types, *wanted, types).unwrap();
}
