//! Keys of users.

use serde_json::{Value, json};

use super::{ask, of_user};
use crate::support::{TestApp, settings};

async fn list(app: &TestApp, token: &str) -> Vec<Value> {
    let answer = app.get("/api/v1/me/api-keys").bearer(token).send().await.expect(200);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_is_told_once_and_stored_as_a_hash() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    assert!(made.key.starts_with("bwk_") && made.key.len() == 50, "{}", made.key);
    let listed = list(&app, &user.access_token).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&json!(made.id), &json!("Nightly import")));
    assert_eq!(listed[0]["hint"], made.key[..8]);
    assert!(listed[0].get("key").is_none());
    let stored: String =
        sqlx::query_scalar("SELECT (k.*)::text FROM api_keys k").fetch_one(&mut app.database().await).await.unwrap();
    assert!(!stored.contains(&made.key[4..]), "{stored}");
    let mails = app.mailed(&user.email).await;
    assert!(mails.last().unwrap().text.contains("Nightly import"));
    let export = app.get("/api/v1/me/export").bearer(&user.access_token).send().await.expect(200).json();
    assert_eq!(export["api_keys"][0]["id"], made.id);
}

#[tokio::test]
async fn a_key_calls_as_its_owner() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    let me = app.get("/api/v1/me").bearer(&made.key).send().await.expect(200);
    assert_eq!(me.json()["email"], user.email);
    let events = app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.json();
    assert_eq!(events["items"][0]["action"], "api-key.created");
    assert_eq!(events["items"][0]["target_id"], made.id);
    assert!(!events.to_string().contains(&made.key));
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    let other = if made.key.ends_with('a') { "b" } else { "a" };
    let slip = format!("{}{other}", &made.key[..49]);
    for wrong in ["bwk_", &made.key[..49], &slip, &made.key.to_lowercase(), &made.key[4..]] {
        app.get("/api/v1/me").bearer(wrong).send().await.problem(401, "invalid-token");
    }
}

#[tokio::test]
async fn making_and_replacing_one_needs_a_recent_proof() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    sqlx::query("UPDATE sessions SET authenticated_at = now() - interval '1 day'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    ask(&app, &user, json!({})).await.problem(401, "step-up-required");
    let rotate = format!("/api/v1/me/api-keys/{}/rotate", made.id);
    app.post(&rotate).bearer(&user.access_token).json(json!({})).send().await.problem(401, "step-up-required");
    // To end one needs none: whoever can, should.
    app.delete(&format!("/api/v1/me/api-keys/{}", made.id)).bearer(&user.access_token).send().await.expect(204);
}

#[tokio::test]
async fn what_a_key_cannot_be() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for (more, pointer) in [
        (json!({ "expires_at": "2020-01-01T00:00:00Z" }), "/expires_at"),
        (json!({ "expires_at": "2999-01-01T00:00:00Z" }), "/expires_at"),
        (json!({ "addresses": ["192.0.2.0/24", "here"] }), "/addresses/1"),
        (json!({ "addresses": [] }), "/addresses"),
        (json!({ "permissions": [] }), "/permissions"),
        (json!({ "permissions": ["documents:fly"] }), "/permissions/0"),
        (json!({ "name": " " }), "/name"),
    ] {
        let problem = ask(&app, &user, more.clone()).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{more}");
    }
}

#[tokio::test]
async fn a_key_ends_when_it_is_ended_replaced_or_over() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let me = async |key: &str| app.get("/api/v1/me").bearer(key).send().await.status.as_u16();
    let rotate = async |id: &str, body: Value| {
        let path = format!("/api/v1/me/api-keys/{id}/rotate");
        let made = app.post(&path).bearer(&user.access_token).json(body).send().await.expect(201).json();
        (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
    };
    let first = of_user(&app, &user, json!({ "addresses": ["192.0.2.1"] })).await;
    let (second_id, second) = rotate(&first.id, json!({ "overlap_seconds": 3600 })).await;
    assert_eq!((me(&first.key).await, me(&second).await), (200, 200), "for an hour both are good");
    let listed = list(&app, &user.access_token).await;
    assert_eq!(listed[1]["addresses"], json!(["192.0.2.1"]), "it is like the one that it replaces");
    let (third_id, third) = rotate(&second_id, json!({})).await;
    assert_eq!((me(&second).await, me(&third).await), (401, 200));

    sqlx::query("UPDATE api_keys SET expires_at = now() WHERE id = $1::uuid")
        .bind(&first.id)
        .execute(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(me(&first.key).await, 401);

    let end = format!("/api/v1/me/api-keys/{third_id}");
    let stranger = app.user().await;
    app.delete(&end).bearer(&stranger.access_token).send().await.problem(404, "not-found");
    app.delete(&end).bearer(&user.access_token).send().await.expect(204);
    assert_eq!(me(&third).await, 401);
    app.delete(&end).bearer(&user.access_token).send().await.problem(404, "not-found");
    let rotated = format!("{end}/rotate");
    app.post(&rotated).bearer(&user.access_token).json(json!({})).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn keys_end_with_their_owner() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    app.delete("/api/v1/me").bearer(&user.access_token).send().await.expect(204);
    app.get("/api/v1/me").bearer(&made.key).send().await.problem(401, "invalid-token");
}

#[tokio::test]
async fn a_key_is_good_from_where_it_is_bound_to() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({ "addresses": ["203.0.113.0/24", "2001:db8::/32"] })).await;
    let me = async |from: &str| app.get("/api/v1/me").bearer(&made.key).from(from).send().await.status.as_u16();
    for (address, status) in [
        ("203.0.113.7", 200),
        ("2001:db8::1", 200),
        ("192.0.2.1", 401),
        ("2001:db9::1", 401),
        ("::ffff:203.0.113.9", 200),
    ] {
        assert_eq!(me(address).await, status, "{address}");
    }
}

#[tokio::test]
async fn its_last_use_is_written_down_once_a_minute() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({})).await;
    assert_eq!(list(&app, &user.access_token).await[0]["last_used_at"], Value::Null);
    app.get("/api/v1/me").bearer(&made.key).send().await.expect(200);
    let used = list(&app, &user.access_token).await.remove(0);
    assert_eq!(used["last_used_from"], "192.0.2.1");
    app.get("/api/v1/me").bearer(&made.key).from("192.0.2.77").send().await.expect(200);
    assert_eq!(list(&app, &user.access_token).await[0], used, "not again within the minute");
    sqlx::query("UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    app.get("/api/v1/me").bearer(&made.key).from("192.0.2.77").send().await.expect(200);
    assert_eq!(list(&app, &user.access_token).await[0]["last_used_from"], "192.0.2.77");
}

#[tokio::test]
async fn how_long_a_key_lives_at_the_most_is_configured() {
    let app = TestApp::start_with(settings([("IDENTITY__API_KEY_DAYS", "1")])).await;
    let user = app.user().await;
    of_user(&app, &user, json!({})).await;
    let days: f64 =
        sqlx::query_scalar("SELECT (extract(epoch FROM expires_at - created_at) / 86400)::float8 FROM api_keys")
            .fetch_one(&mut app.database().await)
            .await
            .unwrap();
    assert!((days - 1.0).abs() < 0.01, "{days}");
}

#[tokio::test]
async fn a_repeated_request_makes_one_key() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let ask = || {
        let call = app.post("/api/v1/me/api-keys").bearer(&user.access_token).header("idempotency-key", "k1");
        call.json(json!({ "name": "Once" }))
    };
    let (first, second) = (ask().send().await.expect(201), ask().send().await.expect(201));
    assert_eq!(first.body, second.body);
    assert_eq!(list(&app, &user.access_token).await.len(), 1);
}

/// Its owner hears of a key in other hands, once an hour for each reason.
#[tokio::test]
async fn a_refused_key_is_in_its_owners_trail() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let made = of_user(&app, &user, json!({ "addresses": ["203.0.113.0/24"] })).await;
    let ask = async |path: &str, from: &str| app.get(path).bearer(&made.key).from(from).send().await;
    for _ in 0..3 {
        ask("/api/v1/me", "192.0.2.1").await.problem(401, "invalid-token");
        ask("/api/v1/auth/sessions", "203.0.113.1").await.problem(403, "session-required");
    }
    sqlx::query("UPDATE api_keys SET expires_at = now()").execute(&mut app.database().await).await.unwrap();
    ask("/api/v1/me", "203.0.113.1").await.problem(401, "invalid-token");

    let events = app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.json();
    let refused: Vec<_> =
        events["items"].as_array().unwrap().iter().filter(|event| event["action"] == "api-key.refused").collect();
    let told =
        refused.iter().map(|event| (&event["details"]["because"], &event["details"]["from"])).collect::<Vec<_>>();
    let expected = [("expired", "203.0.113.1"), ("session", "203.0.113.1"), ("address", "192.0.2.1")]
        .map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(told, expected.iter().map(|(because, from)| (because, from)).collect::<Vec<_>>());
    for event in refused {
        assert_eq!((&event["target_id"], &event["outcome"]), (&json!(made.id), &json!("denied")));
    }
}
