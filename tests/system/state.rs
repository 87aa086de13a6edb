//! The port `state` as the component `state-redis` answers it, asked directly.

use std::sync::LazyLock;
use std::time::Duration;

use breakwater_tests::process::workspace;
use wasmtime::Store;
use wasmtime::component::Component;

use self::breakwater::edge::types::{Allowance, Bucket, Lease};
use self::exports::breakwater::edge::state::Error;
use crate::fixture::edge::redis_url;
use crate::spin::instance::Data;
use crate::spin::{Application, ENGINE, linker};

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "package breakwater:tests; world caller { export breakwater:edge/state@1.0.0; }",
    world: "breakwater:tests/caller",
});

static COMPONENT: LazyLock<CallerPre<Data>> = LazyLock::new(|| {
    let component = Component::from_file(&ENGINE, workspace().join("target/components/state-redis.wasm"))
        .expect("run `cargo xtask build components`");
    CallerPre::new(linker().instantiate_pre(&component).unwrap()).unwrap()
});

/// An instance of the component and what it runs in.
struct State {
    store: Store<Data>,
    instance: Caller,
}

/// Asks one function of the port.
macro_rules! ask {
    ($state:ident.$function:ident($($argument:expr),*)) => {{
        let State { store, instance } = &mut $state;
        let port = instance.breakwater_edge_state();
        store.run_concurrent(async |accessor| port.$function(accessor, $($argument),*).await).await.unwrap().unwrap()
    }};
}

impl State {
    async fn new(redis: &str) -> Self {
        Self::with_credentials(redis, "").await
    }

    async fn with_credentials(redis: &str, credentials: &str) -> Self {
        let values = [("redis_url", redis), ("redis_credentials", credentials), ("edge_key", "")];
        let application = Application::new(&values, &[], tempfile::tempfile().unwrap());
        let mut store = Store::new(&ENGINE, Data::new(&application).unwrap());
        let instance = COMPONENT.instantiate_async(&mut store).await.unwrap();
        Self { store, instance }
    }
}

fn key(name: &str) -> String {
    format!("test:{name}:{}", uuid::Uuid::now_v7())
}

fn bucket(key: &str, burst: u64, cost: u64) -> Bucket {
    Bucket { key: key.to_owned(), name: "test".to_owned(), limit: 60, window: 60_000, burst, cost, batch: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_lives_for_its_time() {
    let mut state = State::new(&redis_url()).await;
    let key = key("value");
    assert_eq!(ask!(state.call_get(key.clone())).unwrap(), None);
    let value: Vec<u8> = (0..=255).collect();
    ask!(state.call_set(key.clone(), value.clone(), 300)).unwrap();
    assert_eq!(ask!(state.call_get(key.clone())).unwrap(), Some(value));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(ask!(state.call_get(key.clone())).unwrap(), None);

    let limit = 4 * 1024 * 1024;
    ask!(state.call_set(key.clone(), vec![1; limit], 10_000)).unwrap();
    assert!(matches!(ask!(state.call_set(key.clone(), vec![1; limit + 1], 10_000)), Err(Error::TooLarge)));
    assert_eq!(ask!(state.call_get(key)).unwrap().unwrap().len(), limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_lives_from_its_first_increment() {
    let mut state = State::new(&redis_url()).await;
    let key = key("counter");
    assert_eq!(ask!(state.call_increment(key.clone(), 2, 400)).unwrap(), 2);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ask!(state.call_increment(key.clone(), 3, 400)).unwrap(), 5);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(ask!(state.call_increment(key, 1, 0)).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_is_taken_from_every_bucket_or_from_none() {
    let mut state = State::new(&redis_url()).await;
    let (small, large) = (key("small"), key("large"));
    let both = || vec![bucket(&small, 2, 1), bucket(&large, 10, 1)];
    let summary = |allowances: Vec<Allowance>| -> Vec<(bool, u64)> {
        allowances.iter().map(|allowance| (allowance.allowed, allowance.remaining)).collect()
    };
    assert_eq!(summary(ask!(state.call_take(both())).unwrap()), [(true, 1), (true, 9)]);
    assert_eq!(summary(ask!(state.call_take(both())).unwrap()), [(true, 0), (true, 8)]);
    // The small one refuses, so the large one is as it was.
    let refused = ask!(state.call_take(both())).unwrap();
    assert_eq!(summary(refused.clone()), [(false, 0), (true, 8)]);
    assert!((1..=1000).contains(&refused[0].retry_after), "{refused:?}");
    assert!((1001..=2000).contains(&refused[0].reset_after), "{refused:?}");
    // One comes back every second.
    tokio::time::sleep(Duration::from_millis(refused[0].retry_after)).await;
    assert!(ask!(state.call_take(both())).unwrap()[0].allowed);

    let never = ask!(state.call_take(vec![bucket(&key("never"), 2, 3)])).unwrap();
    assert_eq!(summary(never), [(false, 2)]);
    assert!(ask!(state.call_take(Vec::new())).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_take_at_once_take_what_there_is() {
    let shared = key("shared");
    let takers = (0..4).map(|_| {
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut state = State::new(&redis_url()).await;
            let mut taken = 0;
            for _ in 0..25 {
                let one = Bucket { limit: 1, ..bucket(&shared, 40, 1) };
                taken += usize::from(ask!(state.call_take(vec![one])).unwrap()[0].allowed);
            }
            taken
        })
    });
    let mut taken = 0;
    for taker in takers.collect::<Vec<_>>() {
        taken += taker.await.unwrap();
    }
    assert_eq!(taken, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_is_unavailable() {
    let mut state = State::new("redis://127.0.0.1:9").await;
    assert!(matches!(ask!(state.call_get(key("away"))), Err(Error::Unavailable(_))));
    assert!(matches!(ask!(state.call_take(vec![bucket(&key("away"), 1, 1)])), Err(Error::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_given_to_redis() {
    let user = format!("test-{}", uuid::Uuid::now_v7());
    let client = redis::Client::open(redis_url()).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    let mut acl = redis::cmd("ACL");
    let () = acl.arg(&["SETUSER", &user, "on", ">right", "~*", "+@all"]).query_async(&mut admin).await.unwrap();

    let mut good = State::with_credentials(&redis_url(), &format!("{user}:right")).await;
    let mut bad = State::with_credentials(&redis_url(), &format!("{user}:wrong")).await;
    let (known, unknown) = (ask!(good.call_get(key("credentials"))), ask!(bad.call_get(key("credentials"))));
    let () = redis::cmd("ACL").arg(&["DELUSER", &user]).query_async(&mut admin).await.unwrap();
    assert_eq!(known.unwrap(), None);
    assert!(matches!(unknown, Err(Error::Unavailable(_))));
}

fn lease(key: &str, limit: u64) -> Lease {
    Lease { key: key.to_owned(), name: "test".to_owned(), limit, ttl: 600 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_given_back_or_comes_free() {
    let mut state = State::new(&redis_url()).await;
    let (wide, narrow) = (key("wide"), key("narrow"));
    let both = || vec![lease(&wide, 2), lease(&narrow, 1)];
    assert_eq!(ask!(state.call_acquire(both(), "a".to_owned())).unwrap(), [true, true]);
    // All or none.
    assert_eq!(ask!(state.call_acquire(both(), "b".to_owned())).unwrap(), [true, false]);
    assert_eq!(ask!(state.call_acquire(vec![lease(&wide, 2)], "b".to_owned())).unwrap(), [true]);
    assert_eq!(ask!(state.call_acquire(vec![lease(&wide, 2)], "c".to_owned())).unwrap(), [false]);
    ask!(state.call_release(both(), "a".to_owned())).unwrap();
    assert_eq!(ask!(state.call_acquire(both(), "c".to_owned())).unwrap(), [true, true]);
    // Nobody gives these back: their edge has died.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(ask!(state.call_acquire(both(), "d".to_owned())).unwrap(), [true, true]);
}
