//! One request and the head of its answer, in as many tries as it may have.
//!
//! - No connection to an endpoint: nobody got the request, so another endpoint gets it, whatever its method.
//! - The connection broke, the answer took too long, made no sense or was 502, 503 or 504: another try, if the request may
//!   be repeated (RFC 9110, section 9.2.2), its body can be had again, and the upstream's budget allows it.
//!
//! An endpoint that failed is not tried again while there is another. With one endpoint, only a broken connection is
//! worth another try.

use std::rc::Rc;
use std::time::{Duration, Instant};

use breakwater_kit::types::ResponseHead;
use breakwater_pipeline::{Failure, Forward, check_answer};
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant as Timer, sleep_until, timeout};

use super::breaker::Place;
use super::connect::ConnectError;
use super::endpoint::Endpoint;
use super::group::Group;
use super::pool::{Lease, Pool};
use super::request_body::{RequestBody, Source};
use super::response_body::ResponseBody;
use super::{Answer, Switched, headers, milliseconds};

/// Sends a request, again where that is allowed, and waits for the head of the answer.
pub async fn run(group: &Group, forward: Forward, incoming: Option<Incoming>) -> Result<Answer, Failure> {
    match forward.overall_timeout {
        0 => tries(group, forward, incoming).await,
        limit => timeout(milliseconds(limit), tries(group, forward, incoming)).await.unwrap_or(Err(Failure::Timeout)),
    }
}

async fn tries(group: &Group, forward: Forward, incoming: Option<Incoming>) -> Result<Answer, Failure> {
    let place = group.admit(milliseconds(forward.connect_timeout)).await?;
    let mut left = forward.retries;
    let mut tried = Vec::new();
    let affinity = forward.affinity;
    let mut attempt = Attempt::new(forward, incoming, place, group.has_more(&[0]))?;
    loop {
        let (index, endpoint) = group.choose(&tried, affinity).ok_or(Failure::Unavailable)?;
        let missed = match attempt.run(endpoint).await {
            Ok(answer) if !is_gateway_failure(answer.head.status) => {
                endpoint.succeeded();
                return Ok(answer);
            }
            Ok(answer) => Missed::Refused(Box::new(answer)),
            Err(missed) => missed,
        };
        if missed.is_of_the_endpoint() {
            group.failed(endpoint);
        }
        tried.push(index);
        let again = match &missed {
            Missed::For(_) => false,
            Missed::Unsent(_) => group.has_more(&tried),
            Missed::Lost => left > 0,
            Missed::TimedOut | Missed::Nonsense | Missed::Refused(_) => left > 0 && group.has_more(&tried),
        };
        if !again || !attempt.source.is_whole() {
            return missed.end();
        }
        if !matches!(missed, Missed::Unsent(_)) {
            if !group.may_repeat() {
                return missed.end();
            }
            left -= 1;
        }
        endpoint.pool.meter.retried.one();
    }
}

/// What an upstream answers that cannot serve just now.
fn is_gateway_failure(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// Why a try was not the last.
enum Missed {
    /// Nothing of the request was sent.
    Unsent(Failure),
    /// The connection broke before an answer.
    Lost,
    /// No answer in time.
    TimedOut,
    /// No HTTP.
    Nonsense,
    /// An answer that says that there is none.
    Refused(Box<Answer>),
    /// Nothing that another endpoint would do better.
    For(Failure),
}

impl Missed {
    fn is_of_the_endpoint(&self) -> bool {
        !matches!(self, Self::For(_))
    }

    fn end(self) -> Result<Answer, Failure> {
        match self {
            Self::Unsent(failure) | Self::For(failure) => Err(failure),
            Self::Lost => Err(Failure::Unavailable),
            Self::TimedOut => Err(Failure::Timeout),
            Self::Nonsense => Err(Failure::BadAnswer),
            Self::Refused(answer) => Ok(*answer),
        }
    }
}

struct Patience {
    connect: Duration,
    response: Duration,
    idle: Duration,
}

/// What every try of a request needs.
struct Attempt {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    repeatable: bool,
    upgrade: bool,
    source: Rc<Source>,
    patience: Patience,
    place: Option<Rc<Place>>,
}

impl Attempt {
    fn new(
        forward: Forward,
        incoming: Option<Incoming>,
        place: Option<Rc<Place>>,
        several: bool,
    ) -> Result<Self, Failure> {
        // What a policy made of the path may be no path; a request line it shall not become.
        let path = PathAndQuery::from_maybe_shared(bytes::Bytes::from(forward.path_and_query));
        let repeatable = forward.retries > 0 || several;
        Ok(Self {
            method: Method::from_bytes(forward.method.as_bytes()).map_err(|_| Failure::BadAnswer)?,
            uri: Uri::from(path.map_err(|_| Failure::Forbidden)?),
            headers: headers::to_header_map(forward.headers),
            repeatable,
            upgrade: forward.upgrade,
            source: match forward.body {
                Some(bytes) => Source::whole(bytes),
                None => Source::new(incoming, forward.max_body, forward.retries > 0),
            },
            patience: Patience {
                connect: milliseconds(forward.connect_timeout),
                response: milliseconds(forward.response_timeout),
                idle: milliseconds(forward.idle_timeout),
            },
            place,
        })
    }

    async fn run(&mut self, endpoint: &Rc<Endpoint>) -> Result<Answer, Missed> {
        let pool = &endpoint.pool;
        let mut request = self.request(pool.origin.authority());
        let mut fresh = false;
        loop {
            let connect = self.patience.connect;
            let lease = if fresh { pool.connect(connect).await } else { pool.get(connect).await };
            let lease = lease.map_err(|error| unreachable(pool, &error))?;
            let reused = lease.reused;
            match self.send(endpoint, lease, request).await {
                Ok(answer) => return Ok(answer),
                // The upstream had closed the connection before any of it went out: that is no try. Others that waited
                // with it have probably gone the same way.
                Err(Unsent::Never(again)) if reused => request = *again,
                Err(Unsent::Never(_)) => return Err(Missed::Unsent(Failure::Unavailable)),
                Err(Unsent::Missed(missed)) => return Err(missed),
            }
            fresh = true;
        }
    }

    fn request(&mut self, host: &HeaderValue) -> Request<RequestBody> {
        let mut request = Request::new(self.source.body());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        // Copied only where there may be another try.
        *request.headers_mut() = if self.repeatable { self.headers.clone() } else { std::mem::take(&mut self.headers) };
        request.headers_mut().insert(HOST, host.clone());
        // How long the body is follows from the body, whatever the client said of it. hyper says it, but for no body.
        let empty = request.body().size_hint().exact() == Some(0);
        if request.headers_mut().remove(CONTENT_LENGTH).is_some() && empty {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        request
    }

    async fn send(
        &self,
        endpoint: &Rc<Endpoint>,
        mut lease: Lease,
        request: Request<RequestBody>,
    ) -> Result<Answer, Unsent> {
        let (source, patience) = (&*self.source, &self.patience);
        let turn = endpoint.turn(self.place.clone());
        let sending = lease.sender.try_send_request(request);
        let mut sending = std::pin::pin!(sending);
        let mut deadline = Instant::now() + if source.ended.get() { patience.response } else { patience.idle };
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut sending => break answer,
                () = sleep_until(Timer::from_std(deadline)) => {
                    deadline = later(source, patience).map_err(Unsent::Missed)?;
                }
            }
        };
        match answer {
            Ok(mut answer) => {
                let switched = self.upgrade && answer.status() == StatusCode::SWITCHING_PROTOCOLS;
                let connection = switched.then(|| hyper::upgrade::on(&mut answer));
                let (parts, body) = answer.into_parts();
                let fields = headers::to_fields(&parts.headers);
                let mut head = ResponseHead { status: parts.status.as_u16(), headers: fields };
                // The connection goes with it: where the answer ends on it is not known.
                check_answer(&mut head).map_err(|_| Unsent::Missed(Missed::Nonsense))?;
                // An answer that came before the request's end leaves a connection on which something is still to be
                // sent.
                let lease = (source.ended.get() && head.status >= 200).then_some(lease);
                let (switched, turn) = match connection {
                    Some(connection) => (Some(Switched { connection, turn }), None),
                    None => (None, Some(turn)),
                };
                Ok(Answer { head, body: ResponseBody::new(body, lease, turn, patience.idle), switched })
            }
            Err(mut error) => Err(match (source.failure.get(), error.take_message()) {
                (Some(failure), _) => Unsent::Missed(Missed::For(failure)),
                (None, Some(request)) => Unsent::Never(Box::new(request)),
                (None, None) => Unsent::Missed(lost(&error.into_error())),
            }),
        }
    }
}

/// Why a connection gave no answer.
enum Unsent {
    /// Nothing of the request was sent.
    Never(Box<Request<RequestBody>>),
    Missed(Missed),
}

fn unreachable(pool: &Pool, error: &ConnectError) -> Missed {
    tracing::warn!(origin = %pool.origin, %error, "the upstream cannot be reached");
    Missed::Unsent(match error {
        ConnectError::Timeout => Failure::Timeout,
        ConnectError::Io(_) | ConnectError::Http(_) => Failure::Unavailable,
    })
}

/// When a deadline has come: the next one, or why there is none.
fn later(source: &Source, patience: &Patience) -> Result<Instant, Missed> {
    let moved = source.moved.get();
    let (limit, missed) = match (source.ended.get(), source.waits_for_client.get()) {
        (true, _) => (moved + patience.response, Missed::TimedOut),
        (false, true) => (moved + patience.idle, Missed::For(Failure::BodyTimeout)),
        (false, false) => (moved + patience.idle, Missed::TimedOut),
    };
    if limit > Instant::now() { Ok(limit) } else { Err(missed) }
}

fn lost(error: &hyper::Error) -> Missed {
    if error.is_parse() {
        tracing::warn!(%error, "the upstream's answer is not HTTP");
        return Missed::Nonsense;
    }
    tracing::debug!(%error, "the upstream broke off before it answered");
    Missed::Lost
}
