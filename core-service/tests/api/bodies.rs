//! Hostile bodies, paths and methods.

use serde_json::json;

use crate::support::TestApp;

const LOGIN: &str = "/api/v1/auth/login";

#[tokio::test]
async fn bodies_that_are_no_json() {
    let app = TestApp::start().await;
    for body in ["", "{", "{\"email\":}", "[1,2", "\u{feff}{}", "nul", "{'a':1}"] {
        let answer = app.post(LOGIN).header("content-type", "application/json").body(body).send().await;
        answer.problem(400, "malformed-json");
    }
    let deep = "[".repeat(100_000);
    let answer = app.post(LOGIN).header("content-type", "application/json").body(deep).send().await;
    answer.problem(400, "malformed-json");
    let broken = vec![b'{', b'"', 0xff, 0xfe, b'"', b'}'];
    let answer = app.post(LOGIN).header("content-type", "application/json").body(broken).send().await;
    answer.problem(400, "malformed-json");
}

#[tokio::test]
async fn bodies_of_another_type() {
    let app = TestApp::start().await;
    for content_type in ["text/plain", "application/xml", "application/jsonp", "json", ""] {
        let answer = app.post(LOGIN).header("content-type", content_type).body("{}").send().await;
        answer.problem(415, "unsupported-media-type");
    }
    app.post(LOGIN).body("{}").send().await.problem(415, "unsupported-media-type");
    let charset = app.post(LOGIN).header("content-type", "Application/JSON; charset=utf-8").body("{}");
    charset.send().await.problem(422, "validation-failed");
}

#[tokio::test]
async fn bodies_with_the_wrong_members() {
    let app = TestApp::start().await;
    for (body, expected) in [
        (json!({}), vec![("/email", "required"), ("/password", "required")]),
        (json!([]), vec![("", "type")]),
        (json!(null), vec![("", "type")]),
        (json!({ "email": 1, "password": null }), vec![("/email", "type"), ("/password", "type")]),
        (json!({ "email": "a@b.example", "password": "x", "a/b~c": 1 }), vec![("/a~1b~0c", "unknown")]),
        (
            json!({ "email": {}, "extra": [], "more": 1 }),
            vec![("/email", "type"), ("/extra", "unknown"), ("/more", "unknown"), ("/password", "required")],
        ),
    ] {
        let problem = app.post(LOGIN).json(body).send().await.problem(422, "validation-failed");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let mut errors: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (text(&error["pointer"]), text(&error["code"])))
            .collect();
        errors.sort();
        let expected: Vec<_> =
            expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(errors, expected);
    }
}

#[tokio::test]
async fn characters_that_cannot_be_stored() {
    let app = TestApp::start().await;
    let new = json!({ "email": "a@example.org", "password": "nul \u{0} in it", "display_name": "\u{0}" });
    let problem = app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/display_name", "/password"]);
    // Strings that have broken others, as a display name.
    let user = app.user().await;
    for name in
        ["'; DROP TABLE users; --", "\u{202e}abc", "\u{feff}", "\u{1f469}\u{200d}\u{1f4bb}", "%s%n", "\\", "<script>"]
    {
        let patch = json!({ "display_name": name });
        let answer = app.patch("/api/v1/me").bearer(&user.access_token).json(patch).send().await.expect(200);
        assert_eq!(answer.json()["display_name"], name);
    }
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let app = TestApp::start().await;
    let large = format!("{{\"email\":\"{}\"}}", "a".repeat(1_048_576));
    let answer = app.post(LOGIN).header("content-type", "application/json").body(large.clone()).send().await;
    answer.problem(413, "payload-too-large");
    let call = app.post(LOGIN).header("content-type", "application/json").header("idempotency-key", "k-1");
    call.body(large).send().await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods() {
    let app = TestApp::start().await;
    for path in ["/", "/api/v1/nothing", "/api/v2/me", "/api/v1/me/", "/edge/v1", "/%00", "/api/v1/%ff"] {
        app.get(path).send().await.problem(404, "not-found");
    }
    for (path, method, allowed) in [
        (LOGIN, http::Method::GET, vec!["POST"]),
        ("/api/v1/me", http::Method::PUT, vec!["DELETE", "GET", "HEAD", "PATCH"]),
        ("/api/v1/auth/sessions", http::Method::PUT, vec!["DELETE", "GET", "HEAD"]),
    ] {
        let answer = app.call(method, path).send().await;
        let mut allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allow.sort();
        assert_eq!(allow, allowed);
        answer.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let app = TestApp::start().await;
    let answer = app.get("/nothing").header("x-request-id", "my.request_0-1").send().await;
    assert_eq!(answer.header("x-request-id"), "my.request_0-1");
    answer.problem(404, "not-found");
    for bad in ["short", "with space here", &"x".repeat(65)] {
        let answer = app.get("/nothing").header("x-request-id", bad).send().await;
        assert_ne!(answer.header("x-request-id"), bad);
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
}
