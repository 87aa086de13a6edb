//! Signing in with other providers: a certified one, GitHub as we play it, and hostile ones.

mod attacks;
mod browser;
mod certified;
mod github;
mod linking;
mod played;
mod tokens;

use crate::support::{Settings, TestApp, settings};

/// Where the app is that people come back to.
const HOME: &str = "https://app.example/home";

/// The settings of a provider: `kind`, `issuer` and so on.
fn provider(name: &str, own: &[(&str, &str)]) -> Settings {
    let usual = [("CLIENT_ID", played::CLIENT), ("CLIENT_SECRET", played::SECRET)];
    let keys = usual.iter().chain(own);
    keys.map(|(key, value)| {
        (format!("BREAKWATER_IDENTITY__PROVIDERS__{}__{key}", name.to_uppercase()), (*value).to_owned())
    })
    .collect()
}

/// An app with these providers.
async fn app(providers: Vec<Settings>) -> TestApp {
    let pages = format!("{HOME},https://app.example/settings");
    let mut all = settings([("IDENTITY__RETURN_URLS", pages.as_str())]);
    all.extend(providers.into_iter().flatten());
    TestApp::start_with(all).await
}

/// An app that trusts the addresses of one played provider.
async fn app_with(played: &played::Played) -> TestApp {
    app(vec![provider("played", &[("ISSUER", &played.issuer), ("TRUST_EMAIL", "true")])]).await
}
