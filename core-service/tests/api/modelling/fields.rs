//! Defaults, read-only and computed fields.

use http::Method;
use serde_json::json;

use super::{collection, create, data, document, merge, pointers};
use crate::cast::Cast;

async fn cast() -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "required": ["status", "total"], "properties": {
        "status": { "type": "string", "default": "open" },
        "number": { "type": "integer", "readOnly": true, "default": 7 },
        "at": { "type": "object", "properties": { "city": { "default": "Köln" } } },
    } });
    let options = json!({ "computed": [{ "field": "data.total", "value": "data.price * data.pieces" },
                                       { "field": "data.label", "value": "data.title & \" (\" & data.total & \")\"" }] });
    collection(&cast, "orders", schema, options).await;
    cast
}

#[tokio::test]
async fn what_is_not_said_is_filled_in() {
    let cast = cast().await;
    let made =
        create(&cast, "orders", json!({ "price": 2.5, "pieces": 4, "title": "Rope", "at": {} })).await.expect(201);
    let expected = json!({ "status": "open", "number": 7, "price": 2.5, "pieces": 4, "total": 10.0, "title": "Rope",
                           "label": "Rope (10.0)", "at": { "city": "Köln" } });
    assert_eq!(made.json()["data"], expected);
    let made = create(&cast, "orders", json!({ "price": 1, "pieces": 1, "status": "paid" })).await.expect(201).json();
    assert_eq!(made["data"], json!({ "status": "paid", "number": 7, "price": 1, "pieces": 1, "total": 1 }));
    // Defaults are for new documents: a replacement says what there is.
    let path = document("orders", made["id"].as_str().unwrap());
    let put = cast.send(&cast.editor, Method::PUT, &path, json!({ "data": { "price": 1, "pieces": 2 } })).await;
    assert_eq!(pointers(&put.problem(422, "validation-failed")), ["/data/status"]);
}

#[tokio::test]
async fn nobody_writes_what_is_read_only_or_computed() {
    let cast = cast().await;
    let problem = create(&cast, "orders", json!({ "price": 1, "pieces": 1, "number": 1, "total": 3 })).await;
    assert_eq!(pointers(&problem.problem(422, "validation-failed")), ["/data/number", "/data/total"]);
    let made = create(&cast, "orders", json!({ "price": 1, "pieces": 1 })).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let path = document("orders", id);
    for (method, body) in [
        (Method::PATCH, json!({ "data": { "number": 8 } })),
        (Method::PATCH, json!({ "data": { "number": null } })),
        (Method::PUT, json!({ "data": { "status": "open", "price": 1, "pieces": 1, "number": 8 } })),
    ] {
        let answer = cast.send(&cast.owner, method, &path, body.clone()).await;
        assert_eq!(pointers(&answer.problem(422, "validation-failed")), ["/data/number"], "{body}");
    }
    let call = cast.call(&cast.owner, Method::PATCH, &path).json(json!([{ "op": "remove", "path": "/data/total" }]));
    let problem =
        call.header("content-type", "application/json-patch+json").send().await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["code"], "readOnly");
    // What was read can be sent back, and what is left out stays.
    let mut all = data(&cast, "orders", id).await;
    all["pieces"] = json!(3);
    let put = cast.send(&cast.editor, Method::PUT, &path, json!({ "data": all })).await.expect(200).json();
    assert_eq!((&put["data"]["total"], &put["data"]["number"]), (&json!(3), &json!(7)));
    let rest = json!({ "data": { "status": "open", "price": 2, "pieces": 3 } });
    let put = cast.send(&cast.editor, Method::PUT, &path, rest).await.expect(200).json();
    assert_eq!((&put["data"]["total"], &put["data"]["number"]), (&json!(6), &json!(7)));
    // What it is worked out from is gone: so is the result, which the schema wants.
    let problem = merge(&cast, "orders", id, json!({ "price": null })).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/data/total"]);
}
