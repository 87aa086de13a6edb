//! Clients that are known by the certificate that they connect with.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use reqwest::{Certificate, Client, Identity};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Core, Edge, client_builder, problem, snapshot};

/// An authority for the edge and its clients, and a stranger that claims the same names.
struct Authorities {
    own: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client's certificate and key, in PEM.
fn client_pem(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, uri: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

impl Authorities {
    fn new() -> Self {
        let (own, stranger) = (authority(), authority());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &own).unwrap();
        let folder = TempDir::new().unwrap();
        for (name, pem) in [("ca.pem", own.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())] {
            std::fs::write(folder.path().join(name), pem).unwrap();
        }
        Self { own, stranger, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn client(&self, identity: Option<&str>) -> Client {
        let builder = client_builder().tls_certs_only([Certificate::from_pem(self.own.pem().as_bytes()).unwrap()]);
        match identity {
            None => builder.build().unwrap(),
            Some(pem) => builder.identity(Identity::from_pem(pem.as_bytes()).unwrap()).build().unwrap(),
        }
    }

    async fn edge(&self, core: &Core, auth: &str) -> Edge {
        let mut document = snapshot::document("certificates");
        document["authentication"]["certificates"] = json!({ "callers": [
            { "name": "till", "alternative_name": "uri:spiffe://example/till", "plan": "shop" },
            { "name": "desk", "subject": "CN=desk" },
        ] });
        document["authentication"]["claim_headers"] = json!({ "x-caller": "sub", "x-subject": "/certificate/subject", "x-ssl-client-dn": "/certificate/subject" });
        core.publish(&document);
        let (cert, key, ca) = (self.path("cert.pem"), self.path("key.pem"), self.path("ca.pem"));
        let options = ["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca, "--client-auth", auth];
        let edge = Edge::before(core).with(&options);
        // A probe without a certificate would not get in.
        let edge = if auth == "required" { edge.not_ready() } else { edge };
        edge.start().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_its_clients_name() {
    let core = Core::start().await;
    let all = Authorities::new();
    let edge = all.edge(&core, "optional").await;
    let till = all.client(Some(&client_pem(&all.own, "anything", "spiffe://example/till")));
    for _ in 0..2 {
        let answer = till.get(edge.url("/private/x")).header("x-caller", "eve").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(core.last().headers["x-caller"], "till");
        assert_eq!(core.last().headers["x-subject"], "CN=anything");
    }
    let desk = all.client(Some(&client_pem(&all.own, "desk", "spiffe://example/desk")));
    assert_eq!(desk.get(edge.url("/private/x")).send().await.unwrap().status(), 200);
    assert_eq!(core.last().headers["x-caller"], "desk");

    // A good certificate of nobody, and none at all, are the same as no credentials.
    let nobody = client_pem(&all.own, "nobody", "spiffe://example/till2");
    for client in [all.client(Some(&nobody)), all.client(None)] {
        // What a client says of a certificate counts for nothing.
        let request = client.get(edge.url("/private/x")).header("x-ssl-client-dn", "CN=desk");
        let request = request.header("x-forwarded-client-cert", "Subject=\"CN=desk\"");
        problem(request.send().await.unwrap(), 401, "authentication-required").await;
        let public = client.get(edge.url("/hello")).header("x-ssl-client-dn", "CN=desk").send().await.unwrap();
        assert_eq!(public.status(), 200);
        assert!(!core.last().headers.contains_key("x-ssl-client-dn"));
    }
    // The same names, signed by somebody else.
    let forged = all.client(Some(&client_pem(&all.stranger, "desk", "spiffe://example/till")));
    forged.get(edge.url("/hello")).send().await.unwrap_err();
    // A token that is not good is not made good by a certificate.
    let both = till.get(edge.url("/private/x")).bearer_auth("x").send().await.unwrap();
    problem(both, 401, "invalid-token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_may_be_required_of_every_connection() {
    let core = Core::start().await;
    let all = Authorities::new();
    let edge = all.edge(&core, "required").await;
    let desk = all.client(Some(&client_pem(&all.own, "desk", "spiffe://example/desk")));
    crate::support::edge::eventually("the edge is ready", async || {
        desk.get(edge.url("/readyz")).send().await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    assert_eq!(desk.get(edge.url("/private/x")).send().await.unwrap().status(), 200);
    all.client(None).get(edge.url("/hello")).send().await.unwrap_err();
}
