//! Who may come in.

use crate::fixture::edge::{Edge, echoed, header, problem};
use crate::fixture::tokens::{REVOKED, token};

pub async fn credentials_are_judged(edge: Edge) {
    let good = token().sign();
    let cut = good[..good.len() - 4].to_owned();
    #[rustfmt::skip]
    let cases = [
        // The token is what a case tries, and what it comes to is: status and slug, or nothing for success.
        ("good",                   "/private",  Some(bearer(&good)),                                 None),
        ("nobody",                 "/private",  None,                                                Some((401, "authentication-required"))),
        ("nobody is fine",         "/optional", None,                                                None),
        ("good where optional",    "/optional", Some(bearer(&good)),                                 None),
        ("bad where optional",     "/optional", Some(bearer(&token().expired().sign())),             Some((401, "invalid-token"))),
        ("bad where public",       "/echo/a",   Some(bearer(&token().expired().sign())),             None),
        ("expired",                "/private",  Some(bearer(&token().expired().sign())),             Some((401, "invalid-token"))),
        ("not yet valid",          "/private",  Some(bearer(&token().not_yet().sign())),             Some((401, "invalid-token"))),
        ("another audience",       "/private",  Some(bearer(&token().claim("aud", "other").sign())), Some((401, "invalid-token"))),
        ("another issuer",         "/private",  Some(bearer(&token().claim("iss", "https://other.example").sign())), Some((401, "invalid-token"))),
        ("another type",           "/private",  Some(bearer(&token().header("typ", "JWT").sign())),  Some((401, "invalid-token"))),
        ("an unknown key",         "/private",  Some(bearer(&token().header("kid", "2").sign())),    Some((401, "invalid-token"))),
        ("a stranger's signature", "/private",  Some(bearer(&token().by_a_stranger().sign())),       Some((401, "invalid-token"))),
        ("no signature",           "/private",  Some(bearer(&token().without_signature())),          Some((401, "invalid-token"))),
        ("confused algorithms",    "/private",  Some(bearer(&token().confused())),                   Some((401, "invalid-token"))),
        ("a session that ended",   "/private",  Some(bearer(&token().claim("sid", REVOKED).sign())), Some((401, "invalid-token"))),
        ("a cut token",            "/private",  Some(bearer(&cut)),                                  Some((401, "invalid-token"))),
        ("no token at all",        "/private",  Some(bearer("nonsense")),                            Some((401, "invalid-token"))),
        ("another scheme",         "/private",  Some("Basic dXNlcjpwYXNz".to_owned()),               Some((401, "authentication-required"))),
        ("without the scope",      "/scoped",   Some(bearer(&good)),                                 Some((403, "insufficient-scope"))),
        ("with the scope",         "/scoped",   Some(bearer(&token().claim("scope", "read write").sign())), None),
    ];
    for (name, path, credentials, refused) in cases {
        let before = edge.core.asked(path).len();
        let mut request = edge.request(reqwest::Method::GET, path);
        if let Some(credentials) = &credentials {
            request = request.header("authorization", credentials);
        }
        let answer = request.send().await.unwrap();
        match refused {
            None => assert_eq!(answer.status(), 200, "{name}"),
            Some((status, slug)) => {
                assert_eq!(answer.status(), status, "{name}");
                let challenge = header(&answer, "www-authenticate").unwrap_or_else(|| panic!("{name}: no challenge"));
                assert!(challenge.starts_with("Bearer realm=\"breakwater\""), "{name}: {challenge}");
                problem(answer, status, slug).await;
            }
        }
        assert_eq!(edge.core.asked(path).len() - before, usize::from(refused.is_none()), "{name}");
    }
}

pub async fn a_caller_is_known_by_the_core_too(edge: Edge) {
    let credentials = bearer(&token().sign());
    let request = edge.request(reqwest::Method::GET, "/private").header("authorization", &credentials);
    let told = echoed(request.send().await.unwrap()).await;
    assert_eq!(told["headers"]["authorization"], credentials);
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
