//! Which of several upstreams a request meets, and which requests are mirrored: the same answer at every edge, because it is
//! nothing but a hash.

use breakwater_kit::headers;
use breakwater_kit::types::{Caller, RequestHead, Split, Sticky};
use sha2::{Digest, Sha256};

/// The upstream for a request.
///
/// `route` makes those who meet the canary of one route others than those who meet the canary of the next.
pub fn choose<'a>(
    split: &'a Split,
    route: &str,
    request: &RequestHead,
    caller: Option<&Caller>,
    request_id: &str,
) -> Option<&'a str> {
    let address = || [b"address", request.client_address.as_bytes()];
    let key = match (&split.sticky, caller) {
        (Sticky::Caller, Some(caller)) => [caller.issuer.as_bytes(), caller.subject.as_bytes()],
        (Sticky::Caller | Sticky::Address, _) => address(),
        (Sticky::Cookie(name), _) => match headers::cookie(&request.headers, name) {
            Some(value) => [b"cookie", value],
            None => address(),
        },
        (Sticky::Nobody, _) => [b"request", request_id.as_bytes()],
    };
    let sum: u64 = split.upstreams.iter().map(|one| u64::from(one.weight)).sum();
    let mut at = point(&[b"split", route.as_bytes(), key[0], key[1]]).checked_rem(sum)?;
    for one in &split.upstreams {
        match at.checked_sub(one.weight.into()) {
            Some(left) => at = left,
            None => return Some(&one.upstream),
        }
    }
    None
}

/// Whether a request is among so many of 10,000.
pub fn is_mirrored(share: u32, route: &str, request_id: &str) -> bool {
    point(&[b"mirror", route.as_bytes(), request_id.as_bytes()]) % 10_000 < u64::from(share)
}

fn point(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts read the same.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(8).fold(0, |point, byte| point << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use breakwater_kit::types::{Field, Weighted};

    use super::*;

    fn request(address: &str, cookie: &str) -> RequestHead {
        RequestHead {
            method: "GET".into(),
            scheme: "http".into(),
            authority: "a.example".into(),
            path: "/".into(),
            query: None,
            headers: vec![Field::new("cookie", cookie)],
            client_address: address.into(),
        }
    }

    fn split(sticky: Sticky, weights: &[(&str, u32)]) -> Split {
        let upstreams = weights.iter().map(|(name, weight)| Weighted { upstream: (*name).into(), weight: *weight });
        Split { upstreams: upstreams.collect(), sticky }
    }

    fn caller(subject: usize) -> Caller {
        Caller {
            issuer: "i".into(),
            subject: subject.to_string(),
            session: None,
            scopes: Vec::new(),
            expires_at: 0,
            headers: Vec::new(),
            key: None,
            plan: None,
        }
    }

    /// How many of 10,000 callers meet the canary.
    fn met(route: &str, weight: u32) -> Vec<usize> {
        let split = split(Sticky::Caller, &[("canary", weight), ("stable", 100 - weight)]);
        let request = request("192.0.2.1", "");
        (0..10_000).filter(|n| choose(&split, route, &request, Some(&caller(*n)), "") == Some("canary")).collect()
    }

    #[test]
    fn weights_are_kept_and_more_weight_takes_nobody_back() {
        for (weight, most_off) in [(0, 0), (1, 40), (10, 120), (50, 200), (100, 0)] {
            let count = met("r", weight).len();
            assert!(count.abs_diff(weight as usize * 100) <= most_off, "{weight}: {count}");
        }
        let (few, more) = (met("r", 5), met("r", 20));
        assert!(few.iter().all(|one| more.contains(one)));
        assert_ne!(few, met("other", 5));
    }

    #[test]
    fn who_is_recognised() {
        let weights = &[("a", 50), ("b", 50)];
        let distinct = |sticky: Sticky, request: &dyn Fn(usize) -> (RequestHead, Option<Caller>, String)| {
            let split = split(sticky, weights);
            let met = (0..64).map(|n| {
                let (request, caller, id) = request(n);
                choose(&split, "r", &request, caller.as_ref(), &id).map(str::to_owned)
            });
            met.collect::<std::collections::BTreeSet<_>>().len()
        };
        let id = |n: usize| n.to_string();
        assert_eq!(distinct(Sticky::Caller, &|n| (request(&id(n), &id(n)), Some(caller(1)), id(n))), 1);
        assert_eq!(distinct(Sticky::Caller, &|n| (request("a", &id(n)), None, id(n))), 1);
        assert_eq!(distinct(Sticky::Caller, &|n| (request(&id(n), ""), None, id(1))), 2);
        assert_eq!(distinct(Sticky::Address, &|n| (request("a", ""), Some(caller(n)), id(n))), 1);
        let cookie = || Sticky::Cookie("u".into());
        assert_eq!(distinct(cookie(), &|n| (request(&id(n), "u=1"), None, id(n))), 1);
        assert_eq!(distinct(cookie(), &|n| (request("a", &format!("u={n}")), None, id(1))), 2);
        assert_eq!(distinct(cookie(), &|n| (request("a", ""), None, id(n))), 1);
        assert_eq!(distinct(Sticky::Nobody, &|n| (request("a", ""), Some(caller(1)), id(n))), 2);
    }

    #[test]
    fn a_share_of_requests_is_mirrored() {
        let count = |share| (0..10_000).filter(|n| is_mirrored(share, "r", &n.to_string())).count();
        assert_eq!((count(0), count(10_000)), (0, 10_000));
        assert!(count(1_000).abs_diff(1_000) < 120);
    }
}
