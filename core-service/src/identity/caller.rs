//! The authenticated caller, as extractors: a handler that takes a [`Caller`] demands a valid access token or API key,
//! one that takes a [`UserSession`] a user who is signed in, since what it does is no key's business.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use uuid::Uuid;

use super::access_token::{self, Verified};
use super::api_keys::{self, For, Key};
use super::session::Origin;
use super::support::{self, Support};
use super::{browser, cookies};
use crate::access::{Permission, Permissions};
use crate::app::AppState;
use crate::database::Scope;
use crate::problem::{Problem, Result};

/// Somebody whose credential was good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user or service account.
    pub user: Uuid,
    /// What they showed.
    pub credential: Credential,
    /// Whether a second factor stands behind it.
    pub mfa: bool,
}

/// What a caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An access token.
    Session {
        /// Of this session.
        session: Uuid,
        /// In whose hands, if support acts in the user's name.
        support: Option<Support>,
    },
    /// An API key, and all that it allows if it does not allow everything that its owner may do.
    ApiKey(Uuid, Option<Permissions>),
}

/// A user with a living session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSession {
    /// The user, `sub`.
    pub user: Uuid,
    /// The session, `sid`.
    pub session: Uuid,
    /// Whether a second factor was given in it (`amr` holds `mfa`).
    pub mfa: bool,
    /// Set if support acts in the user's name (`act`).
    pub support: Option<Support>,
}

impl Caller {
    /// What the database lets this caller see.
    pub fn scope(&self) -> Scope {
        self.held(Scope::user(self.user))
    }

    /// The same for identity's own work.
    pub(super) fn identity_scope(&self) -> Scope {
        self.held(Scope::identity_of(self.user))
    }

    /// What the database has to know of the credential.
    fn held(&self, scope: Scope) -> Scope {
        match self.credential {
            Credential::Session { support: Some(support), .. } => scope.impersonated_by(support.by),
            Credential::ApiKey(_, Some(permissions)) => scope.narrowed_to(permissions),
            Credential::Session { support: None, .. } | Credential::ApiKey(_, None) => scope,
        }
    }

    /// Whether the credential does not allow this, whatever its owner may do.
    pub fn withholds(&self, permission: Permission) -> bool {
        matches!(self.credential, Credential::ApiKey(_, Some(permissions)) if !permissions.contains(permission))
    }

    /// Whether a user themselves asks, and not a program with a key.
    pub fn is_signed_in(&self) -> bool {
        matches!(self.credential, Credential::Session { .. })
    }
}

impl UserSession {
    /// What the database lets this user see.
    pub fn scope(&self) -> Scope {
        Caller::from(self).scope()
    }
}

impl From<&Caller> for Caller {
    fn from(caller: &Caller) -> Self {
        *caller
    }
}

impl From<&UserSession> for Caller {
    fn from(session: &UserSession) -> Self {
        let UserSession { user, session, mfa, support } = *session;
        Self { user, credential: Credential::Session { session, support }, mfa }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let shown = Shown::read(parts, app)?;
        match by_key(parts, app, &shown, For::Anything).await? {
            Some(caller) => Ok(caller),
            None => Ok(Self::from(&by_token(parts, app, &shown).await?)),
        }
    }
}

impl FromRequestParts<AppState> for UserSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let shown = Shown::read(parts, app)?;
        by_key(parts, app, &shown, For::Session).await?;
        by_token(parts, app, &shown).await
    }
}

/// Who calls with an API key; none if the token is not even meant to be one.
async fn by_key(parts: &Parts, app: &AppState, shown: &Shown, what: For) -> Result<Option<Caller>> {
    let Shown::Bearer(token) = shown else { return Ok(None) };
    if !Key::is_meant(token) {
        return Ok(None);
    }
    let key = Key::read(token).ok_or_else(Problem::invalid_token)?;
    api_keys::caller(app, &key, Origin::address(parts), what).await.map(Some)
}

/// Who calls with an access token.
async fn by_token(parts: &Parts, app: &AppState, shown: &Shown) -> Result<UserSession> {
    let live = app.identity.live(app).await?;
    let (Shown::Bearer(token) | Shown::Cookie(token)) = shown;
    let Verified { session, csrf } = access_token::verify(&live, token).ok_or_else(Problem::invalid_token)?;
    match (shown, csrf) {
        (Shown::Bearer(_), None) => {}
        (Shown::Cookie(_), Some(hash)) => browser::admit(app, parts, &hash)?,
        // A token stays where it was made for.
        (Shown::Bearer(_), Some(_)) | (Shown::Cookie(_), None) => return Err(Problem::invalid_token()),
    }
    if let Some(in_hands) = session.support {
        support::admit(app, &session, in_hands, &parts.method, parts.uri.path()).await?;
    }
    Ok(session)
}

/// What a request shows.
enum Shown {
    /// In `Authorization`.
    Bearer(String),
    /// In a session's cookie.
    Cookie(String),
}

impl Shown {
    /// One of the two: of several, none is chosen.
    fn read(parts: &Parts, app: &AppState) -> Result<Self> {
        let cookie = cookies::ACCESS.read(app, &parts.headers);
        match (parts.headers.contains_key(header::AUTHORIZATION), cookie) {
            (true, None) => Ok(Self::Bearer(bearer(parts)?.to_owned())),
            (false, Some(token)) => Ok(Self::Cookie(token)),
            (false, None) => Err(Problem::authentication_required()),
            (true, Some(_)) => Err(Problem::bad_request("There are other credentials besides the session's cookie.")),
        }
    }
}

fn bearer(parts: &Parts) -> Result<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(Problem::authentication_required)?;
    if values.next().is_some() {
        return Err(Problem::bad_request("There must be one Authorization header."));
    }
    // The scheme is compared without regard to case (RFC 9110 section 11.1).
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(Problem::authentication_required)
}
