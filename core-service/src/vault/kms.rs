//! A master key that stays where it is: AWS KMS, or what speaks its API (KMS API reference, operations Encrypt and
//! Decrypt; requests are signed as Signature Version 4 asks).

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::config::{ConfigError, KmsConfig};

/// For one exchange: the request that asks for a key waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const MAX_BYTES: usize = 64 * 1024;

/// A key in KMS.
pub(super) struct Kms {
    client: reqwest::Client,
    config: KmsConfig,
    credentials: Credentials,
}

impl Kms {
    pub(super) fn new(config: &KmsConfig) -> Result<Self, ConfigError> {
        // Others may have chosen it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| ConfigError::new("encryption.kms", error.to_string()))?;
        let credentials = Credentials::new(
            &config.access_key_id,
            config.secret_access_key.reveal(),
            config.session_token.as_ref().map(|token| token.reveal().to_owned()),
            None,
            "breakwater",
        );
        Ok(Self { client, config: config.clone(), credentials })
    }

    /// Encrypts a few bytes: the key's ARN, and the ciphertext.
    pub(super) async fn encrypt(&self, plain: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
        let request = json!({
            "KeyId": self.config.key, "Plaintext": STANDARD.encode(plain), "EncryptionContext": context(),
        });
        let answer = self.call("Encrypt", &request).await?;
        let arn = answer["KeyId"].as_str().context("its answer names no key")?;
        Ok((arn.to_owned(), bytes(&answer, "CiphertextBlob")?))
    }

    /// Decrypts what the key `arn` encrypted.
    pub(super) async fn decrypt(&self, arn: &str, ciphertext: &[u8]) -> anyhow::Result<Vec<u8>> {
        let request = json!({
            "KeyId": arn, "CiphertextBlob": STANDARD.encode(ciphertext), "EncryptionContext": context(),
        });
        bytes(&self.call("Decrypt", &request).await?, "Plaintext")
    }

    async fn call(&self, operation: &str, request: &Value) -> anyhow::Result<Value> {
        self.exchange(operation, request.to_string()).await.with_context(|| format!("KMS, {operation}"))
    }

    async fn exchange(&self, operation: &str, body: String) -> anyhow::Result<Value> {
        let target = format!("TrentService.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        let url = self.config.endpoint.as_str();
        let mut request = self.client.post(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in self.signature(SystemTime::now(), url, &headers, body.as_bytes())? {
            request = request.header(name, value);
        }
        let mut answer = request.body(body).send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            ensure!(body.len() + chunk.len() <= MAX_BYTES, "its answer is longer than {MAX_BYTES} bytes");
            body.extend_from_slice(&chunk);
        }
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        // The name of the error; never more, since what a stranger answers is not for the log.
        let error = answer["__type"].as_str().unwrap_or("no JSON").chars().take(100).collect::<String>();
        ensure!(status == reqwest::StatusCode::OK, "it answered {status} ({error})");
        Ok(answer)
    }

    /// The headers that Signature Version 4 adds.
    fn signature(
        &self,
        now: SystemTime,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.config.region)
            .name("kms")
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Must be said again to decrypt, and stands in KMS's own trail.
fn context() -> Value {
    json!({ "breakwater": "data-key" })
}

fn bytes(answer: &Value, member: &str) -> anyhow::Result<Vec<u8>> {
    let text = answer[member].as_str().with_context(|| format!("its answer has no {member}"))?;
    STANDARD.decode(text).with_context(|| format!("its {member} is no base64"))
}
