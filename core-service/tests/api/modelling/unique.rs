//! Unique fields.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::{collection, create, delete, document, merge, pointers};
use crate::cast::Cast;

async fn cast() -> Cast {
    let cast = Cast::new().await;
    let unique = json!([{ "fields": ["data.slug"] }, { "fields": ["data.at.row", "data.at.seat"] }]);
    collection(&cast, "seats", json!({}), json!({ "unique": unique })).await;
    cast
}

#[tokio::test]
async fn no_two_documents_have_the_same() {
    let cast = cast().await;
    let first = create(&cast, "seats", json!({ "slug": "a", "at": { "row": 1, "seat": 1 } })).await.expect(201).json();
    let problem = create(&cast, "seats", json!({ "slug": "a" })).await.problem(409, "value-taken");
    assert_eq!((pointers(&problem), &problem["errors"][0]["code"]), (vec!["/data/slug"], &json!("unique")));
    let problem = create(&cast, "seats", json!({ "at": { "row": 1.0, "seat": 1 } })).await.problem(409, "value-taken");
    assert_eq!(pointers(&problem), ["/data/at/row", "/data/at/seat"]);
    // What is absent or null does not count, nor does half of what counts together.
    for data in [json!({}), json!({ "slug": null }), json!({ "at": { "row": 1 } }), json!({ "slug": "A" })] {
        create(&cast, "seats", data.clone()).await.expect(201);
        create(&cast, "seats", json!({ "x": data })).await.expect(201);
    }
    let other = create(&cast, "seats", json!({ "slug": "b" })).await.expect(201).json();
    let (first, other) = (first["id"].as_str().unwrap(), other["id"].as_str().unwrap());
    merge(&cast, "seats", other, json!({ "slug": "a" })).await.problem(409, "value-taken");
    // Its own value is nobody else's, and what is given up can be had.
    merge(&cast, "seats", first, json!({ "slug": "a", "n": 1 })).await.expect(200);
    merge(&cast, "seats", first, json!({ "slug": "c" })).await.expect(200);
    merge(&cast, "seats", other, json!({ "slug": "a" })).await.expect(200);
    delete(&cast, "seats", other).await.expect(204);
    create(&cast, "seats", json!({ "slug": "a" })).await.expect(201);
}

#[tokio::test]
async fn of_ten_racing_creations_one_is_left() {
    let cast = cast().await;
    for round in 0..5 {
        let create = |n: i32| create(&cast, "seats", json!({ "slug": format!("race-{round}"), "n": n }));
        let answers = join_all((0..10).map(create)).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let taken = answers.iter().filter(|answer| answer.status == 409).count();
        assert_eq!((made, taken), (1, 9), "{answers:?}");
    }
    let listed = cast.read(&cast.viewer, super::documents("seats")).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 5);
}

/// Whatever a race does with values, at its end each is had by one at most.
#[tokio::test]
async fn racing_changes_leave_no_value_twice() {
    let cast = cast().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let made = create(&cast, "seats", json!({ "slug": format!("s{n}") })).await.expect(201).json();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    for round in 0..5 {
        let moves = ids.iter().enumerate().map(|(n, id)| {
            let slug = format!("s{}", (n + round) % 5);
            let cast = &cast;
            async move { merge(cast, "seats", id, json!({ "slug": slug })).await }
        });
        for answer in join_all(moves).await {
            // Who waits for each other in a circle is told to try again.
            assert!([200, 409, 503].contains(&answer.status.as_u16()), "{answer:?}");
        }
        let listed = cast.read(&cast.viewer, super::documents("seats")).await.json();
        let mut slugs: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|item| item["data"]["slug"].as_str().unwrap()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), 4);
    }
}

#[tokio::test]
async fn a_new_rule_holds_for_documents_that_are_there() {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let (one, two) =
        (cast.document("items", json!({ "a": 1 })).await, cast.document("items", json!({ "a": 1.0 })).await);
    let set = async |options: Value| {
        cast.send(&cast.admin, Method::PATCH, "/collections/items", json!({ "options": options })).await
    };
    let rule = json!({ "unique": [{ "fields": ["data.a"] }] });
    let problem = set(rule.clone()).await.problem(409, "schema-incompatible");
    assert_eq!(problem["documents"], json!([two]), "{problem}");
    merge(&cast, "items", &two, json!({ "a": 2 })).await.expect(200);
    set(rule).await.expect(200);
    create(&cast, "items", json!({ "a": 2 })).await.problem(409, "value-taken");
    cast.read(&cast.viewer, document("items", &one)).await.expect(200);
    set(json!({ "unique": null })).await.expect(200);
    create(&cast, "items", json!({ "a": 2 })).await.expect(201);
}
