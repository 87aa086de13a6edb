//! A request head as one policy is shown it: borrowed, with the headers that it reads.

use breakwater_kit::types::{Field, RequestHead};
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

impl<'a> From<&'a Field> for FieldView<'a> {
    fn from(field: &'a Field) -> Self {
        Self { name: &field.name, value: &field.value }
    }
}
