//! `spin.toml`, as far as it concerns who runs where and may do what (Spin's manifest, version 2).

use std::collections::BTreeMap;
use std::path::PathBuf;

use breakwater_tests::process::workspace;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Manifest {
    spin_manifest_version: u32,
    variables: BTreeMap<String, Variable>,
    trigger: BTreeMap<String, Vec<Trigger>>,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    #[expect(dead_code, reason = "it may be there, and nothing else may")]
    description: Option<String>,
}

#[derive(Deserialize)]
struct Trigger {
    route: String,
    component: String,
}

#[derive(Deserialize)]
pub struct Component {
    pub source: PathBuf,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub path: PathBuf,
    #[serde(default)]
    pub inherit_configuration: Vec<String>,
}

impl Manifest {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(workspace().join("spin.toml")).unwrap();
        let manifest: Self = toml::from_str(&text).unwrap();
        assert_eq!(manifest.spin_manifest_version, 2);
        for (name, variable) in &manifest.variables {
            assert_ne!(variable.required, variable.default.is_some(), "{name}: required, or a default");
        }
        manifest
    }

    /// The component that answers every path.
    pub fn served(&self) -> &Component {
        let [trigger] = self.trigger["http"].as_slice() else { panic!("one trigger") };
        assert_eq!(trigger.route, "/...");
        &self.component[&trigger.component]
    }

    /// A value with its `{{ variables }}` put in.
    pub fn resolve(&self, template: &str, values: &[(&str, &str)]) -> String {
        let mut parts = template.split("{{");
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").expect("braces that close");
            let name = name.trim();
            let given = values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let default = || self.variables[name].default.clone();
            text.push_str(&given.or_else(default).unwrap_or_else(|| panic!("the variable {name} is required")));
            text.push_str(rest);
        }
        text
    }
}

#[test]
fn permissions_are_as_few_as_they_can_be() {
    let manifest = Manifest::read();
    for secret in ["edge_key", "redis_credentials"] {
        assert!(manifest.variables[secret].secret, "{secret}");
    }
    let gateway = manifest.served();
    assert_eq!(gateway.allowed_outbound_hosts, ["{{ core_url }}", "{{ redis_url }}"]);
    for (name, dependency) in &gateway.dependencies {
        let inherits: &[&str] = match name.as_str() {
            "breakwater:edge/state@1.0.0" => &["allowed_outbound_hosts", "variables"],
            _ => &[],
        };
        assert_eq!(dependency.inherit_configuration, inherits, "{name}");
    }
}
