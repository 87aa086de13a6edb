//! Asks for every operation of the OpenAPI document as everybody, and compares with `access_table.md`.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::mfa;
use crate::accounts::passkeys::{self, Authenticator};
use crate::api_keys;
use crate::cast::Cast;
use crate::files::uploads;
use crate::support::User;

/// Where the tests' app is, for passkeys.
const PAGE: &str = "http://127.0.0.1:3000";

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
    let someone_else = match id {
        // What they lose must not be the cast's.
        "identity.password.change" | "identity.me.delete" | "identity.sessions.end_others" => {
            Some(cast.app.user().await)
        }
        "identity.mfa.totp.begin"
        | "identity.mfa.totp.confirm"
        | "identity.mfa.email.add"
        | "identity.passkeys.options"
        | "identity.passkeys.add"
        | "identity.passkeys.remove" => Some(mfa::verified(&cast.app).await),
        "identity.mfa.totp.remove" | "identity.mfa.recovery.renew" => Some(mfa::with_app(&cast.app).await.0),
        "identity.mfa.email.remove" | "identity.step_up.email_code" => Some(mfa::with_mailbox(&cast.app).await),
        _ => None,
    };
    let user = match column {
        "anonymous" => None,
        _ if someone_else.is_some() => someone_else.as_ref(),
        "stranger" => Some(&cast.stranger),
        role => Some(cast.member(role)),
    };
    // Signing out must not sign out the cast.
    let signed_in = match (id, user) {
        ("identity.logout", Some(user)) => Some(cast.app.sign_in(user).await),
        (_, user) => user.cloned(),
    };
    let (path, body) = request(cast, id, &operation.path, someone_else.as_ref().or(user).unwrap_or(&cast.owner)).await;
    let mut call = cast.app.call(operation.method.clone(), &path);
    if let Some(user) = &signed_in {
        call = call.bearer(&user.access_token);
    }
    if id.starts_with("uploads.") {
        let metadata = uploads::named(&Uuid::now_v7().to_string());
        call = uploads::tus(call)
            .header("upload-length", "1")
            .header("upload-metadata", &metadata)
            .header("upload-offset", "0");
        call = call.header("content-type", "application/offset+octet-stream");
    } else if id == "documents.import" {
        call = call.header("content-type", "text/csv").body("data.a\n1\n");
    } else if let Some(body) = body {
        call = call.json(body);
    }
    let status = call.send().await.status.as_u16();
    if (id, status) == ("workspaces.transfer", 204) {
        // Back, for the rows that follow.
        let back = "UPDATE workspace_members SET role = 'owner' WHERE user_id::text = $1";
        sqlx::query(back).bind(&cast.owner.id).execute(&mut cast.app.database().await).await.unwrap();
    }
    status
}

/// A well-formed request for an operation, about things made for this one request.
async fn request(cast: &Cast, id: &str, path: &str, user: &User) -> (String, Option<Value>) {
    let new = Uuid::now_v7().simple().to_string();
    let mut path = path.replace("{workspace}", &cast.workspace);
    if path.contains("{collection}") {
        let name = format!("c{new}");
        cast.collection(&name, json!({})).await;
        path = path.replace("{collection}", &name);
        if id.starts_with("search.") {
            let options = json!({ "options": { "search": { "fields": [{ "field": "data.a" }] } } });
            cast.send(&cast.owner, Method::PATCH, format!("/collections/{name}"), options).await.expect(200);
        }
        if path.contains("{document}") {
            let document = cast.document(&name, json!({ "a": 1 })).await;
            if path.contains("/trash/") {
                let place = format!("/collections/{name}/documents/{document}");
                cast.call(&cast.owner, Method::DELETE, &place).send().await.expect(204);
            }
            if path.contains("{comment}") {
                let place = format!("/collections/{name}/documents/{document}/comments");
                let comment = cast.send(&cast.editor, Method::POST, place, json!({ "text": "Why?" })).await.expect(201);
                path = path.replace("{comment}", comment.json()["id"].as_str().unwrap());
            }
            path = path.replace("{document}", &document).replace("{version}", "1");
        }
    }
    if path.contains("{folder}") {
        let folder = cast.send(&cast.editor, Method::POST, "/folders", json!({ "name": new })).await.expect(201).json();
        path = path.replace("{folder}", folder["id"].as_str().unwrap());
    }
    if path.contains("{file}") {
        let call = cast.call(&cast.editor, Method::POST, format!("/files?name={new}")).body("a");
        let file = call.send().await.expect(201).json()["id"].as_str().unwrap().to_owned();
        if path.contains("/trash/") {
            cast.call(&cast.editor, Method::DELETE, format!("/files/{file}")).send().await.expect(204);
        }
        path = path.replace("{file}", &file).replace("{number}", "1");
    }
    if path.contains("{upload}") {
        path = path.replace("{upload}", &uploads::begin(cast, &uploads::named(&new), 1).await);
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
    path = of_access(cast, id, path, &new).await;
    if path.contains("{account}") {
        let account = api_keys::service_account(cast, "viewer").await;
        if path.contains("{key}") {
            path = path.replace("{key}", &api_keys::of_account(cast, &account, json!({})).await.id);
        }
        path = path.replace("{account}", &account);
    }
    path = path.replace("{key}", &Uuid::now_v7().to_string());
    path = path.replace("{passkey}", &Uuid::now_v7().to_string());
    path = path.replace("{device}", &Uuid::now_v7().to_string());
    path = path.replace("{identity}", &Uuid::now_v7().to_string());
    path = path.replace("{provider}", "nobody");
    assert!(!path.contains('{'), "teach this test what to put into {path}");
    let body = match id {
        "identity.register" => Some(json!({ "email": format!("{new}@example.org"), "password": "a long password" })),
        "identity.email.verify" => {
            let new = cast.app.user().await;
            Some(json!({ "code": cast.app.mailed_code(&new.email).await, "password": new.password }))
        }
        "identity.email.change" => Some(json!({ "email": format!("{new}@example.org") })),
        "identity.email.confirm" => {
            let (user, email) = (cast.app.user().await, format!("{new}@example.org"));
            let change = cast.app.post("/api/v1/me/email").bearer(&user.access_token);
            change.json(json!({ "email": email })).send().await.expect(202);
            Some(json!({ "code": cast.app.mailed_code(&email).await }))
        }
        "identity.reset.ask" => Some(json!({ "email": user.email })),
        "identity.reset.confirm" => {
            let email = cast.app.user().await.email;
            let ask = cast.app.post("/api/v1/auth/password-reset").json(json!({ "email": email }));
            ask.send().await.expect(202);
            Some(json!({ "code": cast.app.mailed_code(&email).await, "new_password": "another long password" }))
        }
        "identity.mfa.totp.confirm" => Some(json!({ "code": mfa::code(&mfa::begin(&cast.app, user).await, 0) })),
        "identity.passkeys.add" => {
            let options = passkeys::creation_options(&cast.app, user).await;
            Some(json!({ "name": "Phone", "credential": Authenticator::new(PAGE).create(&options) }))
        }
        "identity.passkey.sign_in" => {
            let mut authenticator = Authenticator::new(PAGE);
            passkeys::register(&cast.app, &mfa::verified(&cast.app).await, &mut authenticator).await;
            Some(json!({ "credential": authenticator.get(&passkeys::request_options(&cast.app).await) }))
        }
        "identity.mfa.answer" => {
            let (user, secret) = mfa::with_app(&cast.app).await;
            let challenge = mfa::challenge(&cast.app, &user).await;
            Some(json!({ "challenge": challenge, "method": "totp", "code": mfa::code(&secret, 1) }))
        }
        "identity.mfa.email_code" => {
            let user = mfa::with_mailbox(&cast.app).await;
            Some(json!({ "challenge": mfa::challenge(&cast.app, &user).await }))
        }
        "identity.password.change" => {
            Some(json!({ "current_password": user.password, "new_password": "another long password" }))
        }
        "identity.password.rate" => Some(json!({ "password": "a long password" })),
        "identity.providers.begin" => Some(json!({})),
        "identity.identities.begin" => Some(json!({ "provider": "nobody" })),
        // Without the browser that it was given to, a ticket is good for nothing.
        "identity.providers.sign_in" | "identity.identities.confirm" => Some(json!({ "ticket": "a" })),
        "identity.step_up" => Some(json!({ "password": user.password })),
        "mail.sendgrid.events" => Some(json!([])),
        "edge.purge" => Some(json!({ "everything": true })),
        "identity.login" => Some(json!({ "email": user.email, "password": user.password })),
        "identity.refresh" => Some(json!({ "refresh_token": cast.app.sign_in(user).await.refresh_token })),
        "identity.me.patch" => Some(json!({ "display_name": "Jo" })),
        "workspaces.create" | "workspaces.update" => Some(json!({ "name": "Quay" })),
        "members.add" => Some(json!({ "email": cast.app.user().await.email, "role": "editor" })),
        "identity.api_keys.create" | "service_accounts.api_keys.create" => Some(json!({ "name": "Import" })),
        "identity.api_keys.rotate" | "service_accounts.api_keys.rotate" => Some(json!({})),
        "service_accounts.create" | "service_accounts.change" => {
            Some(json!({ "name": format!("s{new}"), "role": "viewer" }))
        }
        "members.change" => Some(json!({ "role": "editor" })),
        "access.explain" => return (format!("{path}?permission=documents:read"), None),
        "documents.comments.create" | "documents.comments.change" => Some(json!({ "text": "Because." })),
        "folders.create" | "folders.change" | "files.change" => Some(json!({ "name": format!("n{new}") })),
        "files.create" => return (format!("{path}?name=n{new}"), Some(json!({}))),
        "files.replace" | "files.links.create" | "files.retention.put" => Some(json!({})),
        "files.linked" => return (format!("{path}?link=AAAA"), None),
        "search.query" => return (format!("{path}?q=rope"), None),
        "roles.create" => Some(json!({ "name": format!("r{new}"), "permissions": ["documents:read"] })),
        "roles.change" => Some(json!({ "permissions": ["documents:read"] })),
        "teams.create" | "teams.change" => Some(json!({ "name": format!("t{new}"), "role": "editor" })),
        "collections.rules.put" => {
            Some(json!({ "rules": [{ "field": "data.a", "roles": ["viewer"], "access": "hidden" }] }))
        }
        "invitations.create" => Some(json!({ "email": format!("{new}@example.org"), "role": "viewer" })),
        "invitations.look" | "invitations.accept" => Some(json!({ "code": "A".repeat(25) })),
        "support.access.put" => Some(json!({ "hours": 1 })),
        "support.begin" => Some(json!({ "user": user.id, "reason": "a ticket" })),
        "workspaces.transfer" => {
            let heir = cast.app.user().await;
            cast.add(&heir, "viewer").await;
            Some(json!({ "user": heir.id }))
        }
        "grants.create" => Some(grant(cast, &new).await),
        "collections.create" | "collections.replace" => Some(json!({ "name": format!("d{new}"), "schema": {} })),
        "collections.update" => Some(json!({ "schema": { "title": "t" } })),
        "documents.bulk" => {
            let name = format!("c{new}");
            cast.collection(&name, json!({})).await;
            Some(json!({ "operations": [{ "op": "create", "collection": name, "data": {} }] }))
        }
        "documents.create" | "documents.replace" | "documents.update" => Some(json!({ "data": { "a": 2 } })),
        _ => None,
    };
    (path, body)
}

/// Puts a new role, team or grant into the path.
async fn of_access(cast: &Cast, id: &str, mut path: String, new: &str) -> String {
    let make = async |what: &str, body: Value| {
        let made = cast.send(&cast.owner, Method::POST, what, body).await.expect(201).json();
        made["id"].as_str().unwrap_or_default().to_owned()
    };
    if path.contains("{role}") {
        let name = format!("r{new}");
        make("/roles", json!({ "name": name, "permissions": [] })).await;
        path = path.replace("{role}", &name);
    }
    if path.contains("{team}") {
        path = path.replace("{team}", &make("/teams", json!({ "name": new })).await);
        if id == "teams.members.remove" {
            cast.app.call(Method::PUT, &path).bearer(&cast.owner.access_token).send().await.expect(204);
        }
    }
    if path.contains("{invitation}") {
        let invitation = json!({ "email": format!("{new}@example.org"), "role": "viewer" });
        path = path.replace("{invitation}", &make("/invitations", invitation).await);
    }
    if path.contains("{grant}") {
        path = path.replace("{grant}", &make("/grants", grant(cast, new).await).await);
    }
    path
}

async fn grant(cast: &Cast, new: &str) -> Value {
    let name = format!("g{new}");
    cast.collection(&name, json!({})).await;
    json!({ "on": { "collection": name }, "to": { "role": "viewer" }, "permissions": ["documents:write"] })
}
