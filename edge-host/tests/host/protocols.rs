//! HTTP/1.1 and HTTP/2, with and without TLS, on both sides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Version};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Core, Edge, client_builder, problem};

/// An authority and a certificate of its own making for `localhost`.
struct Certificates {
    authority: String,
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { authority: authority.pem(), folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let authority = Certificate::from_pem(self.authority.as_bytes()).unwrap();
        client_builder().tls_certs_only([authority])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_without_tls() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let client = client_builder().http2_prior_knowledge().build().unwrap();
    let requests = (0..100).map(|_| client.get(edge.url("/sleep?50")).send());
    for response in futures_util::future::join_all(requests).await {
        let response = response.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
        assert_eq!(response.text().await.unwrap(), "slept");
    }
    let upload = client.post(edge.url("/large/upload")).body(vec![b'x'; 3_000_000]).send().await.unwrap();
    assert_eq!(upload.text().await.unwrap(), "3000000");
    let large = client.get(edge.url("/large/bytes?3000000")).send().await.unwrap();
    assert_eq!(large.bytes().await.unwrap().len(), 3_000_000);
    problem(client.get(edge.url("/private/x")).send().await.unwrap(), 401, "authentication-required").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_both_protocols() {
    let core = Core::start().await;
    let certificates = Certificates::new();
    let (cert, key) = (certificates.path("cert.pem"), certificates.path("key.pem"));
    let edge = Edge::before(&core).with(&["--tls-cert", &cert, "--tls-key", &key]).start().await;
    for (client, version) in
        [(certificates.client(), Version::HTTP_2), (certificates.client().http1_only(), Version::HTTP_11)]
    {
        let response = client.build().unwrap().get(edge.url("/hello")).send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (version, 200));
        assert!(response.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age="));
        assert_eq!(core.last().headers["x-forwarded-proto"], "https");
    }
    // Who does not trust the authority does not get that far.
    client_builder().build().unwrap().get(edge.url("/hello")).send().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_over_tls_is_trusted_only_by_the_configured_authority() {
    let core = Core::start().await;
    let certificates = Certificates::new();
    let front = tls_in_front_of(core.address, &certificates).await;
    let origin = format!("https://localhost:{}", front.port());
    let authority = certificates.path("ca.pem");

    let edge = Edge::before(&core).core(&origin).with(&["--upstream-ca", &authority]).start().await;
    let client = client_builder().build().unwrap();
    assert_eq!(client.get(edge.url("/hello")).send().await.unwrap().status(), 200);

    let edge = Edge::before(&core).core(&origin).not_ready().start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    problem(client.get(edge.url("/readyz")).send().await.unwrap(), 503, "not-ready").await;
}

async fn tls_in_front_of(plain: SocketAddr, certificates: &Certificates) -> SocketAddr {
    let config =
        edge_host::tls::server(certificates.path("cert.pem").as_ref(), certificates.path("key.pem").as_ref(), None);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(stream).await else { return };
                let mut inner = TcpStream::connect(plain).await.unwrap();
                let _ = copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    address
}
