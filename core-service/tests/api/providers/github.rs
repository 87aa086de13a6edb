//! GitHub: OAuth 2 and its API, as we play them.

use super::browser::{identities, sign_in};
use super::played::{Account, Played};
use super::{app, provider};
use crate::support::TestApp;

async fn start() -> (TestApp, Played) {
    let played = Played::named("github").await;
    let own = [("KIND", "github"), ("ISSUER", played.issuer.as_str()), ("API_URL", &played.issuer)];
    (app(vec![provider("github", &own)]).await, played)
}

#[tokio::test]
async fn who_has_a_verified_primary_address_signs_in_and_is_known_by_number() {
    let (app, github) = start().await;
    let account = Account { subject: "17".to_owned(), ..Account::of("Ada@example.org") };
    let first = sign_in(&app, &github, &account).await.expect(200).json();
    assert_eq!(first["user"]["email"], "ada@example.org");
    assert_eq!(first["user"]["email_verified"], true);
    assert_eq!(first["user"]["display_name"], "ada");
    // The address is another by now; the number is the same.
    let again = sign_in(&app, &github, &Account { email: "new@example.org".to_owned(), ..account }).await;
    let again = again.expect(200).json();
    assert_eq!(again["user"]["id"], first["user"]["id"]);
    assert_eq!(identities(&app, again["access_token"].as_str().unwrap()).await[0]["provider"], "github");
}

#[tokio::test]
async fn who_has_not_is_sent_to_register() {
    let (app, github) = start().await;
    let account = Account { subject: "18".to_owned(), ..Account::unverified("ada@example.org") };
    sign_in(&app, &github, &account).await.problem(403, "provider-email-unverified");
}
