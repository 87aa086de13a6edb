//! The register of problem types. `docs/problems.md` tells each of them; a test keeps the two in step.

use http::StatusCode;

/// One problem type: what `type`, `title` and `status` say (RFC 9457 section 3.1).
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last part of `urn:breakwater:problem:<slug>`.
    pub slug: &'static str,
    /// The status it is answered with.
    pub status: StatusCode,
    /// A short summary that never changes.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Kind = Kind { slug: $slug, status: StatusCode::$status, title: $title };
        )*
        /// Every problem type that the core answers with.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    BAD_REQUEST = BAD_REQUEST, "bad-request", "The request is malformed";
    MALFORMED_JSON = BAD_REQUEST, "malformed-json", "The body is no JSON";
    INVALID_CURSOR = BAD_REQUEST, "invalid-cursor", "The cursor is not one of ours";
    INVALID_QUERY = BAD_REQUEST, "invalid-query", "The query parameters are invalid";
    INVALID_GRANT = BAD_REQUEST, "invalid-grant", "The refresh token is not valid";
    INVALID_CODE = BAD_REQUEST, "invalid-code", "The code is not valid";
    AUTHENTICATION_REQUIRED = UNAUTHORIZED, "authentication-required", "Authentication is required";
    INVALID_TOKEN = UNAUTHORIZED, "invalid-token", "The access token is not valid";
    INVALID_CREDENTIALS = UNAUTHORIZED, "invalid-credentials", "The e-mail address or the password is wrong";
    MFA_REQUIRED = UNAUTHORIZED, "mfa-required", "A second factor is required";
    INVALID_PASSKEY = UNAUTHORIZED, "invalid-passkey", "The passkey is not accepted";
    INVALID_CHALLENGE = UNAUTHORIZED, "invalid-challenge", "The sign-in that this belongs to is over";
    STEP_UP_REQUIRED = UNAUTHORIZED, "step-up-required", "The caller has to prove again who they are";
    FORBIDDEN = FORBIDDEN, "forbidden", "The caller may not do this";
    SESSION_REQUIRED = FORBIDDEN, "session-required", "An API key may not do this";
    MFA_NEEDED = FORBIDDEN, "mfa-needed", "The session has no second factor";
    EMAIL_UNVERIFIED = FORBIDDEN, "email-unverified", "The e-mail address is not verified";
    PROVIDER_EMAIL_UNVERIFIED = FORBIDDEN, "provider-email-unverified", "The provider does not vouch for the e-mail address";
    CROSS_SITE_REQUEST = FORBIDDEN, "cross-site-request", "The request may come from another site";
    EDGE_REQUIRED = FORBIDDEN, "edge-required", "Only an edge may call this service";
    QUOTA_EXCEEDED = FORBIDDEN, "quota-exceeded", "The workspace keeps as much as it may";
    NOT_FOUND = NOT_FOUND, "not-found", "There is nothing here";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    CONFLICT = CONFLICT, "conflict", "The request conflicts with the present state";
    EMAIL_TAKEN = CONFLICT, "email-taken", "The e-mail address is taken";
    LINK_REQUIRED = CONFLICT, "link-required", "An account with this e-mail address has to be signed in to first";
    IDENTITY_TAKEN = CONFLICT, "identity-taken", "The account elsewhere is linked already";
    LAST_WAY_IN = CONFLICT, "last-way-in", "An account always has a way to sign in";
    NAME_TAKEN = CONFLICT, "name-taken", "The name is taken";
    COLLECTION_NOT_EMPTY = CONFLICT, "collection-not-empty", "The collection still holds documents";
    FILE_HELD = CONFLICT, "file-held", "The file must be kept";
    FOLDER_NOT_EMPTY = CONFLICT, "folder-not-empty", "The folder still holds files or folders";
    SCHEMA_INCOMPATIBLE = CONFLICT, "schema-incompatible", "Documents of the collection do not fit the new schema";
    PATCH_FAILED = CONFLICT, "patch-failed", "The patch does not go with the document";
    VALUE_TAKEN = CONFLICT, "value-taken", "Another document has this value";
    STILL_REFERENCED = CONFLICT, "still-referenced", "Other documents refer to this one";
    TRANSITION_REFUSED = CONFLICT, "transition-refused", "The document's state does not change so";
    ALREADY_MEMBER = CONFLICT, "already-member", "The user is a member already";
    ROLE_IN_USE = CONFLICT, "role-in-use", "The role is still in use";
    LAST_OWNER = CONFLICT, "last-owner", "A workspace always has an owner";
    UPLOAD_OFFSET_MISMATCH = CONFLICT, "upload-offset-mismatch", "The upload goes on elsewhere";
    REQUEST_IN_PROGRESS = CONFLICT, "request-in-progress", "The same request is still being worked on";
    EVENTS_FORGOTTEN = GONE, "events-forgotten", "The log does not go back so far";
    PRECONDITION_FAILED = PRECONDITION_FAILED, "precondition-failed", "The resource has changed";
    PAYLOAD_TOO_LARGE = PAYLOAD_TOO_LARGE, "payload-too-large", "The body is too large";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's content type is not supported";
    MEDIA_TYPE_MISMATCH = UNSUPPORTED_MEDIA_TYPE, "media-type-mismatch", "The content is not what it is declared to be";
    RANGE_NOT_SATISFIABLE = RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "There are no such bytes";
    VALIDATION_FAILED = UNPROCESSABLE_ENTITY, "validation-failed", "The body does not fit its schema";
    IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The Idempotency-Key belongs to another request";
    DIGEST_MISMATCH = UNPROCESSABLE_ENTITY, "digest-mismatch", "The content is not what its digest says";
    PRECONDITION_REQUIRED = PRECONDITION_REQUIRED, "precondition-required", "If-Match is required";
    TOO_MANY_ATTEMPTS = TOO_MANY_REQUESTS, "too-many-attempts", "There were too many attempts";
    INTERNAL = INTERNAL_SERVER_ERROR, "internal", "Something went wrong";
    OVERLOADED = SERVICE_UNAVAILABLE, "overloaded", "The service is overloaded";
    PROVIDER_UNAVAILABLE = SERVICE_UNAVAILABLE, "provider-unavailable", "The provider cannot be used";
    STORE_UNAVAILABLE = SERVICE_UNAVAILABLE, "store-unavailable", "The file store is not available";
    DATABASE_UNAVAILABLE = SERVICE_UNAVAILABLE, "database-unavailable", "The database is not available";
}
