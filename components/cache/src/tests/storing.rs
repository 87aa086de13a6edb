//! Section 3: what is kept.

use super::*;

/// Status and headers of a response, and for how long it is kept or why not.
type Row<'a> = (u16, Vec<(&'a str, &'a str)>, Result<u64, &'a str>);

#[test]
fn section_3_what_is_kept() {
    const DAY: u64 = 86_400;
    let table: Vec<Row> = vec![
        // Explicit freshness (sections 4.2.1, 5.2.2.1, 5.2.2.10)
        (200, vec![("cache-control", "max-age=60")], Ok(60 + DAY)),
        (200, vec![("cache-control", "max-age=60, s-maxage=10")], Ok(10 + DAY)),
        (200, vec![("cache-control", "max-age=60"), ("age", "20")], Ok(40 + DAY)),
        (200, vec![("cache-control", "max-age=60"), ("age", "60")], Err("not-reusable")),
        (200, vec![("cache-control", "max-age=60, stale-if-error=100000")], Ok(60 + 100_000)),
        (200, vec![("cache-control", "max-age=60"), ("set-cookie", "a=b")], Ok(60 + DAY)),
        (302, vec![("cache-control", "max-age=60")], Ok(60 + DAY)),
        (404, vec![("cache-control", "max-age=60")], Ok(60 + DAY)),
        (500, vec![("cache-control", "max-age=60")], Ok(60 + DAY)),
        (299, vec![("cache-control", "max-age=60")], Ok(60 + DAY)),
        // RFC 9213
        (200, vec![("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")], Ok(60 + DAY)),
        (200, vec![("cache-control", "max-age=60"), ("cdn-cache-control", "no-store")], Err("no-store")),
        (200, vec![("cache-control", "max-age=60"), ("cdn-cache-control", "x")], Err("not-reusable")),
        // Section 5.2.2.3
        (200, vec![("cache-control", "max-age=60, no-store, must-understand")], Ok(60 + DAY)),
        (599, vec![("cache-control", "max-age=60, no-store, must-understand")], Err("status")),
        // To be validated each time (section 5.2.2.4)
        (200, vec![("cache-control", "no-cache, max-age=60"), ("etag", "\"a\"")], Ok(DAY)),
        (200, vec![("cache-control", "no-cache, max-age=60")], Err("not-reusable")),
        (200, vec![("cache-control", "max-age=0"), ("etag", "\"a\"")], Ok(DAY)),
        (200, vec![("etag", "\"a\"")], Ok(DAY)),
        (200, vec![], Err("not-reusable")),
        // Never
        (200, vec![("cache-control", "max-age=60, no-store")], Err("no-store")),
        (200, vec![("cache-control", "max-age=60"), ("cache-control", "NO-STORE")], Err("no-store")),
        (200, vec![("cache-control", "private, max-age=60")], Err("private")),
        (200, vec![("cache-control", "public"), ("etag", "\"a\""), ("set-cookie", "a=b")], Err("set-cookie")),
        (200, vec![("cache-control", "max-age=60"), ("content-length", "1001")], Err("too-large")),
        (200, vec![("cache-control", "max-age=60"), ("content-length", "1000")], Ok(60 + DAY)),
        (206, vec![("cache-control", "max-age=60")], Err("partial")),
        (304, vec![("cache-control", "max-age=60")], Err("status")),
        // Nothing allows it
        (302, vec![("etag", "\"a\"")], Err("status")),
        (302, vec![("etag", "\"a\""), ("cache-control", "public")], Ok(DAY)),
    ];
    for (status, lines, expected) in table {
        let kept = keep(&get(&[]), &response(status, &lines)).map(|kept| kept.keep_for);
        assert_eq!(kept, expected.map_err(Into::into), "{status} {lines:?}");
    }
    let fresh = response(200, &[("cache-control", "max-age=60")]);
    assert_eq!(keep(&request("HEAD", &[]), &fresh), Err("method".into()));
    assert_eq!(keep(&request("POST", &[]), &fresh), Err("method".into()));
    assert_eq!(keep(&get(&[("cache-control", "no-store")]), &fresh), Err("request-no-store".into()));
}

#[test]
fn section_3_1_which_headers_are_kept() {
    let kept = keep(
        &get(&[]),
        &response(
            200,
            &[
                ("cache-control", "max-age=60, no-cache=\"x-secret\", private=\"X-Mine\""),
                ("x-secret", "1"),
                ("x-mine", "1"),
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("keep-alive", "1"),
                ("transfer-encoding", "chunked"),
                ("breakwater-core", "v1 key=a,mac=b"),
                ("x-request-id", "0123456789"),
                ("ratelimit", "\"a\";r=1"),
                ("content-type", "text/plain"),
                ("x-own", "1"),
            ],
        ),
    )
    .unwrap();
    let names: Vec<&str> = kept.head.headers.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["cache-control", "content-type", "x-own", "date"]);
    assert_eq!(value(&kept.head.headers, "date"), Some(date(NOW)));
    assert_eq!((kept.head.requested_at, kept.head.received_at), (NOW, NOW));
}

#[test]
fn section_3_5_requests_with_authorization() {
    let authorized = get(&[("authorization", "Bearer x")]);
    for (control, expected) in [
        ("max-age=60", Err("authorization".into())),
        ("max-age=60, proxy-revalidate", Err("authorization".into())),
        ("public, max-age=60", Ok(60 + 86_400)),
        ("s-maxage=60", Ok(60 + 86_400)),
        ("must-revalidate, max-age=60", Ok(60 + 86_400)),
        ("public, max-age=60, private", Err("private".into())),
    ] {
        let answer = response(200, &[("cache-control", control)]);
        assert_eq!(keep(&authorized, &answer).map(|kept| kept.keep_for), expected, "{control}");

        // And what was kept for a stranger does not answer a caller unless it might have been kept for one.
        if let Ok(kept) = keep(&get(&[]), &answer) {
            let used = if expected.is_ok() { "fresh 200" } else { "miss" };
            assert_eq!(word(&judge(&kept, &authorized, 0)), used, "{control}");
            assert_eq!(word(&judge(&kept, &get(&[]), 0)), "fresh 200", "{control}");
        }
    }
}
