//! How much is too much. The routes' allowances refill so slowly that nothing comes back while a case runs.

use reqwest::{Method, Response, StatusCode};

use crate::fixture::core::Core;
use crate::fixture::edge::{Edge, Shell, client, header, own_address, problem};
use crate::fixture::snapshot::snapshot;
use crate::fixture::tokens::token;

/// What `RateLimit` says is left (draft-ietf-httpapi-ratelimit-headers).
fn remaining(answer: &Response) -> Option<u64> {
    let parameters = header(answer, "ratelimit")?.split(';');
    parameters.filter_map(|parameter| parameter.trim().strip_prefix("r=")?.parse().ok()).next()
}

pub async fn an_address_has_its_allowance(edge: Edge) {
    for left in [2, 1, 0] {
        let answer = edge.get("/few").await;
        assert_eq!((answer.status(), remaining(&answer)), (StatusCode::OK, Some(left)));
        assert_eq!(header(&answer, "ratelimit-policy"), Some("\"few\";q=1;w=60"));
    }
    let answer = edge.get("/few").await;
    let retry: u64 = header(&answer, "retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&retry), "retry-after: {retry}");
    assert_eq!(remaining(&answer), Some(0));
    problem(answer, 429, "rate-limited").await;
    assert_eq!(edge.core.asked("/few").len(), 3);

    // Another address, another allowance; and what a client says of its address counts for nothing.
    let elsewhere = client([127, 255, 255, 254].into());
    let other = elsewhere.get(edge.url("/echo/a")).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    for claim in ["x-forwarded-for", "forwarded", "spin-client-addr", "true-client-ip"] {
        let answer = edge.request(Method::GET, "/few").header(claim, "192.0.2.1:1").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{claim}");
    }
}

/// Through Redis, whichever shell the other edge has.
pub async fn an_allowance_is_shared_by_all_edges(edge: Edge) {
    for shell in [Shell::EdgeHost, Shell::Spin] {
        let other = Edge::before(shell, Core::start(snapshot()).await).await;
        other.until_ready().await;
        // The other edge's client comes from this one's address, which no other case has.
        let shared = client(other.client_address);
        let ask = |at: &Edge| shared.get(at.url("/few")).send();
        for (at, left) in [(&edge, 2), (&other, 1), (&edge, 0)] {
            assert_eq!(remaining(&ask(at).await.unwrap()), Some(left));
        }
        problem(ask(&other).await.unwrap(), 429, "rate-limited").await;
    }
}

pub async fn a_caller_has_an_allowance_of_its_own(edge: Edge) {
    let (one, two) = (token().sign(), token().sign());
    for (token, left) in [(&one, Some(1)), (&one, Some(0)), (&two, Some(1))] {
        let answer = edge.request(Method::GET, "/mine").bearer_auth(token).send().await.unwrap();
        assert_eq!((answer.status(), remaining(&answer)), (StatusCode::OK, left));
    }
    let answer = edge.request(Method::GET, "/mine").bearer_auth(&one).send().await.unwrap();
    problem(answer, 429, "rate-limited").await;
}

pub async fn refused_credentials_cost_the_caller_nothing(edge: Edge) {
    for _ in 0..5 {
        let answer = edge.request(Method::GET, "/mine").bearer_auth(token().expired().sign()).send().await.unwrap();
        problem(answer, 401, "invalid-token").await;
    }
    let answer = edge.request(Method::GET, "/mine").bearer_auth(token().sign()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

pub async fn so_many_at_once_and_no_more(edge: Edge) {
    // The first one's answer is still coming: the head is here, the body is not.
    let first = edge.get("/busy?chunks=2&pause_ms=20000").await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "ratelimit-policy"), Some("\"busy\";q=1;qu=\"concurrent-requests\""));
    let second = edge.get("/busy?chunks=1").await;
    assert_eq!(header(&second, "retry-after"), Some("1"));
    problem(second, 429, "rate-limited").await;
    // Its client goes away: under edge-host the place comes free with it; Spin's host tells the gateway when it writes.
    drop(first);
    if edge.shell == Shell::EdgeHost {
        edge.until("/busy?chunks=1", |answer| answer.status() == StatusCode::OK).await;
    }
    // And a place whose answer has ended is free, under both.
    let elsewhere = client(own_address());
    for _ in 0..3 {
        let start = std::time::Instant::now();
        loop {
            let answer = elsewhere.get(edge.url("/busy?chunks=1")).send().await.unwrap();
            if answer.status() == StatusCode::OK {
                answer.bytes().await.unwrap();
                break;
            }
            assert!(start.elapsed() < std::time::Duration::from_secs(10), "the place does not come free");
        }
    }
}

pub async fn without_redis_limits_are_open_or_closed(edge: Edge) {
    let redis = "redis://127.0.0.1:9";
    let edge = Edge::between(edge.shell, Core::start(snapshot()).await, redis).await;
    edge.until_ready().await;
    for _ in 0..5 {
        let start = std::time::Instant::now();
        assert_eq!(edge.get("/few").await.status(), StatusCode::OK);
        assert_eq!(edge.get("/kept/a?control=max-age=60").await.status(), StatusCode::OK);
        problem(edge.get("/strict").await, 503, "upstream-unavailable").await;
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }
    assert!(edge.core.asked("/strict").is_empty());
}
