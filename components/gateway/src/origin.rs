//! Scheme and authority of a server.

/// Where requests go: no path, no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    pub authority: String,
}

impl Origin {
    /// Reads `http://host:port` or `https://host`, with or without a slash at the end.
    pub fn parse(url: &str) -> Option<Self> {
        let (https, rest) = match url.split_once("://")? {
            ("http", rest) => (false, rest),
            ("https", rest) => (true, rest),
            _ => return None,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        (!authority.is_empty() && authority.bytes().all(valid)).then(|| Self { https, authority: authority.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_is_scheme_and_authority() {
        for (url, expected) in [
            ("http://127.0.0.1:3001", Some((false, "127.0.0.1:3001"))),
            ("https://core.internal/", Some((true, "core.internal"))),
            ("http://[::1]:3001", Some((false, "[::1]:3001"))),
            ("http://core/path", None),
            ("http://user@core", None),
            ("http://", None),
            ("redis://core", None),
            ("core:3001", None),
        ] {
            let expected = expected.map(|(https, authority)| Origin { https, authority: authority.to_owned() });
            assert_eq!(Origin::parse(url), expected, "{url}");
        }
    }
}
