//! Faults under load: servers are killed, frozen and lied to while clients go on asking.
//!
//! What has to hold, whatever breaks: no answer is wrong, nobody sees what is another's, a request that cannot be served is
//! refused with a problem that says so, none hangs, what was confirmed stands exactly once, and when the fault is over
//! everything works again without help.

mod clients;
mod faults;
mod proxy;
mod tally;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::api::Account;
use crate::postgres::Cluster;
use crate::process::free_port;
use crate::redis::Redis;
use crate::system::{System, Wiring};

use clients::{Client, Front};
use faults::{Fault, World};
use proxy::Proxy;
pub use tally::Report;

/// Users, each with a workspace of their own and two requests on their way at any time.
const USERS: usize = 4;

/// Settings of the core: nobody reaches a limit, so that a 429 is a wrong answer.
const SETTINGS: &[(&str, &str)] = &[
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__BURST", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__BURST", "100000000"),
    ("BREAKWATER_IDENTITY__ACCESS_TOKEN_SECONDS", "86400"),
];

/// Goes through all faults, for about so long altogether.
pub async fn run(length: Duration) -> Report {
    let cluster = Cluster::start_new();
    let redis = Redis::start();
    let core_port = free_port();
    let proxy = Proxy::start(core_port).await;
    let wiring =
        Wiring { settings: SETTINGS, core_port, edge_asks: proxy.port, redis: Some(redis.url()), collector: None };
    let system = System::start_wired(&cluster.url(), wiring).await;
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(Account::new(&system, &format!("user{number}@example.com")).await);
    }
    let front = Arc::new(Front::new(&system));
    let clients: Vec<_> = users.into_iter().map(|user| Client::start(&front, user)).collect();

    let mut world = World { system, redis, proxy, front: front.clone() };
    let each = length / Fault::ALL.len() as u32 / 2;
    let mut report = Report::default();
    for fault in Fault::ALL {
        let recovered = world.suffer(fault, each).await;
        report.add(fault.name(), recovered, front.take());
        tokio::time::sleep(each).await;
        report.add("afterwards", None, front.take());
    }
    front.stop.store(true, Ordering::Relaxed);
    for client in clients {
        let confirmed = client.end().await;
        report.confirm(&world.system, confirmed).await;
    }
    report.add("the end", None, front.take());
    if report.failed() {
        report.show(&world.system);
    }
    report
}
