//! Callers besides those with a token of ours, and what upstreams are told of callers.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::fixture::core::{GOOD_KEY, UNKNOWN_KEY};
use crate::fixture::edge::{Edge, Shell, echoed, header, problem};
use crate::fixture::tokens::token;

fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub async fn an_api_key_is_good_until_it_is_taken_away(edge: Edge) {
    let keys = json!({ "header": "x-api-key", "prefix": "bw_", "keys": [
        { "name": "robot", "hash": hash("bw_robot-key"), "scopes": ["write"] },
        { "name": "elsewhere", "hash": hash("bw_elsewhere-key"), "addresses": ["192.0.2.0/24"] },
    ] });
    edge.core.publish(|snapshot| snapshot["authentication"]["api_keys"] = keys);
    let ask = |key: &str| edge.request(Method::GET, "/scoped").header("x-api-key", key).send();
    while ask("bw_robot-key").await.unwrap().status() != StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let as_token = edge.request(Method::GET, "/scoped").bearer_auth("bw_robot-key").send().await.unwrap();
    assert_eq!(as_token.status(), StatusCode::OK);
    problem(ask("bw_other-key").await.unwrap(), 401, "invalid-token").await;
    problem(ask("bw_elsewhere-key").await.unwrap(), 401, "invalid-token").await;
    let both = edge.request(Method::GET, "/scoped").header("x-api-key", "bw_robot-key").bearer_auth(token().sign());
    let both = both.send().await.unwrap();
    assert!(header(&both, "www-authenticate").unwrap().contains("invalid_request"));
    problem(both, 400, "bad-request").await;
    let twice = edge.request(Method::GET, "/private?access_token=x").bearer_auth(token().sign()).send().await.unwrap();
    problem(twice, 400, "bad-request").await;

    edge.core.publish(|snapshot| snapshot["authentication"]["api_keys"] = json!({ "keys": [] }));
    while ask("bw_robot-key").await.unwrap().status() != StatusCode::UNAUTHORIZED {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub async fn a_key_of_the_cores_is_asked_about_until_it_ends(edge: Edge) {
    let own = json!({ "prefix": "bwk_", "issuer": "https://issuer.example", "path": "/edge/v1/introspect", "cache_seconds": 60 });
    edge.core.publish(|snapshot| snapshot["authentication"]["own_keys"] = own);
    let ask = |key: &str| edge.request(Method::GET, "/scoped").bearer_auth(key).send();
    while ask(GOOD_KEY).await.unwrap().status() != StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..10 {
        assert_eq!(ask(GOOD_KEY).await.unwrap().status(), StatusCode::OK);
    }
    // Under Spin an instance may have ended meanwhile, and its memory with it.
    let asked = edge.core.asked("/edge/v1/introspect").len();
    assert!(asked == 1 || (edge.shell == Shell::Spin && asked < 5), "{asked}");
    problem(ask(UNKNOWN_KEY).await.unwrap(), 401, "invalid-token").await;
    let asked = edge.core.asked("/edge/v1/introspect").len();
    // A slip of the pen costs the core nothing.
    problem(ask(&GOOD_KEY.replace("01", "10")).await.unwrap(), 401, "invalid-token").await;
    assert_eq!(edge.core.asked("/edge/v1/introspect").len(), asked);

    // What ends is told like the end of a session; after that the core is asked, which here still knows it.
    edge.core.publish(|snapshot| {
        snapshot["authentication"]["revoked_sessions"] = json!([{ "session": "k1", "until": 4_000_000_000_u64 }]);
    });
    while ask(GOOD_KEY).await.unwrap().status() != StatusCode::UNAUTHORIZED {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub async fn claims_are_told_by_the_edge_alone(edge: Edge) {
    edge.core.publish(|snapshot| {
        snapshot["authentication"]["claim_headers"] = json!({ "X-User": "sub", "x-roles": "/realm/roles" });
    });
    let lie = |request: reqwest::RequestBuilder| {
        request.header("x-user", "eve").header("X_User", "eve").header("x-roles", "admin").header("x-other", "kept")
    };
    // Until the snapshot is there, what the client says goes through.
    let told = loop {
        let told = echoed(lie(edge.request(Method::GET, "/echo/a")).send().await.unwrap()).await;
        if told["headers"]["x-user"].is_null() {
            break told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((&told["headers"]["x_user"], &told["headers"]["x-roles"]), (&json!(null), &json!(null)));
    assert_eq!(told["headers"]["x-other"], "kept");

    let known = token().claim("sub", "ada").claim("realm", json!({ "roles": ["a", "b"] })).sign();
    let told = echoed(lie(edge.request(Method::GET, "/private").bearer_auth(known)).send().await.unwrap()).await;
    assert_eq!((&told["headers"]["x-user"], &told["headers"]["x-roles"]), (&json!("ada"), &json!("a, b")));
}

pub async fn an_opaque_token_is_asked_about(edge: Edge) {
    let endpoint = format!("{}/introspect", edge.core.url());
    edge.core.publish(|snapshot| {
        snapshot["authentication"]["introspection"] = json!({
            "issuer": "https://as.example", "endpoint": endpoint, "client_id": "edge", "client_secret": "secret",
            "audiences": ["breakwater"], "cache_seconds": 60,
        });
    });
    let ask = |token: &'static str| edge.request(Method::GET, "/private").bearer_auth(token).send();
    while ask("opaque-good").await.unwrap().status() != StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..10 {
        assert_eq!(ask("opaque-good").await.unwrap().status(), StatusCode::OK);
    }
    // Under Spin an instance may have ended meanwhile, and its memory with it.
    let asked = edge.core.asked("/introspect").len();
    assert!(asked == 1 || (edge.shell == Shell::Spin && asked < 5), "{asked}");
    assert_eq!(edge.core.asked("/introspect")[0].headers["authorization"], "Basic ZWRnZTpzZWNyZXQ=");
    problem(ask("opaque-bad").await.unwrap(), 401, "invalid-token").await;
    problem(ask("opaque-for-others").await.unwrap(), 401, "invalid-token").await;
    // A server that cannot say is no reason to call a token bad.
    problem(ask("opaque-trouble").await.unwrap(), 503, "upstream-unavailable").await;
    // A token that can be read here is not shown to anybody.
    let own = edge.request(Method::GET, "/private").bearer_auth(token().sign()).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
}

pub async fn the_core_hears_of_a_key_that_is_missing(edge: Edge) {
    edge.core.publish(|snapshot| {
        snapshot["authentication"]["issuers"][0]["jwks_uri"] = json!("https://issuer.example/jwks")
    });
    let report = |edge: &Edge| {
        let asked = edge.core.asked("/edge/v1/snapshot");
        asked
            .iter()
            .any(|asked| asked.headers.get("breakwater-missing-key").is_some_and(|key| key == "https://issuer.example"))
    };
    let start = std::time::Instant::now();
    while !report(&edge) {
        let new = token().header("kid", "from-tomorrow").sign();
        let answer = edge.request(Method::GET, "/private").bearer_auth(new).send().await.unwrap();
        problem(answer, 401, "invalid-token").await;
        assert!(start.elapsed() < std::time::Duration::from_secs(15), "the core is not told\n{}", edge.output());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

pub async fn behind_a_proxy_the_client_is_who_the_proxy_says(edge: Edge) {
    let core = crate::fixture::core::Core::start(crate::fixture::snapshot::snapshot()).await;
    let edge = Edge::behind(edge.shell, core, "127.0.0.0/8, 10.0.0.0/8").await;
    edge.until_ready().await;
    for (said, client) in [
        ("203.0.113.9", "203.0.113.9"),
        ("192.0.2.1, 203.0.113.9, 10.0.0.3", "203.0.113.9"),
        ("nonsense", &edge.client_address.to_string()),
    ] {
        let request = edge.request(Method::GET, "/echo/a").header("x-forwarded-for", said);
        let told = echoed(request.header("x-forwarded-proto", "https").send().await.unwrap()).await;
        assert_eq!(told["headers"]["x-forwarded-for"], client, "{said}");
        assert_eq!(told["headers"]["x-forwarded-proto"], "https");
    }
}
