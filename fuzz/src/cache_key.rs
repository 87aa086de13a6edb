use std::sync::LazyLock;

use breakwater_cache::Cache;
use breakwater_kit::types::{CachePlan, RequestHead};
use serde_json::json;

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    let mut cache = Cache::default();
    cache.configure(json!({"generation": 1, "max_object_bytes": 1000}).to_string().as_bytes()).unwrap();
    cache
});

/// The key of a stored response: the same for the same question, another for another one. Two requests stand in the
/// data, with an empty line between.
pub fn cache_key(data: &[u8]) {
    let middle = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let one = super::request(&data[..middle]);
    let other = super::request(data.get(middle + 2..).unwrap_or_default());
    let (Some(key), Some(other_key)) = (key(&one), key(&other)) else { return };
    assert_eq!(Some(&key), self::key(&one).as_ref());
    let question = |request: &RequestHead| (request.path.clone(), request.query.clone());
    if question(&one) != question(&other) {
        assert_ne!(key, other_key, "{one:?} and {other:?}");
    }
}

fn key(request: &RequestHead) -> Option<String> {
    match CACHE.plan(request, None) {
        CachePlan::LookUp(key) => Some(key),
        CachePlan::Bypass(_) => None,
    }
}
