//! The specification's own example (WebAuthn Level 3 section 16.2, "ES256 Credential with No Attestation"), and what is
//! wrong with others.
#![allow(clippy::unwrap_used)]

use super::*;

const CHALLENGES: [&str; 2] = [
    "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
    "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
];
const CREATED: &str = "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63\
     647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c\
     652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e\
     206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c\
     207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d";
/// Of the attestation object, the authenticator data.
const MADE: &str = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f\
     0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb\
     86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e266479\
     6b9220";
const CREDENTIAL: &str = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
const GOT: &str = "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558\
     543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f\
     7267222c2263726f73734f726967696e223a66616c73657d";
const ASSERTED: &str = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
const SIGNATURE: &str = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11\
     a1dd5d78c6e486013f937295ea13653e331e87";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn party() -> RelyingParty {
    RelyingParty { id: "example.org".to_owned(), origins: vec!["https://example.org".to_owned()] }
}

#[test]
fn the_specifications_example_is_taken_step_by_step() {
    assert_eq!(challenge(&party(), Ceremony::Create, &hex(CREATED)).unwrap(), hex(CHALLENGES[0]));
    let made = hex(MADE);
    let data = AuthenticatorData::read(&made).unwrap();
    let new = data.new_credential().unwrap();
    assert_eq!(new.id, hex(CREDENTIAL));
    assert_eq!(challenge(&party(), Ceremony::Get, &hex(GOT)).unwrap(), hex(CHALLENGES[1]));
    let asserted = hex(ASSERTED);
    assert!(is_signed(new.key, &asserted, &hex(GOT), &hex(SIGNATURE)));
    assert_eq!(AuthenticatorData::read(&asserted).unwrap().sign_count, 0);
}

/// Its authenticator did not verify who its user is, which we demand.
#[test]
fn an_authenticator_has_to_know_its_user() {
    let with_flags = |flags: u8| {
        let mut data = hex(ASSERTED);
        data[32] = flags;
        AuthenticatorData::read(&data).unwrap().is_good(&party())
    };
    assert!(!with_flags(0x19));
    assert!(with_flags(0x19 | USER_VERIFIED));
    assert!(!with_flags(0x18 | USER_VERIFIED), "nobody was there");
    assert!(with_flags(USER_PRESENT | USER_VERIFIED));
    assert!(!with_flags(USER_PRESENT | USER_VERIFIED | BACKED_UP), "a copy of what cannot be copied");
    let mut data = hex(ASSERTED);
    data[32] = 0x1d;
    let other = RelyingParty { id: "example.com".to_owned(), ..party() };
    assert!(!AuthenticatorData::read(&data).unwrap().is_good(&other), "it is about another domain");
}

#[test]
fn whatever_is_changed_in_an_assertion_its_signature_fails() {
    let made = hex(MADE);
    let new = AuthenticatorData::read(&made).unwrap().new_credential().unwrap();
    let (data, client, signature) = (hex(ASSERTED), hex(GOT), hex(SIGNATURE));
    for at in 0..data.len() {
        let mut changed = data.clone();
        changed[at] ^= 1;
        assert!(!is_signed(new.key, &changed, &client, &signature), "{at}");
    }
    let mut changed = client.clone();
    changed[60] ^= 1;
    assert!(!is_signed(new.key, &data, &changed, &signature));
    assert!(!is_signed(new.key, &data, &client, &signature[1..]));
    assert!(!is_signed(&[new.key, &[0]].concat(), &data, &client, &signature), "something follows the key");
    assert!(!is_signed(&new.key[1..], &data, &client, &signature));
}

#[test]
fn pages_of_others_and_other_ceremonies_are_refused() {
    let say = |kind: &str, origin: &str, more: &str| {
        format!("{{\"type\":\"{kind}\",\"challenge\":\"AAEC\",\"origin\":\"{origin}\"{more}}}").into_bytes()
    };
    let taken = |data: Vec<u8>| challenge(&party(), Ceremony::Get, &data);
    assert_eq!(taken(say("webauthn.get", "https://example.org", "")).unwrap(), [0, 1, 2]);
    for wrong in [
        say("webauthn.create", "https://example.org", ""),
        say("webauthn.get", "https://example.com", ""),
        say("webauthn.get", "http://example.org", ""),
        say("webauthn.get", "https://example.org.evil.example", ""),
        say("webauthn.get", "https://example.org", ",\"crossOrigin\":true"),
        b"{}".to_vec(),
        b"".to_vec(),
    ] {
        assert!(taken(wrong.clone()).is_none(), "{}", String::from_utf8_lossy(&wrong));
    }
}

#[test]
fn authenticator_data_that_is_cut_is_none() {
    let made = hex(MADE);
    for length in 0..made.len() {
        let read = AuthenticatorData::read(&made[..length]).and_then(|data| data.new_credential().map(|_| ()));
        assert!(read.is_none(), "{length}");
    }
}
