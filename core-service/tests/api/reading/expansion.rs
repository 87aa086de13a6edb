//! Documents that are read along with those that name them.

use http::Method;
use serde_json::{Value, json};

use super::{hide, orders};
use crate::cast::Cast;

/// A company, its customer Ada, Bo without one, and an order of Ada's that both watch.
struct Named {
    cast: Cast,
    company: String,
    ada: String,
    bo: String,
    order: String,
}

async fn named() -> Named {
    let cast = orders().await;
    let company = cast.document("companies", json!({ "name": "Harbour" })).await;
    let ada = cast.document("customers", json!({ "name": "Ada", "company": company })).await;
    let bo = cast.document("customers", json!({ "name": "Bo", "company": null })).await;
    let order = cast.document("orders", json!({ "customer": ada, "watchers": [ada, bo] })).await;
    Named { cast, company, ada, bo, order }
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["included"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn references_are_followed_as_far_as_asked() {
    let Named { cast, company, ada, bo, order } = named().await;
    let path = format!("/collections/orders/documents/{order}");
    let plain = cast.read(&cast.viewer, &path).await.expect(200);
    assert!(plain.headers.contains_key("etag") && plain.json().get("included").is_none());

    let one = cast.read(&cast.viewer, format!("{path}?expand=data.customer")).await.expect(200);
    assert!(!one.headers.contains_key("etag"), "it changes with what is included");
    let one = one.json();
    assert_eq!((&one["id"], &one["data"]["customer"]), (&json!(order), &json!(ada)));
    assert_eq!(ids(&one), [&ada]);
    let included = &one["included"][&ada];
    assert_eq!((&included["collection"], &included["data"]["name"]), (&json!("customers"), &json!("Ada")));

    let all = cast.read(&cast.viewer, format!("{path}?expand=data.watchers[data.company]")).await.expect(200).json();
    let mut expected = [&company, &ada, &bo];
    expected.sort();
    assert_eq!(ids(&all), expected);

    let page = cast.read(&cast.viewer, "/collections/orders/documents?fields=id&expand=data.customer,data.watchers");
    let page = page.await.expect(200).json();
    assert_eq!(page["items"], json!([{ "id": order }]));
    assert_eq!(ids(&page).len(), 2);
    let none = cast.read(&cast.viewer, "/collections/companies/documents?expand=data.name").await;
    let problem = none.problem(400, "invalid-query");
    assert!(problem["detail"].as_str().unwrap().contains("data.name is no reference"), "{problem}");
    cast.read(&cast.viewer, format!("{path}?expand=data.customer[data.company[data.a[data.b]]]"))
        .await
        .problem(400, "invalid-query");
    cast.read(&cast.viewer, format!("{path}?expend=data.customer")).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn what_a_caller_may_not_read_is_not_included() {
    let Named { cast, ada, order, .. } = named().await;
    let path = format!("/collections/orders/documents/{order}?expand=data.customer[data.company]");
    hide(&cast, "customers", "company").await;
    let seen = cast.read(&cast.viewer, &path).await.expect(200).json();
    assert_eq!(ids(&seen), [&ada], "what a hidden field names is not followed");
    assert_eq!(seen["included"][&ada]["data"], json!({ "name": "Ada" }));
    hide(&cast, "orders", "customer").await;
    assert_eq!(cast.read(&cast.viewer, &path).await.expect(200).json()["included"], json!({}));
    assert_eq!(ids(&cast.read(&cast.editor, &path).await.expect(200).json()).len(), 2);

    let nobody = json!({ "name": "nobody", "permissions": [] });
    cast.send(&cast.owner, Method::POST, "/roles", nobody).await.expect(201);
    let guest = cast.app.user().await;
    cast.add(&guest, "nobody").await;
    for on in [json!({ "collection": "orders" }), json!({ "collection": "companies" })] {
        let grant = json!({ "on": on, "to": { "user": guest.id }, "permissions": ["documents:read"] });
        cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    }
    assert_eq!(cast.read(&guest, &path).await.expect(200).json()["included"], json!({}));
}

/// An answer has a bound, however many documents each of its documents names.
#[tokio::test]
async fn too_many_are_refused() {
    let cast = orders().await;
    let mut customers = Vec::new();
    for _ in 0..11 {
        let create = json!({ "op": "create", "collection": "customers", "data": {} });
        let all = json!({ "operations": vec![create; 100] });
        let made = cast.send(&cast.editor, Method::POST, "/documents/bulk", all).await.expect(200).json();
        let ids = made["results"].as_array().unwrap().iter().map(|made| made["document"]["id"].clone());
        customers.push(ids.collect::<Vec<_>>());
    }
    let orders =
        customers.iter().map(|ids| json!({ "op": "create", "collection": "orders", "data": { "watchers": ids } }));
    let all = json!({ "operations": orders.collect::<Vec<_>>() });
    cast.send(&cast.editor, Method::POST, "/documents/bulk", all).await.expect(200);
    let path = "/collections/orders/documents?expand=data.watchers";
    let problem = cast.read(&cast.viewer, path).await.problem(400, "invalid-query");
    assert!(problem["detail"].as_str().unwrap().contains("1000"), "{problem}");
    let page = cast.read(&cast.viewer, format!("{path}&limit=10")).await.expect(200).json();
    assert_eq!(ids(&page).len(), 1000);
}
