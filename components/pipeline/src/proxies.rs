//! Where a client really is, when others stand between it and the edge.
//!
//! The shell knows who connected. If that is a proxy of ours, the proxy says who asked it, behind whatever it was told
//! itself: so the list is read from its end, for as long as the addresses are those of our proxies. The first that is
//! not is the client's; what stands before it, anyone can have written. One header counts, the one that our proxies
//! write: another would come through them as the client sent it.

use std::net::{IpAddr, SocketAddr};

use breakwater_kit::headers;
use breakwater_kit::network::{Network, NoNetwork};
use breakwater_kit::types::RequestHead;

/// The proxies in front of the edge. None by default.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    networks: Vec<Network>,
    header: String,
}

impl Proxies {
    /// Networks that stand apart by commas or spaces, and the header that they write: `x-forwarded-for`, `forwarded` (RFC
    /// 7239), or another that holds addresses.
    pub fn parse(networks: &str, header: &str) -> Result<Self, NoNetwork> {
        let networks = networks.split(|c: char| c == ',' || c.is_whitespace()).filter(|text| !text.is_empty());
        let header = if header.is_empty() { "x-forwarded-for".to_owned() } else { header.to_ascii_lowercase() };
        Ok(Self { networks: networks.map(str::parse).collect::<Result<_, _>>()?, header })
    }

    fn trusted(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Puts the client's own address and scheme in place of the proxy's.
    pub(crate) fn resolve(&self, request: &mut RequestHead) {
        if self.networks.is_empty() {
            return;
        }
        let Some(peer) = address(&request.client_address).filter(|peer| self.trusted(*peer)) else { return };
        let mut client = peer;
        let hops: Vec<&str> = headers::list(&request.headers, &self.header).collect();
        for hop in hops.into_iter().rev() {
            let said = if self.header == "forwarded" { parameter(hop, "for") } else { Some(hop) };
            // Who cannot be read (RFC 7239, section 6.3) is as far away as the proxy that says so.
            let Some(said) = said.and_then(address) else { break };
            client = said;
            if !self.trusted(client) {
                break;
            }
        }
        request.client_address = client.to_canonical().to_string();
        let scheme = match self.header.as_str() {
            "forwarded" => headers::list(&request.headers, "forwarded").last().and_then(|hop| parameter(hop, "proto")),
            _ => headers::list(&request.headers, "x-forwarded-proto").last(),
        };
        if let Some(scheme @ ("http" | "https")) = scheme {
            request.scheme = scheme.to_owned();
        }
    }
}

/// The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// A parameter of a forwarded element (RFC 7239, section 4).
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use breakwater_kit::types::Field;

    use super::*;

    fn resolved(header: &str, peer: &str, lines: &[(&str, &str)]) -> (String, String) {
        let mut request = RequestHead {
            method: "GET".into(),
            scheme: "http".into(),
            authority: "a.example".into(),
            path: "/".into(),
            query: None,
            headers: lines.iter().map(|(name, value)| Field::new(*name, *value)).collect(),
            client_address: peer.into(),
        };
        Proxies::parse("10.0.0.0/8, 2001:db8::/32", header).unwrap().resolve(&mut request);
        (request.client_address, request.scheme)
    }

    #[test]
    fn the_list_is_read_from_its_end() {
        for (name, peer, value, client) in [
            ("a client that speaks to us itself", "203.0.113.9", "192.0.2.1", "203.0.113.9"),
            ("one proxy", "10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("two proxies", "10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("a client that lies", "10.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),
            ("a client that lies about our proxies", "10.0.0.1", "192.0.2.1, 203.0.113.9, 10.0.0.3", "203.0.113.9"),
            ("a client inside", "10.0.0.1", "10.0.0.7", "10.0.0.7"),
            ("ports", "10.0.0.1", "203.0.113.9:1234", "203.0.113.9"),
            ("IPv6", "2001:db8::1", "[2001:db9::7]:80", "2001:db9::7"),
            ("IPv6, bare", "2001:db8::1", "2001:db9::7", "2001:db9::7"),
            ("IPv4 mapped", "::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            ("nonsense", "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
            ("nothing", "10.0.0.1", "", "10.0.0.1"),
        ] {
            assert_eq!(resolved("", peer, &[("x-forwarded-for", value)]).0, client, "{name}");
        }
        let lines = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(resolved("", "10.0.0.1", &lines).0, "203.0.113.9");
    }

    #[test]
    fn forwarded_is_read_where_it_is_the_one() {
        let value = r#"for=192.0.2.1, For="[2001:db9::7]:80";proto=https;by=10.0.0.1"#;
        assert_eq!(
            resolved("Forwarded", "10.0.0.1", &[("forwarded", value), ("x-forwarded-for", "192.0.2.2")]),
            ("2001:db9::7".to_owned(), "https".to_owned())
        );
        assert_eq!(resolved("", "10.0.0.1", &[("forwarded", value)]).0, "10.0.0.1");
        assert_eq!(resolved("forwarded", "10.0.0.1", &[("forwarded", "for=_hidden")]).0, "10.0.0.1");
    }

    #[test]
    fn the_scheme_is_what_the_proxy_says() {
        let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "http, https")];
        assert_eq!(resolved("", "10.0.0.1", &lines).1, "https");
        assert_eq!(resolved("", "203.0.113.9", &lines).1, "http");
        assert_eq!(resolved("", "10.0.0.1", &[("x-forwarded-proto", "gopher")]).1, "http");
    }
}
