//! Which passwords are refused. Their length is the schema's business.

use super::common::is_common;
use crate::app::AppState;
use crate::problem::{Problem, Result};

/// Whose password it is to be.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::identity) struct About<'a> {
    pub(in crate::identity) email: &'a str,
    pub(in crate::identity) display_name: Option<&'a str>,
}

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Common,
    Personal,
    Breached,
}

impl Reason {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Personal => "personal",
            Self::Breached => "breached",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Common => "is among the passwords that are tried first",
            Self::Personal => "is the e-mail address or the name",
            Self::Breached => "was in a breach, so it is among those that are tried first",
        }
    }
}

/// 422 at `pointer` for a password that must not be used.
pub(in crate::identity) async fn check(app: &AppState, pointer: &str, password: &str, about: About<'_>) -> Result<()> {
    match refuses(app, password, about).await? {
        None => Ok(()),
        Some(reason) => Err(Problem::invalid_field(pointer, reason.code(), reason.message())),
    }
}

/// Why it must not be used, if it must not.
pub(super) async fn refuses(app: &AppState, password: &str, about: About<'_>) -> Result<Option<Reason>> {
    if is_common(password) {
        return Ok(Some(Reason::Common));
    }
    if is_personal(password, about) {
        return Ok(Some(Reason::Personal));
    }
    let Some(breached) = &app.identity.breached else { return Ok(None) };
    let breached = breached.holds(password).await.map_err(Problem::internal)?;
    Ok(breached.then_some(Reason::Breached))
}

/// Whether it is nothing but what others know of them.
fn is_personal(password: &str, about: About<'_>) -> bool {
    let password = password.to_lowercase();
    let local = about.email.split('@').next().unwrap_or_default();
    let name = about.display_name.map(str::to_lowercase).unwrap_or_default();
    [about.email, local, &name].into_iter().any(|known| known == password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_know_is_personal() {
        let about = About { email: "ada.lovelace@example.org", display_name: Some("Ada Lovelace") };
        for personal in ["ada.lovelace@example.org", "Ada.Lovelace", "ada lovelace"] {
            assert!(is_personal(personal, about), "{personal}");
        }
        assert!(!is_personal("ada lovelace 1815", about));
        assert!(!is_personal("something else", About::default()));
    }
}
