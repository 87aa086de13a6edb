//! What mails say.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn data() -> Value {
    json!({
        "link": "https://app.example/verify#token=abc&x=1",
        "code": "abc",
        "workspace": "Quay 7",
        "why": "Ticket 4711",
        "until": "2025-01-31T12:00:00Z",
        "days": "7",
        "hours": "24",
        "minutes": "60",
        "left": "9",
        "provider": "Acme",
        "name": "Import",
        "email": "new@example.org",
        "old_email": "old@example.org",
    })
}

#[test]
fn every_template_is_whole_in_every_language() {
    for template in Template::ALL {
        let mut subjects = Vec::new();
        for language in LANGUAGES {
            let content = template.write(language, "Harbour", &data()).unwrap();
            let what = format!("{} in {language}", template.name());
            assert!(!content.subject.trim().is_empty(), "{what}");
            assert!(content.text.contains("Harbour"), "{what} says who writes");
            for form in [&content.subject, &content.text, &content.html] {
                assert!(!form.contains("{{") && !form.contains("}}"), "{what}: {form}");
            }
            assert!(content.html.contains(&format!("<html lang=\"{language}\">")), "{what}");
            assert!(content.text.lines().all(|line| line.chars().count() <= 78 || line.contains("://")), "{what}");
            subjects.push(content.subject);
        }
        assert_ne!(subjects[0], subjects[1], "{} is translated", template.name());
        let serialised = serde_json::to_value(template).unwrap();
        assert_eq!(serialised, template.name());
    }
}

#[test]
fn mails_that_ask_for_something_have_the_link_and_the_code_in_both_forms() {
    for template in [
        Template::VerifyEmail,
        Template::VerifyAccount,
        Template::ResetPassword,
        Template::ConfirmEmail,
        Template::Invitation,
    ] {
        for language in LANGUAGES {
            let content = template.write(language, "Harbour", &data()).unwrap();
            assert!(content.text.contains("\nhttps://app.example/verify#token=abc&x=1\n"), "{}", content.text);
            assert!(content.html.contains("href=\"https://app.example/verify#token=abc&amp;x=1\""), "{}", content.html);
            assert!(content.text.lines().any(|line| line == "abc"), "{}", content.text);
        }
    }
}

#[test]
fn they_say_what_happened() {
    let says = |template: Template, language: &str, words: &[&str]| {
        let content = template.write(language, "Harbour", &data()).unwrap();
        for word in words {
            let told = content.text.contains(word) || content.subject.contains(word);
            assert!(told, "{} in {language} does not say {word}:\n{}", template.name(), content.text);
        }
    };
    says(Template::VerifyEmail, "en", &["Confirm", "24 hours", "If you did not"]);
    says(Template::VerifyEmail, "de", &["24 Stunden"]);
    says(Template::VerifyAccount, "en", &["Confirm", "24 hours", "your\npassword", "Do not confirm"]);
    says(Template::VerifyAccount, "de", &["24 Stunden", "Bestätigen Sie sie nicht"]);
    says(Template::AlreadyRegistered, "en", &["already", "reset"]);
    says(Template::ResetPassword, "en", &["password", "60 minutes"]);
    says(Template::PasswordChanged, "en", &["was changed", "If it was not you"]);
    says(Template::ConfirmEmail, "en", &["new@example.org"]);
    says(Template::EmailChangeAsked, "en", &["new@example.org"]);
    says(Template::EmailChanged, "en", &["new@example.org", "old@example.org"]);
    says(Template::SignInCode, "en", &["abc is your sign-in code", "60 minutes", "Give it to nobody"]);
    says(Template::SignInCode, "de", &["abc ist Ihr Anmeldecode"]);
    says(Template::MfaAdded, "en", &["second factor was added", "If it was not you"]);
    says(Template::MfaRemoved, "en", &["second factor was removed", "If it was not you"]);
    says(Template::RecoveryCodeUsed, "en", &["recovery code", "9 are left"]);
    says(Template::Invitation, "en", &["Quay 7", "7 days", "do nothing"]);
    says(Template::Invitation, "de", &["Quay 7", "7 Tage"]);
    says(Template::SupportBegan, "en", &["Quay 7", "Ticket 4711", "2025-01-31T12:00:00Z"]);
    says(Template::SupportBegan, "de", &["Quay 7", "Ticket 4711"]);
    says(Template::IdentityLinked, "en", &["was linked", "If it was not you"]);
    says(Template::IdentityLinked, "de", &["verbunden"]);
    says(Template::IdentityUnlinked, "en", &["was unlinked"]);
    says(Template::ApiKeyAdded, "en", &["API key “Import”", "If it was not you"]);
    says(Template::ApiKeyAdded, "de", &["API-Schlüssel „Import“"]);
    says(Template::AccountDeleted, "de", &["gelöscht"]);
}

#[test]
fn values_are_text_and_nothing_else() {
    let data = json!({ "email": "<b>&\"'{{ link }}@example.org", "old_email": "a\r\nBcc: b", "link": "x" });
    let content = Template::EmailChanged.write("en", "A\nB <i>", &data).unwrap();
    assert!(!content.subject.contains('\n'));
    assert!(content.html.contains("&lt;b&gt;&amp;&quot;&#39;{{ link }}@example.org"), "{}", content.html);
    assert!(!content.html.contains("<b>") && !content.html.contains("<i>"));
}

#[test]
fn a_missing_value_is_an_error() {
    let error = Template::VerifyEmail.write("en", "Harbour", &json!({ "link": "x" })).unwrap_err();
    assert!(error.to_string().contains("needs `"), "{error}");
}

#[test]
fn the_readers_language_is_taken_if_we_speak_it() {
    for (header, expected) in [
        (None, "en"),
        (Some(""), "en"),
        (Some("de"), "de"),
        (Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
        (Some("fr-FR, DE;q=0.5"), "de"),
        (Some("fr, *"), "en"),
        (Some(";;;,,-"), "en"),
    ] {
        assert_eq!(language(header), expected, "{header:?}");
    }
}
