use std::sync::Arc;

use breakwater_kit::types::{Field, RequestHead};
use breakwater_kit::{entity_tag, headers as kit};
use breakwater_pipeline::{Exchange, Gateway, Proxies, Seed};

/// Lists, cookies, entity tags, and what a request brings from proxies and traces. What is taken for a header's member
/// is part of its value, and what the edge makes of it can stand in a header.
pub fn headers(data: &[u8]) {
    let request = super::request(data);
    for Field { name, value } in &request.headers {
        for member in kit::list(&request.headers, name) {
            // RFC 9110, section 5.6.3: white space is these two.
            assert!(!member.is_empty() && member.trim_matches([' ', '\t']) == member, "{member:?}");
        }
        let text = String::from_utf8_lossy(value);
        for member in kit::members(&text) {
            assert!(text.contains(member), "{member:?} of {text:?}");
        }
        if let Some(cookie) = kit::cookie(&request.headers, "id") {
            assert!(!cookie.contains(&b';'), "{cookie:?}");
        }
        entity_tag::none_match_hit(&request.headers, Some(&text));
        assert!(entity_tag::opaque(&text).len() <= text.len());
    }
    for header in ["x-forwarded-for", "forwarded", "x-real"] {
        names(&request, header);
    }
}

fn names(request: &RequestHead, header: &str) {
    let proxies = Proxies::parse("192.0.2.0/24 2001:db8::/32", header).unwrap();
    let gateway = Arc::new(Gateway { proxies, ..Gateway::default() });
    let exchange = Exchange::new(gateway, request.clone(), &Seed([7; 34]), 1);
    exchange.client_address().parse::<std::net::IpAddr>().expect("a client's address is one");
    assert!((8..=64).contains(&exchange.request_id().len()), "{}", exchange.request_id());
    let trace = exchange.trace_id();
    assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()), "{trace}");
}
