//! Configuration: what is unknown or bad stops the start, by name and with the reason.

use std::io::Write;
use std::path::Path;

use core_service::config::{Config, ConfigError, EmailVerification};

use crate::support::{EDGE_KEY, settings};

fn with<const N: usize>(environment: [(&str, &str); N]) -> Result<Config, ConfigError> {
    Config::load_with(None, settings(environment))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_defaults_are_good_and_the_layers_override_each_other() {
    let config = with([]).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:3001");
    assert_eq!(config.identity.email_verification, EmailVerification::Required, "nothing is told unless it is wanted");
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    assert_eq!((config.identity.refresh_token_life, config.identity.session_longest), (days(30), days(90)));
    let file = file("[http]\nlisten = \"127.0.0.1:1\"\nmax_body_bytes = 2048\n");
    let both = Config::load_with(Some(file.path()), settings([("HTTP__LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!(both.http.listen.port(), 2);
    assert_eq!(both.http.max_body_bytes, 2048);
    let limit =
        with([("EDGE__LIMITS__SIGN_IN__QUOTA", "7"), ("EDGE__ALLOWED_ORIGINS", "https://a, https://b")]).unwrap();
    assert_eq!(limit.edge.limits.iter().find(|limit| limit.name == "sign-in").unwrap().quota, 7);
    assert_eq!(limit.edge.allowed_origins, ["https://a", "https://b"]);
}

#[test]
fn bad_values_are_named_with_the_reason() {
    for (variable, value, key, reason) in [
        ("HTTP__LISTEN", "nowhere", "http.listen", "invalid socket address"),
        ("HTTP__LISTEN", "", "http.listen", "must be set"),
        ("HTTP__MAX_BODY_BYTES", "1", "http.max_body_bytes", "from 1024 to"),
        ("HTTP__MAX_BODY_BYTES", "many", "BREAKWATER_HTTP__MAX_BODY_BYTES", "whole number"),
        ("HTTP__TLS_CERT", "cert.pem", "http.tls_key", "must be set"),
        ("HTTP__NOTHING", "1", "BREAKWATER_HTTP__NOTHING", "no known"),
        ("NOTHING__LISTEN", "1", "BREAKWATER_NOTHING__LISTEN", "no known"),
        ("EDGE__LIMITS", "1", "BREAKWATER_EDGE__LIMITS", "names a section"),
        ("DATABASE__URL", "mysql://root:hunter2@db", "database.url", "postgres://"),
        ("DATABASE__URL_FILE", "/no/such/file", "database.url_file", "cannot be read"),
        ("IDENTITY__ALGORITHM", "none", "identity.algorithm", "EdDSA or ES256"),
        ("IDENTITY__ISSUER", "me", "identity.issuer", "http"),
        ("IDENTITY__EMAIL_VERIFICATION", "never", "identity.email_verification", "required or optional"),
        ("IDENTITY__HASHING_PASSES", "0", "identity.hashing_passes", "from 1 to"),
        ("IDENTITY__PROVIDERS__ACME__KIND", "saml", "identity.providers.acme.kind", "oidc, google"),
        ("IDENTITY__PROVIDERS__ACME__TITLE", "Acme", "identity.providers.acme.issuer", "must be set"),
        ("IDENTITY__PROVIDERS__ACME__ISSUER", "http://id.example", "identity.providers.acme.issuer", "https"),
        ("IDENTITY__PROVIDERS__ACME__ISSUER", "https://id.example", "identity.providers.acme.client_id", "must be set"),
        ("IDENTITY__PROVIDERS__ACME__NOTHING", "1", "BREAKWATER_IDENTITY__PROVIDERS__ACME__NOTHING", "no known"),
        ("IDENTITY__PROVIDERS__A_B!__KIND", "google", "identity.providers.a-b!.", "a-z"),
        ("IDENTITY__RETURN_URLS", "https://a.example/#b", "identity.return_urls", "without a fragment"),
        ("IDENTITY__RETURN_URLS", "http://a.example/", "identity.return_urls", "https"),
        ("EDGE__LIMITS__ADDRESS__BY", "name", "edge.limits.address.by", "address or caller"),
        ("TELEMETRY__FORMAT", "xml", "telemetry.format", "text or json"),
        ("TELEMETRY__FILTER", "a=b=c", "telemetry.filter", "level filter"),
    ] {
        let error = with([(variable, value)]).unwrap_err();
        assert_eq!(error.key, key, "{variable}={value}");
        assert!(error.reason.contains(reason), "{variable}={value}: {error}");
        assert!(!error.to_string().contains("hunter2"), "a secret is never said");
    }
}

#[test]
fn unknown_keys_and_wrong_types_in_a_file_are_named() {
    for (text, key) in [
        ("[http]\nlisten_on = \"x\"", "http.listen_on"),
        ("[htpp]\nlisten = \"x\"", "htpp"),
        ("[http]\nlisten = 7", "http.listen"),
        ("[edge.limits.other]\nquota = 7", "edge.limits.other"),
    ] {
        let error = Config::load_with(Some(file(text).path()), []).unwrap_err();
        assert_eq!(error.key, key, "{error}");
    }
    assert!(Config::load_with(Some(file("listen =").path()), []).unwrap_err().reason.contains("TOML"));
    assert!(Config::load_with(Some(Path::new("/no/file")), []).unwrap_err().reason.contains("read"));
}

#[test]
fn secrets_come_from_files_and_are_never_printed() {
    let file = file("  the-secret\n");
    let config = with([("IDENTITY__SECRET_KEY_FILE", file.path().to_str().unwrap())]).unwrap();
    assert_eq!(config.identity.secret_key.as_ref().unwrap().reveal(), "the-secret");
    let key = EDGE_KEY.text();
    let config = with([("EDGE__KEYS", &key), ("DATABASE__URL", "postgres://u:hunter2@h/d")]).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains(&key), "{printed}");
}

#[test]
fn variables_without_a_section_are_not_ours() {
    let environment = [("BREAKWATER_TEST_POSTGRES".to_owned(), "x".to_owned())];
    assert!(Config::load_with(None, environment).is_ok());
}

#[tokio::test]
async fn serving_needs_a_secret_and_an_edge_key() {
    let secret = "A".repeat(43);
    let key = EDGE_KEY.text();
    for (environment, named) in [
        (settings([("EDGE__KEYS", &key)]), "identity.secret_key"),
        (settings([("IDENTITY__SECRET_KEY", &secret)]), "edge.keys"),
        (settings([("IDENTITY__SECRET_KEY", &secret), ("EDGE__KEYS", "no-key")]), "edge.keys"),
    ] {
        let config = Config::load_with(None, environment).unwrap();
        let error = core_service::app::build(config).err().unwrap();
        assert!(error.to_string().starts_with(named), "{error}");
    }
}
