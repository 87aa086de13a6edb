//! Section 4.3: validation.

use super::*;

#[test]
fn section_4_3_1_questions() {
    let since = date(NOW - 1_000);
    let tagged = stored(&[("etag", "W/\"a\""), ("last-modified", &since)]);
    let dated = stored(&[("last-modified", &since), ("cache-control", "max-age=1")]);
    let by_date = format!("validate if-modified-since: {since}");
    for (kept, lines, expected) in [
        (&tagged, vec![], "validate if-none-match: W/\"a\""),
        // The client's own tags are asked about along with ours.
        (&tagged, vec![("if-none-match", "\"b\"")], "validate if-none-match: W/\"a\""),
        (&tagged, vec![("if-modified-since", since.as_str())], "validate if-none-match: W/\"a\""),
        (&tagged, vec![("if-none-match", "*")], "validate"),
        (&dated, vec![], &by_date),
        // A date cannot join another question.
        (&dated, vec![("if-none-match", "\"b\"")], "validate"),
        (&dated, vec![("if-modified-since", "x")], "validate"),
    ] {
        assert_eq!(word(&judge(kept, &get(&lines), 500)), expected, "{lines:?}");
    }
}

#[test]
fn section_4_3_2_clients_that_have_it() {
    let (changed, before, after) = (date(NOW - 100), date(NOW - 101), date(NOW - 99));
    let both = stored(&[("cache-control", "max-age=60"), ("etag", "\"a\""), ("last-modified", &changed)]);
    let bare = stored(&[("cache-control", "max-age=60")]);
    for (kept, lines, expected) in [
        (&both, vec![("if-none-match", "\"a\"")], "bodyless 304"),
        (&both, vec![("if-none-match", "\"x\", W/\"a\"")], "bodyless 304"),
        (&both, vec![("if-none-match", "*")], "bodyless 304"),
        (&both, vec![("if-none-match", "\"x\"")], "fresh 200"),
        // With tags, dates do not count (RFC 9110, section 13.1.3).
        (&both, vec![("if-none-match", "\"x\""), ("if-modified-since", &changed)], "fresh 200"),
        (&both, vec![("if-modified-since", &changed)], "bodyless 304"),
        (&both, vec![("if-modified-since", &after)], "bodyless 304"),
        (&both, vec![("if-modified-since", &before)], "fresh 200"),
        (&both, vec![("if-modified-since", "yesterday")], "fresh 200"),
        (&bare, vec![("if-none-match", "\"a\"")], "fresh 200"),
        (&bare, vec![("if-modified-since", &changed)], "fresh 200"),
    ] {
        assert_eq!(word(&judge(kept, &get(&lines), 1)), expected, "{lines:?}");
        let head = word(&judge(kept, &request("HEAD", &lines), 1));
        assert_eq!(head, expected.replace("fresh", "bodyless"), "HEAD {lines:?}");
    }

    let kept = stored(&[
        ("cache-control", "max-age=60"),
        ("etag", "\"a\""),
        ("content-type", "text/plain"),
        ("content-length", "7"),
        ("vary", "accept"),
        ("x-own", "1"),
    ]);
    let request = get(&[("if-none-match", "\"a\"")]);
    let CacheUse::Hit(hit) = judge(&kept, &request, 1) else { panic!("not 304") };
    let answer = answered(&kept, &hit);
    let names: Vec<&str> = answer.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["cache-control", "etag", "vary", "cache-control", "date", "age"]);

    // Only what would have been 200 becomes 304 (RFC 9110, section 13.2.1).
    let missing = keep(&get(&[]), &response(404, &[("cache-control", "max-age=60"), ("etag", "\"a\"")])).unwrap();
    assert_eq!(word(&judge(&missing, &request, 1)), "fresh 404");
}

#[test]
fn section_4_3_4_freshening() {
    let kept = keep(
        &get(&[]),
        &response(
            200,
            &[
                ("cache-control", "max-age=60"),
                ("etag", "\"a\""),
                ("age", "50"),
                ("content-type", "text/plain"),
                ("content-length", "7"),
                ("x-old", "1"),
                ("x-both", "old"),
            ],
        ),
    )
    .unwrap();
    let not_modified = response(
        304,
        &[
            ("cache-control", "max-age=120"),
            ("etag", "\"a\""),
            ("content-length", "0"),
            ("content-type", "text/html"),
            ("x-both", "new"),
            ("x-request-id", "0123456789"),
        ],
    );
    let later = NOW + 100;
    let CacheKeep::Keep(updated) = cache().update(&get(&[]), None, &kept.head, &not_modified, at(later - 1), later)
    else {
        panic!("passed")
    };
    assert_eq!((updated.key.as_str(), updated.head.status), (kept.key.as_str(), 200));
    assert_eq!((updated.head.requested_at, updated.head.received_at), (later - 1, later));
    let mut lines: Vec<String> = updated
        .head
        .headers
        .iter()
        .map(|field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value)))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "cache-control: max-age=120",
            "content-length: 7",
            "content-type: text/plain",
            &format!("date: {}", date(later)),
            "etag: \"a\"",
            "x-both: new",
            "x-old: 1",
        ]
    );
    // The same if a HEAD asked.
    let by_head = cache().update(&request("HEAD", &[]), None, &kept.head, &not_modified, at(later - 1), later);
    assert_eq!(by_head, CacheKeep::Keep(updated.clone()));
    assert_eq!(word(&judge(&updated, &get(&[]), 100 + 118)), "fresh 200");
    assert_eq!(word(&judge(&updated, &get(&[]), 100 + 119)), "validate if-none-match: \"a\"");
}

#[test]
fn a_304_that_is_not_about_the_stored_response() {
    let (changed, other) = (date(NOW - 100), date(NOW - 99));
    let kept = stored(&[("cache-control", "max-age=60"), ("etag", "\"a\""), ("last-modified", &changed)]);
    for (status, lines, expected) in [
        (304, vec![], Ok(())),
        (304, vec![("etag", "\"a\"")], Ok(())),
        (304, vec![("etag", "W/\"a\"")], Ok(())),
        (304, vec![("last-modified", changed.as_str())], Ok(())),
        (304, vec![("etag", "\"b\"")], Err("other-validator")),
        (304, vec![("etag", "\"b\""), ("last-modified", &changed)], Err("other-validator")),
        (304, vec![("last-modified", &other)], Err("other-validator")),
        (304, vec![("cache-control", "no-store")], Err("no-store")),
        (304, vec![("cache-control", "private")], Err("private")),
        (304, vec![("vary", "*")], Err("vary")),
        // The answer to a HEAD (section 4.3.5)
        (200, vec![("etag", "\"a\"")], Ok(())),
        (200, vec![("etag", "\"b\"")], Err("other-validator")),
        (410, vec![("etag", "\"a\"")], Err("status")),
    ] {
        let answer = match cache().update(&get(&[]), None, &kept.head, &response(status, &lines), at(NOW), NOW) {
            CacheKeep::Keep(_) => Ok(()),
            CacheKeep::Pass(passed) => Err(passed.reason),
        };
        assert_eq!(answer, expected.map_err(Into::into), "{status} {lines:?}");
    }
}
