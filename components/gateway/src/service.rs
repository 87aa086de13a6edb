//! One request, from the host's call to the response that it gets.

// The SDK's macro writes the component's export.
#![allow(unsafe_code)]

use breakwater_kit::problems;
use breakwater_kit::types::{Lease, RequestHead};
use breakwater_pipeline::{Answer, Body, Effect, Entry, Exchange, OutsideAnswer, Renewal, Turn, answer_outside};
use spin_sdk::http::Request;
use spin_sdk::http_service;
use spin_sdk::wasip3::http::types::{self, ErrorCode};
use wit_bindgen::spawn;

use crate::clock::{now, now_ms, seed};
use crate::configuration::Configuration;
use crate::imports::state;
use crate::policies::Components;
use crate::response::{assemble, respond};
use crate::{body, request, upstream};

/// For how long nobody else renews the same.
const RENEWAL_MILLISECONDS: u64 = 5_000;

#[http_service]
async fn handle(request: Request) -> Result<types::Response, ErrorCode> {
    let (head, body) = request::split(request);
    match Configuration::get().await {
        Ok(configuration) => Ok(serve(&configuration, head, body).await),
        Err(reason) => {
            eprintln!("{reason}");
            let outside = OutsideAnswer { https: head.scheme == "https", seed: seed(), now_ms: now_ms() };
            let (head, bytes) = answer_outside(problems::internal(), &outside);
            Ok(assemble(head, Some(body::whole(bytes))))
        }
    }
}

async fn serve(
    configuration: &std::rc::Rc<Configuration>,
    head: RequestHead,
    body: Option<types::Request>,
) -> types::Response {
    // Alive is alive, whether the core is there or not.
    let gateway = match head.path.as_str() {
        "/healthz" => configuration.without_waiting(),
        _ => configuration.gateway().await,
    };
    let mut exchange = Exchange::new(gateway, head, &seed(), now_ms());
    let effect = exchange.start(&mut Components, now());
    let (mut answer, upstream, held) = drive(configuration, &mut exchange, effect, body).await;
    if let Some(issuer) = exchange.unknown_key() {
        configuration.report(issuer);
    }
    if let Some(fault) = exchange.fault() {
        eprintln!("{} {} {}: {fault}", exchange.request_id(), exchange.method(), exchange.path());
    }
    if let Some(renewal) = answer.renewal.take() {
        spawn(renew(configuration.clone(), *renewal));
    }
    respond(answer, upstream, held)
}

/// Carries out effect after effect, until there is an answer.
async fn drive(
    configuration: &Configuration,
    exchange: &mut Exchange,
    mut effect: Effect,
    mut body: Option<types::Request>,
) -> (Answer, Option<types::Response>, Option<Places>) {
    let mut upstream = None;
    let mut held = None;
    loop {
        effect = match effect {
            Effect::Take(buckets) => {
                let allowances = state::take(buckets).await.map_err(log_state).ok();
                exchange.taken(&mut Components, allowances, now())
            }
            Effect::Introspect(question) => {
                let answer = upstream::introspect(&configuration.core, question).await;
                exchange.introspected(&mut Components, answer, now())
            }
            Effect::Lease(leases, holder) => {
                let granted = state::acquire(leases.clone(), holder.clone()).await.map_err(log_state).ok();
                if granted.as_ref().is_some_and(|granted| granted.iter().all(|granted| *granted)) {
                    held = Some((leases, holder));
                }
                exchange.leased(&mut Components, granted, now())
            }
            Effect::Get(key) => {
                let value = state::get(key).await.map_err(log_state).ok().flatten();
                exchange.got(&mut Components, value.map(Into::into), now())
            }
            // Instances do not know of each other, and few requests share one.
            Effect::Collapse(_) => exchange.turned(Turn::Lead, now()),
            Effect::ReadBody { max_bytes, idle_timeout } => {
                let read = body::read_client(body.take(), max_bytes, idle_timeout).await;
                exchange.body_read(read.map(Into::into), now())
            }
            Effect::ReadAnswer { max_bytes } => {
                let read = match upstream.take() {
                    Some(response) => body::read(response, usize::try_from(max_bytes).unwrap_or(usize::MAX)).await,
                    None => Ok(Vec::new()),
                };
                exchange.answer_read(read.map(Into::into))
            }
            Effect::Forward(mut forward) => {
                if let Some(copy) = forward.mirror.take() {
                    let core = configuration.core.clone();
                    spawn(async move { upstream::mirror(&core, &copy).await });
                }
                let body = if forward.with_body { body.take() } else { None };
                let head = match upstream::ask(&configuration.core, &forward, body).await {
                    Ok((head, response)) => {
                        upstream = Some(response);
                        Ok(head)
                    }
                    Err(failure) => Err(failure),
                };
                exchange.answered(&mut Components, head, now())
            }
            Effect::Respond(answer) => return (answer, upstream, held),
        };
    }
}

/// Renews what is stored while the client has its answer, unless another edge does so already.
async fn renew(configuration: std::rc::Rc<Configuration>, renewal: Renewal) {
    let key = format!("renewing:{}", renewal.key);
    if !matches!(state::increment(key, 1, RENEWAL_MILLISECONDS).await, Ok(1)) {
        return;
    }
    let (mut exchange, effect) = renewal.begin();
    let (answer, upstream, _) = drive(&configuration, &mut exchange, effect, None).await;
    set_entries(answer.set).await;
    if let (Body::Upstream(Some(keep)), Some(response)) = (answer.body, upstream) {
        let most = usize::try_from(keep.max_bytes).unwrap_or(usize::MAX);
        if let Ok(body) = body::read(response, most).await {
            set_entries(keep.entries(&body)).await;
        }
    }
}

/// Places among the requests at once, and who holds them.
pub type Places = (Vec<Lease>, String);

/// Gives places back. If nobody comes to it, because the host ended the instance, they come free by themselves.
pub async fn give_back((leases, holder): Places) {
    if let Err(error) = state::release(leases, holder).await {
        log_state(error);
    }
}

/// Keeps entries in the state. The answer does not depend on it.
pub async fn set_entries(entries: Vec<Entry>) {
    for entry in entries {
        if let Err(error) = state::set(entry.key, entry.value.into(), entry.ttl).await {
            log_state(error);
        }
    }
}

/// Nothing fails because the state is away, so the log alone says it.
pub fn log_state(error: state::Error) {
    match error {
        state::Error::Unavailable(reason) => eprintln!("the state is away: {reason}"),
        state::Error::TooLarge => eprintln!("a value is too large for the state"),
    }
}
