//! The problem answers of an operation in the OpenAPI document. Name those that fit in `responses(…)`:
//! every operation `Always`, those with a bearer token `Authenticated`, and so on.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::{CONTENT_TYPE, Kind, kinds};

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $($kind:ident),+;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    describe(&[$(&kinds::$kind),+])
                }
            }
        )*
    };
}

answers! {
    /// What any operation may answer.
    Always: BAD_REQUEST, EDGE_REQUIRED, METHOD_NOT_ALLOWED, INTERNAL, OVERLOADED;
    /// Operations that need a bearer token.
    Authenticated: AUTHENTICATION_REQUIRED;
    /// Operations that depend on what the caller may do.
    Authorized: FORBIDDEN;
    /// Operations on something that may be absent.
    Lookup: NOT_FOUND;
    /// Operations with a JSON body.
    Body: PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED;
    /// Operations that can conflict with what is there, or with their own repetition (Idempotency-Key).
    Conflicting: CONFLICT;
    /// Operations that honour If-Match.
    Conditional: PRECONDITION_FAILED;
}

fn describe(kinds: &[&Kind]) -> BTreeMap<String, RefOr<Response>> {
    kinds
        .iter()
        .map(|kind| {
            let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
            let response = ResponseBuilder::new()
                .description(kind.title)
                .content(CONTENT_TYPE, ContentBuilder::new().schema(Some(schema)).build())
                .build();
            (kind.status.as_str().to_owned(), RefOr::T(response))
        })
        .collect()
}
