//! Where Redis is. The credentials are a variable of their own, because the address is also an entry of
//! `allowed_outbound_hosts`, which takes none.

/// `url` with `credentials`, unless they are empty or the address brings its own.
pub fn address(url: &str, credentials: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) if !credentials.is_empty() && !rest.contains('@') => {
            format!("{scheme}://{credentials}@{rest}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn credentials_stand_before_the_host() {
        for (url, credentials, expected) in [
            ("redis://host:6379", "", "redis://host:6379"),
            ("redis://host:6379", "edge:secret", "redis://edge:secret@host:6379"),
            ("redis://host:6379", ":secret", "redis://:secret@host:6379"),
            ("redis://own:one@host:6379", "edge:secret", "redis://own:one@host:6379"),
            ("no address", "edge:secret", "no address"),
        ] {
            assert_eq!(address(url, credentials), expected);
        }
    }
}
