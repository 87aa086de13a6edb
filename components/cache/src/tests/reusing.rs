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
        let CacheKeep::Keep(kept) = cache().keep(&get(&[]), &head, requested_at, NOW) else { panic!("{lines:?}") };
        let CacheUse::Fresh(answer) = judge(&kept, &get(&[]), 5) else { panic!("{lines:?}") };
        let ages: Vec<_> = answer.headers.iter().filter(|field| field.name == "age").collect();
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
        ("max-age=60", "max-stale", 100_000, "fresh 200"),
        ("max-age=60", "max-stale=10", 70, "fresh 200"),
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
        ("max-age=60", "only-if-cached, max-stale", 60, "fresh 200"),
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
    assert_eq!(cache.judge(&get(&[]), "k", None, NOW), CacheUse::Miss);
    let only = get(&[("cache-control", "only-if-cached")]);
    let CacheUse::Refuse(problem) = cache.judge(&only, "k", None, NOW) else { panic!("not refused") };
    assert_eq!((problem.status, problem.slug.as_str()), (504, "not-cached"));
}

#[test]
fn stale_without_a_validator_is_fetched() {
    let kept = stored(&[("cache-control", "max-age=60")]);
    assert_eq!(word(&judge(&kept, &get(&[]), 60)), "miss");
}

#[test]
fn answers_say_that_they_were_stored() {
    let kept =
        stored(&[("cache-control", "max-age=60"), ("cache-status", "inner; hit"), ("content-type", "text/plain")]);
    let CacheUse::Fresh(answer) = judge(&kept, &get(&[]), 10) else { panic!("not fresh") };
    assert_eq!(value(&answer.headers, "content-type").as_deref(), Some("text/plain"));
    let status: Vec<_> = headers::values(&answer.headers, "cache-status").collect();
    assert_eq!(status, [b"inner; hit".as_slice(), b"breakwater; hit; ttl=50"]);

    let CacheUse::Fresh(stale) = judge(&kept, &get(&[("cache-control", "max-stale")]), 70) else { panic!("not used") };
    assert!(headers::values(&stale.headers, "cache-status").any(|line| line == b"breakwater; hit; ttl=-10"));
}

#[test]
fn section_4_head_is_answered_from_get() {
    let kept = stored(&[("cache-control", "max-age=60"), ("content-length", "7")]);
    let CacheUse::WithoutBody(head) = judge(&kept, &request("HEAD", &[]), 10) else { panic!("not used") };
    assert_eq!((head.status, value(&head.headers, "content-length").as_deref()), (200, Some("7")));
}

#[test]
fn what_another_edge_should_not_have_stored_is_not_used() {
    let mut kept = stored(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    for control in ["no-store", "private", "max-age=60, private=\"x\""] {
        kept.head.headers[0] = Field::new("cache-control", control);
        assert_eq!(word(&judge(&kept, &get(&[]), 0)), "miss", "{control}");
    }
}
