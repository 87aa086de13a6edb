//! A grant's row and its representation.

use axum::extract::FromRequestParts;
use http::HeaderName;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::RoleName;
use crate::http::header;
use crate::identity::Opaque;
use crate::problem::Problem;

/// On what a permission is granted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// The collection's name.
    #[schema(pattern = r"^[a-z][a-z0-9_-]{0,62}$", example = "orders")]
    pub collection: String,
    /// A document of it; without one, the whole collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub document: Option<Uuid>,
}

/// To whom it is granted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// A member of the workspace, by id.
    User(Uuid),
    /// Whoever has this role.
    Role(RoleName),
    /// A team, by id.
    Team(Uuid),
    /// Whoever has the link that the answer tells, once; `true`.
    Link(bool),
}

/// A permission on a single thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// On what.
    pub on: On,
    /// To whom.
    pub to: To,
    /// What is granted, with all that follows.
    pub permissions: Vec<String>,
    /// When it ends; null if it does not.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub expires_at: Option<OffsetDateTime>,
    /// Since when it is.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Who granted it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
}

/// A grant's row, with its collection's name.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) collection: String,
    pub(super) document_id: Option<Uuid>,
    pub(super) user_id: Option<Uuid>,
    pub(super) role: Option<RoleName>,
    pub(super) team_id: Option<Uuid>,
    pub(super) permissions: Vec<String>,
    pub(super) expires_at: Option<OffsetDateTime>,
    pub(super) created_at: OffsetDateTime,
    pub(super) created_by: Option<Uuid>,
}

impl Row {
    pub(super) fn shown(self) -> Grant {
        let to = match (self.user_id, self.role, self.team_id) {
            (Some(user), ..) => To::User(user),
            (_, Some(role), _) => To::Role(role),
            (.., Some(team)) => To::Team(team),
            _ => To::Link(true),
        };
        Grant {
            id: self.id,
            on: On { collection: self.collection, document: self.document_id },
            to,
            permissions: self.permissions,
            expires_at: self.expires_at,
            created_at: self.created_at,
            created_by: self.created_by,
        }
    }
}

/// The header that a link's token is sent in: it is not in the address, which stands in logs and histories.
const LINK_TOKEN: HeaderName = HeaderName::from_static("link-token");

/// Extractor: the hash of the link's token that a request came with. Without one there is nothing: 404.
pub struct LinkToken(pub [u8; 32]);

impl<S: Send + Sync> FromRequestParts<S> for LinkToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = header(parts, &LINK_TOKEN)?.ok_or_else(Problem::not_found)?;
        let token = Opaque::read(token).ok_or_else(Problem::not_found)?;
        Ok(Self(token.hash()))
    }
}
