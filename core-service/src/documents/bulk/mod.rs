//! `POST …/workspaces/{workspace}/documents/bulk`: many operations in one request, and in one transaction.

mod operation;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use utoipa::ToSchema;
use uuid::Uuid;

use self::operation::{Operation, Step};
use super::bounds::MOST_ERRORS;
use super::model::Document;
use crate::app::AppState;
use crate::audit::Refused;
use crate::http::{Attempt, Idempotency, Json, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, ProblemBody, Result};

/// Operations, which are done in their order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// Whether all are done or none. If not, each is done that can be, and the others are answered with what is wrong.
    #[serde(default = "all_or_none")]
    #[schema(required = false, default = true)]
    atomic: bool,
    /// What is to be done.
    #[schema(min_items = 1, max_items = 100)]
    operations: Vec<Operation>,
}

fn all_or_none() -> bool {
    true
}

/// What became of the operations.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// In the order of the operations.
    results: Vec<Outcome>,
}

/// What became of one operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcome {
    /// The status that the operation alone would have been answered with.
    #[schema(example = 201)]
    status: u16,
    /// The document as it is now, unless it was deleted or nothing became of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    document: Option<Document>,
    /// Why nothing became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, value_type = ProblemBody)]
    problem: Option<Value>,
}

/// Do many things to documents
///
/// Up to 100 operations on documents of any collections of the workspace, in one transaction: what they do is seen at once or
/// not at all, and each sees what those before it did. With `atomic`, the default, the first that fails is the answer: its
/// problem, with its index in `in_operation`, and nothing was done. Without, the answer has a result for each.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/documents/bulk",
    operation_id = "documents.bulk",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = Bulk,
    responses(
        (status = OK, description = "What became of each operation", body = BulkAnswer),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn bulk(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(bulk): Json<Bulk>,
) -> Result<Response> {
    let atomic = bulk.atomic;
    let steps = bulk.checked()?;
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let mut refused = None;
    let results = match atomic {
        true => all(&mut tx, steps, &caller, workspace).await?,
        false => each(&mut tx, steps, &caller, workspace, &mut refused).await?,
    };
    let mut answer = Json(BulkAnswer { results }).into_response();
    // One entry of the trail tells of all that this request was refused.
    if let Some(refused) = refused {
        answer.extensions_mut().insert(refused);
    }
    tx.commit(answer).await
}

impl Bulk {
    /// The steps, or everything that is wrong with any of them.
    fn checked(self) -> Result<Vec<Step>> {
        let (mut steps, mut errors) = (Vec::new(), Vec::new());
        for (index, operation) in self.operations.into_iter().enumerate() {
            match operation.checked(&at(index)) {
                Ok(step) => steps.push(step),
                Err(problem) => errors.extend_from_slice(problem.field_errors()),
            }
        }
        errors.truncate(MOST_ERRORS);
        if errors.is_empty() { Ok(steps) } else { Err(Problem::validation(errors)) }
    }
}

async fn all(tx: &mut PgConnection, steps: Vec<Step>, caller: &Caller, workspace: Uuid) -> Result<Vec<Outcome>> {
    let mut results = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let done = step.run(tx, caller, workspace).await;
        let (status, document) = done.map_err(|problem| told(problem, index))?;
        results.push(Outcome { status, document, problem: None });
    }
    Ok(results)
}

/// Each in a savepoint, so that one that fails leaves nothing.
async fn each(
    tx: &mut PgConnection,
    steps: Vec<Step>,
    caller: &Caller,
    workspace: Uuid,
    refused: &mut Option<Refused>,
) -> Result<Vec<Outcome>> {
    let mut results = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let mut part = tx.begin().await?;
        match step.run(&mut part, caller, workspace).await {
            Ok((status, document)) => {
                part.commit().await?;
                results.push(Outcome { status, document, problem: None });
            }
            // Ours, not this operation's: nothing is done, and all can be tried again.
            Err(problem) if problem.kind().status.is_server_error() => return Err(problem),
            Err(problem) => {
                part.rollback().await?;
                let mut problem = told(problem, index);
                *refused = refused.take().or(problem.take_refused());
                let status = problem.kind().status.as_u16();
                results.push(Outcome { status, document: None, problem: Some(json!(problem.body())) });
            }
        }
    }
    Ok(results)
}

/// A problem with an operation, told of the request.
fn told(problem: Problem, index: usize) -> Problem {
    problem.within(&at(index)).with("in_operation", json!(index))
}

fn at(index: usize) -> String {
    format!("/operations/{index}")
}
