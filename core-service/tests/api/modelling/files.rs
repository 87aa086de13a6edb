//! Files that documents name.

use futures_util::future::join;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{collection, create, delete, document, merge, pointers};
use crate::cast::Cast;
use crate::files::{file, upload};

async fn cast() -> Cast {
    let cast = Cast::new().await;
    let files = json!([{ "field": "data.photos", "accept": ["image/*"] }, { "field": "data.contract" },
                       { "field": "data.papers.id" }]);
    collection(&cast, "items", json!({}), json!({ "files": files })).await;
    cast
}

async fn photo(cast: &Cast, name: &str) -> String {
    let call = upload(cast, &cast.editor, name, "").header("content-type", "image/gif").body("GIF89a\x01\0\x01\0");
    call.send().await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn item(cast: &Cast, data: Value) -> String {
    create(cast, "items", data).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn delete_file(cast: &Cast, id: &str) -> crate::support::Answer {
    cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send().await
}

#[tokio::test]
async fn a_field_names_files_that_are_there() {
    let cast = cast().await;
    let (photo, text) = (photo(&cast, "a.gif").await, file(&cast, "a.txt", "text").await);
    let id = item(&cast, json!({ "photos": [photo], "contract": text })).await;
    let (gone, nobodys) = (file(&cast, "b.txt", "text").await, Uuid::now_v7());
    delete_file(&cast, &gone).await.expect(204);
    let elsewhere = cast
        .app
        .post(&format!("/api/v1/workspaces/{}/files?name=a", cast.elsewhere))
        .bearer(&cast.stranger.access_token);
    let elsewhere = elsewhere.body("a").send().await.expect(201).json()["id"].clone();
    for (wrong, pointer) in [
        (json!({ "contract": nobodys }), "/data/contract"),
        (json!({ "contract": gone }), "/data/contract"),
        (json!({ "contract": elsewhere }), "/data/contract"),
        (json!({ "contract": "a.txt" }), "/data/contract"),
        (json!({ "papers": { "id": nobodys } }), "/data/papers/id"),
        (json!({ "photos": [photo, text] }), "/data/photos"),
        (json!({ "photos": text }), "/data/photos"),
    ] {
        for answer in [create(&cast, "items", wrong.clone()).await, merge(&cast, "items", &id, wrong.clone()).await] {
            let problem = answer.problem(422, "validation-failed");
            assert_eq!((pointers(&problem)[0], &problem["errors"][0]["code"]), (pointer, &json!("file")), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_file_that_a_document_names_is_not_deleted() {
    let cast = cast().await;
    let (one, two) = (file(&cast, "1", "one").await, file(&cast, "2", "two").await);
    let id = item(&cast, json!({ "contract": [one, two] })).await;
    delete_file(&cast, &one).await.problem(409, "still-referenced");
    merge(&cast, "items", &id, json!({ "contract": two })).await.expect(200);
    delete_file(&cast, &one).await.expect(204);
    let deep = file(&cast, "3", "three").await;
    merge(&cast, "items", &id, json!({ "papers": { "id": deep } })).await.expect(200);
    delete_file(&cast, &deep).await.problem(409, "still-referenced");
    // In the trash, a document holds nothing, and what it named has to be there when it comes back.
    delete(&cast, "items", &id).await.expect(204);
    delete_file(&cast, &two).await.expect(204);
    let restore = || cast.call(&cast.editor, Method::POST, format!("/collections/items/trash/{id}/restore")).send();
    restore().await.problem(422, "validation-failed");
    cast.call(&cast.editor, Method::POST, format!("/files/trash/{two}/restore")).send().await.expect(200);
    restore().await.expect(200);
    delete_file(&cast, &two).await.problem(409, "still-referenced");
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
}

/// However a deletion and new names meet: nothing names what is in the trash.
#[tokio::test]
async fn no_name_slips_past_a_deletion() {
    let cast = cast().await;
    for n in 0..10 {
        let file = file(&cast, &n.to_string(), "x").await;
        let naming = create(&cast, "items", json!({ "contract": file }));
        let (named, deleted) = join(naming, delete_file(&cast, &file)).await;
        let statuses = (named.status.as_u16(), deleted.status.as_u16());
        assert!([(201, 409), (422, 204)].contains(&statuses), "{statuses:?}");
    }
}

#[tokio::test]
async fn a_new_rule_holds_for_names_that_are_there() {
    let cast = Cast::new().await;
    collection(&cast, "items", json!({}), json!({})).await;
    let there = file(&cast, "a", "x").await;
    let good = item(&cast, json!({ "contract": there })).await;
    let bad = item(&cast, json!({ "contract": Uuid::now_v7() })).await;
    let options = json!({ "options": { "files": [{ "field": "data.contract" }] } });
    let change = || cast.send(&cast.admin, Method::PATCH, "/collections/items", options.clone());
    change().await.problem(409, "schema-incompatible");
    delete_file(&cast, &there).await.expect(204);
    cast.call(&cast.editor, Method::POST, format!("/files/trash/{there}/restore")).send().await.expect(200);
    delete(&cast, "items", &bad).await.expect(204);
    change().await.expect(200);
    delete_file(&cast, &there).await.problem(409, "still-referenced");
    assert_eq!(
        cast.read(&cast.viewer, document("items", &good)).await.expect(200).json()["data"]["contract"],
        json!(there)
    );
}
