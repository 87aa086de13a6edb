//! docs/security/attacks.md against the tree: every attack has a test that is there.

use std::collections::BTreeSet;

use crate::named_tests::{exists, root};

/// What the page tells of.
const FAMILIES: [&str; 4] = ["Tokens", "Cookies", "Requests of other sites", "Signing in with providers"];

#[test]
fn every_attack_names_a_test_that_exists() {
    let page = std::fs::read_to_string(root().join("docs/security/attacks.md")).unwrap();
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    for (section, family) in sections.iter().zip(FAMILIES) {
        assert!(section.starts_with(family), "the sections are {FAMILIES:?}");
        let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
        let mut count = 0;
        for line in rows {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, stopped_by, tests] = cells[..] else { panic!("three cells: {line}") };
            count += 1;
            let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
            if name.is_empty() || stopped_by.is_empty() || tests.is_empty() || !names.insert((family, name)) {
                wrong.push(format!("{family}: {name}: needs a name of its own, what stops it, and a test"));
            }
            wrong.extend(tests.iter().filter(|test| !exists(test)).map(|test| format!("{name}: there is no {test}")));
        }
        assert!(count >= 8, "{family}: {count} rows");
    }
    assert_eq!(sections.len(), FAMILIES.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
