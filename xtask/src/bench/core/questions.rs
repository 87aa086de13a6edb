//! What the core is asked.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Bench, CONNECTIONS};
use crate::http::Client;
use crate::machine;
use crate::up::demo::{self, Login};

const GUEST: &str = "guest@example.com";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Me,
    /// A document that the caller's role may read.
    ByRole,
    /// A document that the caller may read because of a grant on it alone.
    ByGrant,
    Refresh,
    Login,
}

impl Question {
    pub const ALL: [Self; 5] = [Self::Me, Self::ByRole, Self::ByGrant, Self::Refresh, Self::Login];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::ByRole => "a document, by role",
            Self::ByGrant => "a document, by a grant on it",
            Self::Refresh => "refresh",
            Self::Login => "login",
        }
    }

    pub fn method(self) -> &'static str {
        match self {
            Self::Me | Self::ByRole | Self::ByGrant => "GET",
            Self::Refresh | Self::Login => "POST",
        }
    }
}

/// Who asks, and for what.
pub struct Questions {
    credentials: Value,
    token: String,
    guest: String,
    document: String,
}

impl Questions {
    /// Makes a guest in the demo workspace who may read nothing but one document.
    pub fn make(edge: SocketAddr, login: &Login) -> Result<Self> {
        let mut owner = Client::new(edge);
        owner.authorize(&login.access_token);
        let list = owner.get(&login.documents)?.success("listing documents")?;
        let id = list["items"][0]["id"].as_str().context("the demo has a document")?;
        let (collection, _) = login.documents.rsplit_once('/').context("a path of documents")?;
        let (collections, name) = collection.rsplit_once('/').context("a path of a collection")?;
        let (workspace, _) = collections.rsplit_once('/').context("a path of collections")?;

        let password = machine::random(15)?;
        let guest =
            Client::new(edge).post("/api/v1/auth/register", &json!({ "email": GUEST, "password": password }))?;
        let guest = guest.success("registering a guest")?;
        let role = json!({ "name": "guest", "permissions": [] });
        owner.post(&format!("{workspace}/roles"), &role)?.success("making a role")?;
        let member = json!({ "email": GUEST, "role": "guest" });
        owner.post(&format!("{workspace}/members"), &member)?.success("adding the guest")?;
        let grant = json!({
            "on": { "collection": name, "document": id },
            "to": { "user": guest["user"]["id"] },
            "permissions": ["documents:read"],
        });
        owner.post(&format!("{workspace}/grants"), &grant)?.success("granting a document")?;
        Ok(Self {
            credentials: json!({ "email": demo::EMAIL, "password": login.password }),
            token: login.access_token.clone(),
            guest: guest["access_token"].as_str().context("a token for the guest")?.to_owned(),
            document: format!("{}/{id}", login.documents),
        })
    }

    pub fn path(&self, question: Question) -> &str {
        match question {
            Question::Me => "/api/v1/me",
            Question::ByRole | Question::ByGrant => &self.document,
            Question::Refresh => REFRESH,
            Question::Login => LOGIN,
        }
    }

    /// The caller's access token.
    pub fn token(&self, question: Question) -> Option<&str> {
        match question {
            Question::Me | Question::ByRole => Some(&self.token),
            Question::ByGrant => Some(&self.guest),
            Question::Refresh | Question::Login => None,
        }
    }

    /// The requests' method and bodies, in Lua. A refresh takes the token that another one was answered with.
    pub fn script(&self, question: Question, bench: &Bench) -> Result<String> {
        match question {
            Question::Me | Question::ByRole | Question::ByGrant => Ok(String::new()),
            Question::Login => Ok(format!("wrk.method = \"POST\"\nwrk.body = [[{}]]", self.credentials)),
            Question::Refresh => {
                let tokens: Vec<String> = (0..CONNECTIONS * 2).map(|_| self.sign_in(bench)).collect::<Result<_>>()?;
                let tokens = tokens.iter().map(|token| format!("{token:?}")).collect::<Vec<_>>().join(", ");
                Ok(format!(
                    "local tokens = {{ {tokens} }}\n\
                     request = function()\n  \
                       local body = '{{\"refresh_token\":\"' .. table.remove(tokens, 1) .. '\"}}'\n  \
                       return wrk.format(\"POST\", nil, nil, body)\nend\n\
                     response = function(status, headers, body)\n  \
                       table.insert(tokens, body:match('\"refresh_token\":\"([^\"]+)\"'))\nend\n"
                ))
            }
        }
    }

    /// Asks once, for what comes before it (a session to refresh) is not counted.
    pub fn once(&self, question: Question, bench: &Bench, token: &mut String) -> Result<()> {
        let client = Client::new(bench.core);
        let headers = bench.headers(question, super::tokens::now())?;
        match question {
            Question::Me | Question::ByRole | Question::ByGrant => {
                client.get_with(self.path(question), &headers)?.success(question.name())?;
            }
            Question::Login => {
                client.post_with(LOGIN, &headers, &self.credentials)?.success(question.name())?;
            }
            Question::Refresh => {
                let body = json!({ "refresh_token": token });
                let answer = client.post_with(REFRESH, &headers, &body)?.success(question.name())?;
                *token = refresh_token(&answer)?;
            }
        }
        Ok(())
    }

    /// A new session's refresh token.
    pub fn sign_in(&self, bench: &Bench) -> Result<String> {
        let headers = bench.headers(Question::Login, super::tokens::now())?;
        let answer = Client::new(bench.core).post_with(LOGIN, &headers, &self.credentials)?;
        refresh_token(&answer.success("logging in")?)
    }
}

fn refresh_token(answer: &Value) -> Result<String> {
    Ok(answer["refresh_token"].as_str().context("a refresh token")?.to_owned())
}
