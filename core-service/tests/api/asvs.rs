//! docs/security/asvs.md against the tree: every requirement once, and no test that is not there.

use std::collections::BTreeMap;

use crate::named_tests::{exists, root};

/// How many requirements the sections of ASVS 5.0 have.
const SECTIONS: &[(&str, usize)] = &[
    ("4.1", 5),
    ("4.2", 5),
    ("4.3", 2),
    ("4.4", 4),
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 8),
    ("6.4", 6),
    ("6.5", 8),
    ("6.6", 4),
    ("6.7", 2),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("8.1", 4),
    ("8.2", 4),
    ("8.3", 3),
    ("8.4", 2),
    ("9.1", 3),
    ("9.2", 4),
    ("10.1", 2),
    ("10.2", 3),
    ("10.3", 5),
    ("10.4", 16),
    ("10.5", 5),
    ("10.6", 2),
    ("10.7", 3),
    ("16.1", 1),
    ("16.2", 5),
    ("16.3", 4),
    ("16.4", 3),
    ("16.5", 4),
];

struct Row {
    id: String,
    state: String,
    tests: Vec<String>,
    remark: String,
}

fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("docs/security/asvs.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        let cells: [String; 6] = cells(line).try_into().unwrap_or_else(|_| panic!("six cells: {line}"));
        let [id, level, asked, state, tests, remark] = cells;
        assert!(["1", "2", "3"].contains(&level.as_str()) && !asked.is_empty(), "{line}");
        let tests = tests.split_whitespace().map(|test| test.trim_matches('`').to_owned()).collect();
        rows.push(Row { id, state, tests, remark });
    }
    rows
}

#[test]
fn every_requirement_stands_there_once() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows() {
        *found.entry(row.id).or_default() += 1;
    }
    let expected =
        SECTIONS.iter().flat_map(|(section, count)| (1..=*count).map(move |n| (format!("{section}.{n}"), 1)));
    assert_eq!(found, expected.collect());
}

#[test]
fn what_is_said_to_be_met_names_tests_that_exist() {
    let mut wrong = Vec::new();
    for Row { id, state, tests, remark } in rows() {
        match state.as_str() {
            "met" | "partly" if tests.is_empty() => wrong.push(format!("{id}: {state} without a test")),
            "met" | "partly" => {}
            "not shown" | "not met" | "not there" if !tests.is_empty() => {
                wrong.push(format!("{id}: {state} with tests"))
            }
            "not shown" | "not there" if remark.is_empty() => wrong.push(format!("{id}: {state} without a word")),
            "not shown" | "not met" | "not there" => {}
            other => wrong.push(format!("{id}: what is {other}?")),
        }
        for test in tests {
            if !exists(&test) {
                wrong.push(format!("{id}: there is no {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
