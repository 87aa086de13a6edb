//! Pages of a list: an opaque cursor, a limit from 1 to 100.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result, kinds};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; null on the last.
    #[schema(required = true)]
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` items: the one too many says that there is a next page, and `cursor`
    /// makes its cursor from the last item shown.
    pub fn of<C: Serialize>(mut items: Vec<T>, limit: Limit, cursor: impl FnOnce(&T) -> C) -> Self {
        let shown = limit.0 as usize;
        let more = items.len() > shown;
        items.truncate(shown);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|item| Cursor::new(&cursor(item)));
        Self { items, next_cursor }
    }
}

/// Where a page begins: base64url of JSON that only we read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor that holds `position`.
    pub fn new(position: &impl Serialize) -> Self {
        Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default()))
    }

    /// The position it holds.
    pub fn position<T: DeserializeOwned>(&self) -> Result<T> {
        URL_SAFE_NO_PAD
            .decode(&self.0)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Problem::new(&kinds::INVALID_CURSOR))
    }
}

/// The query of a list that has pages and nothing else.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl PageQuery {
    /// The position after which the page begins.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.cursor.as_ref().map(Cursor::position).transpose()
    }
}

/// How many items an answer holds: 1 to `MOST`, 50 when not said. In a query struct: `#[serde(default)] limit: Limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MOST: u32 = 100>(u32);

impl<const MOST: u32> Limit<MOST> {
    /// One more than the answer holds: whether there is one tells whether there are more.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// What the answer holds at most.
    pub fn most(self) -> i64 {
        i64::from(self.0)
    }
}

impl<const MOST: u32> Default for Limit<MOST> {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de, const MOST: u32> Deserialize<'de> for Limit<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let limit = u32::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("limit must be from 1 to {MOST}"));
        (1..=MOST).contains(&limit).then_some(Self(limit)).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cursor_gives_back_its_position() {
        let cursor = Cursor::new(&("2026", 7));
        assert_eq!(cursor.position::<(String, u8)>().unwrap(), ("2026".to_owned(), 7));
        assert!(cursor.position::<u8>().is_err());
        assert!(Cursor("%%%".to_owned()).position::<u8>().is_err());
    }

    #[test]
    fn only_a_full_page_with_more_behind_it_has_a_cursor() {
        let page = Page::of(vec![1, 2, 3], Limit(2), |last| *last);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor.unwrap().position::<i32>().unwrap(), 2);
        assert!(Page::of(vec![1, 2], Limit(2), |last| *last).next_cursor.is_none());
        assert!(Page::of(Vec::<i32>::new(), Limit(2), |last| *last).next_cursor.is_none());
    }

    #[test]
    fn a_limit_is_from_1_to_100() {
        for (text, good) in [("1", true), ("100", true), ("0", false), ("101", false), ("-1", false)] {
            assert_eq!(serde_json::from_str::<Limit<100>>(text).is_ok(), good, "{text}");
        }
    }
}
