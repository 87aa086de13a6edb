//! The collections that a collection refers to, as far as a caller sees them: where filters and expansions look.

use sqlx::PgConnection;
use uuid::Uuid;

use super::collections::Target;
use super::options::Options;
use super::options::references::Link;
use super::query::field::DataPath;
use crate::problem::Result;

/// A reference, and where it leads.
#[derive(Debug)]
pub struct Referred {
    pub(super) link: Link,
    /// None if the caller does not see that collection.
    pub(super) target: Option<Target>,
}

/// The references that are `wanted` of those that `options` declare.
pub(super) async fn referred(
    connection: &mut PgConnection,
    workspace: Uuid,
    options: &Options,
    wanted: impl Fn(&DataPath) -> bool,
) -> Result<Vec<Referred>> {
    let links: Vec<_> = options.references.iter().filter_map(Link::of).filter(|link| wanted(&link.path)).collect();
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<_> = links.iter().map(|link| link.rule.collection.as_str().to_owned()).collect();
    let targets = Target::named(connection, workspace, &names).await?;
    let found = links.into_iter().map(|link| {
        let target = targets.get(link.rule.collection.as_str()).cloned();
        Referred { link, target }
    });
    Ok(found.collect())
}
