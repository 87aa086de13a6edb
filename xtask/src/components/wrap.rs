//! Makes a component of a policy's core module, and sees that it imports nothing.
//!
//! wit-bindgen leaves a description of the world that its glue was generated for. A policy's glue exports only
//! its interface, while the world of `wit/` exports `types` as well, so the description is replaced. What comes
//! out is exactly the world as `wit/` says it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{PackageId, Resolve};

/// The worlds of `wit/`.
pub struct Worlds {
    resolve: Resolve,
    package: PackageId,
}

impl Worlds {
    /// Reads the WIT package in a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(folder)?;
        Ok(Self { resolve, package })
    }

    /// Makes the component of a policy that answers for a world.
    pub fn wrap_policy(&self, module: &[u8], world: &str) -> Result<Vec<u8>> {
        let world = self.resolve.select_world(&[self.package], Some(world))?;
        let (stripped, _) = wit_component::metadata::decode(module)?;
        let mut module = stripped.context("the module has no exports of wit-bindgen's (is `export!` missing?)")?;
        wit_component::embed_component_metadata(&mut module, &self.resolve, world, StringEncoding::UTF8)?;
        let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
        refuse_imports(&component)?;
        Ok(component)
    }
}

fn refuse_imports(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("the encoder made no component");
    };
    let imports: Vec<_> = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
    if !imports.is_empty() {
        bail!("a policy imports nothing, but this one imports {}", imports.join(", "));
    }
    Ok(())
}
