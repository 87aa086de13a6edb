//! Sessions of browsers: access tokens in a cookie (docs/decisions/0026).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::fixture::edge::{Edge, echoed, header, problem};
use crate::fixture::snapshot::APP;
use crate::fixture::tokens::{ACCESS_COOKIE, REFRESH_COOKIE, REVOKED, Token, token};

const CSRF: &str = "the token of the session";

/// A token for a cookie.
fn for_cookie() -> Token {
    token().claim("csrf", URL_SAFE_NO_PAD.encode(Sha256::digest(CSRF)))
}

fn ask(edge: &Edge, method: Method, path: &str, token: &str) -> RequestBuilder {
    edge.request(method, path).header("cookie", format!("theme=dark; {ACCESS_COOKIE}={token}"))
}

pub async fn a_session_in_a_cookie_is_judged(edge: Edge) {
    let good = for_cookie().sign();
    let own = edge.url("");
    let own = own.as_str();
    let post = |origin: Option<&str>, site: Option<&str>, csrf: Option<&str>| {
        let headers = [("origin", origin), ("sec-fetch-site", site), ("x-csrf-token", csrf)];
        headers.iter().fold(ask(&edge, Method::POST, "/changed", &good), |request, (name, value)| match value {
            Some(value) => request.header(*name, *value),
            None => request,
        })
    };
    let shown = Some(CSRF);
    for (name, request, refused) in [
        ("a read", ask(&edge, Method::GET, "/private", &good), None),
        ("our page", post(Some(own), Some("same-origin"), shown), None),
        ("our page in an old browser", post(Some(own), None, shown), None),
        ("a page of the app", post(Some(APP), Some("same-site"), shown), None),
        ("a form of another site", post(Some("https://evil.example"), Some("cross-site"), None), Some(403)),
        ("another site with a token", post(Some("https://evil.example"), Some("cross-site"), shown), Some(403)),
        ("a sibling", post(Some("https://blog.example"), Some("same-site"), shown), Some(403)),
        ("a sandbox", post(Some("null"), Some("cross-site"), shown), Some(403)),
        ("no origin", post(None, None, shown), Some(403)),
        ("no token", post(Some(own), Some("same-origin"), None), Some(403)),
        ("another token", post(Some(own), Some("same-origin"), Some("x")), Some(403)),
        ("nothing at all", post(None, None, None), Some(403)),
        ("a token for the header", ask(&edge, Method::GET, "/private", &token().sign()), Some(401)),
        ("a token for the cookie in the header", edge.request(Method::GET, "/private").bearer_auth(&good), Some(401)),
        ("expired", ask(&edge, Method::GET, "/private", &for_cookie().expired().sign()), Some(401)),
        ("unsigned", ask(&edge, Method::GET, "/private", &for_cookie().without_signature()), Some(401)),
        ("confused", ask(&edge, Method::GET, "/private", &for_cookie().confused()), Some(401)),
        ("ended", ask(&edge, Method::GET, "/private", &for_cookie().claim("sid", REVOKED).sign()), Some(401)),
        ("cookie and header", ask(&edge, Method::GET, "/private", &good).bearer_auth(token().sign()), Some(400)),
        ("two cookies", ask(&edge, Method::GET, "/private", &format!("{good}; {ACCESS_COOKIE}={good}")), Some(400)),
        ("a huge cookie", ask(&edge, Method::GET, "/private", &"a".repeat(9000)), Some(400)),
    ] {
        let answer = request.send().await.unwrap();
        match refused {
            None => assert_eq!(answer.status(), StatusCode::OK, "{name}"),
            Some(status) => {
                assert_eq!(answer.status(), status, "{name}");
                let slug = [(400, "bad-request"), (401, "invalid-token"), (403, "cross-site-request")];
                problem(answer, status, slug.iter().find(|(code, _)| *code == status).unwrap().1).await;
            }
        }
    }
    assert_eq!(edge.core.asked("/changed").len(), 3, "nothing of the others came as far as the core");
}

pub async fn pages_of_the_app_may_send_cookies_and_no_others(edge: Edge) {
    for (origin, credentials) in [(APP, Some("true")), ("https://app.example", None), ("https://evil.example", None)] {
        let preflight = edge
            .request(Method::OPTIONS, "/changed")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-csrf-token")
            .send();
        let answer = preflight.await.unwrap();
        assert_eq!(header(&answer, "access-control-allow-credentials"), credentials, "{origin}");
        let answer = edge.request(Method::GET, "/echo/a").header("origin", origin).send().await.unwrap();
        assert_eq!(header(&answer, "access-control-allow-credentials"), credentials, "{origin}");
        if credentials.is_some() {
            assert_eq!(header(&answer, "access-control-allow-origin"), Some(APP), "never a wildcard");
        }
    }
}

/// What section 3.5 of RFC 9111 says of `Authorization` holds for the cookie: no answer is kept for others, here or on the way.
pub async fn what_a_session_is_answered_is_kept_for_nobody_else(edge: Edge) {
    let good = for_cookie().sign();
    let secret = format!("/kept/mine/{}?control=max-age=60", uuid::Uuid::now_v7());
    let open = format!("/kept/{}?control=max-age=60", uuid::Uuid::now_v7());
    for (path, told_private) in [(&secret, true), (&open, false)] {
        let answer = ask(&edge, Method::GET, path, &good).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        if told_private {
            let control: Vec<_> = answer.headers().get_all("cache-control").iter().collect();
            assert!(control.iter().any(|line| *line == "private"), "{control:?}");
        }
        drop(answer.text().await.unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let again = ask(&edge, Method::GET, path, &good).send().await.unwrap();
        assert_eq!(header(&again, "age"), None, "{path}");
        assert_eq!(edge.core.asked(path).len(), 2, "{path}");
    }
    // A stranger is not answered out of a session's memory.
    assert_eq!(edge.get(&secret).await.status(), StatusCode::UNAUTHORIZED);
    drop(edge.get(&open).await.text().await.unwrap());
    assert_eq!(edge.core.asked(&open).len(), 3);
}

pub async fn only_the_core_is_shown_the_tokens_of_a_session(edge: Edge) {
    let access = for_cookie().sign();
    let cookies = format!("a=1; {REFRESH_COOKIE}=secret; b=2; {ACCESS_COOKIE}={access}");
    let told = edge.request(Method::GET, "/echo/a").header("cookie", &cookies).send().await.unwrap();
    assert_eq!(echoed(told).await["headers"]["cookie"], cookies);
    // An upstream that is not the core, as far as the edge knows.
    let origin = edge.core.url();
    edge.core.publish(|snapshot| snapshot["upstreams"]["mirror"] = json!({ "origin": origin }));
    edge.until("/canary/a", |answer| answer.status() == StatusCode::FORBIDDEN).await;
    edge.request(Method::GET, "/canary/b").header("cookie", &cookies).send().await.unwrap();
    assert_eq!(edge.core.asked("/canary/b").pop().unwrap().headers["cookie"], "a=1; b=2");
}
