//! The certificate that a client connected with, as the policies' record. rustls has checked who signed it.

use std::net::IpAddr;

use breakwater_kit::types::ClientCertificate;
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Reads a certificate; one that cannot be read is none.
pub fn read(der: &CertificateDer<'_>) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok()?;
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(alternative_name).collect();
    Some(ClientCertificate {
        fingerprint: Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect(),
        subject: distinguished_name(certificate.subject())?,
        names,
        expires_at: certificate.validity().not_after.timestamp().try_into().unwrap_or(0),
    })
}

/// Kinds without a plain text form are left out.
fn alternative_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(format!("dns:{name}")),
        GeneralName::RFC822Name(name) => Some(format!("email:{name}")),
        GeneralName::URI(name) => Some(format!("uri:{name}")),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| format!("ip:{address}"))
        }
        _ => None,
    }
}

/// RFC 4514, section 2: the last part first.
fn distinguished_name(name: &X509Name<'_>) -> Option<String> {
    let parts: Vec<_> = name.iter_rdn().collect();
    let part = |part: &&x509_parser::x509::RelativeDistinguishedName<'_>| {
        part.iter().map(attribute).collect::<Option<Vec<_>>>().map(|attributes| attributes.join("+"))
    };
    parts.iter().rev().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let kind = attribute.attr_type();
    let kind = oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
    Some(format!("{kind}={}", escaped(attribute.as_str().ok()?)))
}

/// RFC 4514, section 2.4, so that no value can look like two.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => out.extend(['\\', character]),
            '#' if index == 0 => out.push_str("\\#"),
            ' ' if index == 0 || index == last => out.push_str("\\ "),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn subject_and_names() {
        let mut params = CertificateParams::new(vec!["client.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("spiffe://example/one".try_into().unwrap()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Acme, Inc.");
        params.distinguished_name.push(DnType::CommonName, "one,O=evil");
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = read(made.der()).unwrap();
        assert_eq!(read.subject, r"CN=one\,O\=evil,O=Acme\, Inc.");
        assert_eq!(read.names, ["dns:client.example", "ip:192.0.2.1", "uri:spiffe://example/one"]);
        assert_eq!(read.fingerprint.len(), 64);
        assert!(read.expires_at > 1_790_000_000);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(super::read(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])), None);
    }
}
