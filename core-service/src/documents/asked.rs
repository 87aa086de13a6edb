//! What every question about the documents of a collection begins with: who asks, about which of them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::filter::Filter;
use super::page::{Among, Choice};
use super::query::field::DataPath;
use super::referred::referred;
use super::rules::Applied;
use crate::access::{Access, Permission, Resource, look_at};
use crate::identity::Caller;
use crate::problem::Result;

/// A question that may be asked.
pub(super) struct Asked {
    pub(super) access: Access,
    pub(super) target: Target,
    pub(super) rules: Applied,
    pub(super) choice: Choice,
}

impl Asked {
    /// Who may read single documents alone asks among these. A filter that asks about what is hidden is 403, in this collection
    /// and in those that it looks into.
    pub(super) async fn by(
        caller: &Caller,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: &CollectionName,
        filter: Option<&str>,
    ) -> Result<Self> {
        let resource = Resource::Collection(collection.as_str());
        let access = look_at(tx, caller, workspace, Permission::DocumentsRead, resource).await?;
        let among = Among::of(&access)?;
        let target = Target::for_reading(tx, workspace, collection).await?;
        let rules = Applied::to(&target.rules, &access);
        let choice = Choice { collection: target.id, among, filter: None, question: None };
        let mut asked = Self { access, target, rules, choice };
        if let Some(text) = filter {
            let looks_into = text.contains('[');
            let references = referred(tx, workspace, &asked.target.options, |_| looks_into).await?;
            let filter = Filter::parse(text, &asked.target.schema.declared(), &references)?;
            asked.rules.allow_query(&asked.access, filter.paths())?;
            for (link, within) in filter.across() {
                let target = references.iter().find(|referred| referred.link.path == link.path);
                let rules = target.and_then(|referred| referred.target.as_ref()).map(|target| &target.rules[..]);
                Applied::to(rules.unwrap_or_default(), &asked.access).allow_query(&asked.access, within.paths())?;
            }
            asked.choice.filter = Some(filter);
        }
        Ok(asked)
    }

    /// 403 if something that is hidden is asked about.
    pub(super) fn allow<'p>(&self, paths: impl IntoIterator<Item = &'p DataPath>) -> Result<()> {
        self.rules.allow_query(&self.access, paths)
    }
}
