//! The examples of the RFCs, down to the signature: their claims are none of an access token.

use super::*;
use crate::algorithm::Algorithm;
use crate::keys::Key;
use crate::token::decode;

/// The claims of RFC 7515, appendix A.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn check(jwk: Value, algorithm: Algorithm, message: &str, signature: &str) {
    let key = Key::new(&jwk, &[algorithm]).unwrap();
    let signature = decode(signature).unwrap();
    assert!(key.verify(algorithm, message.as_bytes(), &signature));
    assert!(!key.verify(algorithm, format!("{message}x").as_bytes(), &signature));
    for at in [0, signature.len() / 2, signature.len() - 1] {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert!(!key.verify(algorithm, message.as_bytes(), &other), "{at}");
    }
}

#[test]
fn hs256_of_rfc_7515_a_1() {
    check(
        json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}),
        Algorithm::HS256,
        &format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}"),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
}

#[test]
fn rs256_of_rfc_7515_a_2() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2l\
        ZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Cap\
        Hg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FR\
        WyuXpoQ";
    let jwk = json!({"kty": "RSA", "n": n, "e": "AQAB"});
    check(
        jwk.clone(),
        Algorithm::RS256,
        &format!("eyJhbGciOiJSUzI1NiJ9.{JOE}"),
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1\
        dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu\
        sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    // A key for one algorithm is none for its siblings.
    let key = Key::new(&jwk, &[Algorithm::RS256]).unwrap();
    assert!(key.takes(Algorithm::RS256) && !key.takes(Algorithm::PS256));
}

#[test]
fn es256_of_rfc_7515_a_3() {
    check(
        json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y}),
        Algorithm::ES256,
        &format!("eyJhbGciOiJFUzI1NiJ9.{JOE}"),
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

#[test]
fn eddsa_of_rfc_8037_a_4() {
    check(
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X}),
        Algorithm::EdDSA,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

/// The algorithms that the RFCs have no examples of: keys and signatures that OpenSSL 3.0 made.
#[test]
fn signatures_of_openssl() {
    let vectors: Value = serde_json::from_str(include_str!("openssl.json")).unwrap();
    let message = vectors["message"].as_str().unwrap();
    let signatures = vectors["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 11);
    for vector in signatures {
        let [jwk, algorithm, signature] = [0, 1, 2].map(|index| vector[index].as_str().unwrap());
        check(vectors["keys"][jwk].clone(), algorithm.parse().unwrap(), message, signature);
    }
    // Each is good for its own algorithm only.
    let names: Vec<&str> = signatures.iter().map(|vector| vector[1].as_str().unwrap()).collect();
    for vector in signatures {
        for name in &names {
            let algorithm = name.parse().unwrap();
            let Some(key) = Key::new(&vectors["keys"][vector[0].as_str().unwrap()], &[algorithm]) else { continue };
            let good = key.verify(algorithm, message.as_bytes(), &decode(vector[2].as_str().unwrap()).unwrap());
            assert_eq!(good, vector[1] == *name, "{vector} as {name}");
        }
    }
}

#[test]
fn keys_that_cannot_be_used_are_ignored() {
    let all =
        ["EdDSA", "ES256", "ES384", "ES512", "RS256", "PS256", "HS256", "HS512"].map(|name| name.parse().unwrap());
    for jwk in [
        json!(null),
        json!([]),
        json!({}),
        json!({"kty": "OKP", "crv": "Ed25519"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": b64([1; 31])}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": b64([1; 33])}),
        json!({"kty": "OKP", "crv": "Ed448", "x": b64([1; 57])}),
        // No point on the curve.
        json!({"kty": "OKP", "crv": "Ed25519", "x": b64([[2].as_slice(), &[0; 31]].concat())}),
        json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_X}),
        json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": b64([1; 31])}),
        json!({"kty": "EC", "crv": "P-521", "x": b64([1; 66]), "y": b64([1; 65])}),
        json!({"kty": "EC", "crv": "secp256k1", "x": EC_X, "y": EC_Y}),
        json!({"kty": "RSA", "n": b64([0xff; 255]), "e": "AQAB"}),
        json!({"kty": "RSA", "n": b64([[0].as_slice(), &[0xff; 255]].concat()), "e": "AQAB"}),
        json!({"kty": "RSA", "n": b64([0xff; 513]), "e": "AQAB"}),
        json!({"kty": "RSA", "n": b64([0xff; 256]), "e": ""}),
        json!({"kty": "oct", "k": b64([1; 31])}),
        json!({"kty": "oct", "k": "=="}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "use": "enc"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "key_ops": ["sign"]}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "alg": "ES256"}),
    ] {
        assert!(Key::new(&jwk, &all).is_none(), "{jwk}");
    }
    // Short secrets are good for short hashes.
    let key = Key::new(&json!({"kty": "oct", "k": b64([1; 32])}), &all).unwrap();
    assert!(key.takes(Algorithm::HS256) && !key.takes(Algorithm::HS512));
}
