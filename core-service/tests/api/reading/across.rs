//! Filters that look into the documents that references name.

use http::Method;
use serde_json::json;

use super::{hide, orders};
use crate::cast::{Cast, encoded};
use crate::support::{Answer, User};

async fn ask(cast: &Cast, user: &User, filter: &str) -> Answer {
    cast.read(user, format!("/collections/orders/documents?filter={}", encoded(filter))).await
}

async fn found(cast: &Cast, user: &User, filter: &str) -> Vec<i64> {
    let page = ask(cast, user, filter).await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|item| item["data"]["n"].as_i64().unwrap()).collect()
}

/// Two customers, Ada and Bo, and orders 1 to 4.
async fn cast() -> (Cast, String) {
    let cast = orders().await;
    let ada = cast.document("customers", json!({ "name": "Ada", "tier": 1, "secret": 7 })).await;
    let bo = cast.document("customers", json!({ "name": "Bo", "tier": 2 })).await;
    for order in [
        json!({ "n": 1, "customer": ada }),
        json!({ "n": 2, "customer": bo, "watchers": [ada, bo] }),
        json!({ "n": 3, "customer": bo }),
        json!({ "n": 4, "customer": null, "watchers": [] }),
    ] {
        cast.document("orders", order).await;
    }
    (cast, ada)
}

#[tokio::test]
async fn a_filter_in_brackets_is_about_what_is_named() {
    let (cast, ada) = cast().await;
    for (filter, expected) in [
        (r#"data.customer[data.name eq "Ada"]"#, vec![1]),
        (r#"data.customer[data.tier gt 1 and data.name contains "o"] and data.n gt 2"#, vec![3]),
        (r#"not data.customer[data.name eq "Ada"]"#, vec![2, 3, 4]),
        (r#"data.watchers[data.name eq "Ada"] or data.customer[ data.name eq "Ada" ]"#, vec![1, 2]),
        (&format!(r#"data.customer[id eq "{ada}"]"#), vec![1]),
        ("data.customer[version eq 1 and not data.tier in [1, 5]]", vec![2, 3]),
        (r#"data.customer[created_at lt "2020-01-01T00:00:00Z"]"#, vec![]),
        (r#"data.customer[data."'; DROP TABLE documents; --" exists]"#, vec![]),
    ] {
        assert_eq!(found(&cast, &cast.viewer, filter).await, expected, "{filter}");
    }
    for (filter, position) in [
        ("data.n[data.name exists]", 1),
        ("id[data.name exists]", 1),
        ("data.customer[data.company[data.name exists]]", 15),
        ("data.customer[data.name exists", 31),
        ("data.customer[]", 15),
        ("data.customer data.name exists", 15),
    ] {
        let problem = ask(&cast, &cast.viewer, filter).await.problem(400, "invalid-query");
        let at = format!("`filter`, at character {position}:");
        assert!(problem["detail"].as_str().unwrap().starts_with(&at), "{filter}: {problem}");
    }
    let sum = format!("values=sum(data.n)&filter={}", encoded("data.customer[data.tier eq 2]"));
    let sum =
        cast.read(&cast.viewer, format!("/collections/orders/documents/aggregate?{sum}")).await.expect(200).json();
    assert_eq!(sum["groups"][0]["values"]["sum(data.n)"], 5);
}

/// The types of fields are those of the collection that is looked into.
#[tokio::test]
async fn instants_are_compared_as_the_other_schema_declares_them() {
    let cast = orders().await;
    let company = cast.document("companies", json!({ "since": "2026-01-01T01:00:00+01:00" })).await;
    cast.document("customers", json!({ "n": 1, "company": company })).await;
    let filter = encoded(r#"data.company[data.since eq "2026-01-01T00:00:00Z"]"#);
    let page = cast.read(&cast.viewer, format!("/collections/customers/documents?filter={filter}")).await.expect(200);
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_learns_of_what_they_may_not_read() {
    let (cast, ada) = cast().await;
    hide(&cast, "customers", "secret").await;
    ask(&cast, &cast.viewer, "data.customer[data.secret eq 7]").await.problem(403, "forbidden");
    assert_eq!(found(&cast, &cast.editor, "data.customer[data.secret eq 7]").await, [1]);

    // Who reads the orders alone does not see the customers' collection; who reads one customer finds that one.
    let nobody = json!({ "name": "nobody", "permissions": [] });
    cast.send(&cast.owner, Method::POST, "/roles", nobody).await.expect(201);
    let guest = cast.app.user().await;
    cast.add(&guest, "nobody").await;
    let grant = async |on| {
        let grant = json!({ "on": on, "to": { "user": guest.id }, "permissions": ["documents:read"] });
        cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    };
    grant(json!({ "collection": "orders" })).await;
    ask(&cast, &guest, "data.customer[data.tier ge 1]").await.problem(400, "invalid-query");
    grant(json!({ "collection": "customers", "document": ada })).await;
    assert_eq!(found(&cast, &guest, "data.customer[data.tier ge 1]").await, [1]);
}
