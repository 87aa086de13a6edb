//! Figures about documents: counts, sums, groups.

use std::collections::BTreeMap;

use http::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::cast::{Cast, encoded};
use crate::support::{Answer, User};

const AGGREGATE: &str = "/collections/items/documents/aggregate";

async fn cast_with(documents: &[Value]) -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "properties": {
        "due": { "type": "string", "format": "date-time" }, "tags": { "type": "array" } } });
    cast.collection("items", schema).await;
    for data in documents {
        cast.document("items", data.clone()).await;
    }
    cast
}

async fn ask(cast: &Cast, user: &User, parameters: &[(&str, &str)]) -> Answer {
    let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    cast.read(user, format!("{AGGREGATE}?{}", query.join("&"))).await
}

async fn groups(cast: &Cast, parameters: &[(&str, &str)]) -> Value {
    let mut answer = ask(cast, &cast.viewer, parameters).await.expect(200).json();
    assert_eq!(answer["complete"], true);
    answer["groups"].take()
}

#[tokio::test]
async fn figures_are_told_of_groups() {
    let cast = cast_with(&[
        json!({ "s": "open", "n": 1, "tags": ["a", "b", "a"], "due": "2026-01-31T23:30:00-01:00" }),
        json!({ "s": "open", "n": 2.5, "tags": ["b"], "due": "2026-02-01T12:00:00Z" }),
        json!({ "s": "done", "n": "x", "tags": [], "due": "2026-03-01T00:00:00.5Z" }),
        json!({ "n": null }),
    ])
    .await;
    let all = groups(&cast, &[]).await;
    assert_eq!(all, json!([{ "by": {}, "values": { "count": 4 } }]));
    let values = "count,count(data.n),sum(data.n),avg(data.n),min(data.n),max(data.n),max(data.due),min(version)";
    let all = groups(&cast, &[("values", values)]).await;
    let expected = json!({ "count": 4, "count(data.n)": 3, "sum(data.n)": 3.5, "avg(data.n)": 1.75, "min(data.n)": 1,
        "max(data.n)": "x", "max(data.due)": "2026-03-01T00:00:00.500000Z", "min(version)": 1 });
    assert_eq!(all, json!([{ "by": {}, "values": expected }]));

    let by_state = groups(&cast, &[("group_by", "data.s"), ("values", "count,sum(data.n)"), ("sort", "-count")]).await;
    let expected = json!([
        { "by": { "data.s": "open" }, "values": { "count": 2, "sum(data.n)": 3.5 } },
        { "by": {}, "values": { "count": 1, "sum(data.n)": null } },
        { "by": { "data.s": "done" }, "values": { "count": 1, "sum(data.n)": null } },
    ]);
    assert_eq!(by_state, expected);

    let by_month = groups(&cast, &[("group_by", "month(data.due)"), ("filter", "data.due exists")]).await;
    let months: Vec<_> = by_month.as_array().unwrap().iter().map(|group| &group["by"]["month(data.due)"]).collect();
    assert_eq!(months, ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
    // Each element once, whoever has none apart.
    let by_tag = groups(&cast, &[("group_by", "data.tags"), ("sort", "-data.tags")]).await;
    let expected = json!([
        { "by": { "data.tags": "b" }, "values": { "count": 2 } },
        { "by": { "data.tags": "a" }, "values": { "count": 1 } },
        { "by": {}, "values": { "count": 2 } },
    ]);
    assert_eq!(by_tag, expected);
    let by_writer = groups(&cast, &[("group_by", "created_by,day(created_at)"), ("values", "max(created_at)")]).await;
    assert_eq!(by_writer[0]["by"]["created_by"], json!(cast.editor.id));

    let none = groups(&cast, &[("filter", "data.n gt 5"), ("values", "count,sum(data.n)")]).await;
    assert_eq!(none, json!([{ "by": {}, "values": { "count": 0, "sum(data.n)": null } }]));
    assert_eq!(groups(&cast, &[("filter", "data.n gt 5"), ("group_by", "data.s")]).await, json!([]));
    let cut = ask(&cast, &cast.viewer, &[("group_by", "data.s"), ("limit", "2")]).await.expect(200).json();
    assert_eq!((cut["complete"].as_bool(), cut["groups"].as_array().unwrap().len()), (Some(false), 2));
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_place() {
    let cast = cast_with(&[json!({ "'; DROP TABLE documents; --": 1 })]).await;
    for (parameter, text, detail) in [
        ("group_by", "data.s,", "`group_by`, at character 8"),
        ("values", "sum(data.n", "`values`, at character 11"),
        ("values", "sum(data.n) DESC; --", "`values`, at character 13"),
        ("sort", "data.s", "`sort`, at character 1"),
        ("filter", "data.n is 1", "`filter`, at character 8"),
        ("limit", "1001", "limit"),
    ] {
        let problem = ask(&cast, &cast.viewer, &[(parameter, text)]).await.problem(400, "invalid-query");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{text}: {problem}");
    }
    let nasty = "data.\"'; DROP TABLE documents; --\"";
    let sum = format!("sum({nasty})");
    let found = groups(&cast, &[("group_by", nasty), ("values", &sum), ("sort", &sum)]).await;
    assert_eq!(found, json!([{ "by": { nasty: 1 }, "values": { sum: 1 } }]));
}

/// Nobody learns by adding up what they may not read.
#[tokio::test]
async fn figures_are_about_what_the_caller_may_read() {
    let cast = cast_with(&[]).await;
    let mine = cast.document("items", json!({ "pay": 10, "s": { "pay": 1 } })).await;
    cast.document("items", json!({ "pay": 500 })).await;
    let rules = json!({ "rules": [{ "field": "data.pay", "roles": ["viewer"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/items/field-rules", rules).await.expect(200);
    for (parameter, text) in [
        ("values", "sum(data.pay)"),
        ("values", "max(data.pay.a)"),
        ("group_by", "data.pay"),
        ("filter", "data.pay gt 1"),
    ] {
        ask(&cast, &cast.viewer, &[(parameter, text)]).await.problem(403, "forbidden");
    }
    let all = ask(&cast, &cast.editor, &[("values", "sum(data.pay)")]).await.expect(200).json();
    assert_eq!(all["groups"][0]["values"], json!({ "sum(data.pay)": 510 }));
    // An object shows nothing of what is in it.
    let objects = groups(&cast, &[("group_by", "data.s"), ("values", "max(data.s)")]).await;
    assert_eq!(objects[1], json!({ "by": { "data.s": {} }, "values": { "max(data.s)": null } }));

    let nobody = json!({ "name": "nobody", "permissions": [] });
    cast.send(&cast.owner, Method::POST, "/roles", nobody).await.expect(201);
    let guest = cast.app.user().await;
    cast.add(&guest, "nobody").await;
    ask(&cast, &guest, &[]).await.problem(403, "forbidden");
    let grant = json!({ "on": { "collection": "items", "document": mine }, "to": { "user": guest.id },
                        "permissions": ["documents:read"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let one = ask(&cast, &guest, &[("values", "count,sum(data.pay)")]).await.expect(200).json();
    assert_eq!(one["groups"][0]["values"], json!({ "count": 1, "sum(data.pay)": 10 }));
}

/// Random documents, grouped and added up here and there.
#[tokio::test]
async fn a_model_in_memory_says_the_same() {
    let value = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        (-3i32..3).prop_map(|n| json!(n)),
        (-3i32..3).prop_map(|n| json!(f64::from(n) / 2.0)),
        "[aB ]{0,2}".prop_map(|s| json!(s)),
        Just(json!([1, 2])),
        Just(json!({ "a": 1 })),
    ];
    let document = prop::collection::btree_map(prop_oneof!["g", "n"], value, 0..3);
    let mut runner = TestRunner::deterministic();
    let documents: Vec<Value> = (0..60).map(|_| json!(document.new_tree(&mut runner).unwrap().current())).collect();
    let cast = cast_with(&documents).await;

    let mut model: BTreeMap<String, (u64, f64, bool)> = BTreeMap::new();
    for document in &documents {
        let key = match document.get("g") {
            None => "absent".to_owned(),
            Some(Value::Number(number)) => number.as_f64().unwrap().to_string(),
            Some(Value::Array(_)) => "[]".to_owned(),
            Some(Value::Object(_)) => "{}".to_owned(),
            Some(value) => value.to_string(),
        };
        let group = model.entry(key).or_default();
        group.0 += 1;
        if let Some(number) = document["n"].as_f64() {
            group.1 += number;
            group.2 = true;
        }
    }
    let found = groups(&cast, &[("group_by", "data.g"), ("values", "count,sum(data.n)"), ("limit", "1000")]).await;
    let found: BTreeMap<String, (u64, f64, bool)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let by: &Map<String, Value> = group["by"].as_object().unwrap();
            let key = match by.get("data.g") {
                None => "absent".to_owned(),
                Some(Value::Number(number)) => number.as_f64().unwrap().to_string(),
                Some(value) => value.to_string(),
            };
            let (count, sum) = (&group["values"]["count"], &group["values"]["sum(data.n)"]);
            (key, (count.as_u64().unwrap(), sum.as_f64().unwrap_or_default(), !sum.is_null()))
        })
        .collect();
    assert_eq!(found, model);
}
