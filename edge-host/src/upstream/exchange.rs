//! One request and the head of its answer.

use std::rc::Rc;
use std::time::{Duration, Instant};

use breakwater_kit::types::ResponseHead;
use breakwater_pipeline::{Failure, Forward};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use hyper::body::Incoming;
use tokio::time::{Instant as Timer, sleep_until};

use super::connect::ConnectError;
use super::pool::{Lease, Pool};
use super::request_body::{Progress, RequestBody};
use super::response_body::ResponseBody;
use super::{Answer, headers, milliseconds};

/// Sends a request, again where that is allowed, and waits for the head of the answer.
pub async fn run(pool: &Rc<Pool>, mut forward: Forward, incoming: Option<Incoming>) -> Result<Answer, Failure> {
    let body = match forward.body.take() {
        Some(bytes) => RequestBody::whole(bytes),
        None => RequestBody::new(incoming, forward.max_body),
    };
    run_with(pool, forward, body).await
}

/// The same with a body made by [`RequestBody`].
pub async fn run_with(
    pool: &Rc<Pool>,
    forward: Forward,
    (body, progress): (RequestBody, Rc<Progress>),
) -> Result<Answer, Failure> {
    let patience = Patience {
        connect: milliseconds(forward.connect_timeout),
        response: milliseconds(forward.response_timeout),
        idle: milliseconds(forward.idle_timeout),
    };
    let mut retries = forward.retries;
    let mut request = request(pool, forward, body)?;
    let mut fresh = false;
    loop {
        let lease = if fresh { pool.connect(patience.connect).await } else { pool.get(patience.connect).await };
        let lease = lease.map_err(|error| unreachable(pool, &error))?;
        let reused = lease.reused;
        // Only a request that is all here can be sent twice.
        let spare = (retries > 0 && progress.ended.get() && !progress.begun.get()).then(|| head_of(&request));
        match send(lease, request, &progress, &patience).await {
            Ok(answer) => return Ok(answer),
            Err(Unsent::Never(again)) if reused => {
                // The upstream had closed the connection before any of it went out: that is no try.
                request = *again;
            }
            Err(Unsent::Lost) => {
                let Some(spare) = spare else { return Err(Failure::Unavailable) };
                retries -= 1;
                request = spare.map(|()| RequestBody::none(&progress));
            }
            Err(Unsent::Never(_)) => return Err(Failure::Unavailable),
            Err(Unsent::For(failure)) => return Err(failure),
        }
        // Others that waited with it have probably gone the same way.
        fresh = reused;
    }
}

struct Patience {
    connect: Duration,
    response: Duration,
    idle: Duration,
}

/// Why there is no answer.
enum Unsent {
    /// Nothing of the request was sent.
    Never(Box<Request<RequestBody>>),
    /// The connection broke before an answer.
    Lost,
    For(Failure),
}

fn request(pool: &Pool, forward: Forward, body: RequestBody) -> Result<Request<RequestBody>, Failure> {
    let method = Method::from_bytes(forward.method.as_bytes()).map_err(|_| Failure::BadAnswer)?;
    // What a policy made of the path may be no path; a request line it shall not become.
    let path = PathAndQuery::from_maybe_shared(bytes::Bytes::from(forward.path_and_query));
    let path = path.map_err(|_| Failure::Forbidden)?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(path);
    *request.headers_mut() = headers::to_header_map(forward.headers);
    request.headers_mut().insert(HOST, pool.origin.authority().clone());
    Ok(request)
}

fn head_of(request: &Request<RequestBody>) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    head
}

fn unreachable(pool: &Pool, error: &ConnectError) -> Failure {
    tracing::warn!(origin = %pool.origin, %error, "the upstream cannot be reached");
    match error {
        ConnectError::Timeout => Failure::Timeout,
        ConnectError::Io(_) | ConnectError::Http(_) => Failure::Unavailable,
    }
}

async fn send(
    mut lease: Lease,
    request: Request<RequestBody>,
    progress: &Rc<Progress>,
    patience: &Patience,
) -> Result<Answer, Unsent> {
    let sending = lease.sender.try_send_request(request);
    let mut sending = std::pin::pin!(sending);
    let mut deadline = Instant::now() + if progress.ended.get() { patience.response } else { patience.idle };
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut sending => break answer,
            () = sleep_until(Timer::from_std(deadline)) => deadline = later(progress, patience).map_err(Unsent::For)?,
        }
    };
    match answer {
        Ok(answer) => Ok(accept(answer, lease, progress, patience)),
        Err(mut error) => Err(match (progress.failure.get(), error.take_message()) {
            (Some(failure), _) => Unsent::For(failure),
            (None, Some(request)) => Unsent::Never(Box::new(request)),
            (None, None) => lost(&error.into_error()),
        }),
    }
}

/// When a deadline has come: the next one, or why there is none.
fn later(progress: &Progress, patience: &Patience) -> Result<Instant, Failure> {
    let moved = progress.moved.get();
    let (limit, failure) = match (progress.ended.get(), progress.waits_for_client.get()) {
        (true, _) => (moved + patience.response, Failure::Timeout),
        (false, true) => (moved + patience.idle, Failure::BodyTimeout),
        (false, false) => (moved + patience.idle, Failure::Timeout),
    };
    if limit > Instant::now() { Ok(limit) } else { Err(failure) }
}

fn lost(error: &hyper::Error) -> Unsent {
    if error.is_parse() {
        tracing::warn!(%error, "the upstream's answer is not HTTP");
        return Unsent::For(Failure::BadAnswer);
    }
    tracing::debug!(%error, "the upstream broke off before it answered");
    Unsent::Lost
}

fn accept(answer: Response<Incoming>, lease: Lease, progress: &Progress, patience: &Patience) -> Answer {
    let (parts, body) = answer.into_parts();
    let head = ResponseHead { status: parts.status.as_u16(), headers: headers::to_fields(&parts.headers) };
    // An answer that came before the request's end leaves a connection on which something is still to be sent.
    let lease = progress.ended.get().then_some(lease);
    Answer { head, body: ResponseBody::new(body, lease, patience.idle) }
}
