//! Callers by the certificate that they connected with. The shell has checked who signed it.

use breakwater_kit::types::{Caller, ClientCertificate};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api_keys::CONSUMERS;
use crate::told::{Told, claims_of};

/// `certificates` of the section: whose certificate is whose.
#[derive(Default, Deserialize)]
pub struct Certificates {
    /// Whether a certificate that none of the callers has is a caller by its own name.
    #[serde(default)]
    others: bool,
    #[serde(default)]
    callers: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    #[serde(flatten)]
    by: By,
    #[serde(default)]
    scopes: Vec<String>,
    plan: Option<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

/// What a caller's certificate is known by.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Fingerprint(String),
    Subject(String),
    AlternativeName(String),
}

impl Certificates {
    /// Whose certificate this is.
    pub fn caller(&self, certificate: &ClientCertificate, told: &Told, now: u64) -> Option<Caller> {
        if now >= certificate.expires_at {
            return None;
        }
        let known = self.callers.iter().find(|known| known.by.is(certificate));
        let mut caller = match known {
            Some(known) => Caller { subject: known.name.clone(), scopes: known.scopes.clone(), ..Caller::default() },
            None if self.others => Caller { subject: own_name(certificate)?, ..Caller::default() },
            None => return None,
        };
        caller.issuer = CONSUMERS.into();
        caller.expires_at = certificate.expires_at;
        let mut more = known.map(|known| known.claims.clone()).unwrap_or_default();
        let shown = json!({
            "fingerprint": certificate.fingerprint, "subject": certificate.subject, "names": certificate.names,
        });
        more.insert("certificate".into(), shown);
        let claims = claims_of(&caller, &more);
        told.tell(&mut caller, &claims);
        if let Some(plan) = known.and_then(|known| known.plan.as_ref()) {
            caller.plan = Some(plan.clone());
        }
        Some(caller)
    }
}

/// Its first alternative name, or its subject.
fn own_name(certificate: &ClientCertificate) -> Option<String> {
    let names = std::iter::once(&certificate.subject).filter(|subject| !subject.is_empty());
    certificate.names.iter().chain(names).next().cloned()
}

impl By {
    fn is(&self, certificate: &ClientCertificate) -> bool {
        match self {
            Self::Fingerprint(fingerprint) => fingerprint.eq_ignore_ascii_case(&certificate.fingerprint),
            Self::Subject(subject) => *subject == certificate.subject,
            Self::AlternativeName(name) => certificate.names.contains(name),
        }
    }
}
