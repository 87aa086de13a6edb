//! Path and query parameters.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Result, kinds};

/// Path parameters. A segment that is no id of ours names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if holds_nul(parts.uri.path()) {
            return Err(Problem::not_found());
        }
        let path = <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state);
        path.await.map(|path| Self(path.0)).map_err(|_| Problem::not_found())
    }
}

/// Query parameters. Anything unknown or unreadable is told: 400. Give `T` `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        if parts.uri.query().is_some_and(holds_nul) {
            return Err(Problem::new(&kinds::INVALID_QUERY).detail("A parameter holds the character U+0000."));
        }
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let reason =
                std::error::Error::source(&rejection).map_or_else(|| rejection.to_string(), ToString::to_string);
            Problem::new(&kinds::INVALID_QUERY).detail(reason)
        })
    }
}

/// PostgreSQL's text cannot hold U+0000, and a URI can only say it so.
fn holds_nul(encoded: &str) -> bool {
    encoded.contains("%00")
}

/// One header as a string; absent is `None`, unreadable is 400.
pub(crate) fn header<'a>(parts: &'a Parts, name: &http::HeaderName) -> Result<Option<&'a str>> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(Some(value)),
        _ => Err(Problem::bad_request(format!("The header {name} is malformed."))),
    }
}
