//! A membership's row, and a member's representation, for which identity tells who the user is.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::RoleName;
use crate::database::Database;
use crate::identity::{User, by_ids};
use crate::problem::{Problem, Result};

/// A member of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// What the user is here.
    #[serde(flatten)]
    pub membership: Membership,
    /// The user's e-mail address.
    pub email: String,
    /// The user's name, if they gave one.
    pub display_name: Option<String>,
}

/// What a user is in a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    /// The user's id.
    pub user_id: Uuid,
    /// What the user may do.
    pub role: RoleName,
    /// Rises with every change; the membership's ETag.
    pub version: i64,
    /// Since when the user is a member.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the role was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Membership {
    /// A person's membership, 404 if there is none.
    pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, user: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT user_id, role AS "role: RoleName", version, created_at, updated_at
               FROM workspace_members WHERE workspace_id = $1 AND user_id = $2 AND NOT service"#,
            workspace,
            user
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// The member that `user` is by this.
    pub(super) fn of(self, user: User) -> Member {
        Member { membership: self, email: user.email, display_name: user.display_name }
    }

    /// The members that these make. Holds a connection of its own: end your transaction first.
    pub(super) async fn members(database: &Database, memberships: Vec<Self>) -> Result<Vec<Member>> {
        let ids: Vec<Uuid> = memberships.iter().map(|membership| membership.user_id).collect();
        let users = by_ids(database, &ids).await?;
        let mut users: HashMap<Uuid, User> = users.into_iter().map(|user| (user.id, user)).collect();
        // Who is gone meanwhile is no member any more either.
        Ok(memberships.into_iter().filter_map(|m| users.remove(&m.user_id).map(|user| m.of(user))).collect())
    }

    /// The member that this makes. Holds a connection of its own: end your transaction first.
    pub(super) async fn member(self, database: &Database) -> Result<Member> {
        Self::members(database, vec![self]).await?.pop().ok_or_else(Problem::not_found)
    }
}
