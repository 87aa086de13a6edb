//! `POST /api/v1/auth/provider-sign-in`: from a provider's word to a session here.
//!
//! Who is known by issuer and subject signs in. Of all others the address decides, and two things have to be so before it
//! leads to an account: the provider's word for it is taken, else somebody at a careless provider would get into the account
//! of whoever has the address; and the account has verified it, else whoever registered another's address in advance
//! would share the account with its owner from then on.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Told, linked, ticket};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::identity::browser::{self, Mode};
use crate::identity::cookies;
use crate::identity::letters::{self, Page, Reader};
use crate::identity::session::Origin;
use crate::identity::sign_in::{self as begin, SignedIn};
use crate::identity::user::{NewUser, User};
use crate::mail::Template;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// What somebody brings back from a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSignIn {
    /// What stood behind `#ticket=`.
    #[schema(max_length = 100)]
    ticket: String,
    /// The token of a device that was trusted (`identity.mfa.answer`): no second factor is asked for.
    #[serde(default)]
    #[schema(max_length = 100)]
    device_token: Option<String>,
}

/// Sign in with a provider
///
/// Takes the ticket that `identity.providers.callback` gave, in the same browser. Who is not known yet is registered, if the
/// provider vouches for their address (403 `provider-email-unverified` otherwise) and nobody has it: 409 `link-required` says
/// that somebody has and never verified it. Second factors are asked for as after a password.
#[utoipa::path(
    post,
    path = "/api/v1/auth/provider-sign-in",
    operation_id = "identity.providers.sign_in",
    tag = "identity",
    params(browser::ModeHeader),
    request_body = ProviderSignIn,
    responses(
        (status = 200, description = "Signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Authenticated, problem::Authorized, problem::Conflicting,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn sign_in(
    State(app): State<AppState>,
    origin: Origin,
    mode: Mode,
    headers: HeaderMap,
    Json(given): Json<ProviderSignIn>,
) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let back = ticket::take(&mut tx, &app, &headers, &given.ticket, None).await?;
    let user = match linked::used(&mut tx, &back.told).await? {
        Some(user) => User::find(&mut tx, user).await?.ok_or_else(Problem::invalid_credentials)?,
        None => adopt(&mut tx, &app, &back.provider, &back.told, &origin).await?,
    };
    let device = mode.device(&app, &headers, given.device_token);
    let outcome = begin::with_first_factor(&mut tx, &app, user, &origin, mode, device.as_deref()).await?;
    tx.commit().await?;
    let signed_in = outcome.answer()?;
    let flow = AppendHeaders([cookies::FLOW.clear(&app)?]);
    Ok((signed_in.headers(&app)?, flow, Json(signed_in)))
}

/// The account of somebody who is not known yet: the one with their address, or a new one.
async fn adopt(
    connection: &mut PgConnection,
    app: &AppState,
    provider: &str,
    told: &Told,
    origin: &Origin,
) -> Result<User> {
    let vouched = told.email.as_deref().filter(|_| told.email_vouched);
    // The same whether there is an account: whoever says they have an address does not learn that.
    let email = vouched.ok_or_else(|| {
        Problem::new(&kinds::PROVIDER_EMAIL_UNVERIFIED)
            .detail("Register here, or sign in another way, and link the provider at me/identities.")
    })?;
    let there = match User::by_email(&mut *connection, email).await? {
        // It must not change its address meanwhile.
        Some(user) => User::lock(&mut *connection, user.id).await?.filter(|user| user.email == email),
        None => None,
    };
    let user = match there {
        Some(user) if user.email_verified => user,
        Some(_) => {
            return Err(Problem::new(&kinds::LINK_REQUIRED)
                .detail("Sign in with the password, or reset it, and link the provider at me/identities."));
        }
        None => {
            let new = NewUser {
                email,
                display_name: told.name.as_deref(),
                language: origin.language,
                password_hash: None,
                verified: true,
            };
            let taken = || Problem::conflict("Somebody registered with this address meanwhile. Begin again.");
            let user = User::insert(&mut *connection, new).await.on_constraint("users_email_key", taken)?;
            audit::record(&mut *connection, Event::by_user(user.id, Action::UserRegistered)).await?;
            user
        }
    };
    linked::insert(&mut *connection, user.id, provider, told).await?;
    let event = Event::by_user(user.id, Action::IdentityLinked).with(json!({ "provider": provider }));
    audit::record(&mut *connection, event).await?;
    tell(connection, app, &user, provider, Template::IdentityLinked).await?;
    Ok(user)
}

/// Writes to a user that an account elsewhere signs them in now, or does not any more.
pub(super) async fn tell(
    connection: &mut PgConnection,
    app: &AppState,
    user: &User,
    provider: &str,
    template: Template,
) -> anyhow::Result<()> {
    let title = app.identity.providers.named(provider).map(|provider| provider.config.title.clone());
    let language = User::language(&mut *connection, user.id).await?;
    let reader = Reader { email: &user.email, language: &language };
    let reason = format!("{} {}", template.name(), uuid::Uuid::now_v7());
    let data = json!({
        "provider": title.unwrap_or_else(|_| provider.to_owned()), "link": Page::ForgotPassword.link(app, None),
    });
    letters::write(connection, app, reader, template, &reason, data).await.map(drop)
}
