//! What a provider says of itself (OpenID Connect Discovery 1.0), and its keys, kept for an hour.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;

use super::{Provider, web};
use crate::config::{ProviderKind, is_safe};

/// How long it is taken to be true.
const LIFE: Duration = Duration::from_secs(3600);

/// After a token with an unknown key, keys are fetched again, but no sooner than this.
const GAP: Duration = Duration::from_secs(10);

/// OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2, RFC 9207 section 3.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    jwks_uri: String,
    code_challenge_methods_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// A provider's description and keys.
pub(super) struct Known {
    pub(super) metadata: Metadata,
    pub(super) keys: Vec<Jwk>,
    read: Instant,
}

impl Provider {
    /// What is known of the provider, which is asked if that is too old.
    pub(super) async fn known(&self, client: &reqwest::Client) -> anyhow::Result<Arc<Known>> {
        self.known_since(client, LIFE).await
    }

    /// The same for a token whose key is not known: it may be new.
    pub(super) async fn renewed(&self, client: &reqwest::Client) -> anyhow::Result<Arc<Known>> {
        self.known_since(client, GAP).await
    }

    async fn known_since(&self, client: &reqwest::Client, life: Duration) -> anyhow::Result<Arc<Known>> {
        // One asks for all.
        let mut held = self.known.lock().await;
        if let Some(known) = held.as_ref().filter(|known| known.read.elapsed() < life) {
            return Ok(known.clone());
        }
        let known = Arc::new(self.fetch(client).await?);
        *held = Some(known.clone());
        Ok(known)
    }

    async fn fetch(&self, client: &reqwest::Client) -> anyhow::Result<Known> {
        let issuer = &self.config.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata = web::get(client.get(url)).await.context("the provider's description")?;
        let metadata: Metadata = serde_json::from_value(metadata).context("the provider's description")?;
        metadata.check(issuer, self.config.kind)?;
        let set = web::get(client.get(&metadata.jwks_uri)).await.context("the provider's keys")?;
        // One that we cannot read is not for us.
        let keys = set["keys"].as_array().context("the provider's keys are no key set")?;
        let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        Ok(Known { metadata, keys, read: Instant::now() })
    }
}

impl Metadata {
    fn check(&self, issuer: &str, kind: ProviderKind) -> anyhow::Result<()> {
        // Discovery section 4.3. Microsoft's description of several tenants names none of them; which one it was is checked
        // in the token.
        let one_of_many = kind == ProviderKind::Microsoft && self.issuer.contains("{tenantid}") && {
            let origin = |url: &str| url::Url::parse(url).map(|url| url.origin());
            origin(&self.issuer.replace("{tenantid}", "common")).ok() == origin(issuer).ok()
        };
        ensure!(self.issuer == issuer || one_of_many, "the provider says that it is another issuer");
        let endpoints = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let endpoints = endpoints.into_iter().chain(&self.userinfo_endpoint);
        ensure!(endpoints.into_iter().all(|url| is_safe(url)), "an endpoint of the provider's is not https");
        // Who does not say may know it; who says and does not would let a stolen code pass.
        let methods = self.code_challenge_methods_supported.as_ref();
        ensure!(methods.is_none_or(|all| all.iter().any(|one| one == "S256")), "the provider has no PKCE with S256");
        Ok(())
    }

    /// The issuer that a token of the tenant must name.
    pub(super) fn issuer_of(&self, tenant: Option<&str>) -> String {
        let plain = |tenant: &&str| tenant.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        match tenant.filter(plain) {
            Some(tenant) => self.issuer.replace("{tenantid}", tenant),
            None => self.issuer.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn metadata(change: impl FnOnce(&mut Value)) -> Metadata {
        let mut metadata = json!({
            "issuer": "https://id.example", "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/keys",
        });
        change(&mut metadata);
        serde_json::from_value(metadata).unwrap()
    }

    #[test]
    fn a_description_is_of_its_issuer_safe_and_with_pkce() {
        let check = |metadata: Metadata| metadata.check("https://id.example", ProviderKind::Oidc);
        assert!(check(metadata(|_| ())).is_ok());
        assert!(check(metadata(|m| m["code_challenge_methods_supported"] = json!(["plain", "S256"]))).is_ok());
        assert!(check(metadata(|m| m["code_challenge_methods_supported"] = json!(["plain"]))).is_err());
        assert!(check(metadata(|m| m["code_challenge_methods_supported"] = json!([]))).is_err());
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            assert!(check(metadata(|m| m[name] = json!("http://id.example/x"))).is_err(), "{name}");
        }
        for issuer in ["https://id.example/", "https://evil.example", "https://{tenantid}.example"] {
            assert!(check(metadata(|m| m["issuer"] = json!(issuer))).is_err(), "{issuer}");
        }
    }

    #[test]
    fn microsofts_tenants_are_at_microsoft() {
        let of = |issuer: &str| metadata(|m| m["issuer"] = json!(issuer));
        let many = of("https://login.example/{tenantid}/v2.0");
        assert!(many.check("https://login.example/common/v2.0", ProviderKind::Microsoft).is_ok());
        assert!(many.check("https://login.example/common/v2.0", ProviderKind::Oidc).is_err());
        assert!(many.check("https://other.example/common/v2.0", ProviderKind::Microsoft).is_err());
        assert_eq!(many.issuer_of(Some("ab-12")), "https://login.example/ab-12/v2.0");
        assert_eq!(many.issuer_of(Some("../evil")), many.issuer);
    }
}
