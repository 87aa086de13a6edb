//! A user with a workspace and a few documents, made through the API as any client would.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::Client;
use crate::place::Place;
use crate::{machine, say};

const EMAIL: &str = "demo@example.com";
const WORKSPACE: &str = "Demo";
const COLLECTION: &str = "notes";

/// What was made, or found again.
pub struct Demo {
    password: String,
    /// Nothing if the login does not work any more.
    workspace: Option<String>,
}

/// Makes the demo workspace, unless it is there.
pub fn make(place: &Place, edge: SocketAddr) -> Result<Demo> {
    let stage = say::stage("Making the demo workspace");
    let password = place.secret("demo-password", || machine::random(15))?.value;
    let mut client = Client::new(edge);
    let workspace = match log_in(&client, &password)? {
        Some(token) => {
            client.authorize(&token);
            let workspace = workspace(&client)?;
            documents(&client, &workspace)?;
            Some(workspace)
        }
        None => {
            say::note(&format!("{EMAIL} has another password by now, so the demo stays as it is"));
            None
        }
    };
    stage.done();
    Ok(Demo { password, workspace })
}

/// Registers the user, who may be there already, and gives an access token.
fn log_in(client: &Client, password: &str) -> Result<Option<String>> {
    let login = json!({ "email": EMAIL, "password": password });
    let registered = client.post("/api/v1/auth/register", &login)?;
    if registered.status != 409 {
        registered.success("registering the demo user")?;
    }
    let answer = client.post("/api/v1/auth/login", &login)?;
    if answer.status == 401 {
        return Ok(None);
    }
    let body = answer.success("logging in as the demo user")?;
    Ok(Some(text(&body, "access_token")?))
}

fn workspace(client: &Client) -> Result<String> {
    let list = client.get("/api/v1/workspaces?limit=100")?.success("listing workspaces")?;
    let items = list["items"].as_array().context("a list has items")?;
    match items.iter().find(|item| item["name"] == WORKSPACE) {
        Some(found) => text(found, "id"),
        None => {
            let made = client.post("/api/v1/workspaces", &json!({ "name": WORKSPACE }))?;
            text(&made.success("making the demo workspace")?, "id")
        }
    }
}

fn documents(client: &Client, workspace: &str) -> Result<()> {
    let collections = format!("/api/v1/workspaces/{workspace}/collections");
    if client.get(&format!("{collections}/{COLLECTION}"))?.status == 200 {
        return Ok(());
    }
    let collection = json!({
        "name": COLLECTION,
        "schema": {
            "type": "object",
            "required": ["title"],
            "additionalProperties": false,
            "properties": { "title": { "type": "string" }, "stars": { "type": "integer" } }
        }
    });
    client.post(&collections, &collection)?.success("making the demo collection")?;
    for (title, stars) in [("Welcome to Breakwater", 5), ("Every document fits its collection's schema", 4)] {
        let document = json!({ "data": { "title": title, "stars": stars } });
        let made = client.post(&format!("{collections}/{COLLECTION}/documents"), &document)?;
        made.success("making a demo document")?;
    }
    Ok(())
}

fn text(body: &Value, field: &str) -> Result<String> {
    Ok(body[field].as_str().with_context(|| format!("the answer has no {field}"))?.to_owned())
}

impl Demo {
    /// Tells the user what is there and how to use it.
    pub fn show(&self, edge: SocketAddr, core: SocketAddr) {
        say::result("");
        say::result(&format!("  edge      http://{edge}        API: http://{edge}/api/docs"));
        say::result(&format!("  core      http://{core}        (private: it answers the edge alone)"));
        say::result(&format!("  login     {EMAIL}  {}", self.password));
        if let Some(workspace) = &self.workspace {
            say::result("");
            say::result("  A first question:");
            say::result("");
            say::result(&format!(
                "token=$(curl -s http://{edge}/api/v1/auth/login -H 'content-type: application/json' -d \
                 '{{\"email\":\"{EMAIL}\",\"password\":\"{}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); \
                 curl -s http://{edge}/api/v1/workspaces/{workspace}/collections/{COLLECTION}/documents -H \
                 \"authorization: Bearer $token\"",
                self.password
            ));
        }
        say::result("");
        say::result("  Ctrl-C stops all of it; the data stays.");
        say::result("");
    }
}
