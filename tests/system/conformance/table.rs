//! Reads tables of cases.
//!
//! ```text
//! # RFC 9111, section 4.3.1: sending a validation request      (a section)
//! - with the entity tag                                        (a case: steps, one after another)
//! > GET                                                        (a step: what the client sends; path and headers may follow)
//! < 200 | cache-control: max-age=1 | age: 9 | etag: "a"        (what the origin says if it is asked; `body: …` sets the body)
//! ^ if-none-match: "a"                                         (what the origin has to see)
//! = 1 asked | age: *                                           (what the client has to get)
//! ```
//!
//! What the client gets is `new` (the origin's answer to this step), a number (the answer of that step), or a status of three
//! digits. Without `<` the origin must not be asked. With it, it has to be; where something else than its answer is to come
//! out, `asked` says so on the way, and `behind` that it is asked behind the client's back. A step without `=` expects `new`.
//!
//! Headers are `name: value`, separated by `|`. In checks `name: *` is any value, `name ~ text` and `name !~ text` ask for a part
//! of it, `!name` for its absence. `{now-60}` is a date, `{path}` the case's own path.

/// A conversation.
pub struct Case {
    pub section: &'static str,
    pub title: &'static str,
    pub steps: Vec<Step>,
}

/// One request and what becomes of it.
#[derive(Default)]
pub struct Step {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub answer: Option<Answer>,
    pub seen: Vec<Check>,
    pub expected: Expected,
    pub checks: Vec<Check>,
}

/// What the origin says.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Option<&'static str>,
}

/// Where the client's answer has to come from.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    #[default]
    New,
    Kept(usize),
    Status(u16),
    /// The same, while the origin is asked behind the client's back.
    Behind(usize),
}

/// Something that has to hold for a field.
pub enum Check {
    Is(&'static str, &'static str),
    Contains(&'static str, &'static str),
    Lacks(&'static str, &'static str),
    Absent(&'static str),
}

/// The cases of a table.
pub fn read(text: &'static str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
        match mark {
            "# " => section = rest,
            "- " => cases.push(Case { section, title: rest, steps: Vec::new() }),
            _ => {
                let steps = &mut cases.last_mut().unwrap_or_else(|| panic!("no case before {line:?}")).steps;
                if mark == "> " {
                    steps.push(request(rest));
                } else {
                    add(steps.last_mut().unwrap_or_else(|| panic!("no step before {line:?}")), mark, rest);
                }
            }
        }
    }
    cases
}

fn request(text: &'static str) -> Step {
    let (what, headers) = parts(text);
    let (method, path) = what.split_once(' ').unwrap_or((what, "a"));
    Step { method, path, headers: headers.into_iter().map(field).collect(), ..Step::default() }
}

fn add(step: &mut Step, mark: &str, text: &'static str) {
    let (what, rest) = parts(text);
    match mark {
        "< " => {
            let mut answer = Answer { status: what.parse().unwrap(), headers: Vec::new(), body: None };
            for (name, value) in rest.into_iter().map(field) {
                if name == "body" {
                    answer.body = Some(value);
                } else {
                    answer.headers.push((name, value));
                }
            }
            step.answer = Some(answer);
        }
        "^ " => step.seen = [what].into_iter().chain(rest).map(check).collect(),
        "= " => {
            let (who, how) = what.split_once(' ').unwrap_or((what, ""));
            step.expected = match (who, how, who.len()) {
                ("new", "", _) => Expected::New,
                (status, "" | "asked", 3) => Expected::Status(status.parse().unwrap()),
                (number, "" | "asked", _) => Expected::Kept(number.parse().unwrap()),
                (number, "behind", _) => Expected::Behind(number.parse().unwrap()),
                _ => panic!("{text:?} is no expectation"),
            };
            assert_eq!(step.answer.is_some(), matches!(how, "asked" | "behind") || who == "new", "{text:?}");
            step.checks = rest.into_iter().map(check).collect();
        }
        _ => panic!("{mark:?} begins no line"),
    }
}

fn parts(text: &'static str) -> (&'static str, Vec<&'static str>) {
    let mut parts = text.split('|').map(str::trim);
    (parts.next().unwrap_or_default(), parts.collect())
}

fn field(text: &'static str) -> (&'static str, &'static str) {
    let (name, value) = text.split_once(':').unwrap_or_else(|| panic!("{text:?} is no field"));
    (name, value.trim())
}

fn check(text: &'static str) -> Check {
    if let Some(name) = text.strip_prefix('!') {
        Check::Absent(name)
    } else if let Some((name, part)) = text.split_once(" !~ ") {
        Check::Lacks(name, part)
    } else if let Some((name, part)) = text.split_once(" ~ ") {
        Check::Contains(name, part)
    } else {
        let (name, value) = field(text);
        Check::Is(name, value)
    }
}
