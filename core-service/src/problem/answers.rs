//! The problem answers of an operation in the OpenAPI document. Name those that fit in `responses(…)`:
//! every operation `Always`, those with a bearer token `Authenticated`, and so on.

use std::collections::BTreeMap;

use http::StatusCode;
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
    /// Operations that need a bearer token.
    Authenticated: AUTHENTICATION_REQUIRED;
    /// Operations that need the access token of a session: API keys are refused.
    InSession: AUTHENTICATION_REQUIRED, SESSION_REQUIRED;
    /// The same, where it depends on what the caller may do.
    AuthorizedInSession: AUTHENTICATION_REQUIRED, FORBIDDEN, SESSION_REQUIRED;
    /// Operations that depend on what the caller may do.
    Authorized: FORBIDDEN;
    /// Operations on something that may be absent.
    Lookup: NOT_FOUND;
    /// Operations with a JSON body.
    Body: PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED;
    /// Operations that can conflict with what is there, or with their own repetition (Idempotency-Key).
    Conflicting: CONFLICT;
    /// Operations that take an upload.
    Upload: QUOTA_EXCEEDED, PAYLOAD_TOO_LARGE, MEDIA_TYPE_MISMATCH, DIGEST_MISMATCH, STORE_UNAVAILABLE;
    /// Operations that answer with the content of a file.
    Download: RANGE_NOT_SATISFIABLE, STORE_UNAVAILABLE;
    /// Operations that look at passwords or codes.
    Guessed: TOO_MANY_ATTEMPTS;
    /// Operations that go on from an event.
    Remembered: EVENTS_FORGOTTEN;
    /// Operations that honour If-Match.
    Conditional: PRECONDITION_FAILED;
}

/// What any operation may answer: the core, or the edge before it.
pub struct Always;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let core = [
            &kinds::BAD_REQUEST,
            &kinds::EDGE_REQUIRED,
            &kinds::CROSS_SITE_REQUEST,
            &kinds::METHOD_NOT_ALLOWED,
            &kinds::INTERNAL,
            &kinds::OVERLOADED,
        ];
        describe(&core.into_iter().chain(&BY_THE_EDGE).collect::<Vec<_>>())
    }
}

/// Statuses that the edge alone answers with, whichever the operation is.
static BY_THE_EDGE: [Kind; 5] = [
    Kind { slug: "request-timeout", status: StatusCode::REQUEST_TIMEOUT, title: "The request did not arrive in time" },
    Kind { slug: "uri-too-long", status: StatusCode::URI_TOO_LONG, title: "The path or the query is too long" },
    Kind { slug: "rate-limited", status: StatusCode::TOO_MANY_REQUESTS, title: "There were too many requests" },
    Kind {
        slug: "headers-too-large",
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        title: "The header fields are too many or too long",
    },
    Kind { slug: "upstream-timeout", status: StatusCode::GATEWAY_TIMEOUT, title: "The core did not answer in time" },
];

fn describe(kinds: &[&Kind]) -> BTreeMap<String, RefOr<Response>> {
    let mut titles = BTreeMap::<String, Vec<&str>>::new();
    for kind in kinds {
        titles.entry(kind.status.as_str().to_owned()).or_default().push(kind.title);
    }
    let answer = |titles: Vec<&str>| {
        let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
        let response = ResponseBuilder::new()
            .description(titles.join(", or: "))
            .content(CONTENT_TYPE, ContentBuilder::new().schema(Some(schema)).build())
            .build();
        RefOr::T(response)
    };
    titles.into_iter().map(|(status, titles)| (status, answer(titles))).collect()
}
