//! The passwords that everybody uses.
//!
//! `common.txt` holds those of at least 8 characters out of the list in `@zxcvbn-ts/language-common` 4.1.3 (MIT,
//! © 2012-2016 Dan Wheeler and Dropbox, Inc., © 2021 zxcvbn-ts), sorted, in lower case.

const LIST: &str = include_str!("common.txt");

/// Whether it is one of them, in any case.
pub(super) fn is_common(password: &str) -> bool {
    let wanted = password.to_lowercase();
    // Halves the text rather than keep an index of it.
    let (mut low, mut high) = (0, LIST.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = LIST[..middle].rfind('\n').map_or(0, |end| end + 1);
        let end = LIST[middle..].find('\n').map_or(LIST.len(), |end| middle + end);
        match LIST[start..end].cmp(wanted.as_str()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_ascii_in_lower_case_and_of_use() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.len() > 10_000, "{}", lines.len());
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| line.len() >= 8 && line.is_ascii() && *line == line.to_lowercase()));
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for line in LIST.lines() {
            assert!(is_common(line), "{line}");
        }
        assert!(is_common("PassWord") && is_common("iloveyou"));
        for other in
            ["", "passwor", "passwordpasswordpassword!", "\u{10ffff}", "zzzzzzzzzzzzzzzzzzzzz", "correct horse"]
        {
            assert!(!is_common(other), "{other}");
        }
    }
}
