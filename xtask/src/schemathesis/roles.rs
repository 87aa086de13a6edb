//! Who asks: each role has an account of its own, a part of the operations, and what it knows of ids.

use std::fmt;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::http::Client;

const PASSWORD: &str = "difference engine no. 2";

const PURGE_KEY: &str = "a purge key for schemathesis";

/// Parts of the API that are off by default are on, or they could only answer 404.
pub const SETTINGS: [(&str, &str); 2] = [
    ("BREAKWATER_EDGE__PURGE_KEY", PURGE_KEY),
    // Made for this place; nobody has the private half.
    (
        "BREAKWATER_MAIL__SENDGRID_EVENTS_KEY",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4CXCITgu5r80t2N0JfMUiwnlk8VE9PibTJrtnIBguug4PfUXXwStZFvSsx3s2THWayTpSs4g3mKn6rqYiVB15A==",
    ),
];

/// Operations after which an owner owns nothing any more, or cannot sign in with the password alone.
const LAST: [&str; 3] = ["identity.me.delete", "workspaces.delete", "identity.mfa.email.add"];

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Somebody with a workspace, a collection and a document.
    Owner,
    /// Somebody who is signed in and knows ids of another's workspace.
    Stranger,
    /// Somebody who is not signed in.
    Nobody,
    /// An owner who deletes the account, the workspace, and so on.
    Leaver,
}

impl Role {
    /// In the order in which they ask.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Stranger, Self::Nobody, Self::Leaver];

    /// What schemathesis does. Its `coverage` goes through all boundaries of all values, most of which are the same
    /// 404 or 401 for who is no owner.
    pub fn phases(self) -> &'static str {
        match self {
            Self::Owner => "examples,coverage,fuzzing,stateful",
            Self::Stranger | Self::Nobody | Self::Leaver => "examples,fuzzing",
        }
    }

    /// Arguments that choose operations.
    pub fn operations(self) -> Vec<&'static str> {
        let choose = match self {
            Self::Owner => "--exclude-operation-id",
            Self::Leaver => "--include-operation-id",
            Self::Stranger | Self::Nobody => return Vec::new(),
        };
        LAST.iter().flat_map(|operation| [choose, operation]).collect()
    }

    /// Makes what this role needs and writes the configuration.
    pub fn configure(self, edge: &Client) -> Result<String> {
        let world = World::make(edge)?;
        let mut text = world.configuration()?;
        if self != Self::Nobody {
            let email = if self == Self::Stranger { register(edge)?.email } else { world.owner.email };
            // Signs in again whenever a request has ended the session.
            text.push_str(&format!(
                "[auth.dynamic.openapi.bearer]\npath = \"/api/v1/auth/login\"\n\
                 payload = {{ email = \"{email}\", password = \"{PASSWORD}\" }}\nextract_selector = \"/access_token\"\n"
            ));
        }
        if self == Self::Owner {
            text.push_str(&format!("[auth.openapi.purge_key]\nbearer = \"{PURGE_KEY}\"\n"));
        }
        Ok(text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Owner => "owner",
            Self::Stranger => "stranger",
            Self::Nobody => "nobody",
            Self::Leaver => "leaver",
        })
    }
}

/// An account.
struct Account {
    email: String,
    token: String,
}

/// A workspace with something in it.
struct World {
    owner: Account,
    ids: Value,
}

impl World {
    fn make(edge: &Client) -> Result<Self> {
        let owner = register(edge)?;
        let mut client = edge.clone();
        client.authorize(&owner.token);
        let id = |body: &Value| body["id"].as_str().map(str::to_owned).context("an answer without an id");
        let made = |path: &str, body: Value| client.post(path, &body)?.success(path);
        let user = id(&client.get("/api/v1/me")?.success("me")?)?;
        let workspace = id(&made("/api/v1/workspaces", json!({ "name": "Harbour works" }))?)?;
        let within = format!("/api/v1/workspaces/{workspace}");
        made(&format!("{within}/collections"), json!({ "name": "notes", "schema": { "type": "object" } }))?;
        let document = id(&made(&format!("{within}/collections/notes/documents"), json!({ "data": { "n": 1 } }))?)?;
        let team = id(&made(&format!("{within}/teams"), json!({ "name": "Divers" }))?)?;
        let ids = json!({
            "workspace": workspace, "user": user, "collection": "notes", "document": document, "team": team,
        });
        Ok(Self { owner, ids })
    }

    fn configuration(&self) -> Result<String> {
        let mut text = String::from(
            "continue-on-failure = true\nrequest-timeout = 20\n\
             [generation]\nallow-extra-parameters = false\n\
             [checks]\n\
             # What fits the document may still be refused: a name is taken, a code is wrong.\n\
             positive_data_acceptance.enabled = false\n",
        );
        let ids = self.ids.as_object().context("ids are an object")?;
        for (name, id) in ids {
            text.push_str(&format!("[dictionaries.{name}]\nvalues = [{id}]\n"));
        }
        text.push_str("[parameters]\n");
        for (name, _) in ids {
            // The others are drawn, or taken from earlier answers.
            let probability = if name == "workspace" { 0.95 } else { 0.6 };
            text.push_str(&format!("\"path.{name}\" = {{ dictionary = \"{name}\", probability = {probability} }}\n"));
        }
        Ok(text)
    }
}

fn register(edge: &Client) -> Result<Account> {
    let email = format!("{}@example.com", crate::machine::random(12)?.to_lowercase());
    let body = json!({ "email": email, "password": PASSWORD });
    let tokens = edge.post("/api/v1/auth/register", &body)?.success("registering")?;
    let token = tokens["access_token"].as_str().context("no access token")?.to_owned();
    Ok(Account { email, token })
}
