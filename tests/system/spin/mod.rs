//! A host that runs `spin.toml` as Spin 4.1 does: the gateway composed with its dependencies, instances that are
//! reused, outbound hosts that the manifest allows, `spin:redis` over a real Redis.
//!
//! It is written after Spin's own source and stands in for it, because Spin is on no package registry.

mod bindings;
mod compose;
pub mod instance;
pub mod manifest;
mod outbound;
mod redis;
mod server;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use breakwater_tests::process::workspace;
use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use self::instance::Data;
use self::manifest::Manifest;

/// What every instance of one running application shares.
pub struct Application {
    /// The component's variables, resolved.
    variables: BTreeMap<String, String>,
    outbound: outbound::Outbound,
    log: std::fs::File,
}

impl Application {
    /// The one of `spin.toml`, with these values of its variables, that may reach these hosts as well.
    pub fn new(values: &[(&str, &str)], more: &[&str], log: std::fs::File) -> Arc<Self> {
        let manifest = Manifest::read();
        let component = manifest.served();
        let resolve = |template: &str| manifest.resolve(template, values);
        let mut allowed: Vec<String> = component.allowed_outbound_hosts.iter().map(|host| resolve(host)).collect();
        allowed.extend(more.iter().map(|host| (*host).to_owned()));
        let variables = component.variables.iter().map(|(name, value)| (name.clone(), resolve(value))).collect();
        Arc::new(Self { variables, outbound: outbound::Outbound::new(&allowed), log })
    }
}

/// The composed gateway, served on a loopback port until it is dropped.
pub struct Gateway {
    pub address: SocketAddr,
    log: tempfile::NamedTempFile,
    accepting: tokio::task::JoinHandle<()>,
}

impl Gateway {
    /// Starts the application of `spin.toml` with these values of its variables.
    pub async fn start(values: &[(&str, &str)]) -> Self {
        Self::start_reaching(values, &[]).await
    }

    /// The same with more hosts in the manifest's `allowed_outbound_hosts`.
    pub async fn start_reaching(values: &[(&str, &str)], more: &[&str]) -> Self {
        // No request should wait for the compiler.
        tokio::task::spawn_blocking(|| LazyLock::force(&SERVICE)).await.unwrap();
        let log = tempfile::NamedTempFile::new().unwrap();
        let application = Application::new(values, more, log.reopen().unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(server::serve(listener, instance::handler(application)));
        Self { address, log, accepting }
    }

    /// What the component wrote to its standard error.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
        if std::thread::panicking() {
            eprintln!("--- the gateway printed:\n{}", self.output());
        }
    }
}

pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    // Compiling takes seconds, and components change less often than tests run.
    let mut cache = CacheConfig::new();
    cache.with_directory(workspace().join("target/components/test-cache"));
    config.cache(Some(Cache::new(cache).unwrap()));
    Engine::new(&config).unwrap()
});

/// Compiled once for all tests of the process.
static SERVICE: LazyLock<ServicePre<Data>> = LazyLock::new(|| {
    let manifest = Manifest::read();
    let component = Component::new(&ENGINE, compose::compose(manifest.served())).unwrap();
    ServicePre::new(linker().instantiate_pre(&component).unwrap()).unwrap()
});

/// All that Spin offers and our components ask for.
pub fn linker() -> Linker<Data> {
    let mut linker = Linker::new(&ENGINE);
    // Rust's standard library for wasm32-wasip2 imports WASI 0.2 beside the 0.3 that the SDK uses.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    wasmtime_wasi_http::p3::add_to_linker(&mut linker).unwrap();
    bindings::add_to_linker(&mut linker);
    linker
}
