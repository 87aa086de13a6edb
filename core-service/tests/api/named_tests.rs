//! Tests that pages of `docs/` name: `place/file.rs::function`, or `place/file.rs::function "row"` for one row of its table.

use std::path::{Path, PathBuf};

/// What the names of tests begin with.
const PLACES: &[(&str, &str)] = &[
    ("api/", "core-service/tests/api/"),
    ("core/", "core-service/src/"),
    ("edge/", "edge-host/tests/host/"),
    ("auth/", "components/auth/src/"),
    ("pipeline/", "components/pipeline/"),
    ("system/", "tests/system/"),
];

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The file that a test stands in.
fn file(test: &str) -> PathBuf {
    let (short, _) = test.split_once("::").unwrap_or_else(|| panic!("{test} is no file and function"));
    let place =
        PLACES.iter().find_map(|(short_place, place)| Some(format!("{place}{}", short.strip_prefix(short_place)?)));
    root().join(place.unwrap_or_else(|| panic!("{test}: which place is that?")))
}

/// Whether there is such a function with the mark of a test, or among the cases that both shells run, and such a row.
pub fn exists(test: &str) -> bool {
    let (test, row) = test.split_once(' ').unwrap_or((test, ""));
    let text = std::fs::read_to_string(file(test)).unwrap_or_default();
    let (_, name) = test.split_once("::").unwrap();
    if !text.contains(row) {
        return false;
    }
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else {
        return false;
    };
    let mark = before.rsplit("\n\n").next().unwrap_or_default();
    let cases = std::fs::read_to_string(root().join("tests/system/cases/mod.rs")).unwrap();
    mark.contains("#[test]")
        || mark.contains("#[tokio::test")
        || test.starts_with("system/cases/") && cases.contains(name)
}
