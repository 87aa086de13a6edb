//! GitHub, which has OAuth 2 and an API, and no ID tokens.

use anyhow::{Context, ensure};

use super::flow::Secrets;
use super::oidc::is_address;
use super::{Provider, Told, web};
use crate::app::AppState;
use crate::identity::user::normalised;

impl Provider {
    pub(super) async fn redeem_at_github(&self, app: &AppState, code: &str, secrets: &Secrets) -> anyhow::Result<Told> {
        let client = &app.identity.providers.client;
        let endpoint = format!("{}/login/oauth/access_token", self.config.issuer.trim_end_matches('/'));
        let tokens = self.exchange(app, &endpoint, None, code, secrets).await?;
        let token = tokens["access_token"].as_str().context("there is no access token")?;
        let get = |path: &str| {
            let request = client.get(format!("{}{path}", self.config.api_url)).bearer_auth(token);
            web::get(request.header("x-github-api-version", "2022-11-28"))
        };
        let user = get("/user").await.context("the user")?;
        // Logins are renamed and taken by others; the number stays.
        let id = user["id"].as_u64().context("the user has no id")?;
        ensure!(id > 0, "the user has no id");
        let emails = get("/user/emails").await.context("the user's addresses")?;
        let primary = emails.as_array().into_iter().flatten().find(|email| email["primary"] == true);
        let email = primary.and_then(|email| email["email"].as_str()).map(normalised).filter(|email| is_address(email));
        let name = user["name"].as_str().or(user["login"].as_str());
        Ok(Told {
            issuer: self.config.issuer.clone(),
            subject: id.to_string(),
            email_vouched: email.is_some() && primary.is_some_and(|email| email["verified"] == true),
            email,
            name: name.map(|name| name.chars().take(200).collect()),
        })
    }
}
