//! References, and what a deletion means for them.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{collection, create, data, delete, document, documents, merge, pointers};
use crate::cast::Cast;

/// Customers, and orders that refer to them by `on_delete`.
async fn cast(on_delete: &str) -> Cast {
    let cast = Cast::new().await;
    cast.collection("customers", json!({})).await;
    let references = json!([{ "field": "data.customer", "collection": "customers", "on_delete": on_delete },
                            { "field": "data.others", "collection": "customers", "on_delete": on_delete }]);
    collection(&cast, "orders", json!({}), json!({ "references": references })).await;
    cast
}

async fn order(cast: &Cast, data: Value) -> String {
    create(cast, "orders", data).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_reference_names_a_document_that_is_there() {
    let cast = cast("restrict").await;
    let customer = cast.document("customers", json!({})).await;
    let order = order(&cast, json!({ "customer": customer, "others": [customer] })).await;
    for (wrong, pointer) in [
        (json!({ "customer": Uuid::now_v7() }), "/data/customer"),
        (json!({ "customer": order }), "/data/customer"),
        (json!({ "customer": "nobody" }), "/data/customer"),
        (json!({ "customer": 1 }), "/data/customer"),
        (json!({ "others": [customer, Uuid::now_v7()] }), "/data/others"),
        (json!({ "others": [customer, null] }), "/data/others"),
    ] {
        let problem = create(&cast, "orders", wrong.clone()).await.problem(422, "validation-failed");
        assert_eq!(pointers(&problem), [pointer], "{wrong}");
        let problem = merge(&cast, "orders", &order, wrong).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["code"], "reference");
    }
    // Nobody else's documents, not even by their ids.
    let home = format!("/api/v1/workspaces/{}/collections", cast.elsewhere);
    let token = &cast.stranger.access_token;
    let new = |path: String, body: Value| cast.app.post(&path).bearer(token).json(body).send();
    new(home.clone(), json!({ "name": "customers", "schema": {} })).await.expect(201);
    let theirs = new(format!("{home}/customers/documents"), json!({ "data": {} })).await.expect(201).json();
    create(&cast, "orders", json!({ "customer": theirs["id"] })).await.problem(422, "validation-failed");
    create(&cast, "orders", json!({ "customer": null })).await.expect(201);
}

#[tokio::test]
async fn what_is_referred_to_stays() {
    let cast = cast("restrict").await;
    let customer = cast.document("customers", json!({})).await;
    let one = order(&cast, json!({ "customer": customer })).await;
    let two = order(&cast, json!({ "others": [customer] })).await;
    let problem = delete(&cast, "customers", &customer).await.problem(409, "still-referenced");
    let held = json!([{ "collection": "orders", "field": "data.customer", "documents": 1 },
                      { "collection": "orders", "field": "data.others", "documents": 1 }]);
    assert_eq!(problem["references"], held);
    merge(&cast, "orders", &one, json!({ "customer": null })).await.expect(200);
    delete(&cast, "orders", &two).await.expect(204);
    delete(&cast, "customers", &customer).await.expect(204);
}

#[tokio::test]
async fn references_are_set_to_null() {
    let cast = cast("set_null").await;
    let (one, two) = (cast.document("customers", json!({})).await, cast.document("customers", json!({})).await);
    let order = order(&cast, json!({ "customer": one, "others": [one, two], "n": 1 })).await;
    delete(&cast, "customers", &one).await.expect(204);
    assert_eq!(data(&cast, "orders", &order).await, json!({ "customer": null, "others": [two], "n": 1 }));
    // What was is still in the history.
    let before = cast.read(&cast.viewer, format!("{}/versions/1", document("orders", &order))).await.expect(200).json();
    assert_eq!(before["data"]["customer"], json!(one));
    // Where the schema wants a value, the document does not let go.
    let strict = json!({ "schema": { "properties": { "others": { "minItems": 1 } } } });
    cast.send(&cast.owner, Method::PATCH, "/collections/orders", strict).await.expect(200);
    delete(&cast, "customers", &two).await.problem(409, "still-referenced");
    assert_eq!(data(&cast, "customers", &two).await, json!({}));
}

#[tokio::test]
async fn what_belongs_to_a_document_goes_with_it_and_comes_back() {
    let cast = cast("cascade").await;
    let lines = json!([{ "field": "data.order", "collection": "orders", "on_delete": "cascade" },
                       { "field": "data.before", "collection": "lines", "on_delete": "restrict" }]);
    collection(&cast, "lines", json!({}), json!({ "references": [] })).await;
    let options = json!({ "options": { "references": lines } });
    cast.send(&cast.owner, Method::PATCH, "/collections/lines", options).await.expect(200);
    let customer = cast.document("customers", json!({ "name": "Ada" })).await;
    let order = order(&cast, json!({ "customer": customer })).await;
    let first = cast.document("lines", json!({ "order": order })).await;
    // It does not let the first go, but goes itself.
    let second = cast.document("lines", json!({ "order": order, "before": first })).await;
    delete(&cast, "lines", &first).await.problem(409, "still-referenced");
    delete(&cast, "customers", &customer).await.expect(204);
    for (name, id) in [("customers", &customer), ("orders", &order), ("lines", &first), ("lines", &second)] {
        cast.read(&cast.viewer, document(name, id)).await.problem(404, "not-found");
    }
    let restore = cast.call(&cast.editor, Method::POST, format!("/collections/customers/trash/{customer}/restore"));
    let restored = restore.send().await.expect(200);
    assert_eq!((restored.header("etag"), &restored.json()["data"]), ("\"v2\"", &json!({ "name": "Ada" })));
    assert_eq!(data(&cast, "lines", &second).await, json!({ "order": order, "before": first }));
    // And refers again.
    delete(&cast, "lines", &first).await.problem(409, "still-referenced");
}

/// Whoever deletes must be allowed to write what changes by it.
#[tokio::test]
async fn nobody_changes_by_a_deletion_what_they_may_not_write() {
    let cast = cast("cascade").await;
    let customer = cast.document("customers", json!({})).await;
    let order = order(&cast, json!({ "customer": customer })).await;
    let grant = json!({ "on": { "collection": "customers" }, "to": { "user": cast.viewer.id },
                        "permissions": ["documents:write"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let delete = cast.call(&cast.viewer, Method::DELETE, document("customers", &customer)).send().await;
    delete.problem(403, "forbidden");
    cast.read(&cast.viewer, document("orders", &order)).await.expect(200);
}

/// However a deletion and new references meet: nothing refers to what is not there.
#[tokio::test]
async fn no_reference_slips_past_a_deletion() {
    for on_delete in ["restrict", "set_null", "cascade"] {
        let cast = cast(on_delete).await;
        for _ in 0..5 {
            let customer = cast.document("customers", json!({})).await;
            let orders = (0..4).map(|_| create(&cast, "orders", json!({ "customer": customer })));
            let (gone, orders) = tokio::join!(delete(&cast, "customers", &customer), join_all(orders));
            let made = orders.iter().filter(|order| order.status == 201).count();
            for order in &orders {
                assert!([201, 422].contains(&order.status.as_u16()), "{order:?}");
            }
            if on_delete == "restrict" {
                assert_eq!(gone.status.as_u16(), if made == 0 { 204 } else { gone.status.as_u16() });
                assert!([204, 409].contains(&gone.status.as_u16()), "{gone:?}");
            } else {
                gone.expect(204);
            }
            let filter = crate::cast::encoded(&format!("data.customer eq \"{customer}\""));
            let referring = cast.read(&cast.viewer, format!("{}?filter={filter}", documents("orders"))).await.json();
            let there = cast.read(&cast.viewer, document("customers", &customer)).await.status == 200;
            let referring = referring["items"].as_array().unwrap().len();
            assert!(there || referring == 0, "{on_delete}: {referring} refer to what is gone");
        }
    }
}

#[tokio::test]
async fn a_new_rule_holds_for_references_that_are_there() {
    let cast = Cast::new().await;
    cast.collection("customers", json!({})).await;
    cast.collection("orders", json!({})).await;
    let customer = cast.document("customers", json!({})).await;
    let good = cast.document("orders", json!({ "customer": customer })).await;
    let bad = cast.document("orders", json!({ "customer": Uuid::now_v7() })).await;
    let references = json!([{ "field": "data.customer", "collection": "customers" }]);
    let set = async || {
        let body = json!({ "options": { "references": references } });
        cast.send(&cast.admin, Method::PATCH, "/collections/orders", body).await
    };
    assert_eq!(set().await.problem(409, "schema-incompatible")["documents"], json!([bad]));
    delete(&cast, "orders", &bad).await.expect(204);
    set().await.expect(200);
    delete(&cast, "customers", &customer).await.problem(409, "still-referenced");
    // The collection keeps its place under another name.
    cast.send(&cast.admin, Method::PATCH, "/collections/customers", json!({ "name": "people" })).await.expect(200);
    let options = cast.read(&cast.viewer, "/collections/orders").await.json()["options"].clone();
    assert_eq!(options["references"][0]["collection"], "people");
    create(&cast, "orders", json!({ "customer": customer })).await.expect(201);
    delete(&cast, "people", &customer).await.problem(409, "still-referenced");
    // And is not deleted while others refer to it.
    delete(&cast, "orders", &good).await.expect(204);
    cast.collection("empty", json!({})).await;
    let itself = json!({ "options": { "references": [{ "field": "data.by", "collection": "empty" }] } });
    cast.send(&cast.admin, Method::PATCH, "/collections/empty", itself).await.expect(200);
    cast.call(&cast.admin, Method::DELETE, "/collections/empty").send().await.expect(204);
    cast.call(&cast.admin, Method::DELETE, "/collections/people").send().await.problem(409, "conflict");
}
