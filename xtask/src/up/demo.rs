//! A user with a workspace and a few documents, made through the API as any client would.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::Client;
use crate::place::Place;
use crate::{machine, say};

pub const EMAIL: &str = "demo@example.com";
const WORKSPACE: &str = "Demo";
const COLLECTION: &str = "notes";

/// What was made, or found again.
pub struct Demo {
    password: String,
    /// Nothing if the login does not work any more.
    login: Option<Login>,
}

/// A session of the demo user, and a path of the API that it may ask for.
pub struct Login {
    pub password: String,
    pub access_token: String,
    pub documents: String,
}

/// Makes the demo workspace, unless it is there.
pub fn make(place: &Place, edge: SocketAddr) -> Result<Demo> {
    let stage = say::stage("Making the demo workspace");
    let password = place.secret("demo-password", || machine::random(15))?.value;
    let mut client = Client::new(edge);
    let login = match log_in(&client, &password)? {
        Some(access_token) => {
            client.authorize(&access_token);
            let documents = documents(&client, &workspace(&client)?)?;
            Some(Login { password: password.clone(), access_token, documents })
        }
        None => {
            say::note(&format!("{EMAIL} has another password by now, so the demo stays as it is"));
            None
        }
    };
    stage.done();
    Ok(Demo { password, login })
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

/// Makes the collection and its documents, unless they are there, and gives the documents' path.
fn documents(client: &Client, workspace: &str) -> Result<String> {
    let collections = format!("/api/v1/workspaces/{workspace}/collections");
    let documents = format!("{collections}/{COLLECTION}/documents");
    if client.get(&format!("{collections}/{COLLECTION}"))?.status == 200 {
        return Ok(documents);
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
        client.post(&documents, &document)?.success("making a demo document")?;
    }
    Ok(documents)
}

fn text(body: &Value, field: &str) -> Result<String> {
    Ok(body[field].as_str().with_context(|| format!("the answer has no {field}"))?.to_owned())
}

impl Demo {
    /// The session, if the login works.
    pub fn login(self) -> Option<Login> {
        self.login
    }

    /// Tells the user what is there and how to use it.
    pub fn show(&self, place: &Place, edge: SocketAddr, core: SocketAddr) {
        say::result("");
        say::result(&format!("  edge      http://{edge}        API: http://{edge}/api/docs"));
        say::result(&format!("  core      http://{core}        (private: it answers the edge alone)"));
        say::result(&format!(
            "  mail      {}        (what the core would send, as .eml files)",
            place.path("mail").display()
        ));
        say::result(&format!("  login     {EMAIL}  {}", self.password));
        if let Some(login) = &self.login {
            say::result("");
            say::result("  A first question:");
            say::result("");
            say::result(&format!(
                "token=$(curl -s http://{edge}/api/v1/auth/login -H 'content-type: application/json' -d \
                 '{{\"email\":\"{EMAIL}\",\"password\":\"{}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); \
                 curl -s http://{edge}{} -H \"authorization: Bearer $token\"",
                self.password, login.documents
            ));
        }
        say::result("");
        say::result("  Ctrl-C stops all of it; the data stays.");
        say::result("");
    }
}
