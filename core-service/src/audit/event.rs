//! An event on its way into the trail.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Action;
use crate::database::{Database, Scope};
use crate::http::request_id;
use crate::identity::{Caller, Credential};
use crate::problem::Result;

/// Something that happened. Where the request came from and its id are added when it is recorded.
#[derive(Debug)]
pub struct Event {
    action: Action,
    outcome: &'static str,
    actor: Actor,
    workspace: Option<Uuid>,
    user: Option<Uuid>,
    target: Option<(&'static str, String)>,
    details: Value,
}

#[derive(Debug)]
enum Actor {
    User { user: Uuid, session: Option<Uuid>, impersonator: Option<Uuid>, api_key: Option<Uuid> },
    Anonymous,
    Operator,
    System,
}

impl Event {
    /// Done by a caller. Without a workspace it is in the trail of their account.
    pub fn by<'a, C>(caller: &'a C, action: Action) -> Self
    where
        Caller: From<&'a C>,
    {
        let caller = Caller::from(caller);
        let user = caller.user;
        let actor = match caller.credential {
            Credential::Session { session, support } => {
                let impersonator = support.map(|support| support.by);
                Actor::User { user, session: Some(session), impersonator, api_key: None }
            }
            Credential::ApiKey(key, _) => Actor::User { user, session: None, impersonator: None, api_key: Some(key) },
        };
        Self { user: Some(caller.user), ..Self::new(action, actor) }
    }

    /// Done by a user who has just proven who they are, to their own account.
    pub fn by_user(user: Uuid, action: Action) -> Self {
        let actor = Actor::User { user, session: None, impersonator: None, api_key: None };
        Self { user: Some(user), ..Self::new(action, actor) }
    }

    /// Done by somebody who has not proven who they are.
    pub fn by_anybody(action: Action) -> Self {
        Self::new(action, Actor::Anonymous)
    }

    /// Done at the machine, by a command.
    pub fn by_operator(action: Action) -> Self {
        Self::new(action, Actor::Operator)
    }

    /// Done by the service itself.
    pub fn by_system(action: Action) -> Self {
        Self::new(action, Actor::System)
    }

    fn new(action: Action, actor: Actor) -> Self {
        Self { action, outcome: "success", actor, workspace: None, user: None, target: None, details: json!({}) }
    }

    /// It belongs to this workspace's trail.
    #[must_use]
    pub fn in_workspace(mut self, workspace: Uuid) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// It concerns this account; without a workspace it is in that account's trail.
    #[must_use]
    pub fn of_user(mut self, user: Uuid) -> Self {
        self.user = Some(user);
        self
    }

    /// What it was done to, such as `("member", user)`.
    #[must_use]
    pub fn about(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.target = Some((kind, id.to_string()));
        self
    }

    /// More about it: an object of at most 8 KB, without secrets.
    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// It did not come about.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.outcome = "failure";
        self
    }

    /// It was not allowed.
    #[must_use]
    pub fn denied(mut self) -> Self {
        self.outcome = "denied";
        self
    }
}

/// Records an event in the transaction of what it tells of. A workspace's event needs a transaction in that workspace
/// whose user is a member there: before they leave it, and before it is deleted.
pub async fn record(connection: &mut PgConnection, mut event: Event) -> std::result::Result<(), sqlx::Error> {
    let (actor, actor_id, session, impersonator) = match event.actor {
        Actor::User { user, session, impersonator, api_key } => {
            if let Some(key) = api_key {
                event.details["api_key"] = json!(key);
            }
            ("user", Some(user), session, impersonator)
        }
        Actor::Anonymous => ("anonymous", None, None, None),
        Actor::Operator => ("operator", None, None, None),
        Actor::System => ("system", None, None, None),
    };
    let origin = request_id::origin();
    let (target_type, target_id) = event.target.unzip();
    sqlx::query!(
        "INSERT INTO audit_events (id, workspace_id, user_id, action, outcome, actor, actor_id, session_id, impersonator_id,
           target_type, target_id, details, address, user_agent, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        Uuid::now_v7(),
        event.workspace,
        event.user,
        event.action.name(),
        event.outcome,
        actor,
        actor_id,
        session,
        impersonator,
        target_type,
        target_id,
        event.details,
        origin.address,
        origin.user_agent,
        origin.request_id
    )
    .execute(connection)
    .await
    .map(drop)
}

/// The same in a transaction of its own, for what tells of something that was rolled back.
pub async fn record_alone(database: &Database, scope: &Scope, event: Event) -> Result<()> {
    let mut tx = database.begin(scope).await?;
    record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(())
}
