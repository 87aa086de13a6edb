//! `GET /api/v1/workspaces/{workspace}/events/stream`: server-sent events (WHATWG HTML, section 9.2).
//!
//! A subscriber asks for what is new when something happened in the workspace, and else not: an idle one costs no query on
//! documents, and a slow one is read to no faster than it reads. The credential is looked at anew each time.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::request::Parts;
use http::{HeaderName, header};
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::{self, Placed, Wanted};
use crate::app::AppState;
use crate::events::tail::Waiting;
use crate::http::{Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Stands for the place before the first event of a workspace.
const START: &str = "start";

/// So often a subscriber's right is looked at while nothing happens.
const LOOK: Duration = Duration::from_secs(15);

/// After an error of ours.
const PAUSE: Duration = Duration::from_secs(1);

/// What is asked for at once.
const ROUND: i64 = 100;

/// One server-sent event, as its fields.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for the OpenAPI document")]
pub struct ServerSentEvent {
    /// `ready`, `reset`, or the `type` of what happened.
    event: Option<String>,
    /// Where to go on from.
    id: Option<String>,
    /// A `ToldEvent` as JSON; `{}` for `ready` and `reset`.
    data: Option<String>,
    /// After so many milliseconds a client that lost the connection comes again.
    retry: Option<u32>,
}

/// A subscriber.
struct Subscriber {
    app: AppState,
    /// The request, whose credential has to stay good.
    parts: Parts,
    workspace: Uuid,
    wanted: Wanted,
    waiting: Waiting,
    /// The number of the last event that was looked at.
    position: i64,
    ready: VecDeque<sse::Event>,
    /// Whether there may be more than was asked for.
    more: bool,
}

/// Follow what happens
///
/// Server-sent events, each a `ToldEvent` as JSON under its `type`, as they happen, of collections and documents that the caller
/// may read at that moment. The first one, `ready`, only says from where on. Whoever loses the connection and sends the last
/// `id` as `Last-Event-ID`, as browsers do by themselves, misses nothing; if the log does not go back so far, `reset` says that what is
/// followed has to be read anew. The stream ends when the credential does.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/events/stream",
    operation_id = "events.stream",
    tag = "events",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen"),
        Wanted,
    ),
    responses(
        (status = OK, description = "The events", body = ServerSentEvent, content_type = "text/event-stream"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn stream(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(wanted): Query<Wanted>,
    parts: Parts,
) -> Result<Response> {
    // Before anything is looked at, so that nothing that happens meanwhile is slept through.
    let waiting = app.tail.wait(workspace);
    drop(page::begin(&app, &caller, workspace).await?);
    let (position, first) = begin(&app, workspace, &parts).await?;
    let ready = VecDeque::from([first]);
    let subscriber = Subscriber { app, parts, workspace, wanted, waiting, position, ready, more: true };
    let events = stream::unfold(subscriber, |mut subscriber| async move {
        let event = subscriber.next().await?;
        Some((Ok::<_, Infallible>(event), subscriber))
    });
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::new().interval(LOOK))).into_response())
}

/// From where on, and the event that says so.
async fn begin(app: &AppState, workspace: Uuid, parts: &Parts) -> Result<(i64, sse::Event)> {
    let known = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let Some(id) = known else { return from_now(app, workspace, "ready").await };
    if id == START {
        return Ok((0, first("ready", START)));
    }
    let place = match id.parse() {
        Ok(id) => page::place(app, workspace, id).await,
        Err(_) => Err(Problem::bad_request("Last-Event-ID is no id of an event.")),
    };
    match place {
        Ok(number) => Ok((number, first("ready", id))),
        Err(problem) if problem.kind().status.is_server_error() => Err(problem),
        Err(_) => from_now(app, workspace, "reset").await,
    }
}

async fn from_now(app: &AppState, workspace: Uuid, kind: &str) -> Result<(i64, sse::Event)> {
    Ok(match page::last(app, workspace).await? {
        Some((number, id)) => (number, first(kind, &id.to_string())),
        None => (0, first(kind, START)),
    })
}

fn first(kind: &str, id: &str) -> sse::Event {
    sse::Event::default().event(kind).id(id).data("{}").retry(Duration::from_secs(2))
}

impl Subscriber {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if !self.more {
                // At the end of the time, only to see whether all is as it was.
                match timeout(LOOK, self.waiting.more()).await {
                    Ok(false) => return None,
                    Ok(true) => self.more = true,
                    Err(_) => {}
                }
            }
            match self.read().await {
                Ok(()) => {}
                // Ours: who is told to go would come again, and so would all the others.
                Err(problem) if problem.kind().status.is_server_error() => {
                    self.more = true;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(problem) => {
                    tracing::debug!(reason = problem.kind().title, "a stream of events ends");
                    return None;
                }
            }
        }
    }

    /// Looks whether the caller may still be told, and what there is to tell.
    async fn read(&mut self) -> Result<()> {
        let caller = Caller::from_request_parts(&mut self.parts, &self.app).await?;
        if !self.more {
            return Ok(());
        }
        let mut tx = page::begin(&self.app, &caller, self.workspace).await?;
        let placed = page::behind(&mut tx, self.workspace, &self.wanted, self.position, ROUND).await?;
        self.more = placed.len() as i64 == ROUND;
        for Placed { number, event } in placed {
            self.position = number;
            let told = sse::Event::default().id(event.id.to_string()).event(&event.kind);
            self.ready.push_back(told.json_data(&event).map_err(Problem::internal)?);
        }
        Ok(())
    }
}
