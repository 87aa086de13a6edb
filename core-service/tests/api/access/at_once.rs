//! A change of permissions acts with the next request, at every core, whatever credential is still good.

use http::Method;
use serde_json::json;

use super::roles::member_with;
use crate::cast::Cast;
use crate::support::Call;

/// Whether the token, which is good for minutes, reads at the other core.
#[tokio::test]
async fn a_token_that_is_still_good_reads_nothing_any_more() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let path = cast.path(&format!("/collections/orders/documents/{document}"));
    let (_, other) = cast.app.another();
    let user = member_with(&cast, "reader", json!(["documents:read"])).await;
    let member = format!("/members/{}", user.id);
    let statuses = async || {
        let mut statuses = Vec::new();
        for router in [&cast.app.router, &other] {
            let call = Call::new(router.clone(), Method::GET, &path).bearer(&user.access_token);
            statuses.push(call.send().await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses().await, [200, 200]);
    cast.send(&cast.owner, Method::PATCH, "/roles/reader", json!({ "permissions": [] })).await.expect(200);
    assert_eq!(statuses().await, [403, 403], "the role allows less");
    cast.send(&cast.owner, Method::PATCH, &member, json!({ "role": "viewer" })).await.expect(200);
    assert_eq!(statuses().await, [200, 200], "another role");
    cast.call(&cast.owner, Method::DELETE, &member).send().await.expect(204);
    assert_eq!(statuses().await, [404, 404], "no member any more");
    // The token itself is still good.
    cast.app.get("/api/v1/me").bearer(&user.access_token).send().await.expect(200);
}

/// No answer about a workspace may be kept by the edge or anything else on the way.
#[tokio::test]
async fn no_answer_about_a_workspace_is_kept_at_the_edge() {
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let asks_who =
                operation["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way.get("bearer").is_some()));
            if asks_who || path.contains("/shared/") {
                assert_ne!(operation["x-breakwater-cacheable"], true, "{method} {path}");
            }
        }
    }
}
