//! What a route may ask of a request besides host, path and method.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use breakwater_kit::headers;
use breakwater_kit::types::RequestHead;
use serde::Deserialize;

use crate::query;

/// All of them hold, or the route is not there for the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Sorted, each place once.
    all: Vec<(Place, Want)>,
}

/// Where a value is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Scheme,
    Header(String),
    Query(String),
    Cookie(String),
}

/// What is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Want {
    Exactly(String),
    Present,
    Absent,
}

/// The member `when` of a route. A value is a text, `true` for any, or `false` for none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    scheme: Option<String>,
    headers: BTreeMap<String, RawWant>,
    query: BTreeMap<String, RawWant>,
    cookies: BTreeMap<String, RawWant>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawWant {
    Text(String),
    There(bool),
}

impl Raw {
    /// Checks names and values.
    pub fn read(self) -> Result<Conditions, String> {
        let mut all = Vec::new();
        if let Some(scheme) = self.scheme {
            if !matches!(scheme.as_str(), "http" | "https") {
                return Err(format!("the scheme {scheme:?} is neither http nor https"));
            }
            all.push((Place::Scheme, Want::Exactly(scheme)));
        }
        for (name, want) in self.headers {
            if !crate::extras::is_header_name(&name) {
                return Err(format!("{name:?} is no lower-case header name"));
            }
            all.push((Place::Header(name), want.read()));
        }
        all.extend(self.query.into_iter().map(|(name, want)| (Place::Query(name), want.read())));
        all.extend(self.cookies.into_iter().map(|(name, want)| (Place::Cookie(name), want.read())));
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Conditions { all })
    }
}

impl RawWant {
    fn read(self) -> Want {
        match self {
            Self::Text(text) => Want::Exactly(text),
            Self::There(true) => Want::Present,
            Self::There(false) => Want::Absent,
        }
    }
}

impl Conditions {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the request is as wanted. Of several values under one name, the first counts.
    pub fn hold(&self, request: &RequestHead) -> bool {
        self.all.iter().all(|(place, want)| match place {
            Place::Scheme => want.is_met(Some(request.scheme.as_bytes())),
            Place::Header(name) => want.is_met(headers::values(&request.headers, name).next()),
            Place::Query(name) => {
                let query = request.query.as_deref().unwrap_or_default();
                want.is_met(query::value(query, name).as_deref())
            }
            Place::Cookie(name) => want.is_met(headers::cookie(&request.headers, name)),
        })
    }

    /// Which of two is more specific: the one with more conditions; of as many, the one with more exact values.
    pub fn specificity(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }

    fn rank(&self) -> (usize, usize) {
        (self.all.len(), self.all.iter().filter(|(_, want)| matches!(want, Want::Exactly(_))).count())
    }

    /// Whether no request can meet both.
    pub fn exclude(&self, other: &Self) -> bool {
        self.all.iter().any(|(place, want)| {
            other.all.iter().any(|(other_place, other_want)| place == other_place && want.excludes(other_want))
        })
    }

    /// The request headers that are looked at.
    pub fn varies(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter_map(|(place, _)| match place {
            Place::Header(name) => Some(name.as_str()),
            Place::Cookie(_) => Some("cookie"),
            Place::Scheme | Place::Query(_) => None,
        })
    }
}

impl Want {
    fn is_met(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Exactly(text) => value == Some(text.as_bytes()),
            Self::Present => value.is_some(),
            Self::Absent => value.is_none(),
        }
    }

    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => false,
            (Self::Absent, _) | (_, Self::Absent) => true,
            (Self::Exactly(one), Self::Exactly(other)) => one != other,
            _ => false,
        }
    }
}
