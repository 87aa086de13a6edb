//! What mails say: one text per template and language, from which both forms are made.
//!
//! A template's first line is the subject. Paragraphs are parted by empty lines. `{{ name }}` is replaced by a value;
//! a paragraph that is nothing but `{{ link }}` becomes a button in HTML.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The languages that every template exists in; the first one stands in for all others.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// Around the paragraphs of the HTML form.
const LAYOUT: &str = include_str!("templates/layout.html");

macro_rules! templates {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)*) => {
        /// The mails there are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Template {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Template {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn source(self, language: &str) -> &'static str {
                match (self, language) {
                    $(
                        (Self::$variant, "de") => include_str!(concat!("templates/de/", $name, ".txt")),
                        (Self::$variant, _) => include_str!(concat!("templates/en/", $name, ".txt")),
                    )*
                }
            }
        }
    };
}

templates! {
    /// Prove that a registered address is yours.
    VerifyEmail = "verify-email";
    /// The same, for somebody who has an account already.
    VerifyAccount = "verify-account";
    /// Somebody registered with an address that has an account.
    AlreadyRegistered = "already-registered";
    /// Choose a new password.
    ResetPassword = "reset-password";
    /// The password was changed.
    PasswordChanged = "password-changed";
    /// Prove that an account's new address is yours.
    ConfirmEmail = "confirm-email";
    /// To the old address: somebody wants to change it.
    EmailChangeAsked = "email-change-asked";
    /// To both addresses: it was changed.
    EmailChanged = "email-changed";
    /// A short code, as a second factor.
    SignInCode = "sign-in-code";
    /// There is a new second factor.
    MfaAdded = "mfa-added";
    /// A second factor is gone.
    MfaRemoved = "mfa-removed";
    /// A recovery code was used.
    RecoveryCodeUsed = "recovery-code-used";
    /// Somebody would have you in their workspace.
    Invitation = "invitation";
    /// Support acts in your name.
    SupportBegan = "support-began";
    /// An account elsewhere signs in here.
    IdentityLinked = "identity-linked";
    /// An account elsewhere signs in here no more.
    IdentityUnlinked = "identity-unlinked";
    /// There is a new API key.
    ApiKeyAdded = "api-key-added";
    /// The account is gone.
    AccountDeleted = "account-deleted";
}

/// A mail's content, in both forms.
#[derive(Debug, PartialEq, Eq)]
pub struct Content {
    /// The subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// The first of our languages that `accept_language` (RFC 9110 section 12.5.4) names; its weights are taken to be
/// in order, as browsers send them.
pub fn language(accept_language: Option<&str>) -> &'static str {
    let wanted = accept_language.unwrap_or_default().split(',').map(|range| {
        let tag = range.split(';').next().unwrap_or_default().trim();
        tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
    });
    wanted.into_iter().find_map(|tag| LANGUAGES.into_iter().find(|known| *known == tag)).unwrap_or(LANGUAGES[0])
}

impl Template {
    /// The mail in `language`, from `product`.
    pub fn write(self, language: &str, product: &str, data: &Value) -> anyhow::Result<Content> {
        let language = LANGUAGES.into_iter().find(|known| *known == language).unwrap_or(LANGUAGES[0]);
        let value = |name: &str| match name {
            "product" => Some(product),
            name => data[name].as_str(),
        };
        let (subject, body) = self.source(language).split_once('\n').context("a template has a subject and a body")?;
        let subject = one_line(&fill(subject, &value)?);
        let mut text = String::new();
        let mut paragraphs = String::new();
        for paragraph in body.trim().split("\n\n") {
            let filled = fill(paragraph, &value)?;
            text.push_str(&filled);
            text.push_str("\n\n");
            let escaped = escape(&filled);
            paragraphs.push_str(&match paragraph {
                "{{ link }}" => format!("<p><a class=\"button\" href=\"{escaped}\">{escaped}</a></p>\n"),
                _ => format!("<p>{}</p>\n", escaped.replace('\n', "<br>\n")),
            });
        }
        let html = LAYOUT
            .replace("{{ language }}", language)
            .replace("{{ subject }}", &escape(&subject))
            .replace("{{ product }}", &escape(product))
            // Last: what people wrote is in it.
            .replace("{{ paragraphs }}", paragraphs.trim_end());
        Ok(Content { subject, text: format!("{}\n", text.trim_end()), html })
    }
}

/// Replaces every `{{ name }}`. Values are not looked into.
fn fill<'a>(template: &str, value: &impl Fn(&str) -> Option<&'a str>) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{ ") {
        let (name, after) = after.split_once(" }}").context("a name in a template is not closed")?;
        out.push_str(before);
        out.push_str(value(name).with_context(|| format!("a template needs `{name}`"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A subject is a header: no line breaks get into it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests;
