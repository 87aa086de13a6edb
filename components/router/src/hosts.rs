//! Which hosts a route answers for.

use std::collections::BTreeMap;

/// A host pattern: `api.example`, or `*.example` for every host below `example`. Without a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    Exact(String),
    /// What follows the `*`, its dot included.
    Below(String),
}

impl Host {
    /// Parses a pattern, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("host {text:?}: write a lower-case name without a port, such as api.example or *.example");
        let name = text.strip_prefix("*.").unwrap_or(text);
        let label = |label: &str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && label.bytes().all(plain)
        };
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let address = address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
        if !address && !name.split('.').all(label) {
            return Err(wrong());
        }
        Ok(if name.len() == text.len() { Self::Exact(name.into()) } else { Self::Below(text[1..].into()) })
    }
}

/// Something for every host.
pub struct Hosts<T> {
    exact: BTreeMap<String, T>,
    below: BTreeMap<String, T>,
    any: T,
}

impl<T: Default> Default for Hosts<T> {
    fn default() -> Self {
        Self { exact: BTreeMap::new(), below: BTreeMap::new(), any: T::default() }
    }
}

impl<T: Default> Hosts<T> {
    /// What there is for a pattern; for every host, if there is none.
    pub fn entry(&mut self, host: Option<&Host>) -> &mut T {
        match host {
            None => &mut self.any,
            Some(Host::Exact(name)) => self.exact.entry(name.clone()).or_default(),
            Some(Host::Below(suffix)) => self.below.entry(suffix.clone()).or_default(),
        }
    }

    /// What there is for the host of an authority, the most specific first: the name itself, then the longest pattern.
    pub fn find<'a>(&'a self, authority: &str) -> impl Iterator<Item = &'a T> {
        // Most configurations name no host, and then nobody needs it in its one form.
        let named = !(self.exact.is_empty() && self.below.is_empty());
        let host = if named { name(authority) } else { String::new() };
        let exact = self.exact.get(&host);
        let mut below = Vec::new();
        if !self.below.is_empty() {
            let dots = host.match_indices('.').filter(|(at, _)| *at > 0);
            below.extend(dots.filter_map(|(at, _)| self.below.get(&host[at..])));
        }
        exact.into_iter().chain(below).chain([&self.any])
    }
}

/// The host without its port and without the dot of the root, in lower case.
fn name(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_most_specific_comes_first() {
        let mut hosts = Hosts::<&str>::default();
        for text in ["a.example", "*.example", "*.a.example", "[::1]"] {
            *hosts.entry(Some(&Host::parse(text).unwrap())) = text;
        }
        *hosts.entry(None) = "any";
        for (authority, wanted) in [
            ("a.example", &["a.example", "*.example", "any"][..]),
            ("A.Example.:8080", &["a.example", "*.example", "any"]),
            ("x.a.example", &["*.a.example", "*.example", "any"]),
            ("x.y.a.example:1", &["*.a.example", "*.example", "any"]),
            ("example", &["any"]),
            (".example", &["any"]),
            ("[::1]:80", &["[::1]", "any"]),
            ("[::1]", &["[::1]", "any"]),
            ("", &["any"]),
        ] {
            assert_eq!(hosts.find(authority).copied().collect::<Vec<_>>(), wanted, "{authority}");
        }
    }

    #[test]
    fn other_patterns_are_refused() {
        for text in ["", "*", "*.", "A.example", "a..b", "a.*.example", "a:80", "https://a", "a/", "**.a", "[a]"] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }
}
