//! Collections and their schemas.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;

fn book_schema() -> Value {
    json!({
        "type": "object",
        "required": ["title"],
        "properties": { "title": { "type": "string" }, "pages": { "type": "integer" } },
    })
}

#[tokio::test]
async fn a_collection_is_made_read_and_listed() {
    let cast = Cast::new().await;
    let body = json!({ "name": "books", "schema": book_schema() });
    let created = cast.send(&cast.admin, Method::POST, "/collections", body.clone()).await.expect(201);
    assert_eq!(created.header("location"), cast.path("/collections/books"));
    assert_eq!(created.header("etag"), "\"v1\"");
    assert_eq!(created.json()["schema"], book_schema());
    let read = cast.read(&cast.viewer, "/collections/books").await.expect(200);
    assert_eq!(read.json(), created.json());
    let again = cast.call(&cast.viewer, Method::GET, "/collections/books").header("if-none-match", "\"v1\"");
    again.send().await.expect(304);
    cast.send(&cast.admin, Method::POST, "/collections", body).await.problem(409, "name-taken");
    for name in ["authors", "shops"] {
        cast.collection(name, json!({})).await;
    }
    let page = cast.read(&cast.viewer, "/collections?limit=2").await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = cast.read(&cast.viewer, &format!("/collections?limit=2&cursor={cursor}")).await.expect(200).json();
    let names: Vec<_> =
        [&page, &rest].iter().flat_map(|p| p["items"].as_array().unwrap()).map(|c| &c["name"]).collect();
    assert_eq!(names, ["authors", "books", "shops"]);
}

#[tokio::test]
async fn names_are_of_one_workspace() {
    let cast = Cast::new().await;
    cast.collection("books", json!({})).await;
    let path = format!("/api/v1/workspaces/{}/collections", cast.elsewhere);
    let own = cast.app.post(&path).bearer(&cast.stranger.access_token).json(json!({ "name": "books", "schema": {} }));
    own.send().await.expect(201);
}

#[tokio::test]
async fn what_is_no_collection_is_refused() {
    let cast = Cast::new().await;
    for (body, pointer) in [
        (json!({ "schema": {} }), "/name"),
        (json!({ "name": "Books", "schema": {} }), "/name"),
        (json!({ "name": "a\u{0}", "schema": {} }), "/name"),
        (json!({ "name": "x".repeat(64), "schema": {} }), "/name"),
        (json!({ "name": "books" }), "/schema"),
        (json!({ "name": "books", "schema": true }), "/schema"),
        (json!({ "name": "books", "schema": { "type": "array" } }), "/schema/type"),
        (json!({ "name": "books", "schema": { "title": "\u{0}" } }), "/schema/title"),
        (json!({ "name": "books", "schema": { "properties": { "a": 1 } } }), "/schema/properties/a"),
        (json!({ "name": "books", "schema": { "$ref": "http://localhost/x" } }), "/schema/$ref"),
        (json!({ "name": "books", "schema": { "$ref": "#" } }), "/schema"),
        (json!({ "name": "books", "schema": {}, "colour": "red" }), "/colour"),
    ] {
        let answer = cast.send(&cast.owner, Method::POST, "/collections", body.clone()).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_schema_changes_only_to_one_that_all_documents_fit() {
    let cast = Cast::new().await;
    cast.collection("books", book_schema()).await;
    let short = cast.document("books", json!({ "title": "Short", "pages": 10 })).await;
    cast.document("books", json!({ "title": "Long", "pages": 1000 })).await;
    let stricter = json!({ "schema": { "properties": { "pages": { "minimum": 100 } } } });
    let refused = cast.send(&cast.admin, Method::PATCH, "/collections/books", stricter.clone()).await;
    let problem = refused.problem(409, "schema-incompatible");
    assert_eq!(problem["detail"], "1 of 2 documents do not fit; `errors` names the first.");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1);
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains(&short), "{problem}");
    // Nothing changed.
    let unchanged = cast.read(&cast.viewer, "/collections/books").await;
    assert_eq!((unchanged.header("etag"), &unchanged.json()["schema"]), ("\"v1\"", &book_schema()));

    let path = format!("/collections/books/documents/{short}");
    cast.call(&cast.editor, Method::DELETE, &path).send().await.expect(204);
    let changed = cast.send(&cast.admin, Method::PATCH, "/collections/books", stricter).await.expect(200).json();
    assert_eq!(changed["schema"]["properties"]["pages"], json!({ "type": "integer", "minimum": 100 }));
    // The new schema holds at once.
    let small = json!({ "data": { "title": "Small", "pages": 1 } });
    let refused = cast.send(&cast.editor, Method::POST, "/collections/books/documents", small.clone()).await;
    assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "/data/pages");
    // RFC 7396: null takes the rule away.
    let looser = json!({ "schema": { "properties": { "pages": null } } });
    cast.send(&cast.admin, Method::PATCH, "/collections/books", looser).await.expect(200);
    cast.send(&cast.editor, Method::POST, "/collections/books/documents", small).await.expect(201);
}

#[tokio::test]
async fn many_documents_are_all_checked() {
    let cast = Cast::new().await;
    cast.collection("numbers", json!({})).await;
    // More than the check holds at once; the last of them is the only one that does not fit.
    sqlx::query(
        "INSERT INTO documents (id, workspace_id, collection_id, data)
         SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, workspace_id, id, jsonb_build_object('n', n)
         FROM collections, generate_series(1, 1001) n",
    )
    .execute(&mut cast.app.database().await)
    .await
    .unwrap();
    let change = |most: i64| {
        let body = json!({ "name": "numbers", "schema": { "properties": { "n": { "maximum": most } } } });
        cast.send(&cast.owner, Method::PUT, "/collections/numbers", body)
    };
    let problem = change(1000).await.problem(409, "schema-incompatible");
    assert_eq!(problem["detail"], "1 of 1001 documents do not fit; `errors` names the first.");
    let problem = change(0).await.problem(409, "schema-incompatible");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 10);
    change(1001).await.expect(200);
}

/// However a schema's change and a document's creation meet: what is in the collection fits its schema.
#[tokio::test]
async fn a_document_cannot_slip_past_a_changing_schema() {
    let cast = Cast::new().await;
    for round in 0..10 {
        let name = format!("race{round}");
        cast.collection(&name, json!({})).await;
        let path = format!("/collections/{name}");
        let documents = format!("{path}/documents");
        let strict = json!({ "name": name, "schema": { "properties": { "a": { "type": "string" } } } });
        let (change, create) = tokio::join!(
            cast.send(&cast.admin, Method::PUT, &path, strict),
            cast.send(&cast.editor, Method::POST, &documents, json!({ "data": { "a": 1 } })),
        );
        let outcome = (change.status.as_u16(), create.status.as_u16());
        assert!([(200, 422), (409, 201)].contains(&outcome), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_collection_can_be_renamed() {
    let cast = Cast::new().await;
    cast.collection("books", json!({})).await;
    cast.collection("taken", json!({})).await;
    let document = cast.document("books", json!({ "a": 1 })).await;
    let rename = |to: &str| cast.send(&cast.admin, Method::PATCH, "/collections/books", json!({ "name": to }));
    rename("taken").await.problem(409, "name-taken");
    rename("volumes").await.expect(200);
    cast.read(&cast.viewer, "/collections/books").await.problem(404, "not-found");
    let read = cast.read(&cast.viewer, &format!("/collections/volumes/documents/{document}")).await.expect(200).json();
    assert_eq!(read["collection"], "volumes");
}

#[tokio::test]
async fn of_two_conditional_changes_one_wins() {
    let cast = Cast::new().await;
    cast.collection("books", json!({})).await;
    let change = |title: &str| {
        let call = cast.call(&cast.admin, Method::PUT, "/collections/books").header("if-match", "\"v1\"");
        call.json(json!({ "name": "books", "schema": { "title": title } })).send()
    };
    let (one, other) = tokio::join!(change("one"), change("other"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn only_an_empty_collection_is_deleted() {
    let cast = Cast::new().await;
    cast.collection("books", json!({})).await;
    let document = cast.document("books", json!({})).await;
    let delete = || cast.call(&cast.admin, Method::DELETE, "/collections/books").send();
    delete().await.problem(409, "collection-not-empty");
    let path = format!("/collections/books/documents/{document}");
    cast.read(&cast.viewer, &path).await.expect(200);
    cast.call(&cast.editor, Method::DELETE, &path).send().await.expect(204);
    delete().await.expect(204);
    delete().await.problem(404, "not-found");
}
