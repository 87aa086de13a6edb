//! Filters and orders by SQL equal a model of them in memory, over random documents: the model is written from
//! `docs/api-design.md` and knows nothing of the code.

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Runtime;

use crate::cast::{Cast, encoded};

/// Names in documents, and one that is in none.
const NAMES: &[&str] = &["n", "s", "odd key", "0", "tags", "due", "never"];
const TIMES: &[&str] = &[
    "2024-01-01T00:00:00Z",
    "2024-01-01T01:00:00+01:00",
    "2023-12-31T23:59:59.999999Z",
    "2024-01-01T00:00:00.0000004Z",
    "2024-01-01t00:00:00.5z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
];

fn scalar() -> impl Strategy<Value = Value> {
    let numbers =
        [json!(0), json!(-1), json!(1), json!(1.0), json!(0.5), json!(1e300), json!(-1e-7), json!(100), json!(1e2)];
    let strings =
        ["", "a", "A", "ab", "b", "ä", "z\u{1f600}", "10", "9", "%", "_", "\\", "\"", "null", "2024-01-01T00:00:00Z"];
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => select(numbers.to_vec()),
        3 => select(strings.to_vec()).prop_map(Value::from),
        1 => (0..3usize).prop_map(|n| json!("longer than a key ".repeat(20) + &n.to_string())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
        1 => scalar().prop_map(|value| json!({ "n": value })),
        1 => scalar().prop_map(|value| json!({ "0": [value] })),
    ]
}

/// The schema promises what `tags` and `due` are; the rest is anything.
fn schema() -> Value {
    json!({ "properties": {
        "tags": { "type": "array" },
        "due": { "type": ["string", "null"], "format": "date-time" },
    } })
}

fn document() -> impl Strategy<Value = Value> {
    let member = |name: &'static str| {
        let value = match name {
            "tags" => prop::collection::vec(scalar(), 0..3).prop_map(Value::from).boxed(),
            "due" => prop_oneof![
                6 => select(TIMES).prop_map(Value::from),
                1 => Just(Value::Null),
                // A leap second is a date-time and no instant.
                1 => Just(json!("2016-12-31T23:59:60Z")),
            ]
            .boxed(),
            _ => value().boxed(),
        };
        prop::option::weighted(0.7, value.prop_map(move |value| (name.to_owned(), value)))
    };
    let (n, s, odd, zero, tags, due) =
        (member("n"), member("s"), member("odd key"), member("0"), member("tags"), member("due"));
    (n, s, odd, zero, tags, due)
        .prop_map(|(a, b, c, d, e, f)| Value::Object([a, b, c, d, e, f].into_iter().flatten().collect()))
}

type Path = Vec<&'static str>;

#[derive(Debug, Clone)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Eq(Path, Value),
    Ne(Path, Value),
    Order(Path, &'static str, Value),
    In(Path, Vec<Value>),
    Contains(Path, Value),
    Exists(Path),
}

fn path() -> impl Strategy<Value = Path> {
    prop_oneof![
        6 => select(NAMES).prop_map(|name| vec![name]),
        1 => (select(NAMES), select(NAMES)).prop_map(|(outer, inner)| vec![outer, inner]),
    ]
}

/// What may be compared with the values at `path`.
fn operand(path: &Path) -> BoxedStrategy<Value> {
    if path == &["due"] { select(TIMES).prop_map(Value::from).boxed() } else { scalar().boxed() }
}

fn filter() -> impl Strategy<Value = Test> {
    let leaf = path().prop_flat_map(|path| {
        let (a, b, c, d, e) = (path.clone(), path.clone(), path.clone(), path.clone(), path.clone());
        let ordered = operand(&path).prop_filter("has an order", |value| value.is_number() || value.is_string());
        prop_oneof![
            3 => operand(&path).prop_map(move |value| Test::Eq(a.clone(), value)),
            1 => operand(&path).prop_map(move |value| Test::Ne(b.clone(), value)),
            3 => (select(&["lt", "le", "gt", "ge"][..]), ordered).prop_map(move |(op, value)| Test::Order(c.clone(), op, value)),
            1 => prop::collection::vec(operand(&path), 1..4).prop_map(move |values| Test::In(d.clone(), values)),
            2 => scalar().prop_map(move |value| Test::Contains(e.clone(), value)),
            1 => Just(Test::Exists(path)),
        ]
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Test::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Test::Any),
            inner.prop_map(|inner| Test::Not(Box::new(inner))),
        ]
    })
}

impl Test {
    fn text(&self) -> String {
        let field = |path: &Path| path.iter().fold("data".to_owned(), |text, name| format!("{text}.{}", json!(name)));
        let list = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        let joined = |tests: &[Test], word: &str| {
            let parts: Vec<_> = tests.iter().map(Test::text).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Self::All(tests) => joined(tests, " and "),
            Self::Any(tests) => joined(tests, " or "),
            Self::Not(test) => format!("not ({})", test.text()),
            Self::Eq(path, value) => format!("{} eq {value}", field(path)),
            Self::Ne(path, value) => format!("{} ne {value}", field(path)),
            Self::Order(path, operator, value) => format!("{} {operator} {value}", field(path)),
            Self::In(path, values) => format!("{} in [{}]", field(path), list(values)),
            Self::Contains(path, value) => format!("{} contains {value}", field(path)),
            Self::Exists(path) => format!("{} exists", field(path)),
        }
    }

    fn holds(&self, data: &Value) -> bool {
        let at = |path: &Path| path.iter().try_fold(data, |value, name| value.as_object()?.get(*name));
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(data)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(data)),
            Self::Not(test) => !test.holds(data),
            Self::Eq(path, value) => at(path).is_some_and(|found| equal(path, found, value)),
            Self::Ne(path, value) => !at(path).is_some_and(|found| equal(path, found, value)),
            Self::In(path, values) => at(path).is_some_and(|found| values.iter().any(|v| equal(path, found, v))),
            Self::Order(path, operator, value) => {
                let order = at(path).and_then(|found| compare(path, found, value));
                order.is_some_and(|order| match *operator {
                    "lt" => order.is_lt(),
                    "le" => order.is_le(),
                    "gt" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Self::Contains(path, value) => match (at(path), value) {
                (Some(Value::Array(items)), value) => items.iter().any(|item| same(item, value)),
                (Some(Value::String(text)), Value::String(part)) => text.contains(part.as_str()),
                _ => false,
            },
            Self::Exists(path) => at(path).is_some(),
        }
    }
}

/// The same JSON value: numbers by what they mean.
fn same(a: &Value, b: &Value) -> bool {
    if a.is_number() { a.as_f64() == b.as_f64() } else { a == b }
}

fn instant(value: &Value) -> Option<i128> {
    let time = OffsetDateTime::parse(&value.as_str()?.to_uppercase(), &Rfc3339).ok()?;
    let leap = value.as_str()?.contains(":60");
    (!leap).then(|| time.unix_timestamp_nanos().div_euclid(1000))
}

fn equal(path: &Path, found: &Value, value: &Value) -> bool {
    if path == &["due"] { compare(path, found, value) == Some(Ordering::Equal) } else { same(found, value) }
}

fn compare(path: &Path, found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        _ if path == &["due"] => Some(instant(found)?.cmp(&instant(value)?)),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Runs `check` on random cases with random documents in a collection.
fn with_documents<T: Strategy>(
    cases: u32,
    strategy: T,
    check: impl Fn(&Runtime, &Cast, &[Value], T::Value) -> Result<(), TestCaseError>,
) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let documents: Vec<Value> = (0..90)
        .map(|n| {
            let mut data = document().new_tree(&mut runner).unwrap().current();
            data["i"] = json!(n);
            data
        })
        .collect();
    let cast = runtime.block_on(Cast::new());
    runtime.block_on(async {
        cast.collection("items", schema()).await;
        for data in &documents {
            cast.document("items", data.clone()).await;
        }
    });
    match runner.run(&strategy, |case| check(&runtime, &cast, &documents, case)) {
        Ok(()) => {}
        Err(TestError::Fail(why, _)) => panic!("{why}"),
        Err(error) => panic!("{error}"),
    }
    let _runtime = runtime.enter();
    drop(cast);
}

fn numbers(page: &Value) -> Vec<usize> {
    let number = |item: &Value| usize::try_from(item["data"]["i"].as_u64().unwrap()).unwrap();
    page["items"].as_array().unwrap().iter().map(number).collect()
}

#[test]
fn filters_equal_the_model() {
    with_documents(400, filter(), |runtime, cast, documents, test| {
        let text = test.text();
        let path = format!("/collections/items/documents?limit=100&fields=data.i&filter={}", encoded(&text));
        let answer = runtime.block_on(cast.read(&cast.viewer, &path));
        if text.len() > 4096 {
            answer.problem(400, "invalid-query");
            return Ok(());
        }
        prop_assert_eq!(answer.status.as_u16(), 200, "{} {:?}", text, answer);
        let expected: Vec<usize> = (0..documents.len()).filter(|&i| test.holds(&documents[i])).collect();
        let found = numbers(&answer.json());
        let differ = found.iter().chain(&expected).find(|i| found.contains(i) != expected.contains(i));
        prop_assert_eq!(&found, &expected, "{} {:?}", text, differ.map(|&i| &documents[i]));
        Ok(())
    });
}

/// How a value is placed: nothing, null, booleans, numbers, strings, the rest; then by value.
fn place(path: &Path, data: &Value) -> (u8, f64, String) {
    let at = path.iter().try_fold(data, |value, name| value.as_object()?.get(*name));
    match at {
        None => (0, 0.0, String::new()),
        Some(Value::Null) => (1, 0.0, String::new()),
        Some(Value::Bool(value)) => (2, f64::from(u8::from(*value)), String::new()),
        Some(Value::Number(number)) => (3, number.as_f64().unwrap(), String::new()),
        Some(Value::String(text)) => {
            // Microseconds of any year are exact in a double's 53 bits only to a fraction: enough for TIMES.
            let time = if path == &["due"] { instant(&json!(text)).unwrap_or(0) } else { 0 };
            (4, time as f64, text.chars().take(200).collect())
        }
        Some(_) => (5, 0.0, String::new()),
    }
}

#[test]
fn pages_visit_everything_once_and_in_order() {
    let sorts = prop::collection::vec((path(), any::<bool>()), 1..4).prop_map(|mut terms| {
        let mut seen = Vec::new();
        terms.retain(|(path, _)| {
            !seen.contains(path) && {
                seen.push(path.clone());
                true
            }
        });
        terms
    });
    with_documents(40, (sorts, 5..40usize), |runtime, cast, documents, (terms, limit)| {
        let names: Vec<String> = terms
            .iter()
            .map(|(path, descending)| {
                let name = path.iter().fold("data".to_owned(), |text, name| format!("{text}.{}", json!(name)));
                if *descending { format!("-{name}") } else { name }
            })
            .collect();
        let sort = encoded(&names.join(","));
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/collections/items/documents?limit={limit}&sort={sort}{cursor}");
            let answer = runtime.block_on(cast.read(&cast.viewer, &path));
            prop_assert_eq!(answer.status.as_u16(), 200, "{:?} {:?}", names, answer);
            let page = answer.json();
            found.extend(numbers(&page));
            prop_assert!(found.len() <= documents.len(), "{:?} comes back to {:?}", names, found);
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut expected: Vec<usize> = (0..documents.len()).collect();
        expected.sort_by(|&a, &b| {
            let by_terms = terms.iter().map(|(path, descending)| {
                let order = place(path, &documents[a]).partial_cmp(&place(path, &documents[b])).unwrap();
                if *descending { order.reverse() } else { order }
            });
            // Ids rise with the numbers; they take the last term's direction.
            let by_id = if terms.last().unwrap().1 { b.cmp(&a) } else { a.cmp(&b) };
            by_terms.fold(Ordering::Equal, Ordering::then).then(by_id)
        });
        prop_assert_eq!(found, expected, "{:?}", names);
        Ok(())
    });
}
