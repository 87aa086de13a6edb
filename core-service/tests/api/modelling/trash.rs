//! The trash.

use http::Method;
use serde_json::{Value, json};

use super::{collection, create, delete, document};
use crate::cast::Cast;

async fn trash(cast: &Cast, query: &str) -> Value {
    cast.read(&cast.editor, format!("/collections/items/trash{query}")).await.expect(200).json()
}

async fn restore(cast: &Cast, id: &str) -> crate::support::Answer {
    cast.call(&cast.editor, Method::POST, format!("/collections/items/trash/{id}/restore")).send().await
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn deleted_documents_are_listed_restored_and_purged() {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let mut deleted = Vec::new();
    for n in 0..3 {
        let id = cast.document("items", json!({ "n": n })).await;
        delete(&cast, "items", &id).await.expect(204);
        deleted.insert(0, id);
    }
    let page = trash(&cast, "?limit=2").await;
    assert_eq!(ids(&page), deleted[..2]);
    let first = &page["items"][0];
    assert_eq!((&first["data"], &first["version"]), (&json!({ "n": 2 }), &json!(1)));
    assert_eq!((&first["deleted_by"], &first["deleted_with"]), (&json!(cast.editor.id), &json!(deleted[0])));
    let rest = trash(&cast, &format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((ids(&rest), &rest["next_cursor"]), (deleted[2..].to_vec(), &json!(null)));

    let restored = restore(&cast, &deleted[0]).await.expect(200);
    assert_eq!(restored.header("etag"), "\"v2\"");
    assert_eq!(restored.json()["data"], json!({ "n": 2 }));
    assert_eq!(cast.read(&cast.viewer, document("items", &deleted[0])).await.expect(200).json(), restored.json());
    restore(&cast, &deleted[0]).await.problem(404, "not-found");
    let versions = cast.read(&cast.viewer, format!("{}/versions", document("items", &deleted[0]))).await.json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);

    let purge =
        async |id: &str| cast.call(&cast.editor, Method::DELETE, format!("/collections/items/trash/{id}")).send().await;
    purge(&deleted[1]).await.expect(204);
    purge(&deleted[1]).await.problem(404, "not-found");
    restore(&cast, &deleted[1]).await.problem(404, "not-found");
    assert_eq!(ids(&trash(&cast, "").await), deleted[2..]);
    cast.read(&cast.viewer, "/collections/items/trash").await.problem(403, "forbidden");
    // The trash does not keep a collection.
    delete(&cast, "items", &deleted[0]).await.expect(204);
    cast.call(&cast.admin, Method::DELETE, "/collections/items").send().await.expect(204);
}

#[tokio::test]
async fn hidden_fields_are_hidden_in_the_trash() {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let id = cast.document("items", json!({ "open": 1, "secret": 2 })).await;
    let rules = json!({ "rules": [{ "field": "data.secret", "roles": ["editor"], "access": "hidden" }] });
    cast.send(&cast.owner, Method::PUT, "/collections/items/field-rules", rules).await.expect(200);
    delete(&cast, "items", &id).await.expect(204);
    assert_eq!(trash(&cast, "").await["items"][0]["data"], json!({ "open": 1 }));
    assert_eq!(restore(&cast, &id).await.expect(200).json()["data"], json!({ "open": 1 }));
    let all = cast.read(&cast.owner, document("items", &id)).await.json();
    assert_eq!(all["data"], json!({ "open": 1, "secret": 2 }));
}

#[tokio::test]
async fn unique_values_are_free_while_a_document_is_in_the_trash() {
    let cast = Cast::new().await;
    collection(&cast, "items", json!({}), json!({ "unique": [{ "fields": ["data.a"] }] })).await;
    let one = cast.document("items", json!({ "a": 1 })).await;
    delete(&cast, "items", &one).await.expect(204);
    let two = create(&cast, "items", json!({ "a": 1 })).await.expect(201).json();
    restore(&cast, &one).await.problem(409, "value-taken");
    assert_eq!(ids(&trash(&cast, "").await), [one.as_str()]);
    delete(&cast, "items", two["id"].as_str().unwrap()).await.expect(204);
    restore(&cast, &one).await.expect(200);
    restore(&cast, two["id"].as_str().unwrap()).await.problem(409, "value-taken");
}

/// What does not fit any more stays in the trash.
#[tokio::test]
async fn what_is_restored_fits_the_schema() {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let id = cast.document("items", json!({ "n": "one" })).await;
    delete(&cast, "items", &id).await.expect(204);
    let strict = json!({ "schema": { "properties": { "n": { "type": "integer" } } } });
    cast.send(&cast.owner, Method::PATCH, "/collections/items", strict).await.expect(200);
    restore(&cast, &id).await.problem(422, "validation-failed");
    assert_eq!(ids(&trash(&cast, "").await), [id]);
}

#[tokio::test]
async fn a_collection_may_have_no_trash() {
    let cast = Cast::new().await;
    collection(&cast, "items", json!({}), json!({ "trash_days": 0 })).await;
    let id = cast.document("items", json!({})).await;
    delete(&cast, "items", &id).await.expect(204);
    assert_eq!(ids(&trash(&cast, "").await), Vec::<String>::new());
}

/// Housekeeping purges what has been there for its time, with its versions, and nothing else.
#[tokio::test]
async fn the_trash_is_swept() {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let (old, new) = (cast.document("items", json!({})).await, cast.document("items", json!({})).await);
    for id in [&old, &new] {
        super::merge(&cast, "items", id, json!({ "n": 1 })).await.expect(200);
        delete(&cast, "items", id).await.expect(204);
    }
    let mut database = cast.app.database().await;
    sqlx::query("UPDATE document_trash SET purge_at = now() WHERE id::text = $1")
        .bind(&old)
        .execute(&mut database)
        .await
        .unwrap();
    core_service::operations::upkeep::once(&cast.app.state).await.unwrap();
    assert_eq!(ids(&trash(&cast, "").await), [new.as_str()]);
    let left: Vec<String> =
        sqlx::query_scalar("SELECT document_id::text FROM document_versions").fetch_all(&mut database).await.unwrap();
    assert_eq!(left, [new]);
}
