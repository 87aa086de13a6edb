//! Whom a bucket belongs to, as a key of the state.

use std::net::{IpAddr, Ipv6Addr};

use breakwater_kit::headers;
use breakwater_kit::types::{Presented, Subscriber};

use crate::config::{By, Limit};

/// Longer header values count as what they begin with.
const MAX_VALUE: usize = 128;

/// Where a request is counted; nowhere if a limit by key meets a caller without one.
pub fn key(limit: &Limit, presented: &Presented, route: &str, caller: Option<&Subscriber>) -> Option<String> {
    let name = limit.name.as_str();
    match (&limit.by, caller) {
        (By::Address, _) => Some(by_address(name, &presented.client_address)),
        (By::Route, _) => Some(format!("limit:{name}:route:{route}")),
        (By::Header(header), _) => Some(match headers::values(&presented.headers, header).next() {
            // Leaving the header out is no way around the limit.
            None => by_address(name, &presented.client_address),
            Some(value) => format!("limit:{name}:header:{}", value[..value.len().min(MAX_VALUE)].escape_ascii()),
        }),
        (By::Caller, Some(caller)) => Some(by_caller(name, caller)),
        (By::Key, Some(caller)) => caller.key.as_ref().map(|key| format!("limit:{name}:key:{key}")),
        (By::Caller | By::Key, None) => None,
    }
}

/// `limit:NAME:address:ADDRESS`.
fn by_address(name: &str, address: &str) -> String {
    // A zone (`%eth0`, RFC 4007, section 11) says which network, not who.
    let text = address.split('%').next().unwrap_or(address);
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => format!("limit:{name}:address:{v4}"),
            None => format!("limit:{name}:address:{}/64", network(v6)),
        },
        Ok(IpAddr::V4(v4)) => format!("limit:{name}:address:{v4}"),
        // A socket without addresses, or a shell that does not know: all of them together.
        Err(_) => format!("limit:{name}:address:unknown"),
    }
}

/// `limit:NAME:caller:LENGTH:ISSUER:SUBJECT`; the issuer's length keeps two pairs from reading the same.
fn by_caller(name: &str, caller: &Subscriber) -> String {
    format!("limit:{name}:caller:{}:{}:{}", caller.issuer.len(), caller.issuer, caller.subject)
}

fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::1", "::/64"),
            ("", "unknown"),
            ("unix:", "unknown"),
            ("192.0.2.1:80", "unknown"),
            ("192.0.2.01", "unknown"),
        ] {
            assert_eq!(by_address("a", address), format!("limit:a:address:{counted}"), "{address}");
        }
    }

    #[test]
    fn callers_of_two_issuers_are_two() {
        let caller = |issuer: &str, subject: &str| Subscriber {
            issuer: issuer.into(),
            subject: subject.into(),
            ..Subscriber::default()
        };
        assert_eq!(by_caller("a", &caller("https://i", "s")), "limit:a:caller:9:https://i:s");
        assert_ne!(by_caller("a", &caller("i:s", "t")), by_caller("a", &caller("i", "s:t")));
    }
}
