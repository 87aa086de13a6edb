//! Hidden and read-only fields.

use http::Method;
use serde_json::{Value, json};

use super::roles::member_with;
use crate::cast::{Cast, encoded};

const DOCUMENTS: &str = "/collections/staff/documents";

/// A collection whose documents have a field that editors do not see, and one that they do not change.
async fn staff() -> (Cast, String) {
    let cast = Cast::new().await;
    let schema = json!({ "properties": { "salary": { "type": "integer" }, "name": { "type": "string" } } });
    cast.collection("staff", schema).await;
    let rules = json!({ "rules": [
        { "field": "data.salary", "roles": ["viewer", "editor"], "access": "hidden" },
        { "field": "data.bank.iban", "roles": ["viewer", "editor"], "access": "hidden" },
        { "field": "data.grade", "roles": ["editor"], "access": "read-only" },
    ] });
    cast.send(&cast.admin, Method::PUT, "/collections/staff/field-rules", rules).await.expect(200);
    let data = json!({ "name": "Ada", "salary": 77123, "grade": 3, "bank": { "iban": "DE77123", "city": "Kiel" } });
    let made = cast.send(&cast.owner, Method::POST, DOCUMENTS, json!({ "data": data })).await.expect(201).json();
    let path = format!("{DOCUMENTS}/{}", made["id"].as_str().unwrap());
    (cast, path)
}

#[tokio::test]
async fn a_hidden_field_is_in_no_answer() {
    let (cast, path) = staff().await;
    let all = json!({ "name": "Ada", "salary": 77123, "grade": 3, "bank": { "iban": "DE77123", "city": "Kiel" } });
    assert_eq!(cast.read(&cast.admin, &path).await.expect(200).json()["data"], all);
    let rest = json!({ "name": "Ada", "grade": 3, "bank": { "city": "Kiel" } });
    for user in [&cast.viewer, &cast.editor] {
        assert_eq!(cast.read(user, &path).await.expect(200).json()["data"], rest);
        for query in [
            "",
            "?fields=data",
            "?fields=data.salary,data.bank",
            "?sort=-updated_at",
            "?filter=data.name%20eq%20%22Ada%22",
        ] {
            let answer = cast.read(user, format!("{DOCUMENTS}{query}")).await.expect(200);
            assert!(!String::from_utf8_lossy(&answer.body).contains("77123"), "{query}: {answer:?}");
        }
    }
    let patched = cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "name": "Eve" } })).await.expect(200);
    assert!(!String::from_utf8_lossy(&patched.body).contains("77123"));
    let link = json!({ "on": { "collection": "staff" }, "to": { "link": true }, "permissions": ["documents:read"],
                       "expires_at": "2099-01-01T00:00:00Z" });
    let link = cast.send(&cast.owner, Method::POST, "/grants", link).await.expect(201).json();
    let token = link["link_token"].as_str().unwrap();
    let shared = cast.app.get("/api/v1/shared/documents").header("link-token", token).send().await.expect(200);
    assert!(String::from_utf8_lossy(&shared.body).contains("Eve"));
    assert!(!String::from_utf8_lossy(&shared.body).contains("77123"));
}

/// By no question that could be asked about it, whether it would find something or not.
#[tokio::test]
async fn a_hidden_field_cannot_be_asked_about() {
    let (cast, _) = staff().await;
    for field in ["data.salary", "data.bank.iban", "data.salary.x"] {
        let mut queries = Vec::new();
        for value in ["77123", "1", "\"DE77123\""] {
            for operator in ["eq", "ne", "lt", "ge"] {
                queries.push(format!("filter={}", encoded(&format!("{field} {operator} {value}"))));
            }
            queries.push(format!("filter={}", encoded(&format!("not (data.name eq \"x\" or {field} in [{value}])"))));
            queries.push(format!("filter={}", encoded(&format!("{field} contains {value}"))));
        }
        queries.push(format!("filter={}", encoded(&format!("{field} exists"))));
        queries.push(format!("sort={field}"));
        queries.push(format!("sort=-created_at,-{field}"));
        for query in queries {
            let problem = cast.read(&cast.viewer, format!("{DOCUMENTS}?{query}")).await.problem(403, "forbidden");
            assert!(!problem.to_string().contains("77123"), "{problem}");
            cast.read(&cast.admin, format!("{DOCUMENTS}?{query}")).await.expect(200);
        }
    }
    // A name with quotes is the same name.
    let quoted = encoded("data.\"salary\" gt 1");
    cast.read(&cast.viewer, format!("{DOCUMENTS}?filter={quoted}")).await.problem(403, "forbidden");
    let listed =
        cast.read(&cast.viewer, format!("{DOCUMENTS}?filter={}", encoded("data.bank exists"))).await.expect(200);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_one_may_not_see_one_cannot_write_and_does_not_lose() {
    let (cast, path) = staff().await;
    let secret = async || {
        let data = cast.read(&cast.owner, &path).await.expect(200).json()["data"].clone();
        (data["salary"].clone(), data["bank"]["iban"].clone(), data["grade"].clone())
    };
    let kept = (json!(77123), json!("DE77123"), json!(3));
    for data in [
        json!({ "salary": 77123 }),
        json!({ "salary": 1 }),
        json!({ "salary": null }),
        json!({ "bank": null }),
        json!({ "bank": "x" }),
        json!({ "bank": { "iban": "x" } }),
        json!({ "salary": null, "bank": [] }),
        json!({ "grade": 4 }),
    ] {
        for method in [Method::PATCH, Method::PUT] {
            let body = json!({ "data": data });
            cast.send(&cast.editor, method, &path, body).await.problem(403, "forbidden");
        }
    }
    cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "grade": null } })).await.problem(403, "forbidden");
    cast.send(&cast.editor, Method::POST, DOCUMENTS, json!({ "data": { "salary": 1 } }))
        .await
        .problem(403, "forbidden");
    cast.send(&cast.editor, Method::POST, DOCUMENTS, json!({ "data": { "grade": 1 } })).await.problem(403, "forbidden");
    assert_eq!(secret().await, kept);
    for (method, data) in [
        (Method::PATCH, json!({ "name": "Eve", "bank": { "city": "Bonn" } })),
        (Method::PUT, json!({ "name": "Eve" })),
        (Method::PUT, json!({ "name": "Eve", "grade": 3, "bank": {} })),
    ] {
        cast.send(&cast.editor, method, &path, json!({ "data": data })).await.expect(200);
        assert_eq!(secret().await, kept);
    }
    cast.send(&cast.admin, Method::PATCH, &path, json!({ "data": { "salary": 1, "grade": 4 } })).await.expect(200);
}

/// A schema that ties a hidden field to another says no more than that the document does not fit.
#[tokio::test]
async fn errors_do_not_tell_of_a_hidden_field() {
    let cast = Cast::new().await;
    let schema = json!({ "required": ["salary"], "properties": { "salary": { "maximum": 10 } } });
    cast.collection("staff", schema).await;
    let rules = json!({ "rules": [{ "field": "data.salary", "roles": ["editor"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/staff/field-rules", rules).await.expect(200);
    let problem = cast.send(&cast.editor, Method::POST, DOCUMENTS, json!({ "data": {} })).await;
    let problem = problem.problem(422, "validation-failed");
    assert!(!problem.to_string().contains("salary"), "{problem}");
}

#[tokio::test]
async fn a_rule_is_for_who_has_no_other_role() {
    let (cast, path) = staff().await;
    let reader = member_with(&cast, "reader", json!(["documents:read"])).await;
    assert_eq!(cast.read(&reader, &path).await.expect(200).json()["data"]["salary"], 77123);
    let team =
        cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": "Pay", "role": "reader" })).await.expect(201);
    let place = format!("/teams/{}/members/{}", team.json()["id"].as_str().unwrap(), cast.viewer.id);
    assert_eq!(cast.read(&cast.viewer, &path).await.expect(200).json()["data"]["salary"], Value::Null);
    cast.call(&cast.owner, Method::PUT, &place).send().await.expect(204);
    assert_eq!(cast.read(&cast.viewer, &path).await.expect(200).json()["data"]["salary"], 77123);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let (cast, _) = staff().await;
    let path = "/collections/staff/field-rules";
    for (rule, pointer) in [
        (json!({ "field": "id", "roles": ["viewer"], "access": "hidden" }), "/rules/0/field"),
        (json!({ "field": "data", "roles": ["viewer"], "access": "hidden" }), "/rules/0/field"),
        (json!({ "field": "data.a", "roles": ["owner"], "access": "hidden" }), "/rules/0/roles"),
        (json!({ "field": "data.a", "roles": [], "access": "hidden" }), "/rules/0/roles"),
        (json!({ "field": "data.a", "roles": ["viewer"], "access": "gone" }), "/rules/0/access"),
    ] {
        let problem = cast.send(&cast.owner, Method::PUT, path, json!({ "rules": [rule] })).await;
        assert_eq!(problem.problem(422, "validation-failed")["errors"][0]["pointer"], pointer);
    }
    let stale = cast.call(&cast.owner, Method::PUT, path).header("if-match", "\"v1\"").json(json!({ "rules": [] }));
    stale.send().await.problem(412, "precondition-failed");
    let read = cast.read(&cast.admin, path).await.expect(200);
    assert_eq!(read.header("etag"), "\"v2\"");
    assert_eq!(read.json()["rules"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn explanations_name_limits_but_not_to_those_from_whom_the_field_is_hidden() {
    let (cast, _) = staff().await;
    let query = |more: &str| format!("/access/explain?permission=documents:read&collection=staff{more}");
    let own = cast.read(&cast.editor, query("")).await.expect(200).json();
    assert_eq!(own["fields"], json!([{ "field": "data.grade", "access": "read-only" }]));
    let others = cast.read(&cast.admin, query(&format!("&user={}", cast.editor.id))).await.expect(200).json();
    let names: Vec<_> = others["fields"].as_array().unwrap().iter().map(|limit| limit["field"].clone()).collect();
    assert_eq!(names, ["data.salary", "data.bank.iban", "data.grade"]);
    assert_eq!(cast.read(&cast.owner, query("")).await.expect(200).json()["fields"], json!([]));
}

/// Whatever stands in its place: what one may only read is not lost by writing something around it.
#[tokio::test]
async fn a_nested_field_that_is_only_read_stays() {
    let cast = Cast::new().await;
    cast.collection("staff", json!({})).await;
    let rules = json!({ "rules": [{ "field": "data.pay.grade", "roles": ["editor"], "access": "read-only" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/staff/field-rules", rules).await.expect(200);
    for (kept, refused, passed) in [
        (
            json!({ "grade": 3 }),
            json!([{ "pay": "x" }, { "pay": null }, { "pay": { "grade": 4 } }]),
            json!({ "pay": {} }),
        ),
        (json!([{ "grade": 3 }]), json!([{ "pay": [] }, { "pay": 1 }, { "pay": [{ "grade": 4 }] }]), json!({ "a": 1 })),
    ] {
        let made =
            cast.send(&cast.owner, Method::POST, DOCUMENTS, json!({ "data": { "pay": kept } })).await.expect(201);
        let path = format!("{DOCUMENTS}/{}", made.json()["id"].as_str().unwrap());
        for data in refused.as_array().unwrap() {
            cast.send(&cast.editor, Method::PUT, &path, json!({ "data": data })).await.problem(403, "forbidden");
        }
        cast.send(&cast.editor, Method::PUT, &path, json!({ "data": passed })).await.expect(200);
        cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "b": 1 } })).await.expect(200);
        assert_eq!(cast.read(&cast.owner, &path).await.expect(200).json()["data"]["pay"], kept);
        let new = json!({ "data": { "pay": kept } });
        cast.send(&cast.editor, Method::POST, DOCUMENTS, new).await.problem(403, "forbidden");
    }
}
