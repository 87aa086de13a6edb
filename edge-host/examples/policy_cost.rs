//! What the policies cost, without a network: `policy_cost COMPONENTS SNAPSHOT TOKEN PATH`.
//!
//! It loads the components of a folder, configures sets of them with a core's snapshot, asks them about a `GET` of a
//! path with a token, and prints medians as JSON. `cargo xtask bench edge` runs it.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use breakwater_kit::types::{Caller, Field, RequestHead, Requirement, RouteDecision, Verdict};
use breakwater_pipeline::{Policies, Section};
use edge_host::policies::{Components, PolicySet};
use serde_json::{Value, json};

const SETS: usize = 200;
const CALLS: usize = 20_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("policy_cost COMPONENTS SNAPSHOT TOKEN PATH");
    let (folder, snapshot, token, path) = (PathBuf::from(next()), next(), next(), next());
    let snapshot: Value = serde_json::from_slice(&std::fs::read(snapshot).unwrap()).unwrap();
    let paths = ["router", "rate-limit", "auth", "cache", "assets"].map(|name| folder.join(format!("{name}.wasm")));
    let request = request(&token, &path);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();

    let cache = tempfile::tempdir().unwrap();
    let ((), compile) = timed(|| drop(Components::load(&paths, Some(cache.path())).unwrap()));
    let (components, load) = timed(|| Components::load(&paths, Some(cache.path())).unwrap());

    // Each set is new: its first question of a kind is asked cold, and its first token is verified.
    let (mut make, mut configure, mut route, mut verify) = (vec![], vec![], vec![], vec![]);
    for _ in 0..SETS {
        let (mut set, time) = timed(|| PolicySet::new(&components).unwrap());
        make.push(time);
        configure.push(timed(|| configure_all(&mut set, &snapshot)).1);
        route.push(timed(|| set.route(&request).unwrap()).1);
        verify.push(timed(|| authenticate(&mut set, &request, now)).1);
    }

    let mut set = PolicySet::new(&components).unwrap();
    configure_all(&mut set, &snapshot);
    let RouteDecision::Forward(found) = set.route(&request).unwrap() else { panic!("{path} has no route") };
    let caller = authenticate(&mut set, &request, now);
    let warm = json!({
        "route": median_of_calls(|| drop(set.route(&request).unwrap())),
        "authenticate": median_of_calls(|| drop(authenticate(&mut set, &request, now))),
        "draw": median_of_calls(|| drop(set.draw(&request, &found.id, &found.limits, Some(&caller)).unwrap())),
        "plan_cache": median_of_calls(|| drop(set.plan_cache(&request, Some(&caller)).unwrap())),
    });
    let costs = json!({
        "compile_ms": compile / 1e3,
        "load_compiled_ms": load / 1e3,
        "make_set_us": median(make),
        "configure_set_us": median(configure),
        "cold_call_us": { "route": median(route), "authenticate": median(verify) },
        "warm_call_us": warm,
    });
    println!("{costs}");
}

fn request(token: &str, path: &str) -> RequestHead {
    let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.as_bytes().to_vec() };
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
    RequestHead {
        method: "GET".to_owned(),
        scheme: "http".to_owned(),
        authority: "localhost".to_owned(),
        path: path.to_owned(),
        query,
        headers: vec![
            field("host", "localhost"),
            field("accept", "application/json"),
            field("user-agent", "policy_cost"),
            field("authorization", &format!("Bearer {token}")),
        ],
        client_address: "127.0.0.1".to_owned(),
    }
}

fn configure_all(set: &mut PolicySet, snapshot: &Value) {
    for (section, name) in [
        (Section::Routing, "routing"),
        (Section::RateLimiting, "rate_limiting"),
        (Section::Authentication, "authentication"),
        (Section::Caching, "caching"),
        (Section::StaticFiles, "static_files"),
    ] {
        set.configure(section, snapshot[name].to_string().as_bytes()).unwrap().unwrap();
    }
}

/// A refused token would be cheap, so it is an error here.
fn authenticate(set: &mut PolicySet, request: &RequestHead, now: u64) -> Caller {
    match set.authenticate(request, &Requirement::Required(vec![]), None, now).unwrap() {
        Verdict::Known(caller) => caller,
        other => panic!("the token is not taken: {other:?}"),
    }
}

/// The result and the microseconds that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed().as_secs_f64() * 1e6)
}

fn median_of_calls(mut call: impl FnMut()) -> f64 {
    median((0..CALLS).map(|_| timed(&mut call).1).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
