//! Section 4.2 and 5.2.1: freshness, and what clients ask for.

use super::*;

#[test]
fn section_4_2_1_lifetimes() {
    let (now, later, before) = (date(NOW), date(NOW + 100), date(NOW - 1_000));
    let table: Vec<(Vec<(&str, &str)>, u64)> = vec![
        (vec![("cache-control", "max-age=60")], 60),
        (vec![("cache-control", "max-age=60, s-maxage=90")], 90),
        (vec![("date", &now), ("expires", &later)], 100),
        (vec![("expires", &later)], 100),
        (vec![("cache-control", "max-age=60"), ("expires", &later)], 60),
        // Not a date, or too many of them: expired (section 5.3).
        (vec![("expires", "0"), ("last-modified", &before)], 0),
        (vec![("expires", &later), ("expires", &later)], 0),
        (vec![("date", &later), ("expires", &now)], 0),
        // A tenth of the time since the last change (section 4.2.2).
        (vec![("date", &now), ("last-modified", &before)], 100),
        (vec![("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")], 86_400),
        (vec![("date", &now), ("last-modified", &later)], 0),
        (vec![("last-modified", "yesterday")], 0),
    ];
    for (lines, seconds) in table {
        let kept = stored(&[lines.as_slice(), &[("etag", "\"a\"")]].concat());
        if seconds > 0 {
            assert_eq!(word(&judge(&kept, &get(&[]), seconds - 1)), "fresh 200", "{lines:?}");
        }
        assert_eq!(word(&judge(&kept, &get(&[]), seconds)), "validate if-none-match: \"a\"", "{lines:?}");
    }
}

#[test]
fn section_4_2_3_age() {
    let (now, earlier) = (date(NOW), date(NOW - 30));
    // Header lines, when the request was sent, and the age at NOW + 5 of what came at NOW.
    for (lines, requested_at, age) in [
        (vec![("date", now.as_str())], NOW, "5"),
        (vec![("date", &earlier)], NOW, "35"),
        (vec![("age", "20")], NOW, "25"),
        (vec![("age", "20")], NOW - 3, "28"),
        (vec![("age", "20"), ("date", &earlier)], NOW - 3, "35"),
        (vec![("age", "-20")], NOW, "5"),
        (vec![("age", "many")], NOW, "5"),
        (vec![("age", "20, 30")], NOW, "25"),
        (vec![], NOW - 3, "8"),
    ] {
        let head = response(200, &[lines.as_slice(), &[("cache-control", "max-age=60")]].concat());
        let CacheKeep::Keep(kept) = cache().keep(&get(&[]), None, &head, at(requested_at), NOW) else {
            panic!("{lines:?}")
        };
        let CacheUse::Hit(hit) = judge(&kept, &get(&[]), 5) else { panic!("{lines:?}") };
        let answer = answered(&kept, &hit);
        let ages: Vec<_> = answer.iter().filter(|field| field.name == "age").collect();
        assert_eq!(ages, [&Field::new("age", age)], "{lines:?}");
    }
}

#[test]
fn section_5_2_1_what_clients_ask_for() {
    const VALIDATE: &str = "validate if-none-match: \"a\"";
    let table = [
        // The response's directives, the request's, the response's age.
        ("max-age=60", "", 59, "fresh 200"),
        ("max-age=60", "", 60, VALIDATE),
        ("max-age=60", "max-age=10", 10, "fresh 200"),
        ("max-age=60", "max-age=10", 11, VALIDATE),
        ("max-age=60", "max-age=0", 1, VALIDATE),
        ("max-age=60", "max-age=junk", 1, VALIDATE),
        ("max-age=60", "min-fresh=10", 50, "fresh 200"),
        ("max-age=60", "min-fresh=10", 51, VALIDATE),
        ("max-age=60", "no-cache", 0, VALIDATE),
        ("max-age=60", "max-stale", 100_000, "stale 200"),
        ("max-age=60", "max-stale=10", 70, "stale 200"),
        ("max-age=60", "max-stale=10", 71, VALIDATE),
        ("max-age=60", "max-stale=10, min-fresh=1", 65, VALIDATE),
        ("max-age=60", "max-stale, max-age=70", 71, VALIDATE),
        // Never stale (sections 4.2.4, 5.2.2.2, 5.2.2.8, 5.2.2.10)
        ("max-age=60, must-revalidate", "max-stale", 60, VALIDATE),
        ("max-age=60, proxy-revalidate", "max-stale", 60, VALIDATE),
        ("s-maxage=60", "max-stale", 60, VALIDATE),
        ("max-age=60, no-cache", "max-stale", 0, VALIDATE),
        // Section 5.2.1.7
        ("max-age=60", "only-if-cached", 59, "fresh 200"),
        ("max-age=60", "only-if-cached", 60, "refuse 504"),
        ("max-age=60", "only-if-cached, max-stale", 60, "stale 200"),
        ("max-age=60", "only-if-cached, no-cache", 0, "refuse 504"),
    ];
    for (says, wants, age, expected) in table {
        let kept = keep(&get(&[]), &response(200, &[("cache-control", says), ("etag", "\"a\"")])).unwrap();
        let answer = judge(&kept, &get(&[("cache-control", wants)]), age);
        assert_eq!(word(&answer), expected, "{says} | {wants} | {age}");
    }
}

#[test]
fn nothing_is_stored() {
    let cache = cache();
    assert_eq!(cache.judge(&get(&[]), None, "k", None, 0, NOW), CacheUse::Miss);
    let only = get(&[("cache-control", "only-if-cached")]);
    let CacheUse::Refuse(problem) = cache.judge(&only, None, "k", None, 0, NOW) else { panic!("not refused") };
    assert_eq!((problem.status, problem.slug.as_str()), (504, "not-cached"));
}

#[test]
fn stale_without_a_validator_is_fetched() {
    let kept = stored(&[("cache-control", "max-age=60")]);
    assert_eq!(word(&judge(&kept, &get(&[]), 60)), "validate");
}

#[test]
fn answers_say_how_long_they_are_fresh() {
    let kept = stored(&[("cache-control", "max-age=60"), ("age", "1"), ("content-type", "text/plain")]);
    let CacheUse::Hit(hit) = judge(&kept, &get(&[]), 10) else { panic!("not fresh") };
    let answer = answered(&kept, &hit);
    assert_eq!(value(&answer, "content-type").as_deref(), Some("text/plain"));
    assert_eq!((value(&answer, "age").as_deref(), hit.ttl), (Some("11"), 49));
    let CacheUse::Hit(stale) = judge(&kept, &get(&[("cache-control", "max-stale")]), 70) else { panic!("not used") };
    assert_eq!(stale.ttl, -11);
}

#[test]
fn section_4_head_is_answered_from_get() {
    let kept = stored(&[("cache-control", "max-age=60"), ("content-length", "7")]);
    let CacheUse::Hit(hit) = judge(&kept, &request("HEAD", &[]), 10) else { panic!("not used") };
    assert_eq!((hit.status, hit.part), (200, BodyPart::None));
    assert_eq!(value(&answered(&kept, &hit), "content-length").as_deref(), Some("7"));
}

/// RFC 9110, section 14: parts of what is stored whole.
#[test]
fn ranges_are_cut_from_whole_responses() {
    let kept = stored(&[("cache-control", "max-age=60"), ("content-length", "10"), ("etag", "\"a\"")]);
    for (range, status, part, content_range, length) in [
        ("bytes=2-4", 206, BodyPart::Range((2, 5)), Some("bytes 2-4/10"), "3"),
        ("bytes=20-", 416, BodyPart::None, Some("bytes */10"), "0"),
        ("bytes=0-1,3-4", 200, BodyPart::Whole, None, "10"),
    ] {
        let CacheUse::Hit(hit) = judge(&kept, &get(&[("range", range)]), 1) else { panic!("{range}") };
        let answer = answered(&kept, &hit);
        assert_eq!((hit.status, hit.part), (status, part), "{range}");
        assert_eq!(value(&answer, "content-range").as_deref(), content_range, "{range}");
        assert_eq!(value(&answer, "content-length").as_deref(), Some(length), "{range}");
    }
}

/// RFC 5861, section 3.
#[test]
fn stale_while_revalidate() {
    for (says, wants, age, expected) in [
        ("max-age=60, stale-while-revalidate=30", "", 59, "fresh 200"),
        ("max-age=60, stale-while-revalidate=30", "", 60, "renew if-none-match: \"a\""),
        ("max-age=60, stale-while-revalidate=30", "", 90, "renew if-none-match: \"a\""),
        ("max-age=60, stale-while-revalidate=30", "", 91, "validate if-none-match: \"a\""),
        ("max-age=60, stale-while-revalidate=30", "no-cache", 60, "validate if-none-match: \"a\""),
        ("s-maxage=60, stale-while-revalidate=30", "", 60, "renew if-none-match: \"a\""),
        ("max-age=60, stale-while-revalidate=30, must-revalidate", "", 60, "validate if-none-match: \"a\""),
        ("max-age=60, stale-while-revalidate=30, no-cache", "", 0, "validate if-none-match: \"a\""),
    ] {
        let kept = keep(&get(&[]), &response(200, &[("cache-control", says), ("etag", "\"a\"")])).unwrap();
        assert_eq!(word(&judge(&kept, &get(&[("cache-control", wants)]), age)), expected, "{says} | {wants} | {age}");
    }
}

/// Section 4.2.4, and RFC 5861, section 4.
#[test]
fn stale_if_the_upstream_fails() {
    for (says, wants, status, later, used) in [
        // It cannot be reached: what does not forbid it is used.
        ("max-age=60", "", None, 70, true),
        ("max-age=60", "", None, 60 + 86_401, false),
        ("max-age=60, must-revalidate", "", None, 70, false),
        ("max-age=60, proxy-revalidate", "", None, 70, false),
        ("max-age=60, no-cache", "", None, 70, false),
        ("s-maxage=60", "", None, 70, false),
        // It fails: only what says so.
        ("max-age=60", "", Some(503), 70, false),
        ("max-age=60, stale-if-error=20", "", Some(503), 80, true),
        ("max-age=60, stale-if-error=20", "", Some(503), 81, false),
        ("max-age=60, stale-if-error=20", "", None, 81, false),
        ("s-maxage=60, stale-if-error=20", "", Some(500), 80, true),
        ("max-age=60, stale-if-error=20", "", Some(404), 70, false),
        ("max-age=60, stale-if-error=20", "", Some(501), 70, false),
        ("max-age=60", "stale-if-error=20", Some(502), 80, true),
        ("max-age=60, must-revalidate, stale-if-error=20", "", Some(503), 70, false),
    ] {
        let kept = keep(&get(&[]), &response(200, &[("cache-control", says), ("etag", "\"a\"")])).unwrap();
        let hit = cache().rescue(&get(&[("cache-control", wants)]), &kept.head, 10, status, NOW + later);
        assert_eq!(hit.is_some(), used, "{says} | {wants} | {status:?} | {later}");
    }
}

#[test]
fn what_another_edge_should_not_have_stored_is_not_used() {
    let mut kept = stored(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    for control in ["private", "max-age=60, private"] {
        kept.head.headers[0] = Field::new("cache-control", control);
        assert_eq!(word(&judge(&kept, &get(&[]), 0)), "miss", "{control}");
    }
}
