//! What is told about the API is what it does.

use serde_json::Value;

use crate::support::TestApp;
use core_service::problem::kinds;

#[tokio::test]
async fn the_document_is_openapi_3_1_and_revalidated() {
    let app = TestApp::start().await;
    let answer = app.get("/api/openapi.json").send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let etag = answer.header("etag").to_owned();
    let again = app.get("/api/openapi.json").header("if-none-match", &etag).send().await.expect(304);
    assert!(again.body.is_empty());
}

#[test]
fn every_operation_is_told_whole() {
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["operationId"].as_str().is_some_and(|id| id.contains('.')), "{at}");
            assert!(operation["summary"].is_string(), "{at} has no summary");
            assert!(operation["security"].is_array(), "{at} says nothing of security");
            assert!(operation["tags"].is_array(), "{at} has no tag");
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "403", "405", "408", "414", "429", "431", "500", "503", "504"] {
                assert!(responses.contains_key(status), "{at} lacks {status}");
            }
            let secured = operation["security"].as_array().unwrap().iter().any(|one| one.get("bearer").is_some());
            assert!(!secured || responses.contains_key("401"), "{at} lacks 401");
            assert!(!operation["requestBody"].is_object() || responses.contains_key("422"), "{at} lacks 422");
            for (status, response) in responses {
                if status.starts_with('4') || status.starts_with('5') {
                    let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{at} {status}");
                }
            }
        }
    }
}

#[test]
fn every_reference_resolves() {
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} is nowhere");
                }
                map.values().for_each(|value| check(value, document));
            }
            Value::Array(list) => list.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    check(&document, &document);
}

#[tokio::test]
async fn the_page_needs_no_script_and_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let answer = app.get("/api/docs").send().await.expect(200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(answer.body.to_vec()).unwrap();
    for foreign in ["<script", "http://", "https://", " src=", "style=", "onclick"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for told in ["/api/v1/auth/login", "identity.me.patch", "schema-NewUser", "Nobody"] {
        let there = page.contains(told);
        assert_eq!(there, told != "Nobody", "{told}");
    }
}

#[test]
fn every_problem_type_is_told() {
    let page = include_str!("../../../docs/problems.md");
    // | `slug` | status | given by | … |
    let told: Vec<(String, u16, String)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let slug = cells.next()?.trim_end_matches('`').to_owned();
            Some((slug, cells.next()?.parse().ok()?, cells.next()?.to_owned()))
        })
        .collect();
    let mut by_core: Vec<_> = told
        .iter()
        .filter(|(_, _, by)| by.contains("core"))
        .map(|(slug, status, _)| (slug.as_str(), *status))
        .collect();
    let mut registered: Vec<_> = kinds::ALL.iter().map(|kind| (kind.slug, kind.status.as_u16())).collect();
    by_core.sort_unstable();
    registered.sort_unstable();
    assert_eq!(by_core, registered, "docs/problems.md and problem/kinds.rs differ");
}
