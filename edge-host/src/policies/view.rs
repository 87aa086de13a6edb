//! A request as one policy is shown it: borrowed, with the headers that it reads.

use breakwater_kit::headers::has;
use breakwater_kit::types::{Caller, Field, RequestHead};
use wasmtime::component::{ComponentType, Lower};

/// WIT `request-head`, lowered into the component without a copy in between.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub struct HeadView<'a> {
    method: &'a str,
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a [FieldView<'a>],
    #[component(name = "client-address")]
    client_address: &'a str,
}

/// WIT `presented`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub struct PresentedView<'a> {
    #[component(name = "client-address")]
    client_address: &'a str,
    query: Option<&'a str>,
    site: Option<SiteView<'a>>,
    headers: &'a [FieldView<'a>],
}

/// WIT `site`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub struct SiteView<'a> {
    method: &'a str,
    scheme: &'a str,
    authority: &'a str,
}

/// WIT `subscriber`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub struct SubscriberView<'a> {
    issuer: &'a str,
    subject: &'a str,
    plan: Option<&'a str>,
    key: Option<&'a str>,
}

/// WIT `field`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
pub struct FieldView<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl<'a> HeadView<'a> {
    /// The head with these headers in place of its own.
    pub fn new(head: &'a RequestHead, headers: &'a [FieldView<'a>]) -> Self {
        Self {
            method: &head.method,
            scheme: &head.scheme,
            authority: &head.authority,
            path: &head.path,
            query: head.query.as_deref(),
            headers,
            client_address: &head.client_address,
        }
    }
}

impl<'a> PresentedView<'a> {
    /// Of a request with these headers.
    pub fn new(head: &'a RequestHead, headers: &'a [FieldView<'a>]) -> Self {
        Self { client_address: &head.client_address, query: None, site: None, headers }
    }

    /// The same for a policy that looks for credentials.
    pub fn for_credentials(head: &'a RequestHead, headers: &'a [FieldView<'a>]) -> Self {
        let site = || SiteView { method: &head.method, scheme: &head.scheme, authority: &head.authority };
        let site = has(&head.headers, "cookie").then(site);
        Self { query: head.query.as_deref(), site, ..Self::new(head, headers) }
    }
}

impl<'a> From<&'a Caller> for SubscriberView<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self {
            issuer: &caller.issuer,
            subject: &caller.subject,
            plan: caller.plan.as_deref(),
            key: caller.key.as_deref(),
        }
    }
}

impl<'a> From<&'a Field> for FieldView<'a> {
    fn from(field: &'a Field) -> Self {
        Self { name: &field.name, value: &field.value }
    }
}
