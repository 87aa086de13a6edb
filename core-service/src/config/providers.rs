//! Who else may say who somebody is.

use url::Url;

use super::{ConfigError, Secret, Section};

/// What a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect, as it is written.
    Oidc,
    /// OpenID Connect; its verified addresses are its users'.
    Google,
    /// OpenID Connect with many tenants behind one issuer.
    Microsoft,
    /// OAuth 2 and an API.
    Github,
}

impl ProviderKind {
    fn issuer(self) -> Option<&'static str> {
        match self {
            Self::Oidc => None,
            Self::Google => Some("https://accounts.google.com"),
            Self::Microsoft => Some("https://login.microsoftonline.com/common/v2.0"),
            Self::Github => Some("https://github.com"),
        }
    }

    fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Github => &["read:user", "user:email"],
            _ => &["openid", "email", "profile"],
        }
    }
}

/// A provider that people may sign in with.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in paths.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Its issuer, exactly as its tokens say it.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// How we show it that we are it; a public client has none.
    pub client_secret: Option<Secret>,
    /// What we ask for.
    pub scopes: Vec<String>,
    /// Whether an address that it calls verified is taken as that.
    pub trust_email: bool,
    /// Where GitHub's API is.
    pub api_url: String,
}

impl ProviderConfig {
    /// All that are configured. `*` is the form of one.
    pub(super) fn read_all(section: &Section<'_>) -> Result<Vec<Self>, ConfigError> {
        let names = section.names().filter(|name| *name != "*");
        names.map(|name| Self::read(name, &section.section(name)?)).collect()
    }

    fn read(name: &str, section: &Section<'_>) -> Result<Self, ConfigError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(section.bad("", "a name has 1 to 32 of a-z, 0-9 and -"));
        }
        let kind = match section.string("kind")? {
            "oidc" => ProviderKind::Oidc,
            "google" => ProviderKind::Google,
            "microsoft" => ProviderKind::Microsoft,
            "github" => ProviderKind::Github,
            _ => return Err(section.bad("kind", "must be oidc, google, microsoft or github")),
        };
        let issuer = match (section.optional("issuer")?, kind.issuer()) {
            (Some(issuer), _) => issuer,
            (None, Some(usual)) => usual,
            (None, None) => return Err(section.bad("issuer", "must be set")),
        };
        let api_url = section.string("api_url")?;
        for (key, url) in [("issuer", issuer), ("api_url", api_url)] {
            if !is_safe(url) {
                return Err(section.bad(key, "must be an https:// URL (http:// on this machine only)"));
            }
        }
        let scopes = section.list("scopes")?;
        Ok(Self {
            name: name.to_owned(),
            title: section.optional("title")?.unwrap_or(name).to_owned(),
            kind,
            issuer: issuer.to_owned(),
            client_id: section.string("client_id")?.to_owned(),
            client_secret: section.secret("client_secret")?,
            scopes: match scopes.is_empty() {
                true => kind.scopes().iter().map(|scope| (*scope).to_owned()).collect(),
                false => scopes,
            },
            trust_email: section.boolean("trust_email")? || matches!(kind, ProviderKind::Google | ProviderKind::Github),
            api_url: api_url.trim_end_matches('/').to_owned(),
        })
    }
}

/// Whether what is sent to a URL cannot be read on the way: TLS, or this machine.
pub(crate) fn is_safe(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    })
}

/// Whether a URL names this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
