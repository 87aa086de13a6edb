//! The manifest: which component answers for which policy, what may be reached, and the variables.
//!
//! It is Spin's manifest, version 2, and the same file that `spin up` reads. What only Spin needs is ignored; what
//! edge-host needs and does not find stops the start with its name.

mod outbound;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

pub use outbound::AllowedHosts;
use variables::{Declared, Variables};

/// Where policies may come from, by the interface that they export.
const POLICIES: [&str; 5] = [
    "breakwater:edge/routing",
    "breakwater:edge/rate-limiting",
    "breakwater:edge/authentication",
    "breakwater:edge/caching",
    "breakwater:edge/static-files",
];

/// What edge-host takes from a manifest. It prints no variable.
pub struct Manifest {
    /// Paths of the components, in the order: routing, rate-limiting, authentication, caching, static-files.
    pub policies: [PathBuf; 5],
    /// What upstreams and state may be reached.
    pub allowed: AllowedHosts,
    variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    spin_manifest_version: u32,
    #[serde(default)]
    variables: BTreeMap<String, Declared>,
    trigger: Triggers,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Triggers {
    http: Vec<Trigger>,
}

#[derive(Deserialize)]
struct Trigger {
    component: String,
}

#[derive(Deserialize)]
struct Component {
    source: toml::Value,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Dependency {
    Path { path: PathBuf },
    Component { component: String },
    Other {},
}

impl Manifest {
    /// Reads a manifest; `environment` gives what `SPIN_VARIABLE_…` is set to.
    pub fn read(path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, environment).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str, folder: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let document: Document = toml::from_str(text)?;
        ensure!(document.spin_manifest_version == 2, "only manifests of version 2 are understood");
        let [trigger] = document.trigger.http.as_slice() else {
            bail!("there must be exactly one [[trigger.http]]");
        };
        let name = &trigger.component;
        let gateway = document.component.get(name).with_context(|| format!("[component.{name}] is missing"))?;

        let variables = Variables::new(&document.variables, environment);
        let policy = |interface: &str| {
            let dependency = find(&gateway.dependencies, interface)
                .with_context(|| format!("[component.{name}.dependencies] has no \"{interface}\""))?;
            let path = match dependency {
                Dependency::Path { path } => path.clone(),
                Dependency::Component { component } => document
                    .component
                    .get(component)
                    .with_context(|| format!("[component.{component}] is missing"))?
                    .source
                    .as_str()
                    .with_context(|| format!("[component.{component}]: only a `source` that is a path is understood"))?
                    .into(),
                Dependency::Other {} => bail!("\"{interface}\": only `path` and `component` are understood"),
            };
            Ok(folder.join(path))
        };
        let mut policies: [PathBuf; 5] = Default::default();
        for (path, interface) in policies.iter_mut().zip(POLICIES) {
            *path = policy(interface)?;
        }

        let hosts = gateway.allowed_outbound_hosts.iter().map(|host| variables.fill(host));
        let allowed = AllowedHosts::parse(hosts.collect::<Result<Vec<_>>>()?)?;
        let own = gateway.variables.iter().map(|(name, template)| Ok((name.clone(), variables.fill(template)?)));
        Ok(Self { policies, allowed, variables: own.collect::<Result<_>>()? })
    }

    /// A variable of the gateway's.
    pub fn variable(&self, name: &str) -> Result<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .with_context(|| format!("the gateway's variables in the manifest have no `{name}`"))
    }
}

/// A dependency by its interface, with or without a version, as Spin allows.
fn find<'a>(dependencies: &'a BTreeMap<String, Dependency>, interface: &str) -> Option<&'a Dependency> {
    dependencies
        .iter()
        .find(|(name, _)| name.split_once('@').map_or(name.as_str(), |(name, _)| name) == interface)
        .map(|(_, dependency)| dependency)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GOOD: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "edge"
        [variables]
        core_url = { default = "http://127.0.0.1:3001" }
        edge_key = { required = true, secret = true }
        [[trigger.http]]
        route = "/..."
        component = "gateway"
        [component.gateway]
        source = "gateway.wasm"
        allowed_outbound_hosts = ["{{ core_url }}"]
        [component.gateway.variables]
        core = "{{ core_url }}"
        key = "{{ edge_key }}"
        [component.gateway.dependencies]
        "breakwater:edge/routing@1.0.0" = { path = "router.wasm" }
        "breakwater:edge/rate-limiting" = { path = "rate-limit.wasm" }
        "breakwater:edge/authentication" = { component = "auth" }
        "breakwater:edge/caching" = { path = "/elsewhere/cache.wasm" }
        "breakwater:edge/static-files" = { path = "assets.wasm" }
        "breakwater:edge/state" = { path = "state.wasm", inherit_configuration = ["variables"] }
        [component.auth]
        source = "auth.wasm"
    "#;

    fn environment(name: &str) -> Option<String> {
        (name == "SPIN_VARIABLE_EDGE_KEY").then(|| "k1.secret".to_owned())
    }

    #[test]
    fn reads_what_it_needs() {
        let manifest = Manifest::parse(GOOD, Path::new("/app"), environment).unwrap();
        let paths: Vec<_> = manifest.policies.iter().map(|path| path.to_str().unwrap()).collect();
        let wanted =
            ["/app/router.wasm", "/app/rate-limit.wasm", "/app/auth.wasm", "/elsewhere/cache.wasm", "/app/assets.wasm"];
        assert_eq!(paths, wanted);
        assert_eq!(manifest.variable("core").unwrap(), "http://127.0.0.1:3001");
        assert_eq!(manifest.variable("key").unwrap(), "k1.secret");
        assert!(manifest.variable("other").is_err());
        assert!(manifest.allowed.allows("http", "127.0.0.1", 3001));
        assert!(!manifest.allowed.allows("http", "127.0.0.1", 3002));
    }

    #[test]
    fn says_what_is_wrong() {
        let nothing: fn(&str) -> Option<String> = |_| None;
        #[rustfmt::skip]
        let cases: &[(String, &str)] = &[
            (GOOD.replace("version = 2", "version = 1"), "version 2"),
            (GOOD.replace("\"breakwater:edge/caching\"", "\"breakwater:edge/cashing\""), "no \"breakwater:edge/caching\""),
            (GOOD.replace("[component.auth]", "[component.other]"), "[component.auth] is missing"),
            (GOOD.replace("{{ core_url }}", "{{ core }}"), "`core`"),
            (GOOD.replace("component = \"gateway\"", "component = \"gate\""), "[component.gate] is missing"),
        ];
        for (text, wanted) in cases {
            let error = format!("{:#}", Manifest::parse(text, Path::new(""), environment).err().unwrap());
            assert!(error.contains(wanted), "{error}");
        }
        let error = format!("{:#}", Manifest::parse(GOOD, Path::new(""), nothing).err().unwrap());
        assert!(error.contains("SPIN_VARIABLE_EDGE_KEY"), "{error}");
    }

    #[test]
    fn the_real_one_parses() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml");
        let manifest = Manifest::read(&path, environment).unwrap();
        assert_eq!(manifest.variable("core_url").unwrap(), "http://127.0.0.1:3001");
    }
}
