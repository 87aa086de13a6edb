//! Asks the router as an edge would.

use axum::Router;
use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use super::edge::EDGE_KEY;

const CLIENT_ADDRESS: &str = "192.0.2.1";

/// A request being put together.
pub struct Call {
    router: Router,
    request: Request<Body>,
    linked: bool,
    address: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    pub fn new(router: Router, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        Self { router, request, linked: true, address: CLIENT_ADDRESS.to_owned() }
    }

    /// Sets a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// With an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// With any body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// From another address.
    pub fn from(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    /// Not from an edge, or with a link header of the test's own.
    pub fn unlinked(mut self) -> Self {
        self.linked = false;
        self
    }

    pub async fn send(self) -> Answer {
        let (parts, mut body) = self.open().await.into_parts();
        let body = match parts.headers.get("content-type") {
            // It has no end: what comes first will do.
            Some(kind) if kind == "text/event-stream" => body.frame().await.unwrap().unwrap().into_data().unwrap(),
            _ => body.collect().await.unwrap().to_bytes(),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends it and leaves the answer's body to be read.
    pub async fn open(mut self) -> Response<Body> {
        if self.linked {
            let id = Uuid::now_v7().to_string();
            let path = self.request.uri().path_and_query().unwrap().to_string();
            let method = self.request.method().clone();
            let headers = self.request.headers_mut();
            let id = headers
                .entry("x-request-id")
                .or_insert_with(|| HeaderValue::from_str(&id).unwrap())
                .to_str()
                .unwrap()
                .to_owned();
            // For the snapshot, an edge asks for itself.
            let address = if path.starts_with("/edge/") { "" } else { self.address.as_str() };
            if !address.is_empty() {
                headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
            }
            let link = EDGE_KEY.sign(0, method.as_str(), &path, address, &id);
            headers.insert("breakwater-edge", HeaderValue::from_str(&link).unwrap());
        }
        self.router.oneshot(self.request).await.unwrap()
    }
}

impl Answer {
    /// The JSON body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the status and gives the answer on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Checks that it is this problem, told as RFC 9457 wants it, and gives its body.
    #[track_caller]
    pub fn problem(self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["type"], format!("urn:breakwater:problem:{slug}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert!(body["title"].is_string());
        body
    }
}
