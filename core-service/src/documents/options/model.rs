//! A collection's options and its schema's annotations, understood: what a write asks.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::annotations::Annotations;
use super::attachments::Attached;
use super::computed::Expression;
use super::references::Link;
use super::unique::{Holder, Rule};
use super::{Lifecycle, Options, attachments, references, unique};
use crate::access::Access;
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::documents::rules::Applied;
use crate::documents::schema::Schema;
use crate::problem::{FieldError, Problem, Result};

/// What a collection says of its documents.
pub(in crate::documents) struct Model {
    annotations: Annotations,
    computed: Vec<(DataPath, Expression)>,
    lifecycle: Option<Lifecycle>,
    unique: Vec<Rule>,
    pub(in crate::documents) links: Vec<Link>,
    attached: Vec<Attached>,
}

impl Model {
    /// From options that were checked when they were set.
    pub(in crate::documents) fn of(schema: &Schema, options: &Options) -> Self {
        let computed = options
            .computed
            .iter()
            .filter_map(|computed| Some((path(&computed.field)?, Expression::parse(&computed.value).ok()?)));
        let computed: Vec<_> = computed.collect();
        let mut annotations = Annotations::of(schema.source());
        annotations.read_only.extend(computed.iter().map(|(path, _)| path.clone()));
        Self { annotations, computed, lifecycle: options.lifecycle.clone(), ..Self::of_options(options) }
    }

    /// Its unique fields, references and files only.
    pub(in crate::documents) fn of_options(options: &Options) -> Self {
        Self {
            annotations: Annotations::default(),
            computed: Vec::new(),
            lifecycle: None,
            unique: options.unique.iter().map(Rule::of).collect(),
            links: options.references.iter().filter_map(Link::of).collect(),
            attached: options.files.iter().filter_map(Attached::of).collect(),
        }
    }

    /// For a new document: 422 for what nobody writes, then what it does not say is filled in.
    pub(in crate::documents) fn begin(&self, data: &mut Value) -> Result<()> {
        self.refuse(|path| places::holds(data, path.segments()))?;
        self.annotations.fill(data);
        match &self.lifecycle {
            Some(lifecycle) => lifecycle.begin(data),
            None => Ok(()),
        }
    }

    /// For a replacement: puts back what nobody writes and a client may leave out.
    pub(in crate::documents) fn keep(&self, before: &Value, after: &mut Value) -> Result<()> {
        self.refuse(|path| {
            places::touches(after, path.segments()) && !places::same(Some(before), Some(after), path.segments())
        })?;
        let state = self.lifecycle.as_ref().and_then(|lifecycle| path(&lifecycle.field));
        let state = state.filter(|path| path.of(after).is_none());
        for path in self.annotations.read_only.iter().chain(&state) {
            places::restore(before, after, path.segments());
        }
        Ok(())
    }

    /// For a version that comes back: what nobody writes, and the state, stay as they are.
    pub(in crate::documents) fn overlay(&self, before: &Value, after: &mut Value) {
        let state = self.lifecycle.as_ref().and_then(|lifecycle| path(&lifecycle.field));
        for path in self.annotations.read_only.iter().chain(&state) {
            places::remove(after, path.segments());
            places::restore(before, after, path.segments());
        }
    }

    /// For a patch: 422 if it changes what nobody writes.
    pub(in crate::documents) fn allow_patch(&self, before: &Value, after: &Value) -> Result<()> {
        self.refuse(|path| !places::same(Some(before), Some(after), path.segments()))
    }

    fn refuse(&self, wrong: impl Fn(&DataPath) -> bool) -> Result<()> {
        let read_only = self.annotations.read_only.iter().filter(|path| wrong(path));
        let errors: Vec<_> =
            read_only.map(|path| FieldError::new(places::pointer(path), "readOnly", "cannot be written")).collect();
        if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors)) }
    }

    /// 409 or 403 if the state may not change so.
    pub(in crate::documents) fn allow_transition(&self, access: &Access, before: &Value, after: &Value) -> Result<()> {
        match &self.lifecycle {
            Some(lifecycle) => lifecycle.allow(access, before, after),
            None => Ok(()),
        }
    }

    /// Works out what is computed, and looks whether all fits: 422 naming every place at which it does not.
    pub(in crate::documents) fn settle(&self, schema: &Schema, data: &mut Value, rules: &Applied) -> Result<()> {
        for (path, expression) in &self.computed {
            places::remove(data, path.segments());
            if let Some(value) = expression.of(data) {
                places::put(data, path.segments(), value);
            }
        }
        let mut errors = schema.check(data, "/data");
        errors.extend(references::check(&self.links, data));
        errors.extend(attachments::check(&self.attached, data));
        let errors = rules.discreet(errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors)) }
    }

    /// Brings unique keys, references and files from what a document was to what it is: 409 if a value is taken, 422 if
    /// something that it names is not there.
    pub(in crate::documents) async fn exchange(
        &self,
        tx: &mut PgConnection,
        holder: Holder,
        before: Option<&Value>,
        after: &Value,
    ) -> Result<()> {
        if !self.unique.is_empty() {
            unique::exchange(tx, &self.unique, holder, before, after).await?;
        }
        references::exchange(tx, &self.links, holder, before, after).await?;
        attachments::exchange(tx, &self.attached, holder, before, after).await
    }

    /// Gives up all keys, references and files of a collection's documents, which is locked.
    pub(in crate::documents) async fn release(tx: &mut PgConnection, collection: Uuid) -> Result<()> {
        sqlx::query!("DELETE FROM document_keys WHERE collection_id = $1", collection).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM document_references WHERE collection_id = $1", collection).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM document_files WHERE collection_id = $1", collection).execute(tx).await?;
        Ok(())
    }

    /// Takes the keys, references and files of documents that were there before this model, and says which do not fit.
    pub(in crate::documents) async fn adopt(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        documents: &[(Uuid, Value)],
    ) -> Result<Vec<(Uuid, FieldError)>> {
        let mut wrong = Vec::new();
        for rule in &self.unique {
            wrong.extend(rule.adopt(tx, workspace, collection, documents).await?);
        }
        for link in &self.links {
            wrong.extend(link.adopt(tx, workspace, collection, documents).await?);
        }
        for field in &self.attached {
            wrong.extend(field.adopt(tx, workspace, collection, documents).await?);
        }
        Ok(wrong)
    }
}
