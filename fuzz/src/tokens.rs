use std::sync::LazyLock;

use breakwater_auth::Authenticator;
use breakwater_kit::types::{Field, Presented, RequestHead, Requirement, Site, Verdict};
use serde_json::json;

const NOW: u64 = 1_790_000_000;

/// An issuer whose keys nobody here has the secret of: that of RFC 8037, appendix A.2, and RFC 7515, appendix A.3.
static SECTION: LazyLock<String> = LazyLock::new(|| {
    json!({
        "leeway_seconds": 60,
        "issuers": [{
            "issuer": "https://core.example", "audiences": ["breakwater"], "algorithms": ["EdDSA", "ES256"],
            "token_types": ["at+jwt"],
            "jwks": {"keys": [
                {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty": "EC", "crv": "P-256", "kid": "ec", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                 "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
            ]}
        }],
        "cookies": {"access": "a", "refresh": "r", "issuer": "https://core.example", "origins": []},
        "revoked_sessions": []
    })
    .to_string()
});

/// Credentials: whatever they are, nobody is let in who has not the issuer's signature, and no refusal is an answer of 500.
pub fn tokens(data: &[u8]) {
    let mut authenticator = Authenticator::default();
    authenticator.configure(SECTION.as_bytes()).unwrap();
    let mut request = super::request(data);
    let bearer = [b"Bearer ".as_slice(), data].concat();
    let cookie = [b"a=".as_slice(), data].concat();
    let RequestHead { method, scheme, authority, .. } = request.clone();
    let site = Some(Site { method, scheme, authority });
    for headers in [
        std::mem::take(&mut request.headers),
        vec![Field::new("authorization", bearer)],
        vec![Field::new("cookie", cookie)],
    ] {
        let presented =
            Presented { client_address: "192.0.2.1".into(), query: request.query.clone(), site: site.clone(), headers };
        let required = Requirement::Required(Vec::new());
        match authenticator.authenticate(&presented, &required, None, NOW) {
            Verdict::Refuse(problem) | Verdict::UnknownKey((_, problem)) => {
                assert!(matches!(problem.status, 400 | 401 | 403), "{problem:?}");
            }
            verdict => panic!("{verdict:?} for {presented:?}"),
        }
    }
}
