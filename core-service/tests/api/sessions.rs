//! Signing out, and where a user is signed in.

use serde_json::json;

use crate::support::{Call, TestApp};

#[tokio::test]
async fn signing_out_ends_both_tokens() {
    let app = TestApp::start().await;
    let user = app.user().await;
    app.post("/api/v1/auth/logout").bearer(&user.access_token).send().await.expect(204);
    app.get("/api/v1/me").bearer(&user.access_token).send().await.problem(401, "invalid-token");
    let body = json!({ "refresh_token": user.refresh_token });
    app.post("/api/v1/auth/refresh").json(body).send().await.problem(400, "invalid-grant");
}

#[tokio::test]
async fn another_core_knows_of_it_within_two_seconds() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let (_, other) = app.another();
    let ask = || Call::new(other.clone(), http::Method::GET, "/api/v1/me").bearer(&user.access_token).send();
    ask().await.expect(200);
    app.post("/api/v1/auth/logout").bearer(&user.access_token).send().await.expect(204);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    ask().await.problem(401, "invalid-token");
}

#[tokio::test]
async fn sessions_are_listed_newest_first_in_pages() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for _ in 0..2 {
        app.sign_in(&user).await;
    }
    app.user().await;
    let list = async |query: &str| {
        let path = format!("/api/v1/auth/sessions{query}");
        app.get(&path).bearer(&user.access_token).send().await.expect(200).json()
    };
    let all = list("").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    assert_eq!(all["items"][2]["current"], true);
    assert_eq!(all["items"][0]["current"], false);
    assert_eq!(all["items"][0]["address"], "192.0.2.1");
    assert!(all["next_cursor"].is_null());
    let first = list("?limit=2").await;
    assert_eq!(first["items"].as_array().unwrap()[..], all["items"].as_array().unwrap()[..2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(second["items"].as_array().unwrap()[..], all["items"].as_array().unwrap()[2..]);
}

#[tokio::test]
async fn all_others_are_ended_at_once() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let others = [app.sign_in(&user).await, app.sign_in(&user).await];
    let stranger = app.user().await;
    app.delete("/api/v1/auth/sessions").bearer(&user.access_token).send().await.expect(204);
    for other in others {
        app.get("/api/v1/me").bearer(&other.access_token).send().await.problem(401, "invalid-token");
    }
    for still in [&user, &stranger] {
        app.get("/api/v1/me").bearer(&still.access_token).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_session_says_which_device_it_is_of() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let login = app.post("/api/v1/auth/login").header("user-agent", firefox).from("2001:db8::7");
    login.json(json!({ "email": user.email, "password": user.password })).send().await.expect(200);
    let listed = app.get("/api/v1/auth/sessions").bearer(&user.access_token).send().await.expect(200).json();
    assert_eq!(listed["items"][0]["device"], "Firefox on Linux");
    assert_eq!(listed["items"][0]["user_agent"], firefox);
    assert_eq!(listed["items"][0]["address"], "2001:db8::7");
    assert!(listed["items"][1].get("device").is_none());
}

/// Each refresh moves the end, but not beyond the longest life.
#[tokio::test]
async fn a_session_that_is_refreshed_ends_all_the_same() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let refresh =
        async |token: &str| app.post("/api/v1/auth/refresh").json(json!({ "refresh_token": token })).send().await;
    let mut database = app.database().await;
    let age = async |database: &mut sqlx::PgConnection, days: &str| {
        let sql = sqlx::AssertSqlSafe(format!("UPDATE sessions SET created_at = now() - interval '{days}'"));
        sqlx::query(sql).execute(database).await.unwrap();
    };
    age(&mut database, "80 days").await;
    let second = refresh(&user.refresh_token).await.expect(200).json();
    let days: f64 = sqlx::query_scalar("SELECT extract(epoch FROM expires_at - now())::float8 / 86400 FROM sessions")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!((9.9..10.1).contains(&days), "{days}");
    age(&mut database, "91 days").await;
    refresh(second["refresh_token"].as_str().unwrap()).await.problem(400, "invalid-grant");
}

#[tokio::test]
async fn bad_queries_are_told() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for (query, slug) in [
        ("limit=0", "invalid-query"),
        ("limit=101", "invalid-query"),
        ("limit=ten", "invalid-query"),
        ("order=up", "invalid-query"),
        ("cursor=%25%25", "invalid-cursor"),
        ("cursor=Im5vbmUi", "invalid-cursor"),
    ] {
        let path = format!("/api/v1/auth/sessions?{query}");
        app.get(&path).bearer(&user.access_token).send().await.problem(400, slug);
    }
}

#[tokio::test]
async fn a_user_ends_only_their_own_sessions() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let other = app.sign_in(&user).await;
    let stranger = app.user().await;
    let page = app.get("/api/v1/auth/sessions").bearer(&user.access_token).send().await.json();
    let newest = page["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/auth/sessions/{newest}");
    app.delete(&path).bearer(&stranger.access_token).send().await.problem(404, "not-found");
    app.get("/api/v1/me").bearer(&other.access_token).send().await.expect(200);
    app.delete(&path).bearer(&user.access_token).send().await.expect(204);
    app.get("/api/v1/me").bearer(&other.access_token).send().await.problem(401, "invalid-token");
    app.delete(&path).bearer(&user.access_token).send().await.problem(404, "not-found");
    let nonsense = app.delete("/api/v1/auth/sessions/none").bearer(&user.access_token);
    nonsense.send().await.problem(404, "not-found");
}
