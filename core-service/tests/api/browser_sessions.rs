//! Sessions in cookies: what a browser is given, and what another site cannot make it do (`docs/security/attacks.md`).

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::accounts::mfa;
use crate::support::{Answer, Call, TestApp, User, settings};

/// The tests' app: `mail.app_url` is not set, so that the edge's own origin is the only one.
const OWN: &str = "http://127.0.0.1:3000";
const TLS: &str = "https://api.example";

/// A browser: cookies by name, and what the page knows.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl Browser {
    /// Keeps what an answer sets.
    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// A request as a page of ours makes the browser send it.
    fn call(&self, app: &TestApp, method: Method, path: &str) -> Call {
        let call = app.call(method, path).header("cookie", &self.cookie()).header("origin", OWN);
        call.header("sec-fetch-site", "same-origin").header("x-csrf-token", &self.csrf)
    }

    async fn refresh(&mut self, app: &TestApp) -> Answer {
        let call = self.call(app, Method::POST, "/api/v1/auth/refresh").header("x-session-mode", "cookie");
        let answer = call.send().await;
        self.keep(&answer);
        answer
    }
}

async fn app() -> TestApp {
    TestApp::start_with(settings([("IDENTITY__ISSUER", OWN)])).await
}

/// A page of ours signs in.
fn sign_in(app: &TestApp, path: &str, body: Value) -> Call {
    app.post(path).json(body).header("origin", OWN).header("x-session-mode", "cookie")
}

fn credentials(user: &User) -> Value {
    json!({ "email": user.email, "password": user.password })
}

/// What signing in answered, without anything that a script could use.
#[track_caller]
fn signed_in(answer: &Answer) -> Browser {
    assert!(answer.status.is_success(), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    let mut browser = Browser::default();
    browser.keep(answer);
    browser.csrf = body["csrf_token"].as_str().unwrap().to_owned();
    for name in ["access_token", "refresh_token", "device_token"] {
        assert_eq!(body.get(name), None);
    }
    for (name, value) in &browser.cookies {
        assert!(name.ends_with("csrf") || !body.to_string().contains(value), "{name}: {body}");
    }
    browser
}

async fn browser(app: &TestApp) -> (User, Browser) {
    let user = app.user().await;
    let answer = sign_in(app, "/api/v1/auth/login", credentials(&user)).send().await;
    (user, signed_in(&answer))
}

async fn is_signed_in(app: &TestApp, browser: &Browser) -> bool {
    browser.call(app, Method::GET, "/api/v1/me").send().await.status == 200
}

#[tokio::test]
async fn no_script_reads_a_token_and_the_cookies_stay_at_this_host() {
    let app = TestApp::start_with(settings([("IDENTITY__ISSUER", TLS)])).await;
    let user = app.user().await;
    let call = sign_in(&app, "/api/v1/auth/login", credentials(&user)).header("origin", TLS);
    let answer = call.send().await.expect(200);
    let browser = signed_in(&answer);
    let names: Vec<&String> = browser.cookies.keys().collect();
    assert_eq!(names, ["__Host-breakwater-access", "__Host-breakwater-csrf", "__Host-breakwater-refresh"]);
    for line in answer.headers.get_all("set-cookie") {
        let line = line.to_str().unwrap();
        // What the prefix asks for, or browsers drop it (RFC 6265bis section 4.1.3.2).
        assert!(line.contains("; Path=/;") && line.contains("; Secure") && !line.contains("Domain"), "{line}");
        assert!(line.contains("; SameSite=Strict") && line.contains("; Max-Age="), "{line}");
        assert_eq!(line.contains("; HttpOnly"), !line.contains("-csrf="), "{line}");
    }
    // Only by their whole names.
    let planted = browser.cookie().replace("__Host-", "");
    let me = app.get("/api/v1/me").header("cookie", &planted).send().await;
    me.problem(401, "authentication-required");
}

#[tokio::test]
async fn every_way_of_signing_in_knows_cookies() {
    let app = app().await;
    let body = json!({ "email": "eve@example.org", "password": "a long enough password" });
    let answer = sign_in(&app, "/api/v1/auth/register", body).send().await.expect(201);
    assert!(is_signed_in(&app, &signed_in(&answer)).await);
    let user = app.user().await;
    let proof = json!({ "code": app.mailed_code(&user.email).await, "password": user.password });
    let answer = sign_in(&app, "/api/v1/auth/verify-email", proof).send().await.expect(200);
    assert!(is_signed_in(&app, &signed_in(&answer)).await);
    // A repetition gives the cookies again, and to who wants tokens instead nothing.
    let body = json!({ "email": "mallory@example.org", "password": "a long enough password" });
    let again = || sign_in(&app, "/api/v1/auth/register", body.clone()).header("idempotency-key", "k");
    let first = again().send().await.expect(201);
    let second = again().send().await.expect(201);
    assert_eq!(signed_in(&first).cookies, signed_in(&second).cookies);
    again().header("x-session-mode", "bearer").send().await.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_second_factor_and_a_trusted_device_know_cookies() {
    let app = app().await;
    let (user, secret) = mfa::with_app(&app).await;
    let demanded = sign_in(&app, "/api/v1/auth/login", credentials(&user)).send().await;
    assert!(demanded.headers.get("set-cookie").is_none());
    let challenge = demanded.problem(401, "mfa-required")["mfa"]["challenge"].clone();
    let factor = json!({
        "challenge": challenge, "method": "totp", "code": mfa::code(&secret, 1), "remember_device": true,
    });
    let answer = sign_in(&app, "/api/v1/auth/mfa", factor).send().await.expect(200);
    let browser = signed_in(&answer);
    assert!(browser.cookies.contains_key("breakwater-device"));
    let call = sign_in(&app, "/api/v1/auth/login", credentials(&user)).header("cookie", &browser.cookie());
    let answer = call.send().await.expect(200);
    assert!(is_signed_in(&app, &signed_in(&answer)).await);
}

#[tokio::test]
async fn a_refresh_rotates_and_reuse_ends_the_session() {
    let app =
        TestApp::start_with(settings([("IDENTITY__ISSUER", OWN), ("IDENTITY__REFRESH_GRACE_SECONDS", "0")])).await;
    let (_, mut browser) = browser(&app).await;
    let stolen = browser.clone();
    let answer = browser.refresh(&app).await.expect(200);
    assert_eq!(answer.json()["csrf_token"], browser.csrf.as_str(), "it is the session's");
    assert_ne!(stolen.cookies["breakwater-refresh"], browser.cookies["breakwater-refresh"]);
    assert!(is_signed_in(&app, &browser).await);
    stolen.clone().refresh(&app).await.problem(400, "invalid-grant");
    assert!(!is_signed_in(&app, &browser).await, "reuse ends the session");
}

#[tokio::test]
async fn a_token_for_a_cookie_is_good_nowhere_else() {
    let app = app().await;
    let (user, browser) = browser(&app).await;
    let cookie = &browser.cookies["breakwater-access"];
    app.get("/api/v1/me").bearer(cookie).send().await.problem(401, "invalid-token");
    let planted = format!("breakwater-access={}", user.access_token);
    app.get("/api/v1/me").header("cookie", &planted).send().await.problem(401, "invalid-token");
    let both = app.get("/api/v1/me").header("cookie", &browser.cookie()).bearer(&user.access_token);
    both.send().await.problem(400, "bad-request");
    let body = json!({ "refresh_token": user.refresh_token });
    let both = browser.call(&app, Method::POST, "/api/v1/auth/refresh").header("x-session-mode", "cookie").json(body);
    both.send().await.problem(400, "bad-request");
}

#[tokio::test]
async fn signing_out_takes_the_cookies_back() {
    let app = app().await;
    let (_, mut browser) = browser(&app).await;
    let before = browser.clone();
    let out = browser.call(&app, Method::POST, "/api/v1/auth/logout").send().await.expect(204);
    browser.keep(&out);
    assert!(browser.cookies.is_empty(), "{browser:?}");
    assert!(!is_signed_in(&app, &before).await);
    before.clone().refresh(&app).await.problem(400, "invalid-grant");
}

#[tokio::test]
async fn session_fixation_signing_in_begins_a_session_of_its_own() {
    let app = app().await;
    let (_, planted) = browser(&app).await;
    let user = app.user().await;
    let call = sign_in(&app, "/api/v1/auth/login", credentials(&user)).header("cookie", &planted.cookie());
    let answer = call.send().await.expect(200);
    let own = signed_in(&answer);
    assert_ne!(own.csrf, planted.csrf);
    for (name, value) in &planted.cookies {
        assert_ne!(&own.cookies[name], value, "{name}");
    }
    let me = own.call(&app, Method::GET, "/api/v1/me").send().await.expect(200).json();
    assert_eq!(me["email"], user.email.as_str());
}

#[tokio::test]
async fn cookie_tossing_of_two_session_cookies_none_counts() {
    let app = app().await;
    let ((_, first), (_, second)) = (browser(&app).await, browser(&app).await);
    let two = format!("{}; {}", first.cookie(), second.cookie());
    app.get("/api/v1/me").header("cookie", &two).send().await.problem(401, "authentication-required");
    let call = first.call(&app, Method::POST, "/api/v1/auth/refresh").header("x-session-mode", "cookie");
    call.header("cookie", &two).send().await.problem(400, "invalid-grant");
}

/// What a page of another site can make a browser send to a path that changes something.
fn forged(app: &TestApp, browser: &Browser, path: &str) -> Vec<(&'static str, Call)> {
    let call = || app.post(path).header("cookie", &browser.cookie());
    let own = || call().header("origin", OWN).header("sec-fetch-site", "same-origin");
    let other = |origin: &str, site: &str| {
        call().header("origin", origin).header("sec-fetch-site", site).header("x-csrf-token", &browser.csrf)
    };
    vec![
        ("a form of another site", other("https://evil.example", "cross-site")),
        (
            "a form that looks like JSON",
            other("https://evil.example", "cross-site").header("content-type", "text/plain"),
        ),
        ("a sandbox", other("null", "cross-site")),
        ("a sibling site", other("http://blog.127.0.0.1:3000", "same-site")),
        ("a browser that says nothing", call().header("x-csrf-token", &browser.csrf)),
        ("another method's name", other("https://evil.example", "cross-site").header("x-http-method-override", "GET")),
        ("our page without the token", own()),
        ("our page with an empty token", own().header("x-csrf-token", "")),
        ("our page with another token", own().header("x-csrf-token", "AAAA")),
    ]
}

#[tokio::test]
async fn csrf_nothing_is_changed_for_another_site() {
    let app = app().await;
    let (_, victim) = browser(&app).await;
    for (name, call) in forged(&app, &victim, "/api/v1/auth/logout") {
        let answer = call.send().await;
        assert_eq!(answer.status, 403, "{name}: {answer:?}");
        answer.problem(403, "cross-site-request");
    }
    // The refresh is no route of the edge's policy: the core alone judges it.
    for (name, call) in forged(&app, &victim, "/api/v1/auth/refresh") {
        let answer = call.header("x-session-mode", "cookie").send().await;
        assert_eq!(answer.status, 403, "{name}: {answer:?}");
        assert!(answer.headers.get("set-cookie").is_none(), "{name}");
    }
    assert!(is_signed_in(&app, &victim).await);
    assert!(victim.clone().refresh(&app).await.status == 200, "nothing was rotated meanwhile");
    // Another session's token is not this one's.
    let (_, other) = browser(&app).await;
    let crossed = Browser { csrf: other.csrf, ..victim };
    crossed.call(&app, Method::POST, "/api/v1/auth/logout").send().await.problem(403, "cross-site-request");
}

#[tokio::test]
async fn login_csrf_no_other_site_signs_a_browser_in() {
    let app = app().await;
    let attacker = app.user().await;
    for (origin, site) in [("https://evil.example", "cross-site"), ("null", "cross-site"), (OWN, "none")] {
        let call = app.post("/api/v1/auth/login").json(credentials(&attacker)).header("x-session-mode", "cookie");
        let answer = call.header("origin", origin).header("sec-fetch-site", site).send().await;
        assert!(answer.headers.get("set-cookie").is_none(), "{origin} {site}");
        answer.problem(403, "cross-site-request");
    }
    let silent = app.post("/api/v1/auth/login").json(credentials(&attacker)).header("x-session-mode", "cookie");
    silent.send().await.problem(403, "cross-site-request");
    // A form cannot say the mode, and without it no cookie is set.
    let form = app.post("/api/v1/auth/login").json(credentials(&attacker)).header("origin", "https://evil.example");
    assert!(form.send().await.expect(200).headers.get("set-cookie").is_none());
    let odd = app.post("/api/v1/auth/login").json(credentials(&attacker)).header("x-session-mode", "both");
    odd.send().await.problem(400, "bad-request");
}

#[tokio::test]
async fn csrf_no_get_has_an_effect_and_no_method_is_overridden() {
    let app = app().await;
    let (_, browser) = browser(&app).await;
    for path in ["/api/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/auth/login", "/api/v1/auth/register"] {
        app.get(path).header("cookie", &browser.cookie()).send().await.problem(405, "method-not-allowed");
    }
    let get = app.get("/api/v1/me").header("cookie", &browser.cookie());
    let overridden = get.header("x-http-method-override", "DELETE").header("x-method-override", "DELETE");
    overridden.send().await.expect(200);
    app.get("/api/v1/me?_method=DELETE").header("cookie", &browser.cookie()).send().await;
    assert!(is_signed_in(&app, &browser).await);
}

#[tokio::test]
async fn a_page_of_a_configured_origin_may_and_no_other() {
    const APP: &str = "https://app.example";
    let app = TestApp::start_with(settings([("IDENTITY__ISSUER", TLS), ("IDENTITY__BROWSER_ORIGINS", APP)])).await;
    let user = app.user().await;
    let call = |origin: &str| {
        let call = app.post("/api/v1/auth/login").json(credentials(&user)).header("x-session-mode", "cookie");
        call.header("origin", origin).header("sec-fetch-site", "same-site")
    };
    signed_in(&call(APP).send().await.expect(200));
    for origin in ["https://app.example.evil", "http://app.example", "https://app.example:8443", "https://APP.example"]
    {
        call(origin).send().await.problem(403, "cross-site-request");
    }
}
