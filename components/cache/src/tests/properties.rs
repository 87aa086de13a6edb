//! What holds for every request and response.

use proptest::prelude::*;

use super::*;

fn directive() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("no-store".into()),
        Just("No-Store".into()),
        Just("private".into()),
        Just("private=\"\"".into()),
        Just("no-cache".into()),
        Just("public".into()),
        Just("must-revalidate".into()),
        Just("max-age=".into()),
        Just("x=\"a, b\"".into()),
        (0u64..200).prop_map(|n| format!("max-age={n}")),
        (0u64..200).prop_map(|n| format!("s-maxage={n}")),
        "[a-z]{1,8}",
    ]
}

/// Lines of `Cache-Control` as they come, with odd spaces and empty members.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop::collection::vec((directive(), "[ \t]{0,2},?[ \t]?"), 0..4)
        .prop_map(|members| members.into_iter().map(|(name, space)| format!("{name}{space}, ")).collect::<String>());
    prop::collection::vec(line, 0..3)
}

fn headers(lines: &[String], more: &[(&str, &str)]) -> Vec<Field> {
    lines.iter().map(|line| Field::new("cache-control", line.as_str())).chain(fields(more)).collect()
}

/// The directive somewhere in there, read as roughly as can be.
fn mentions(lines: &[String], name: &str) -> bool {
    lines.iter().any(|line| line.to_ascii_lowercase().contains(name))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Never kept, never used from the state, whatever else is said.
    #[test]
    fn no_store_and_private_are_never_served(
        says in lines(),
        wants in lines(),
        status in prop::sample::select(vec![200u16, 204, 301, 302, 404, 500]),
        authorized in any::<bool>(),
        later in 0u64..300,
    ) {
        let more = [("etag", "\"a\"")];
        let mut request = RequestHead { headers: headers(&wants, &[]), ..get(&[]) };
        if authorized {
            request.headers.push(Field::new("authorization", "Bearer x"));
        }
        let answer = ResponseHead { status, headers: headers(&says, &more) };
        let forbidden = mentions(&says, "no-store") || mentions(&says, "private");
        let private = mentions(&says, "private");
        let shared = mentions(&says, "public") || mentions(&says, "must-revalidate") || mentions(&says, "s-maxage");

        let kept = cache().keep(&request, None, &answer, at(NOW), NOW);
        if forbidden || mentions(&wants, "no-store") || (authorized && !shared) {
            prop_assert!(matches!(kept, CacheKeep::Pass(_)), "{kept:?}");
        }

        // As if it had been stored all the same.
        let head = StoredHead { status, headers: answer.headers, requested_at: NOW, received_at: NOW, epoch: 0 };
        let CachePlan::LookUp(key) = cache().plan(&get(&[]), None) else { panic!("bypassed") };
        let used = cache().judge(&request, None, &key, Some(&Stored::Response(head)), 10, NOW + later);
        if private || (authorized && !shared) {
            prop_assert!(!matches!(used, CacheUse::Hit(_) | CacheUse::Renew(_)), "{used:?}");
        }
    }

    /// What is used was fresh, by the plainest reading of the RFC, and says its age.
    #[test]
    fn only_fresh_responses_are_used(
        max_age in 0u64..100,
        told in 0u64..50,
        delay in 0u64..10,
        behind in 0u64..50,
        later in 0u64..200,
    ) {
        let (control, age, made) = (format!("max-age={max_age}"), told.to_string(), date(NOW - behind));
        let answer = response(200, &[("cache-control", &control), ("age", &age), ("date", &made), ("etag", "\"a\"")]);
        let CacheKeep::Keep(kept) = cache().keep(&get(&[]), None, &answer, at(NOW - delay), NOW) else { panic!("passed") };
        let current = behind.max(told + delay) + later;
        match judge(&kept, &get(&[]), later) {
            CacheUse::Hit(hit) => {
                prop_assert!(current < max_age);
                prop_assert_eq!(value(&hit.set, "age"), Some(current.to_string()));
                // The state still has it.
                prop_assert!(later < kept.keep_for);
            }
            CacheUse::Validate(_) => prop_assert!(current >= max_age),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
