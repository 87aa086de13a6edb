//! OpenID Connect: where people are sent, and what is made of the code that they bring back.

use anyhow::{Context, bail, ensure};
use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::flow::Secrets;
use super::id_token::{self, Claims, Expected};
use super::metadata::Metadata;
use super::{Provider, Told, web};
use crate::app::AppState;
use crate::config::{ProviderKind, Secret};
use crate::identity::user::normalised;

/// The tenant of Microsoft's personal accounts, whose addresses Microsoft has verified.
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

impl Provider {
    /// Where somebody is sent (OpenID Connect Core 1.0 section 3.1.2.1, RFC 7636 section 4.3).
    pub(super) async fn authorization_url(&self, app: &AppState, secrets: &Secrets) -> anyhow::Result<Url> {
        let client = &app.identity.providers.client;
        let mut url = match self.is_github() {
            true => format!("{}/login/oauth/authorize", self.config.issuer.trim_end_matches('/')).parse::<Url>()?,
            false => self.known(client).await?.metadata.authorization_endpoint.parse()?,
        };
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code");
            query.append_pair("client_id", &self.config.client_id);
            query.append_pair("redirect_uri", &self.redirect_uri(app));
            query.append_pair("scope", &self.config.scopes.join(" "));
            query.append_pair("state", &secrets.state);
            query.append_pair("code_challenge", &secrets.challenge());
            query.append_pair("code_challenge_method", "S256");
            if !self.is_github() {
                query.append_pair("nonce", &secrets.nonce);
            }
        }
        Ok(url)
    }

    /// Whether the answer is from this provider (RFC 9207 section 2.4).
    pub(super) async fn is_from(&self, app: &AppState, issuer: Option<&str>) -> anyhow::Result<bool> {
        if self.is_github() {
            return Ok(issuer.is_none_or(|issuer| issuer == self.config.issuer));
        }
        let known = self.known(&app.identity.providers.client).await?;
        Ok(match issuer {
            Some(issuer) => issuer == known.metadata.issuer,
            None => !known.metadata.authorization_response_iss_parameter_supported,
        })
    }

    /// Who somebody is, for a code of theirs.
    pub(super) async fn redeem(&self, app: &AppState, code: &str, secrets: &Secrets) -> anyhow::Result<Told> {
        if self.is_github() {
            return self.redeem_at_github(app, code, secrets).await;
        }
        let client = &app.identity.providers.client;
        let known = self.known(client).await?;
        let tokens = self.exchange(app, &known.metadata.token_endpoint, Some(&known.metadata), code, secrets).await?;
        let token = tokens["id_token"].as_str().context("there is no ID token")?;
        let header = id_token::header(token)?;
        let key = match id_token::key(&known.keys, &header) {
            Some(key) => key.clone(),
            // It may be new.
            None => {
                let known = self.renewed(client).await?;
                id_token::key(&known.keys, &header).context("the ID token's key is not the provider's")?.clone()
            }
        };
        let expected = Expected {
            metadata: &known.metadata,
            client_id: &self.config.client_id,
            nonce: &secrets.nonce,
            leeway: app.config.identity.leeway.as_secs(),
        };
        let mut claims = id_token::verify(token, &header, &key, &expected)?;
        if claims.email.is_none()
            && let (Some(endpoint), Some(access)) = (&known.metadata.userinfo_endpoint, tokens["access_token"].as_str())
        {
            self.add_userinfo(client, endpoint, access, &mut claims).await?;
        }
        Ok(self.told(claims))
    }

    /// Exchanges a code at the token endpoint (RFC 6749 section 4.1.3).
    pub(super) async fn exchange(
        &self,
        app: &AppState,
        endpoint: &str,
        metadata: Option<&Metadata>,
        code: &str,
        secrets: &Secrets,
    ) -> anyhow::Result<Value> {
        let config = &self.config;
        let redirect_uri = self.redirect_uri(app);
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &secrets.verifier),
        ];
        let mut request = app.identity.providers.client.post(endpoint);
        let methods = metadata.and_then(|metadata| metadata.token_endpoint_auth_methods_supported.as_ref());
        // Basic is what a provider has that says nothing (Discovery section 3); GitHub wants it in the form.
        let basic = metadata.is_some() && methods.is_none_or(|all| all.iter().any(|one| one == "client_secret_basic"));
        match config.client_secret.as_ref().map(Secret::reveal) {
            Some(secret) if basic => {
                request = request.basic_auth(web::encoded(&config.client_id), Some(web::encoded(secret)));
            }
            Some(secret) => fields.extend([("client_id", config.client_id.as_str()), ("client_secret", secret)]),
            None => fields.push(("client_id", &config.client_id)),
        }
        let (status, tokens) = web::ask(web::form(request, &fields)).await.context("the token endpoint")?;
        // GitHub answers errors with 200.
        if let Some(error) = tokens["error"].as_str() {
            bail!("the token endpoint refused: {}", error.chars().take(100).collect::<String>());
        }
        ensure!(status == StatusCode::OK, "the token endpoint answered {status}");
        Ok(tokens)
    }

    async fn add_userinfo(
        &self,
        client: &reqwest::Client,
        endpoint: &str,
        access_token: &str,
        claims: &mut Claims,
    ) -> anyhow::Result<()> {
        let info = web::get(client.get(endpoint).bearer_auth(access_token)).await.context("userinfo")?;
        let info: Claims = serde_json::from_value(info).context("userinfo")?;
        // Core section 5.3.2: else it may be somebody else's.
        ensure!(info.sub == claims.sub, "userinfo is of another subject");
        claims.email = info.email;
        claims.email_verified = info.email_verified;
        claims.name = info.name.or(claims.name.take());
        Ok(())
    }

    fn told(&self, claims: Claims) -> Told {
        let is_true = |value: &Value| value == true || value == "true";
        let vouched = match self.config.kind {
            // An address in a tenant is what its administrator typed, unless Microsoft says otherwise.
            ProviderKind::Microsoft => {
                let personal = claims.tid.as_deref() == Some(PERSONAL_ACCOUNTS);
                personal || is_true(&claims.xms_edov) || claims.xms_edov == "1" || claims.xms_edov == 1
            }
            _ => is_true(&claims.email_verified),
        };
        let takes_word = self.config.trust_email || self.config.kind == ProviderKind::Microsoft;
        Told {
            issuer: claims.iss,
            subject: claims.sub,
            email: claims.email.as_deref().map(normalised).filter(|email| is_address(email)),
            email_vouched: vouched && takes_word,
            name: claims.name.filter(|name| !name.trim().is_empty()).map(|name| name.chars().take(200).collect()),
        }
    }
}

/// Whether a provider's text can be an address. More is not asked: it is the provider's word.
pub(super) fn is_address(text: &str) -> bool {
    let halves = text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    halves && text.chars().count() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
