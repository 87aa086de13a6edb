//! Nothing tells a stranger whether an address has an account: the same answer, after the same work, in the same time.
//!
//! The times are compared in two ways, and a difference is one that both see: as ranks (Mann and Whitney), of two ways of
//! asking, tried in turns, neither may come first more often than chance allows; and their medians may not lie apart by
//! a share of the time that few tries over a network could see. A busy machine makes tries slower, but not those of one
//! kind; a clock is never read against a limit. Passwords are hashed as by default: what is left of difference stands
//! beside that.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Call, TestApp, settings};

/// Tries of each kind.
const TRIES: usize = 80;

/// Standard deviations that chance exceeds once in two million times, in either direction.
const FAR: f64 = 5.0;

/// The share of the time by which the medians may lie apart.
const APART: f64 = 0.05;

/// Not where anybody signed in from.
const STRANGER: &str = "198.51.100.7";

struct Probe {
    app: TestApp,
    path: &'static str,
}

impl Probe {
    /// An app in which ada@example.org has an account and nothing is limited.
    async fn new(path: &'static str) -> Self {
        let own = settings([
            ("IDENTITY__EMAIL_VERIFICATION", "required"),
            ("IDENTITY__GUESSES__PAIR__SIZE", "1000000"),
            ("IDENTITY__GUESSES__ACCOUNT__SIZE", "1000000"),
            ("IDENTITY__GUESSES__NETWORK__SIZE", "1000000"),
        ]);
        let app = TestApp::start_with(own).await;
        let new = json!({ "email": "ada@example.org", "password": "difference engine" });
        app.post("/api/v1/auth/register").json(new).send().await.expect(202);
        let proof = json!({ "code": app.mailed_code("ada@example.org").await, "password": "difference engine" });
        app.post("/api/v1/auth/verify-email").json(proof).send().await.expect(200);
        Self { app, path }
    }

    fn call(&self, body: Value) -> Call {
        self.app.post(self.path).from(STRANGER).json(body)
    }

    /// How the times of the one kind differ from those of the other; and an answer of each.
    async fn compare(&self, one: impl Fn(usize) -> Value, other: impl Fn(usize) -> Value) -> (Difference, [Answer; 2]) {
        let mut times = [Vec::new(), Vec::new()];
        let mut last = [None, None];
        for n in 0..TRIES + 10 {
            // In turns, and each as often first as second.
            for kind in [n % 2, 1 - n % 2] {
                let body = if kind == 0 { one(n) } else { other(n) };
                let call = self.call(body);
                let start = Instant::now();
                let answer = call.send().await;
                let time = start.elapsed();
                // Not the first ones, which prepare statements and make connections.
                if n >= 10 {
                    times[kind].push(time);
                }
                last[kind] = Some(answer);
            }
        }
        let [mut one, mut other] = times;
        (Difference::between(&mut one, &mut other), last.map(|answer| answer.unwrap()))
    }

    /// Passes if the two kinds cannot be told apart.
    async fn cannot_tell(&self, one: impl Fn(usize) -> Value, other: impl Fn(usize) -> Value) {
        let (difference, [known, unknown]) = self.compare(one, other).await;
        println!("{}: {difference:?}", self.path);
        assert!(!difference.tells(), "{}: the times tell: {difference:?}", self.path);
        assert_eq!(known.status, unknown.status);
        let without_id = |answer: &Answer| {
            let mut body = answer.json();
            body["request_id"].take();
            body
        };
        assert_eq!(without_id(&known), without_id(&unknown));
        let names = |answer: &Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&known), names(&unknown));
    }
}

/// How the times of two kinds of tries differ.
#[derive(Debug)]
struct Difference {
    /// How far from chance it is how often the one came first, in standard deviations.
    distance: f64,
    /// The median of the one by that of the other.
    ratio: f64,
}

impl Difference {
    fn between(one: &mut [Duration], other: &mut [Duration]) -> Self {
        let distance = distance(one, other);
        one.sort();
        other.sort();
        let ratio = one[one.len() / 2].as_secs_f64() / other[other.len() / 2].as_secs_f64();
        Self { distance, ratio }
    }

    fn tells(&self) -> bool {
        self.distance.abs() > FAR && (self.ratio - 1.0).abs() > APART
    }
}

/// Mann and Whitney's U, as its distance from the mean in standard deviations.
fn distance<T: PartialOrd>(one: &[T], other: &[T]) -> f64 {
    let (m, n) = (one.len() as f64, other.len() as f64);
    let wins = one.iter().map(|a| {
        let earlier = |b: &&T| *b < a;
        let same = |b: &&T| *b == a;
        other.iter().filter(earlier).count() as f64 + other.iter().filter(same).count() as f64 / 2.0
    });
    (wins.sum::<f64>() - m * n / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt()
}

fn login(email: &str) -> Value {
    json!({ "email": email, "password": "not the password" })
}

#[tokio::test]
async fn signing_in_takes_as_long_for_unknown_addresses() {
    let probe = Probe::new("/api/v1/auth/login").await;
    probe.cannot_tell(|_| login("ada@example.org"), |_| login("bob@example.org")).await;
}

#[tokio::test]
async fn registering_takes_as_long_for_addresses_that_have_an_account() {
    let probe = Probe::new("/api/v1/auth/register").await;
    let free = |n| login(&format!("free-{n}@example.org"));
    probe.cannot_tell(|_| login("ada@example.org"), free).await;
}

#[tokio::test]
async fn asking_for_a_reset_takes_as_long_for_unknown_addresses() {
    let probe = Probe::new("/api/v1/auth/password-reset").await;
    probe.cannot_tell(|_| json!({ "email": "ada@example.org" }), |_| json!({ "email": "bob@example.org" })).await;
}

/// The measure sees what it is to see: a refusal that skips the hash.
#[tokio::test]
async fn a_difference_would_be_seen() {
    let probe = Probe::new("/api/v1/auth/login").await;
    let malformed = |_| json!({ "email": "bob@example.org" });
    let (seen, _) = probe.compare(|_| login("ada@example.org"), malformed).await;
    assert!(seen.tells() && seen.distance > 0.0, "{seen:?}");
    assert_eq!(distance(&[1, 2, 3], &[1, 2, 3]), 0.0);
    assert!(distance(&[4, 5, 6], &[1, 2, 3]) > 1.9);
}
