//! What the rules of a collection keep from somebody, for explanations.

use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{FieldAccess, FieldRule};
use crate::access::Access;
use crate::documents::collections::CollectionName;
use crate::problem::Result;

/// A field that somebody does not see, or does not change.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldLimit {
    /// The field, as filters name it.
    #[schema(example = "data.salary")]
    field: String,
    /// What they may not do.
    access: FieldAccess,
}

/// The limits of a user in a collection, without those of fields that are hidden from the caller.
pub(crate) async fn limits(
    connection: &mut PgConnection,
    caller: &Access,
    workspace: Uuid,
    collection: &CollectionName,
    user: Uuid,
) -> Result<Vec<FieldLimit>> {
    let found = sqlx::query!(
        r#"SELECT field_rules AS "rules: Json<Vec<FieldRule>>", breakwater_roles($3) AS "roles!"
           FROM collections WHERE workspace_id = $1 AND name = $2"#,
        workspace,
        collection.as_str(),
        user
    );
    let Some(found) = found.fetch_optional(connection).await? else {
        return Ok(Vec::new());
    };
    let rules = &found.rules.0;
    let hidden = |field: &str| {
        let mut of_field = rules.iter().filter(|rule| rule.field == field && rule.access == FieldAccess::Hidden);
        of_field.any(|rule| rule.is_for(caller.roles()))
    };
    let limits = rules.iter().filter(|rule| rule.is_for(&found.roles) && !hidden(&rule.field));
    Ok(limits.map(|rule| FieldLimit { field: rule.field.clone(), access: rule.access }).collect())
}
