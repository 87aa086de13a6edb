//! States, and who leads from which to which.

use http::Method;
use serde_json::{Value, json};

use super::{collection, create, data, document, merge};
use crate::cast::Cast;

async fn cast() -> (Cast, String) {
    let cast = Cast::new().await;
    let lifecycle = json!({ "field": "data.state", "initial": "draft", "transitions": [
        { "from": ["draft"], "to": "review" },
        { "from": ["review"], "to": "draft" },
        { "from": ["review"], "to": "live", "roles": ["admin"] },
        { "from": ["draft", "live"], "to": "gone" },
    ] });
    collection(&cast, "posts", json!({}), json!({ "lifecycle": lifecycle })).await;
    let made = create(&cast, "posts", json!({ "title": "x" })).await.expect(201).json();
    assert_eq!(made["data"]["state"], "draft");
    let id = made["id"].as_str().unwrap().to_owned();
    (cast, id)
}

#[tokio::test]
async fn only_the_ways_there_are_can_be_gone() {
    let (cast, id) = cast().await;
    let refused = |problem: &Value, from: &str, allowed: Value| {
        assert_eq!((&problem["from"], &problem["allowed"]), (&json!(from), &allowed), "{problem}");
    };
    let problem = merge(&cast, "posts", &id, json!({ "state": "live" })).await.problem(409, "transition-refused");
    refused(&problem, "draft", json!(["review", "gone"]));
    for nonsense in [json!(null), json!(1), json!("nowhere")] {
        merge(&cast, "posts", &id, json!({ "state": nonsense })).await.problem(409, "transition-refused");
    }
    create(&cast, "posts", json!({ "state": "live" })).await.problem(409, "transition-refused");
    merge(&cast, "posts", &id, json!({ "state": "review", "title": "y" })).await.expect(200);
    let problem = merge(&cast, "posts", &id, json!({ "state": "live" })).await.problem(403, "forbidden");
    assert_eq!(problem["allowed"], json!(["draft"]));
    let live = json!({ "data": { "state": "live" } });
    cast.send(&cast.admin, Method::PATCH, document("posts", &id), live).await.expect(200);
    // A replacement that says nothing of the state leaves it; one that names it has to go a way that there is.
    let put =
        async |data: Value| cast.send(&cast.editor, Method::PUT, document("posts", &id), json!({ "data": data })).await;
    put(json!({ "title": "z" })).await.expect(200);
    assert_eq!(data(&cast, "posts", &id).await, json!({ "title": "z", "state": "live" }));
    put(json!({ "state": "draft" })).await.problem(409, "transition-refused");
    put(json!({ "state": "gone" })).await.expect(200);
    let problem = merge(&cast, "posts", &id, json!({ "state": "live" })).await.problem(409, "transition-refused");
    refused(&problem, "gone", json!([]));
}

#[tokio::test]
async fn owners_may_go_all_ways_that_there_are() {
    let (cast, id) = cast().await;
    let go = async |state: &str| {
        cast.send(&cast.owner, Method::PATCH, document("posts", &id), json!({ "data": { "state": state } })).await
    };
    go("live").await.problem(409, "transition-refused");
    go("review").await.expect(200);
    go("live").await.expect(200);
}

/// Of two who lead from the same state, one is too late.
#[tokio::test]
async fn a_state_is_left_once() {
    let (cast, id) = cast().await;
    let (a, b) = tokio::join!(
        merge(&cast, "posts", &id, json!({ "state": "review" })),
        merge(&cast, "posts", &id, json!({ "state": "gone" }))
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
