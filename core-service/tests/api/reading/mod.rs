//! What can be asked of documents besides lists of them.

mod across;
mod aggregates;
mod expansion;
mod search;
mod transfer;

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;

/// Companies; customers, who belong to one; orders of a customer, with others who watch.
async fn orders() -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "properties": { "since": { "type": "string", "format": "date-time" } } });
    cast.collection("companies", schema).await;
    let references = json!([{ "field": "data.company", "collection": "companies" }]);
    collection(&cast, "customers", references).await;
    let references = json!([{ "field": "data.customer", "collection": "customers" },
                            { "field": "data.watchers", "collection": "customers" }]);
    collection(&cast, "orders", references).await;
    cast
}

async fn collection(cast: &Cast, name: &str, references: Value) {
    let body = json!({ "name": name, "schema": {}, "options": { "references": references } });
    cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
}

/// Takes `data.<field>` from viewers.
async fn hide(cast: &Cast, collection: &str, field: &str) {
    let rules = json!({ "rules": [{ "field": format!("data.{field}"), "roles": ["viewer"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, format!("/collections/{collection}/field-rules"), rules).await.expect(200);
}
