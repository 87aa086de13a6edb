//! What the edge is made of and can exchange while it runs: the policies, what may be reached, its keys and certificates.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use breakwater_pipeline::{EdgeKeys, Gateway, HeadLimits, Proxies, Snapshot};
use rustls::ServerConfig;

use crate::manifest::Manifest;
use crate::options::{ClientAuth, Options};
use crate::policies::Components;
use crate::tls::{self, ClientAuthority};
use crate::upstream::{Breakers, Origin, Reach, Upstreams};

/// Everything that comes from the manifest, the components and the certificates.
pub struct Setup {
    /// The compiled policies.
    pub components: Components,
    /// The pipeline before its first snapshot.
    pub gateway: Arc<Gateway>,
    /// What reaching upstreams takes.
    pub reach: Reach,
    /// What clients see.
    pub tls: Option<Arc<ServerConfig>>,
}

/// What workers serve with now.
#[derive(Clone)]
pub struct Current {
    /// The policies and all that.
    pub setup: Arc<Setup>,
    /// What they are told; none before the first.
    pub snapshot: Option<Arc<Snapshot>>,
}

impl Setup {
    /// Of a manifest, with the components compiled. Breakers outlive every setup: their counts are of what is under way.
    pub fn load(options: &Options, manifest: &Manifest, breakers: &Arc<Breakers>) -> Result<Self> {
        let keys = EdgeKeys::parse(manifest.variable("edge_key")?).context("the variable `edge_key`")?;
        let core = manifest.variable("core_url")?.split(',').map(|url| url.trim().parse::<Origin>());
        let core = core.collect::<Result<Vec<_>, _>>().context("the variable `core_url`")?;
        let variable = |name| manifest.variable(name).unwrap_or_default();
        let proxies = Proxies::parse(variable("trusted_proxies"), variable("client_address_header"))
            .context("the variable `trusted_proxies`")?;
        let tls = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => {
                let required = options.client_auth == ClientAuth::Required;
                let clients = options.client_ca.as_deref().map(|file| ClientAuthority { file, required });
                Some(tls::server(certificate, key, clients.as_ref())?)
            }
            _ => None,
        };
        Ok(Self {
            components: Components::load(&manifest.policies, options.cache.as_deref())?,
            gateway: Arc::new(Gateway { keys, limits: HeadLimits::default(), proxies, settings: None }),
            reach: Reach {
                core,
                allowed: manifest.allowed.clone(),
                tls: tls::client(options.upstream_ca.as_deref())?,
                breakers: breakers.clone(),
            },
            tls,
        })
    }

    /// Connections to what may be reached, for one thread.
    pub fn upstreams(&self) -> Upstreams {
        Upstreams::new(self.reach.clone())
    }
}

/// The files that a setup is made of.
pub fn files(options: &Options, manifest: &Manifest) -> Vec<PathBuf> {
    let certificates = [&options.tls_cert, &options.tls_key, &options.client_ca, &options.upstream_ca];
    let certificates = certificates.into_iter().flatten();
    [&options.manifest].into_iter().chain(&manifest.policies).chain(certificates).cloned().collect()
}
