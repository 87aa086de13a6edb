//! A client of the API, for tests that need an account and some data.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::system::System;

/// Somebody who is signed in and has a workspace with the collection `notes`.
pub struct Account {
    pub email: String,
    pub password: String,
    pub access_token: String,
    pub refresh_token: String,
    pub workspace: String,
}

impl Account {
    /// Registers, and makes the workspace and the collection.
    pub async fn new(system: &System, email: &str) -> Self {
        let password = "a long enough password".to_owned();
        let tokens = created(
            system
                .http
                .post(system.url("/api/v1/auth/register"))
                .json(&json!({ "email": email, "password": password }))
                .send()
                .await
                .unwrap(),
        )
        .await;
        let mut account = Self {
            email: email.to_owned(),
            password,
            access_token: text(&tokens, "access_token"),
            refresh_token: text(&tokens, "refresh_token"),
            workspace: String::new(),
        };
        let workspace = account.request(system, Method::POST, "/api/v1/workspaces");
        let workspace = created(workspace.json(&json!({ "name": "Tests" })).send().await.unwrap()).await;
        account.workspace = text(&workspace, "id");
        let collections = account.path("collections");
        let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        let collection = account.request(system, Method::POST, &collections);
        created(collection.json(&json!({ "name": "notes", "schema": schema })).send().await.unwrap()).await;
        account
    }

    /// A path within the account's workspace.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}/{rest}", self.workspace)
    }

    /// The documents of the collection `notes`.
    pub fn documents(&self) -> String {
        self.path("collections/notes/documents")
    }

    /// A request with the account's token.
    pub fn request(&self, system: &System, method: Method, path: &str) -> RequestBuilder {
        system.http.request(method, system.url(path)).bearer_auth(&self.access_token)
    }

    /// The field `n` of every document in `notes`, over all pages.
    pub async fn numbers(&self, system: &System) -> Vec<i64> {
        let mut numbers = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{}?limit=100{cursor}", self.documents());
            let answer = self.request(system, Method::GET, &path).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let page: Value = answer.json().await.unwrap();
            numbers.extend(page["items"].as_array().unwrap().iter().map(|item| item["data"]["n"].as_i64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return numbers,
            }
        }
    }
}

/// The body of an answer that has to be `201`.
pub async fn created(answer: Response) -> Value {
    let (status, url) = (answer.status(), answer.url().clone());
    let body = answer.text().await.unwrap();
    assert_eq!(status, 201, "{url}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}
