//! What was refused and belongs into the trail all the same: what a member may not do, guesses that are too many. Its
//! transaction is rolled back, so it is recorded in one of its own, before the answer leaves.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use super::{Action, Event, record};
use crate::app::AppState;
use crate::database::Scope;
use crate::identity::Caller;
use crate::problem::Result;

/// What was refused. A [`crate::problem::Problem`] carries it.
#[derive(Debug, Clone)]
pub enum Refused {
    /// A member lacks a permission.
    Denied(Denied),
    /// Somebody guessed too often.
    Guess(TooMany),
}

/// Who was denied what.
#[derive(Debug, Clone)]
pub struct Denied {
    /// Who.
    pub caller: Caller,
    /// Where.
    pub workspace: Uuid,
    /// The permission that is missing, or another reason.
    pub missing: String,
}

/// Guesses beyond a limit.
#[derive(Debug, Clone)]
pub struct TooMany {
    /// At whose account, if there is one.
    pub user: Option<Uuid>,
    /// The limit's name, which tells nothing about accounts.
    pub limit: String,
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<TooMany> for Refused {
    fn from(guess: TooMany) -> Self {
        Self::Guess(guess)
    }
}

/// Layer: records the refusal that an answer carries.
pub async fn layer(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let asked = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(refused) = response.extensions_mut().remove::<Refused>()
        && let Err(problem) = keep(&app, refused, asked.0.as_str(), &asked.1).await
    {
        // The caller is refused all the same.
        tracing::error!(problem = problem.kind().slug, "a refusal could not be recorded");
    }
    response
}

async fn keep(app: &AppState, refused: Refused, method: &str, path: &str) -> Result<()> {
    let path: String = path.chars().take(500).collect();
    let mut tx = app.database.begin(&Scope::audit()).await?;
    let event = match refused {
        Refused::Denied(Denied { caller, workspace, missing }) => Event::by(&caller, Action::PermissionDenied)
            .in_workspace(workspace)
            .with(json!({ "missing": missing, "method": method, "path": path })),
        Refused::Guess(TooMany { user, limit }) => {
            // Once an hour for each limit: strangers could fill the trail.
            let told = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM audit_events WHERE action = 'guess.refused' AND target_id = $1
                     AND at > now() - interval '1 hour') AS "told!""#,
                limit
            );
            if told.fetch_one(&mut *tx).await? {
                return Ok(());
            }
            let event = Event::by_anybody(Action::GuessRefused).about("limit", limit).with(json!({ "path": path }));
            user.into_iter().fold(event, Event::of_user)
        }
    };
    record(&mut tx, event.denied()).await?;
    tx.commit().await?;
    Ok(())
}
