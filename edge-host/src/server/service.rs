//! One request: the pipeline's effects, carried out in turn.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use breakwater_kit::types::ResponseHead;
use breakwater_pipeline::{Answer, Body, Effect, Exchange, Forward, OutsideAnswer, Renewal, Seed, Turn};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::answer_body::{AnswerBody, Held};
use super::connection::Peer;
use super::holding::Holding;
use super::streams::Stream;
use super::{over_http2, request, whole};
use crate::collapse::Lead;
use crate::logging::Record;
use crate::metrics::Outcome;
use crate::tunnel::{self, Opened};
use crate::upstream::{self, ResponseBody, Switched};
use crate::worker::{Generation, Phase, Worker};
use crate::{now_ms, now_s};

/// Copies of requests that one worker has under way at once.
const MAX_MIRRORED: usize = 64;

/// Bytes of a mirror's answer that are read; then its connection is closed.
const MAX_DROPPED: u64 = 1024 * 1024;

/// The service of one connection.
pub struct Service {
    worker: Rc<Worker>,
    peer: Rc<Peer>,
    http1: bool,
}

impl Service {
    /// For a connection with this client.
    pub fn new(worker: Rc<Worker>, peer: Rc<Peer>, http1: bool) -> Self {
        Self { worker, peer, http1 }
    }
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.peer.asked.set(true);
        let (worker, peer, http1) = (self.worker.clone(), self.peer.clone(), self.http1);
        Box::pin(async move {
            let (mut response, sound) = answer(&worker, &peer, request).await;
            // RFC 9112, section 9.6. HTTP/2 has GOAWAY instead. After a head that was refused nobody knows what follows.
            let stays = sound && *worker.phase.borrow() == Phase::Serving;
            if http1 && !stays && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// The answer, and whether the request's head was sound.
async fn answer(worker: &Rc<Worker>, peer: &Peer, mut request: Request<Incoming>) -> (Response<AnswerBody>, bool) {
    let since = Instant::now();
    let stream = (request.version() == Version::HTTP_2).then(|| peer.streams.begin());
    worker.begin().await;
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let mut head = request::head(&parts, peer);
    let in_stream = over_http2::is_handshake(&parts);
    if in_stream {
        let mut key = [0; 16];
        worker.random.borrow_mut().fill(&mut key);
        over_http2::as_http1(&mut head, key);
    }
    drop(parts);
    let generation = worker.generation();
    let mut exchange = Exchange::new(generation.gateway.borrow().clone(), head, &worker.seed(), now_ms())
        .with_certificate(peer.certificate.clone())
        .with_tunnels()
        .with_codings();
    if let Some(traces) = &worker.traces {
        let mut random = [0; 4];
        worker.random.borrow_mut().fill(&mut random);
        exchange = exchange.with_tracing(traces.chooses(random));
    }
    // Policies are borrowed for one step at a time: between steps other requests of this worker have theirs.
    let effect = exchange.start(&mut *generation.policies.borrow_mut(), now_s());
    let answered = drive(worker, &generation, &mut exchange, effect, Some(body), None).await;
    if let Some(metrics) = &worker.metrics {
        metrics.answered(&exchange, answered.answer.head.status, since.elapsed());
    }
    if let Some(traces) = &worker.traces {
        traces.answered(&exchange, answered.answer.head.status, since);
    }
    if let Some(issuer) = exchange.unknown_key() {
        worker.missing.report(issuer);
    }
    let sound = answered.answer.head.status >= 500 || exchange.refused_by() != Some("request");
    let mut response =
        respond(worker, generation, exchange, answered, since, Client { upgrade: Some(upgrade), stream });
    if in_stream {
        response = over_http2::answer(response, || worker.outside(peer));
    }
    (response, sound)
}

/// What came of an exchange.
struct Answered {
    answer: Answer,
    /// The body of the upstream's last answer.
    upstream: Option<ResponseBody>,
    /// While it is there, others wait.
    lead: Option<Lead>,
    /// The places that the request has; a renewal has none.
    held: Option<Holding>,
    /// How long upstreams took to the heads of their answers; none if none was asked.
    waited: Option<Duration>,
    /// The upstream's connection, if it is no longer HTTP's.
    switched: Option<Switched>,
}

/// Where an answer goes; a renewal's goes nowhere.
#[derive(Default)]
struct Client {
    /// Its connection, once HTTP has let go of it.
    upgrade: Option<OnUpgrade>,
    /// Its stream, over HTTP/2.
    stream: Option<Rc<Stream>>,
}

/// Carries out effect after effect, until there is an answer.
async fn drive(
    worker: &Rc<Worker>,
    generation: &Rc<Generation>,
    exchange: &mut Exchange,
    mut effect: Effect,
    mut body: Option<Incoming>,
    mut lead: Option<Lead>,
) -> Answered {
    let mut upstream = None;
    let mut held = None;
    let mut waited: Option<Duration> = None;
    let mut switched = None;
    loop {
        effect = match effect {
            Effect::Take(buckets) => {
                let allowances = worker.state.take(&buckets).await;
                exchange.taken(&mut *generation.policies.borrow_mut(), allowances, now_s())
            }
            Effect::Introspect(question) => {
                let answer = generation.upstreams.introspect(question).await;
                exchange.introspected(&mut *generation.policies.borrow_mut(), answer, now_s())
            }
            Effect::Lease(leases, holder) => {
                let granted = worker.state.lease(&leases, &holder).await;
                if granted.as_ref().is_some_and(|granted| granted.iter().all(|granted| *granted)) {
                    held = Some(Holding::new(leases, holder, worker.places.clone()));
                }
                exchange.leased(&mut *generation.policies.borrow_mut(), granted, now_s())
            }
            Effect::Get(key) => {
                let value = worker.state.get(&key).await;
                exchange.got(&mut *generation.policies.borrow_mut(), value, now_s())
            }
            Effect::Collapse(collapse) => {
                lead = worker.collapsing.turn(collapse).await;
                let turn = if lead.is_some() { Turn::Lead } else { Turn::Follow };
                exchange.turned(turn, now_s())
            }
            Effect::ReadBody { max_bytes, idle_timeout } => {
                let idle = Duration::from_millis(idle_timeout.into());
                let read = whole::of_client(body.take(), max_bytes, idle).await;
                exchange.body_read(read, now_s())
            }
            Effect::ReadAnswer { max_bytes } => {
                let read = whole::of_upstream(upstream.take(), max_bytes).await;
                exchange.answer_read(read)
            }
            Effect::Forward(mut forward) => {
                if let Some(copy) = forward.mirror.take() {
                    mirror(worker, generation, *copy);
                }
                let body = if forward.with_body { body.take() } else { None };
                let meter = worker.metrics.as_ref().map(|metrics| metrics.upstream(&forward.upstream));
                let since = Instant::now();
                let answered = generation.upstreams.forward(forward, body).await;
                let took = since.elapsed();
                waited = Some(waited.unwrap_or_default() + took);
                if let Some(meter) = meter {
                    meter.ended(Outcome::from(&answered), took);
                }
                let answered = answered.map(|answer| {
                    upstream = Some(answer.body);
                    switched = answer.switched;
                    answer.head
                });
                exchange.answered(&mut *generation.policies.borrow_mut(), answered, now_s())
            }
            Effect::Respond(answer) => return Answered { answer, upstream, lead, held, waited, switched },
        };
    }
}

/// Sends a copy of a request beside it, unless a slow mirror has enough of them. Whatever comes back is dropped.
fn mirror(worker: &Rc<Worker>, generation: &Rc<Generation>, copy: Forward) {
    if worker.mirrored.get() == MAX_MIRRORED {
        return;
    }
    worker.mirrored.set(worker.mirrored.get() + 1);
    let (worker, generation) = (worker.clone(), generation.clone());
    tokio::task::spawn_local(async move {
        let (upstream, idle) = (copy.upstream.clone(), Duration::from_millis(copy.idle_timeout.into()));
        let dropped = match generation.upstreams.forward(copy, None).await {
            // To its end, so that the connection can be used again.
            Ok(answer) => tokio::time::timeout(idle, whole::of_upstream(Some(answer.body), MAX_DROPPED)).await.is_ok(),
            Err(_) => false,
        };
        worker.mirrored.set(worker.mirrored.get() - 1);
        tracing::debug!(upstream, dropped, "a request was mirrored");
    });
}

/// Renews what is stored while the client has its answer, unless somebody does so already.
async fn renew(worker: Rc<Worker>, generation: Rc<Generation>, renewal: Renewal) {
    let Ok(lead) = worker.collapsing.lead(renewal.key.clone()) else { return };
    let since = Instant::now();
    let (mut exchange, effect) = renewal.begin();
    let answered = drive(&worker, &generation, &mut exchange, effect, None, Some(lead)).await;
    // Nobody reads the answer, but what is kept of it has to come whole.
    let _ = respond(&worker, generation, exchange, answered, since, Client::default()).into_body().collect().await;
}

fn respond(
    worker: &Rc<Worker>,
    generation: Rc<Generation>,
    exchange: Exchange,
    answered: Answered,
    since: Instant,
    client: Client,
) -> Response<AnswerBody> {
    let Answered { answer, upstream, mut lead, held, waited, switched } = answered;
    if let Some(fault) = exchange.fault() {
        tracing::error!(request_id = exchange.request_id(), route = exchange.route(), %fault, "a policy failed");
    }
    if let Some(renewal) = answer.renewal {
        tokio::task::spawn_local(renew(worker.clone(), generation, *renewal));
    }
    if !answer.set.is_empty() {
        worker.state.keep(answer.set, lead.take());
    }
    let body = match (answer.body, upstream) {
        (Body::Whole(bytes), _) => AnswerBody::Whole(Some(bytes)),
        (Body::Upstream(keep), Some(body)) => AnswerBody::upstream(body, keep, &worker.state, lead),
        (Body::Tunnel, _) => {
            if let (Some(client), Some(upstream)) = (client.upgrade, switched) {
                let record = Record::begin(exchange, answer.head.status, since, waited);
                let opened = Opened { client, upstream, record, places: held };
                worker.tunnels.spawn_local(tunnel::run(worker.clone(), opened));
            }
            return assemble(answer.head, AnswerBody::Empty);
        }
        (Body::Empty | Body::Upstream(_), _) => AnswerBody::Empty,
    };
    let body = match answer.coding {
        Some(coding) => body.coded(coding),
        None => body,
    };
    let record = Record::wanted().then(|| Record::begin(exchange, answer.head.status, since, waited));
    let body = match (held, record) {
        (None, None) if client.stream.is_none() => body,
        (held, record) => AnswerBody::Held(Box::new(Held::new(body, held, record, client.stream))),
    };
    assemble(answer.head, body)
}

fn assemble(head: ResponseHead, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    // A policy may have said any number; what is no status is a failure of ours.
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = upstream::to_header_map(head.headers);
    response
}

impl Worker {
    /// Random bytes for a request's names.
    fn seed(&self) -> Seed {
        let mut bytes = [0; 34];
        self.random.borrow_mut().fill(&mut bytes);
        Seed(bytes)
    }

    /// Where an answer stands that the pipeline does not give.
    fn outside(&self, peer: &Peer) -> OutsideAnswer {
        OutsideAnswer { https: peer.https, seed: self.seed(), now_ms: now_ms() }
    }
}
