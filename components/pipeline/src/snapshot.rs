//! The snapshot: the edge's configuration as the core publishes it.
//!
//! The envelope and the section `gateway` are read here; every other section goes to its policy unread. Unknown fields
//! are ignored, so that an older edge lives with a newer core; wrong types are refused. A snapshot is applied whole or
//! not at all.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::gateway::{Caching, Cookies, Cors, Settings};
use crate::policies::{Fault, Policies, Section};
use crate::upstreams::{self, Published};

/// The schema that this edge understands.
const SCHEMA: &str = "breakwater-edge-snapshot/1";

/// A snapshot that parsed. Whether the policies take it is another matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// For the pipeline.
    pub settings: Settings,
    sections: [Box<[u8]>; 5],
}

/// Why a document is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not JSON, or a part is missing or has a wrong type.
    #[error("the snapshot does not parse: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is for other edges.
    #[error("the snapshot's schema is `{0}`, this edge understands `{SCHEMA}`")]
    Schema(String),
    /// An upstream makes no sense.
    #[error("upstream `{0}`: {1}")]
    Upstream(String, &'static str),
}

#[derive(Deserialize)]
struct Document<'a> {
    version: String,
    #[serde(default)]
    upstreams: BTreeMap<String, Published>,
    #[serde(default)]
    gateway: GatewaySection,
    #[serde(borrow)]
    routing: &'a RawValue,
    #[serde(borrow)]
    rate_limiting: &'a RawValue,
    #[serde(borrow)]
    authentication: &'a RawValue,
    #[serde(borrow)]
    caching: &'a RawValue,
    #[serde(borrow)]
    static_files: &'a RawValue,
}

#[derive(Deserialize)]
struct GatewaySection {
    #[serde(default)]
    cors: Cors,
    #[serde(default = "one")]
    retry_after_seconds: u32,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self { cors: Cors::default(), retry_after_seconds: one() }
    }
}

fn one() -> u32 {
    1
}

/// What the pipeline reads of the section that is otherwise the router's.
#[derive(Deserialize)]
struct RoutingSection {
    #[serde(default)]
    routes: Vec<RouteSection>,
}

#[derive(Deserialize)]
struct RouteSection {
    #[serde(default)]
    id: String,
    #[serde(default)]
    cacheable: bool,
    compress: Option<bool>,
}

/// What the pipeline reads of the section that is otherwise the authentication policy's.
#[derive(Deserialize)]
struct AuthenticationSection {
    #[serde(default)]
    claim_headers: BTreeMap<String, IgnoredAny>,
    cookies: Option<Cookies>,
}

impl Snapshot {
    /// Reads a document.
    pub fn parse(json: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Envelope {
            schema: String,
        }
        // The schema first: what another one means by the other fields is unknown.
        let Envelope { schema } = serde_json::from_slice(json)?;
        if schema != SCHEMA {
            return Err(SnapshotError::Schema(schema));
        }
        let document: Document<'_> = serde_json::from_slice(json)?;
        let mut caching: Caching = serde_json::from_str(document.caching.get())?;
        // What is wrong with the routes is the router's to say.
        let routes = serde_json::from_str::<RoutingSection>(document.routing.get())
            .map_or_else(|_| Vec::new(), |routing| routing.routes);
        caching.is_used = routes.iter().any(|route| route.cacheable);
        let uncoded = routes.into_iter().filter(|route| route.compress == Some(false)).map(|route| route.id);
        let authentication: AuthenticationSection = serde_json::from_str(document.authentication.get())?;
        let section = |raw: &RawValue| raw.get().as_bytes().into();
        Ok(Self {
            settings: Settings {
                version: document.version,
                upstreams: upstreams::check(document.upstreams)?,
                cors: document.gateway.cors,
                retry_after_seconds: document.gateway.retry_after_seconds,
                caching,
                uncoded: uncoded.collect(),
                claim_headers: authentication.claim_headers.into_keys().map(|name| name.to_ascii_lowercase()).collect(),
                cookies: authentication.cookies,
            },
            sections: [
                section(document.routing),
                section(document.rate_limiting),
                section(document.authentication),
                section(document.caching),
                section(document.static_files),
            ],
        })
    }

    /// What one policy is configured with.
    pub fn section(&self, section: Section) -> &[u8] {
        &self.sections[section as usize]
    }
}

/// Why a snapshot was not applied. The policies go on with the last good one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A policy does not take its section.
    #[error("section `{section}` was refused: {reason}")]
    Refused {
        /// Which.
        section: &'static str,
        /// The policy's own words.
        reason: String,
    },
    /// A policy failed over its section.
    #[error("section `{section}`: {fault}")]
    Failed {
        /// Which.
        section: &'static str,
        /// How.
        fault: Fault,
    },
}

/// Configures every policy with its section, or leaves every policy as it was.
///
/// `last` is the snapshot that the policies have now. After [`ApplyError::Failed`] the shell has a policy to make anew,
/// with the section of `last`.
pub fn apply(policies: &mut impl Policies, snapshot: &Snapshot, last: Option<&Snapshot>) -> Result<(), ApplyError> {
    for (index, section) in Section::ALL.into_iter().enumerate() {
        // Most snapshots differ in one section, such as the revoked sessions.
        if last.is_some_and(|last| last.section(section) == snapshot.section(section)) {
            continue;
        }
        let error = match policies.configure(section, snapshot.section(section)) {
            Ok(Ok(())) => continue,
            Ok(Err(reason)) => ApplyError::Refused { section: section.name(), reason },
            Err(fault) => ApplyError::Failed { section: section.name(), fault },
        };
        if let Some(last) = last {
            for done in &Section::ALL[..index] {
                if last.section(*done) != snapshot.section(*done) {
                    // It took this section before. If it fails now, its next answer fails too, and says so.
                    let _ = policies.configure(*done, last.section(*done));
                }
            }
        }
        return Err(error);
    }
    Ok(())
}
