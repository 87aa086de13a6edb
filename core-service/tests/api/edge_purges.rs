//! Purges, as edges are told them.

use serde_json::{Value, json};

use crate::support::{TestApp, settings};

const PATH: &str = "/api/v1/edge/purges";

const KEY: &str = "the key of who publishes";

async fn app() -> TestApp {
    TestApp::start_with(settings([("EDGE__PURGE_KEY", KEY)])).await
}

async fn purge(app: &TestApp, what: Value) -> i64 {
    app.post(PATH).bearer(KEY).json(what).send().await.expect(201).json()["number"].as_i64().unwrap()
}

async fn told(app: &TestApp) -> Value {
    app.get("/edge/v1/snapshot").send().await.expect(200).json()["caching"].clone()
}

#[tokio::test]
async fn purges_are_numbered_and_the_last_of_each_counts() {
    let app = app().await;
    let nothing = told(&app).await;
    assert_eq!((&nothing["epoch"], &nothing["purges"]), (&json!(0), &json!([])));
    assert_eq!(purge(&app, json!({ "tag": "a" })).await, 1);
    assert_eq!(purge(&app, json!({ "tag": "a", "soft": true })).await, 2);
    assert_eq!(purge(&app, json!({ "url": "HTTPS://B.example".to_lowercase() })).await, 3);
    let soft = json!({ "number": 2, "tag": "a", "soft": true });
    let url = json!({ "number": 3, "url": "https://b.example/", "soft": false });
    let caching = told(&app).await;
    assert_eq!(caching["purges"], json!([{ "number": 1, "tag": "a", "soft": false }, soft, url]));
    assert_eq!((&caching["epoch"], &caching["everything_before"]), (&json!(3), &json!(0)));
    // A hard one takes the place of both that were before it.
    assert_eq!(purge(&app, json!({ "tag": "a" })).await, 4);
    assert_eq!(told(&app).await["purges"], json!([url, { "number": 4, "tag": "a", "soft": false }]));
    // Another core says the same.
    let (_, another) = app.another();
    let other = crate::support::Call::new(another, http::Method::GET, "/edge/v1/snapshot").send().await;
    assert_eq!(other.json()["caching"], told(&app).await);
    assert_eq!(purge(&app, json!({ "everything": true })).await, 5);
    let caching = told(&app).await;
    assert_eq!((&caching["everything_before"], &caching["purges"]), (&json!(5), &json!([])));
    assert_eq!(purge(&app, json!({ "tag": "a" })).await, 6);
    assert_eq!(told(&app).await["everything_before"], 5);
}

#[tokio::test]
async fn the_oldest_of_very_many_become_one() {
    let app = app().await;
    sqlx::query("INSERT INTO edge_purges (number, tag) SELECT n, 'tag-' || n FROM generate_series(1, 1500) n")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(purge(&app, json!({ "tag": "last" })).await, 1501);
    let caching = told(&app).await;
    assert_eq!((&caching["epoch"], &caching["everything_before"]), (&json!(1501), &json!(501)));
    let purges = caching["purges"].as_array().unwrap();
    assert_eq!((purges.len(), &purges[0]["number"]), (1000, &json!(502)));
}

/// At once, from several sides: every number is given once, and none is missed by who saw a higher one.
#[tokio::test(flavor = "multi_thread")]
async fn purges_at_once_have_different_numbers() {
    let app = app().await;
    let all = (0..8).map(|n| purge(&app, json!({ "tag": format!("tag-{n}") })));
    let mut numbers = futures_util::future::join_all(all).await;
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn only_who_has_the_key_may_purge() {
    let app = app().await;
    let post = || app.post(PATH).json(json!({ "everything": true }));
    post().send().await.problem(401, "authentication-required");
    post().bearer("another").send().await.problem(403, "forbidden");
    for wrong in [
        json!({}),
        json!({ "url": "/a", "tag": "b" }),
        json!({ "url": "a" }),
        json!({ "tag": "a b" }),
        json!({ "everything": true, "soft": true }),
        json!({ "all": true }),
    ] {
        app.post(PATH).bearer(KEY).json(wrong).send().await.problem(422, "validation-failed");
    }
    assert_eq!(told(&app).await["epoch"], 0);
    let without = TestApp::start().await;
    without.post(PATH).bearer(KEY).json(json!({ "everything": true })).send().await.problem(404, "not-found");
}
