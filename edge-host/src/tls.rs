//! TLS on both sides: the edge's own certificate, and whom it trusts upstream.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().with_context(|| format!("cannot read certificates from {}", path.display()))?;
    ensure!(!certificates.is_empty(), "{} has no certificate", path.display());
    Ok(certificates)
}

/// Whose certificates clients may show, and whether they have to.
pub struct ClientAuthority<'a> {
    /// Certificates of the authorities, in PEM.
    pub file: &'a Path,
    /// Whether a connection without a certificate is refused.
    pub required: bool,
}

/// What the edge shows to clients, and what it wants to be shown. It offers HTTP/2 before HTTP/1.1.
pub fn server(certificate: &Path, key: &Path, clients: Option<&ClientAuthority<'_>>) -> Result<Arc<ServerConfig>> {
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {}", key.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier(clients)?)
        .with_single_cert(chain, secret)
        .context("certificate and key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn verifier(clients: Option<&ClientAuthority<'_>>) -> Result<Arc<dyn ClientCertVerifier>> {
    let Some(clients) = clients else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let roots = Arc::new(roots(clients.file)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::new(ring::default_provider()));
    let builder = if clients.required { builder } else { builder.allow_unauthenticated() };
    builder.build().with_context(|| format!("{}", clients.file.display()))
}

fn roots(file: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).with_context(|| format!("{}", file.display()))?;
    }
    Ok(roots)
}

/// Whom the edge trusts upstream: the configured authorities and nobody else.
pub fn client(authorities: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let roots = authorities.map_or_else(|| Ok(RootCertStore::empty()), roots)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
