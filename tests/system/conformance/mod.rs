//! The cache against the RFCs, section by section, through the front door of either shell.
//!
//! The cases stand in `tables/`, written as conversations; [`table`] says how to read them, [`player`] plays them.

mod player;
mod table;

use futures_util::StreamExt as _;

use crate::fixture::edge::{Edge, Shell};

const TABLES: [&str; 10] = [
    include_str!("tables/storing.txt"),
    include_str!("tables/vary.txt"),
    include_str!("tables/freshness.txt"),
    include_str!("tables/validating.txt"),
    include_str!("tables/invalidating.txt"),
    include_str!("tables/directives.txt"),
    include_str!("tables/ranges.txt"),
    include_str!("tables/targeted.txt"),
    include_str!("tables/stale.txt"),
    include_str!("tables/cache_status.txt"),
];

/// What Spin's gateway cannot know: its host takes `Connection` away before a component sees the answer.
const NOT_UNDER_SPIN: &str = "fields that Connection names are not";

/// Cases that are played at once.
const AT_ONCE: usize = 8;

async fn conform(shell: Shell) {
    let mut cases: Vec<_> = TABLES.iter().flat_map(|table| table::read(table)).collect();
    cases.retain(|case| shell == Shell::EdgeHost || case.title != NOT_UNDER_SPIN);
    let edge = Edge::start(shell).await;
    let played = futures_util::stream::iter(&cases).map(|case| player::play(&edge, case));
    let wrong: Vec<String> = played.buffer_unordered(AT_ONCE).filter_map(async |result| result.err()).collect().await;
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rfcs_hold_under_edge_host() {
    conform(Shell::EdgeHost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rfcs_hold_under_spin() {
    conform(Shell::Spin).await;
}
