//! A tree, whatever happens at the same time.

use futures_util::future::{join, join_all};
use http::Method;
use serde_json::json;

use super::{folder, names};
use crate::cast::Cast;

#[tokio::test]
async fn folders_are_a_tree() {
    let cast = Cast::new().await;
    let contracts = folder(&cast, "contracts", None).await;
    let old = folder(&cast, "old", Some(&contracts)).await;
    folder(&cast, "archive", None).await;
    let body = json!({ "name": "contracts" });
    cast.send(&cast.editor, Method::POST, "/folders", body).await.problem(409, "name-taken");
    let top = cast.read(&cast.viewer, "/folders").await.expect(200).json();
    assert_eq!(names(&top), ["archive", "contracts"]);
    let first = cast.read(&cast.viewer, "/folders?limit=1").await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = cast.read(&cast.viewer, format!("/folders?limit=1&cursor={cursor}")).await.expect(200).json();
    assert_eq!((names(&first), names(&second)), (vec!["archive"], vec!["contracts"]));
    let inside = cast.read(&cast.viewer, format!("/folders?parent={contracts}")).await.expect(200).json();
    assert_eq!((names(&inside), &inside["items"][0]["parent"]), (vec!["old"], &json!(contracts)));
    // Never inside itself.
    let move_to = |id: &str, parent: &str| {
        cast.send(&cast.editor, Method::PATCH, format!("/folders/{id}"), json!({ "parent": parent }))
    };
    let refused = move_to(&contracts, &old).await.problem(422, "validation-failed");
    assert_eq!(refused["errors"][0]["pointer"], "/parent");
    move_to(&contracts, &contracts).await.problem(422, "validation-failed");
    let up =
        cast.send(&cast.editor, Method::PATCH, format!("/folders/{old}"), json!({ "parent": null, "name": "older" }));
    let up = up.await.expect(200);
    assert_eq!((&up.json()["parent"], up.header("etag")), (&json!(null), "\"v2\""));
    let stale = cast.call(&cast.editor, Method::PATCH, format!("/folders/{old}")).header("if-match", "\"v1\"");
    stale.json(json!({ "name": "x" })).send().await.problem(412, "precondition-failed");
}

#[tokio::test]
async fn only_an_empty_folder_goes() {
    let cast = Cast::new().await;
    let outer = folder(&cast, "outer", None).await;
    let inner = folder(&cast, "inner", Some(&outer)).await;
    let delete = |id: &str| cast.call(&cast.editor, Method::DELETE, format!("/folders/{id}")).send();
    delete(&outer).await.problem(409, "folder-not-empty");
    let file = cast.call(&cast.editor, Method::POST, format!("/files?name=a&folder={inner}")).body("a");
    let file = file.send().await.expect(201).json()["id"].as_str().unwrap().to_owned();
    delete(&inner).await.problem(409, "folder-not-empty");
    cast.call(&cast.editor, Method::DELETE, format!("/files/{file}")).send().await.expect(204);
    delete(&inner).await.expect(204);
    delete(&inner).await.problem(404, "not-found");
    // A file whose folder is gone comes back at the top.
    let restored =
        cast.call(&cast.editor, Method::POST, format!("/files/trash/{file}/restore")).send().await.expect(200);
    assert_eq!(restored.json()["folder"], json!(null));
    delete(&outer).await.expect(204);
}

/// Two folders that are moved into each other at the same time: one of them is refused, and both can still be reached.
#[tokio::test]
async fn racing_moves_make_no_circle() {
    let cast = Cast::new().await;
    let (one, two) = (folder(&cast, "one", None).await, folder(&cast, "two", None).await);
    let move_to = async |id: &str, parent: &str| {
        cast.send(&cast.editor, Method::PATCH, format!("/folders/{id}"), json!({ "parent": parent }))
            .await
            .status
            .as_u16()
    };
    for _ in 0..5 {
        let (first, second) = join(move_to(&one, &two), move_to(&two, &one)).await;
        assert_eq!([first.min(second), first.max(second)], [200, 422]);
        let top = cast.read(&cast.viewer, "/folders").await.expect(200).json();
        assert_eq!(top["items"].as_array().unwrap().len(), 1);
        for id in [&one, &two] {
            cast.send(&cast.editor, Method::PATCH, format!("/folders/{id}"), json!({ "parent": null }))
                .await
                .expect(200);
        }
    }
}

/// A folder that is deleted while files arrive in it: either it stays with them, or they are refused.
#[tokio::test]
async fn nothing_goes_with_a_folder_that_was_thought_empty() {
    let cast = Cast::new().await;
    for n in 0..5 {
        let id = folder(&cast, &format!("folder {n}"), None).await;
        let upload = async |n: usize| {
            let call = cast.call(&cast.editor, Method::POST, format!("/files?name={n}&folder={id}"));
            call.body("a").send().await.status.as_u16()
        };
        let delete = cast.call(&cast.editor, Method::DELETE, format!("/folders/{id}")).send();
        let (uploads, deleted) = join(join_all((0..4).map(upload)), delete).await;
        let arrived = uploads.iter().filter(|status| **status == 201).count();
        assert!(uploads.iter().all(|status| [201, 404, 422].contains(status)), "{uploads:?}");
        match deleted.status.as_u16() {
            204 => assert_eq!(arrived, 0),
            409 => assert_eq!(
                names(&cast.read(&cast.viewer, format!("/files?folder={id}")).await.expect(200).json()).len(),
                arrived
            ),
            other => panic!("{other}"),
        }
    }
}
