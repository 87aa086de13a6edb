//! The components, compiled: once per process, and with a cache folder once per content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine};

use super::sandbox::Guard;

/// How often the clock of deadlines ticks. Deadlines are counted in ticks.
pub const TICK: Duration = Duration::from_millis(10);

/// The policies' components, ready to be instantiated in any thread.
#[derive(Clone)]
pub struct Components {
    /// In the order of the manifest.
    pub(super) instances: [InstancePre<Guard>; 5],
}

impl Components {
    /// Compiles the components, or takes what an earlier start compiled from the cache, and starts the clock of
    /// their deadlines.
    pub fn load(paths: &[PathBuf; 5], cache: Option<&Path>) -> Result<Self> {
        let engine = Engine::new(&config(cache)?).map_err(anyhow::Error::from).context("cannot make the engine")?;
        let load = |path: &PathBuf| load(&engine, path).with_context(|| format!("{}", path.display()));
        let [routing, rate_limiting, authentication, caching, static_files] = paths;
        let instances =
            [load(routing)?, load(rate_limiting)?, load(authentication)?, load(caching)?, load(static_files)?];
        tick(&engine)?;
        Ok(Self { instances })
    }
}

fn config(cache: Option<&Path>) -> Result<Config> {
    let mut config = Config::new();
    config.wasm_component_model(true).epoch_interruption(true);
    // Policies are plain functions: without this the store keeps no books about tasks.
    config.concurrency_support(false);
    if let Some(folder) = cache {
        // The cache wants an absolute path.
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("{}", folder.display()))?;
        let mut cache = CacheConfig::new();
        cache.with_directory(folder);
        config.cache(Some(Cache::new(cache).map_err(anyhow::Error::from).context("cannot use the cache folder")?));
    }
    Ok(config)
}

fn load(engine: &Engine, path: &Path) -> Result<InstancePre<Guard>> {
    let bytes = std::fs::read(path).context("cannot read it; `cargo xtask build components` builds it")?;
    let component = Component::new(engine, bytes).map_err(anyhow::Error::from).context("it is no component")?;
    // An empty linker: a policy that imports anything at all is refused here.
    Linker::new(engine).instantiate_pre(&component).map_err(anyhow::Error::from).context("a policy may import nothing")
}

/// Moves the clock on for as long as the engine lives.
fn tick(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("deadlines".to_owned()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}
