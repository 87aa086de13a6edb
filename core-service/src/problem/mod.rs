//! Every error that leaves the core: problem details, RFC 9457.
//!
//! Rules: a handler returns [`Result`]; a problem has a stable type from [`kinds`]; what went wrong inside is
//! logged and never told to the caller.

mod answers;
mod database;
pub mod kinds;

use std::borrow::Cow;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use self::answers::*;
pub use self::database::OnConstraint;
pub(crate) use self::database::{broken_constraint, unreachable};
pub use self::kinds::Kind;
use crate::audit::Refused;
use crate::http::request_id;

/// What handlers return.
pub type Result<T> = std::result::Result<T, Problem>;

/// The media type of problem details, RFC 9457 section 6.1.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The challenge of RFC 6750 section 3 for a request without a token.
const CHALLENGE: &str = r#"Bearer realm="breakwater""#;
const CHALLENGE_INVALID: &str = r#"Bearer realm="breakwater", error="invalid_token""#;

/// A problem on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    kind: &'static Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    refused: Option<Box<Refused>>,
}

/// One thing wrong in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where, as a JSON Pointer (RFC 6901).
    #[schema(example = "/email")]
    pub pointer: String,
    /// Which rule was broken: `required`, `unknown`, or the JSON Schema keyword.
    #[schema(example = "format")]
    pub code: String,
    /// The same for people.
    pub message: String,
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

/// Problem details, RFC 9457, as `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// A stable identifier, `urn:breakwater:problem:<slug>`.
    #[schema(example = "urn:breakwater:problem:not-found")]
    r#type: String,
    /// A short summary of the type.
    title: &'a str,
    /// The status code.
    status: u16,
    /// What happened this time.
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    /// The request that this answers, as in `x-request-id` and in log lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Everything that is wrong in the body.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
    /// The same in OAuth's words (RFC 6749 section 5.2), where a client library looks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// What some types say besides.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of `kind`.
    pub fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            detail: Cow::Borrowed(""),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            refused: None,
        }
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Says what is wrong in the body.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds a member of this type's own (RFC 9457 section 3.2).
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Tells the caller when to come again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Says what was refused, for the audit trail.
    #[must_use]
    pub fn refused(mut self, refused: impl Into<Refused>) -> Self {
        self.refused = Some(Box::new(refused.into()));
        self
    }

    /// The same about a part of the request: what is wrong is told with `pointer` before its place.
    #[must_use]
    pub fn within(mut self, pointer: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, pointer);
        }
        self
    }

    /// What it says is wrong in the body.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Takes what is for the audit trail out of it.
    pub fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take().map(|refused| *refused)
    }

    /// What the caller is told.
    pub fn body(&self) -> ProblemBody<'_> {
        ProblemBody {
            r#type: format!("urn:breakwater:problem:{}", self.kind.slug),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: &self.detail,
            request_id: request_id::current(),
            errors: &self.errors,
            members: &self.members,
            error: (self.kind == &kinds::INVALID_GRANT).then_some("invalid_grant"),
        }
    }

    /// Its type.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// 404: no such resource, or none that the caller may know of.
    pub fn not_found() -> Self {
        Self::new(&kinds::NOT_FOUND)
    }

    /// 403: the caller is known and may not.
    pub fn forbidden() -> Self {
        Self::new(&kinds::FORBIDDEN)
    }

    /// 400 with a reason.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&kinds::BAD_REQUEST).detail(detail)
    }

    /// 409 with a reason.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&kinds::CONFLICT).detail(detail)
    }

    /// 422 naming everything that is wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => Cow::Borrowed("One value is wrong; `errors` names it."),
            count => Cow::Owned(format!("{count} values are wrong; `errors` names each.")),
        };
        Self::new(&kinds::VALIDATION_FAILED).detail(detail).errors(errors)
    }

    /// 422 naming one field.
    pub fn invalid_field(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(vec![FieldError::new(pointer, code, message)])
    }

    /// 401 for a request without credentials.
    pub fn authentication_required() -> Self {
        Self::unauthorized(&kinds::AUTHENTICATION_REQUIRED)
    }

    /// A 401 of this kind. RFC 9110 section 15.5.2 wants a challenge on each.
    pub fn unauthorized(kind: &'static Kind) -> Self {
        Self::new(kind).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
    }

    /// 401 for a token that is not accepted. Why is not told apart: that would help only a forger.
    pub fn invalid_token() -> Self {
        Self::new(&kinds::INVALID_TOKEN).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE_INVALID))
    }

    /// 401 for a sign-in that fails.
    pub fn invalid_credentials() -> Self {
        Self::unauthorized(&kinds::INVALID_CREDENTIALS).detail("Try again, or reset the password.")
    }

    /// 500: logs `error`, tells the caller nothing of it.
    pub fn internal(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::new(&kinds::INTERNAL).detail("The error was logged under this request's id.")
    }

    /// 503: too much to do.
    pub fn overloaded(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&kinds::OVERLOADED).detail(detail).retry_after(1)
    }

    /// 503: PostgreSQL is away.
    pub fn database_unavailable() -> Self {
        Self::new(&kinds::DATABASE_UNAVAILABLE).detail("Please try again in a moment.").retry_after(1)
    }
}

/// Where it answers nobody, in a command or a job, it says its type's title: what went wrong was logged where it was found.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.title)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Strings and numbers only: this cannot fail.
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.kind.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if let Some(refused) = self.refused {
            response.extensions_mut().insert(*refused);
        }
        response
    }
}
