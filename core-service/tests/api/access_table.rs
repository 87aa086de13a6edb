//! Asks for every operation of the OpenAPI document as everybody, and compares with `access_table.md`.

use std::collections::{BTreeMap, BTreeSet};

use core_service::access::Role;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cast::Cast;
use crate::support::User;

/// An operation of the OpenAPI document.
struct Operation {
    method: Method,
    path: String,
    needs_token: bool,
}

fn operations() -> BTreeMap<String, Operation> {
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            let security = operation["security"].as_array().unwrap_or_else(|| panic!("{id} says nothing of security"));
            let needs_token = security.iter().any(|way| way.get("bearer").is_some());
            let operation = Operation { method, path: path.clone(), needs_token };
            assert!(operations.insert(id.to_owned(), operation).is_none(), "{id} is there twice");
        }
    }
    operations
}

/// The rows of `access_table.md`: an operation, and a status for each column.
fn table() -> (Vec<String>, Vec<(String, Vec<u16>)>) {
    let mut rows = include_str!("access_table.md").lines().filter(|line| line.starts_with('|')).map(|line| {
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        cells.collect::<Vec<_>>()
    });
    let head = rows.next().unwrap().split_off(1);
    let rows = rows.skip(1).map(|mut cells| {
        let statuses = cells.split_off(1).iter().map(|cell| cell.parse().unwrap()).collect();
        (cells.remove(0), statuses)
    });
    (head, rows.collect())
}

#[test]
fn the_table_is_complete() {
    let operations = operations();
    let (columns, rows) = table();
    assert_eq!(columns, ["anonymous", "stranger", "viewer", "editor", "admin", "owner"]);
    let named: BTreeSet<&String> = rows.iter().map(|(operation, _)| operation).collect();
    assert_eq!(named, operations.keys().collect(), "access_table.md and the OpenAPI document must name the same");
    assert_eq!(named.len(), rows.len(), "an operation stands there twice");
    for (operation, statuses) in &rows {
        assert_eq!(operations[operation].needs_token, statuses[0] == 401, "{operation}");
    }
}

/// One request for each cell.
#[tokio::test]
async fn everybody_gets_what_the_table_says() {
    let cast = Cast::new().await;
    let operations = operations();
    let (columns, rows) = table();
    let mut wrong = Vec::new();
    for (operation, statuses) in rows {
        for (column, expected) in columns.iter().zip(statuses) {
            let status = ask(&cast, &operation, &operations[&operation], column).await;
            if status != expected {
                wrong.push(format!("{operation} as {column}: {status} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn ask(cast: &Cast, id: &str, operation: &Operation, column: &str) -> u16 {
    let user = match column {
        "anonymous" => None,
        "stranger" => Some(&cast.stranger),
        role => Some(cast.member(serde_json::from_value::<Role>(json!(role)).unwrap())),
    };
    // Signing out must not sign out the cast.
    let signed_in = match (id, user) {
        ("identity.logout", Some(user)) => Some(cast.app.sign_in(user).await),
        (_, user) => user.cloned(),
    };
    let (path, body) = request(cast, id, &operation.path, user.unwrap_or(&cast.owner)).await;
    let mut call = cast.app.call(operation.method.clone(), &path);
    if let Some(user) = &signed_in {
        call = call.bearer(&user.access_token);
    }
    if let Some(body) = body {
        call = call.json(body);
    }
    call.send().await.status.as_u16()
}

/// A well-formed request for an operation, about things made for this one request.
async fn request(cast: &Cast, id: &str, path: &str, user: &User) -> (String, Option<Value>) {
    let new = Uuid::now_v7().simple().to_string();
    let mut path = path.replace("{workspace}", &cast.workspace);
    if path.contains("{collection}") {
        let name = format!("c{new}");
        cast.collection(&name, json!({})).await;
        path = path.replace("{collection}", &name);
        if path.contains("{document}") {
            path = path.replace("{document}", &cast.document(&name, json!({ "a": 1 })).await);
        }
    }
    if path.contains("{user}") {
        let member = cast.app.user().await;
        cast.add(&member, "viewer").await;
        path = path.replace("{user}", &member.id);
    }
    if path.contains("{session}") {
        let other = cast.app.user().await;
        let sessions = cast.app.get("/api/v1/auth/sessions").bearer(&other.access_token).send().await.json();
        path = path.replace("{session}", sessions["items"][0]["id"].as_str().unwrap());
    }
    assert!(!path.contains('{'), "teach this test what to put into {path}");
    let body = match id {
        "identity.register" => Some(json!({ "email": format!("{new}@example.org"), "password": "a long password" })),
        "mail.sendgrid.events" => Some(json!([])),
        "identity.login" => Some(json!({ "email": user.email, "password": user.password })),
        "identity.refresh" => Some(json!({ "refresh_token": cast.app.sign_in(user).await.refresh_token })),
        "identity.me.patch" => Some(json!({ "display_name": "Jo" })),
        "workspaces.create" | "workspaces.update" => Some(json!({ "name": "Quay" })),
        "members.add" => Some(json!({ "email": cast.app.user().await.email, "role": "editor" })),
        "members.change" => Some(json!({ "role": "editor" })),
        "collections.create" | "collections.replace" => Some(json!({ "name": format!("d{new}"), "schema": {} })),
        "collections.update" => Some(json!({ "schema": { "title": "t" } })),
        "documents.create" | "documents.replace" | "documents.update" => Some(json!({ "data": { "a": 2 } })),
        _ => None,
    };
    (path, body)
}
