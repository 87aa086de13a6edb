//! Sessions in cookies: who may ask what, and attacks by name (`docs/security/attacks.md`).

use sha2::{Digest, Sha256};

use super::*;

const NAME: &str = "__Host-breakwater-access";
const CSRF: &str = "a-token-of-the-session";
const APP: &str = "https://app.example";

fn authenticator() -> Authenticator {
    let mut section = section();
    section["cookies"] = json!({"access": NAME, "refresh": "__Host-r", "issuer": ISSUER, "origins": [APP]});
    let mut authenticator = Authenticator::default();
    authenticator.configure(section.to_string().as_bytes()).unwrap();
    authenticator
}

/// An access token for a cookie.
fn for_cookie() -> String {
    token(|_, claims| claims["csrf"] = json!(b64(Sha256::digest(CSRF))))
}

/// A request with a session's cookie and these headers, as edges show it.
fn with_cookie(method: &str, token: &str, lines: &[(&str, &str)]) -> Presented {
    let mut headers = vec![Field::new("cookie", format!("theme=dark; {NAME}={token}"))];
    headers.extend(lines.iter().map(|(name, value)| Field::new(*name, *value)));
    let site = Site { method: method.into(), scheme: "https".into(), authority: "api.example".into() };
    Presented { client_address: "192.0.2.1".into(), query: None, site: Some(site), headers }
}

fn verdict(authenticator: &mut Authenticator, presented: &Presented) -> String {
    match authenticator.authenticate(presented, &required(), None, NOW) {
        Verdict::Refuse(problem) => format!("{} {}", problem.status, problem.slug),
        verdict => told(&verdict),
    }
}

const OWN: (&str, &str) = ("origin", "https://api.example");
const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
const SHOWN: (&str, &str) = ("x-csrf-token", CSRF);
const CROSS_SITE: &str = "403 cross-site-request";

#[test]
fn a_page_of_ours_reads_and_changes() {
    let mut authenticator = authenticator();
    let token = for_cookie();
    for (method, lines) in [
        ("GET", &[][..]),
        ("HEAD", &[("sec-fetch-site", "cross-site")]),
        ("POST", &[OWN, SAME, SHOWN]),
        ("DELETE", &[("origin", "https://API.example"), SAME, SHOWN]),
        ("PATCH", &[("origin", APP), ("sec-fetch-site", "same-site"), SHOWN]),
        // A browser of before 2023.
        ("PUT", &[OWN, SHOWN]),
        // A WebSocket's handshake cannot show a token.
        ("GET", &[("sec-websocket-key", "x"), OWN, ("sec-fetch-site", "same-origin")]),
    ] {
        for _ in 0..2 {
            assert_eq!(
                verdict(&mut authenticator, &with_cookie(method, &token, lines)),
                "known ada",
                "{method} {lines:?}"
            );
        }
    }
    assert!(authenticator.reads().contains(&"x-csrf-token".to_owned()));
}

fn refused(name: &str, method: &str, lines: &[(&str, &str)]) {
    let mut authenticator = authenticator();
    let token = for_cookie();
    // A token that is good and remembered must not help.
    assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &token, &[])), "known ada");
    assert_eq!(verdict(&mut authenticator, &with_cookie(method, &token, lines)), CROSS_SITE, "{name}");
}

#[test]
fn csrf_a_form_of_another_site() {
    let evil = ("origin", "https://evil.example");
    refused("as browsers send it", "POST", &[evil, ("sec-fetch-site", "cross-site")]);
    refused("with a token", "POST", &[evil, ("sec-fetch-site", "cross-site"), SHOWN]);
    refused("an old browser", "POST", &[evil, SHOWN]);
    refused("an origin that begins like ours", "POST", &[("origin", "https://api.example.evil.example"), SHOWN]);
    refused("an origin that ends like ours", "POST", &[("origin", "https://evilapi.example"), SHOWN]);
    refused("our host without TLS", "POST", &[("origin", "http://api.example"), SHOWN]);
    refused("our host at another port", "POST", &[("origin", "https://api.example:8443"), SHOWN]);
}

#[test]
fn csrf_a_sibling_site() {
    refused("a sibling", "POST", &[("origin", "https://blog.example"), ("sec-fetch-site", "same-site"), SHOWN]);
    refused("a sibling that says it were we", "POST", &[OWN, ("sec-fetch-site", "same-site"), SHOWN]);
}

#[test]
fn csrf_without_an_origin_or_from_null() {
    refused("no origin", "POST", &[SAME, SHOWN]);
    refused("null", "POST", &[("origin", "null"), SHOWN]);
    refused("null from a sandbox", "POST", &[("origin", "null"), ("sec-fetch-site", "cross-site"), SHOWN]);
    refused("an empty origin", "POST", &[("origin", ""), SAME, SHOWN]);
    refused("two origins", "POST", &[OWN, ("origin", "https://evil.example"), SAME, SHOWN]);
}

#[test]
fn csrf_fetch_metadata_that_tells_of_another_site() {
    for site in ["cross-site", "none", "same-originx", ""] {
        refused(site, "POST", &[OWN, ("sec-fetch-site", site), SHOWN]);
    }
    refused("said twice", "POST", &[OWN, SAME, SAME, SHOWN]);
}

#[test]
fn csrf_without_the_sessions_token() {
    refused("no token", "POST", &[OWN, SAME]);
    refused("an empty token", "POST", &[OWN, SAME, ("x-csrf-token", "")]);
    refused("another session's token", "POST", &[OWN, SAME, ("x-csrf-token", "another")]);
    refused("the hash itself", "POST", &[OWN, SAME, ("x-csrf-token", &b64(Sha256::digest(CSRF)))]);
    refused("two tokens", "POST", &[OWN, SAME, SHOWN, SHOWN]);
}

#[test]
fn csrf_whatever_the_method_is_called() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "CONNECT", "PROPFIND", ""] {
        refused(method, method, &[("origin", "https://evil.example"), SHOWN]);
    }
}

#[test]
fn a_websocket_of_another_site() {
    let handshake = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    refused("another site", "GET", &[handshake, ("origin", "https://evil.example")]);
    refused("no origin", "GET", &[handshake]);
}

#[test]
fn a_token_stays_where_it_was_made_for() {
    let mut authenticator = authenticator();
    let (cookie, header) = (for_cookie(), good());
    assert_eq!(ask(&mut authenticator, &header, NOW), "known ada");
    // Stolen out of a browser: no `Authorization` makes anything of it, before or after it is known.
    for _ in 0..2 {
        assert_eq!(ask(&mut authenticator, &cookie, NOW), REFUSED);
        assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &cookie, &[])), "known ada");
        // Planted in a browser: it was not made for one.
        assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &header, &[])), "401 invalid-token");
    }
    // Nothing has the hash that is none.
    let none = token(|_, claims| claims["csrf"] = Value::Null);
    let told = verdict(&mut authenticator, &with_cookie("POST", &none, &[OWN, SAME, ("x-csrf-token", "")]));
    assert_eq!(told, CROSS_SITE);
    // What the other issuer calls `csrf` is its own affair.
    let hs = json!({"alg": "HS256", "typ": "JWT", "kid": "oct"});
    let claims = json!({"iss": OTHER, "aud": "breakwater", "sub": "bob", "exp": NOW + 1, "csrf": "x"});
    let other = sign(&hs, &claims, &EncodingKey::from_secret(SECRET), Algorithm::HS256);
    assert_eq!(ask(&mut authenticator, &other, NOW), "known bob");
    assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &other, &[])), "401 invalid-token");
}

#[test]
fn attacks_on_tokens_work_in_cookies_no_better() {
    let mut authenticator = authenticator();
    let expired = token(|_, claims| {
        claims["csrf"] = json!(b64(Sha256::digest(CSRF)));
        claims["exp"] = json!(NOW - 60);
    });
    let parts: Vec<String> = for_cookie().split('.').map(str::to_owned).collect();
    let none = b64(json!({"alg": "none", "typ": "at+jwt", "kid": "ed"}).to_string());
    for (name, token) in [
        ("expired", expired),
        ("unsigned", format!("{none}.{}.", parts[1])),
        ("stripped", format!("{}.{}.", parts[0], parts[1])),
        ("nonsense", "x".to_owned()),
    ] {
        assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &token, &[])), "401 invalid-token", "{name}");
        let optional = authenticator.authenticate(&with_cookie("GET", &token, &[]), &Requirement::Optional, None, NOW);
        assert_eq!(told(&optional), REFUSED, "{name}, optional");
    }
    for name in ["breakwater-access", "__Secure-breakwater-access", "__host-breakwater-access"] {
        let mut presented = with_cookie("GET", &for_cookie(), &[]);
        presented.headers[0].value = format!("{name}={}", for_cookie()).into();
        assert_eq!(verdict(&mut authenticator, &presented), "401 authentication-required", "{name}");
    }
}

#[test]
fn a_session_that_ended_ends_in_cookies_too() {
    let mut authenticator = authenticator();
    let token = for_cookie();
    assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &token, &[])), "known ada");
    let mut section = section();
    section["cookies"] = json!({"access": NAME, "refresh": "__Host-r", "issuer": ISSUER, "origins": [APP]});
    section["revoked_sessions"] = json!([{"session": "s1", "until": NOW + 300}]);
    authenticator.configure(section.to_string().as_bytes()).unwrap();
    assert_eq!(verdict(&mut authenticator, &with_cookie("GET", &token, &[])), "401 invalid-token");
}
