//! Connections that have become WebSockets: bytes both ways until either side has enough, nothing moves for too long, the
//! caller may not go on, or the edge stops.
//!
//! What is said in there is nobody's business. Only the ends of frames are followed, so that the edge can take its leave
//! between two of them (RFC 6455, section 7). Each way holds one buffer and reads no more until it is written: a reader
//! that is slow slows the writer down.

mod frames;
mod way;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use breakwater_pipeline::{Exchange, Standing};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

use crate::logging::Record;
use crate::metrics::TunnelMeter;
use crate::now_s;
use crate::server::Holding;
use crate::upstream::Switched;
use crate::worker::{Phase, Worker};
use frames::Close;
use way::Way;

/// How often a caller is looked at again, besides when there is news.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How long both sides may take to hear that it is over.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How a tunnel can end: the words of `breakwater_edge_tunnels_total` and of the access log.
pub const ENDS: [&str; 5] = ["closed", "broken", "idle", "revoked", "stopping"];

/// How a tunnel ended: the place of its name in [`ENDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both sides had enough.
    Closed,
    /// One of them broke off.
    Broken,
    /// Nothing moved for too long.
    Idle,
    /// The caller's session or key has ended, or its credentials have run out.
    Revoked,
    /// The edge stops.
    Stopping,
}

impl End {
    /// What the sides are told (RFC 6455, section 7.4.1).
    fn close(self) -> Close {
        match self {
            Self::Revoked => Close::POLICY_VIOLATION,
            Self::Closed | Self::Broken | Self::Idle | Self::Stopping => Close::GOING_AWAY,
        }
    }
}

/// What a tunnel is made of.
pub struct Opened {
    /// The client's connection, once the head of its answer has gone.
    pub client: OnUpgrade,
    /// The upstream's.
    pub upstream: Switched,
    /// How it was judged, to be judged again; and the line that is written about it.
    pub record: Record,
    /// The places that it has.
    pub places: Option<Holding>,
}

/// Carries a tunnel to its end.
pub async fn run(worker: Rc<Worker>, opened: Opened) {
    let Opened { client, upstream, mut record, places } = opened;
    let Switched { connection, turn } = upstream;
    // If either connection ended before, there was no tunnel; the line says that the answer broke off.
    let Ok((client, upstream)) = tokio::try_join!(client, connection) else { return };
    let route = record.exchange().route().unwrap_or_default();
    let meter = worker.metrics.as_ref().map(|metrics| metrics.tunnel(route)).unwrap_or_default();
    meter.opened.one();
    let mut sides = Sides { client: split(TokioIo::new(client)), upstream: split(TokioIo::new(upstream)) };
    let (end, down, up) = carry(&worker, record.exchange(), places.as_ref(), &meter, &mut sides).await;
    meter.ended[end as usize].one();
    record.tunnelled(ENDS[end as usize], down, up);
    drop((record, turn, places));
    sides.close().await;
}

type Io = TokioIo<Upgraded>;

struct Sides {
    client: (ReadHalf<Io>, WriteHalf<Io>),
    upstream: (ReadHalf<Io>, WriteHalf<Io>),
}

/// How it ended, and the bytes to the client and to the upstream.
async fn carry(
    worker: &Rc<Worker>,
    exchange: &Exchange,
    places: Option<&Holding>,
    meter: &TunnelMeter,
    sides: &mut Sides,
) -> (End, u64, u64) {
    let moved = Cell::new(Instant::now());
    let (stop, stopped) = watch::channel(None);
    let mut mask = [0; 4];
    worker.random.borrow_mut().fill(&mut mask);
    // Clients mask what they send, servers do not (section 5.1).
    let mut down = Way::new(stopped.clone(), &moved, &meter.to_client, None);
    let mut up = Way::new(stopped, &moved, &meter.to_upstream, Some(mask));
    let end = {
        let down = down.run(&mut sides.upstream.0, &mut sides.client.1);
        let up = up.run(&mut sides.client.0, &mut sides.upstream.1);
        let (mut down, mut up) = (pin!(down), pin!(up));
        // When one side has had enough, the other hears of it, and has a moment to close as well.
        let mut both = pin!(async {
            let other = tokio::select! {
                ended = &mut down => {
                    ended?;
                    timeout(LAST_WORDS, up).await
                }
                ended = &mut up => {
                    ended?;
                    timeout(LAST_WORDS, down).await
                }
            };
            other.unwrap_or(Ok(()))
        });
        let end = tokio::select! {
            biased;
            ended = &mut both => if ended.is_ok() { End::Closed } else { End::Broken },
            end = watch_over(worker, exchange, places, &moved) => end,
        };
        if !matches!(end, End::Closed | End::Broken) {
            stop.send_replace(Some(end.close()));
            let _ = timeout(LAST_WORDS, both).await;
        }
        end
    };
    (end, down.bytes, up.bytes)
}

impl Sides {
    /// A connection that is closed while something is unread takes back what was said last: so the client's is read on.
    async fn close(mut self) {
        let _ = timeout(LAST_WORDS, async {
            let (client, upstream) = (&mut self.client, &mut self.upstream);
            let _ = tokio::join!(client.1.shutdown(), upstream.1.shutdown());
            let mut ignored = [0; 1024];
            while client.0.read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        })
        .await;
    }
}

/// Returns when the tunnel has to end.
async fn watch_over(worker: &Rc<Worker>, exchange: &Exchange, places: Option<&Holding>, moved: &Cell<Instant>) -> End {
    let idle = Duration::from_millis(exchange.idle_timeout().unwrap_or_default().into());
    let every = places.map_or(LOOK_AGAIN, |places| LOOK_AGAIN.min(places.life() / 2));
    let mut pulse = interval_at(Instant::now() + every, every);
    let mut news = worker.news();
    let mut phase = worker.phase.clone();
    loop {
        tokio::select! {
            // If the sender is gone, the process ends anyway.
            _ = phase.wait_for(|phase| *phase == Phase::Closing) => return End::Stopping,
            () = sleep_until(moved.get() + idle) => {
                if moved.get().elapsed() >= idle {
                    return End::Idle;
                }
                continue;
            }
            _ = news.changed() => {}
            _ = pulse.tick() => {
                if let Some(places) = places {
                    places.hold(&worker.state).await;
                }
            }
        }
        if !may_go_on(worker, exchange).await {
            return End::Revoked;
        }
    }
}

async fn may_go_on(worker: &Worker, exchange: &Exchange) -> bool {
    let generation = worker.generation();
    let standing = exchange.standing(&mut *generation.policies.borrow_mut(), now_s());
    let Standing::Ask(question) = standing else { return standing == Standing::Good };
    // Nobody is sent away because the one who would know is.
    let Some(answer) = generation.upstreams.introspect(question).await else { return true };
    let standing = exchange.standing_after(&mut *generation.policies.borrow_mut(), Some(&answer), now_s());
    standing == Standing::Good
}
