//! The examples of RFC 6902, appendix A, and the corners that its sections 4 and 5 name. Here the target is a document's
//! data, so that every pointer begins with `/data`.
#![allow(clippy::unwrap_used)]

use super::*;

/// Puts `/data` before the pointers of a patch that was written for a bare value.
fn patch(operations: &str) -> Result<JsonPatch> {
    let mut operations: Value = serde_json::from_str(operations).unwrap();
    for operation in operations.as_array_mut().unwrap() {
        for name in ["path", "from"] {
            if let Some(pointer) = operation.get_mut(name) {
                *pointer = json!(format!("/data{}", pointer.as_str().unwrap()));
            }
        }
    }
    let body: JsonPatchBody = serde_json::from_value(operations).map_err(|_| Problem::bad_request("no patch"))?;
    body.checked("")
}

/// RFC 6902, appendix A: the section, the target, the patch, and the result if there is one. A.11 is above the table's
/// reach ("unrecognised members are ignored"), A.13 is no JSON without two members of the same name.
const APPENDIX: &[(&str, &str, &str, Option<&str>)] = &[
    ("A.1", r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz","value":"qux"}]"#, Some(r#"{"baz":"qux","foo":"bar"}"#)),
    (
        "A.2",
        r#"{"foo":["bar","baz"]}"#,
        r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
        Some(r#"{"foo":["bar","qux","baz"]}"#),
    ),
    ("A.3", r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"remove","path":"/baz"}]"#, Some(r#"{"foo":"bar"}"#)),
    ("A.4", r#"{"foo":["bar","qux","baz"]}"#, r#"[{"op":"remove","path":"/foo/1"}]"#, Some(r#"{"foo":["bar","baz"]}"#)),
    (
        "A.5",
        r#"{"baz":"qux","foo":"bar"}"#,
        r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
        Some(r#"{"baz":"boo","foo":"bar"}"#),
    ),
    (
        "A.6",
        r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
        r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
        Some(r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#),
    ),
    (
        "A.7",
        r#"{"foo":["all","grass","cows","eat"]}"#,
        r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
        Some(r#"{"foo":["all","cows","eat","grass"]}"#),
    ),
    (
        "A.8",
        r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
        Some(r#"{"baz":"qux","foo":["a",2,"c"]}"#),
    ),
    ("A.9", r#"{"baz":"qux"}"#, r#"[{"op":"test","path":"/baz","value":"bar"}]"#, None),
    (
        "A.10",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
        Some(r#"{"foo":"bar","child":{"grandchild":{}}}"#),
    ),
    (
        "A.11",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
        Some(r#"{"foo":"bar","baz":"qux"}"#),
    ),
    ("A.12", r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, None),
    ("A.14", r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":10}]"#, Some(r#"{"/":9,"~1":10}"#)),
    ("A.15", r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":"10"}]"#, None),
    (
        "A.16",
        r#"{"foo":["bar"]}"#,
        r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
        Some(r#"{"foo":["bar",["abc","def"]]}"#),
    ),
];

#[test]
fn the_rfcs_own_examples_hold() {
    for (section, target, operations, result) in APPENDIX {
        let mut data: Value = serde_json::from_str(target).unwrap();
        let done = patch(operations).unwrap().apply(&mut data);
        match result {
            Some(result) => {
                done.unwrap_or_else(|problem| panic!("{section}: {problem:?}"));
                assert_eq!(data, serde_json::from_str::<Value>(result).unwrap(), "{section}");
            }
            None => assert_eq!(done.unwrap_err().kind(), &kinds::PATCH_FAILED, "{section}"),
        }
    }
}

#[test]
fn corners_hold() {
    for (target, operations, result) in [
        // Section 4.1: an index that is the length appends; one beyond, or none at all, is an error.
        (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, Some(r#"{"a":[1,2]}"#)),
        (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/2","value":2}]"#, None),
        (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/b","value":2}]"#, None),
        (r#"{"a":[1]}"#, r#"[{"op":"remove","path":"/a/-"}]"#, None),
        // RFC 6901 section 4: no leading zeros, signs or exponents.
        (r#"{"a":[1,2]}"#, r#"[{"op":"replace","path":"/a/01","value":3}]"#, None),
        (r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/+1"}]"#, None),
        (r#"{"a":[1,2]}"#, r#"[{"op":"test","path":"/a/1e0","value":2}]"#, None),
        (r#"{"a":{"1e0":2}}"#, r#"[{"op":"test","path":"/a/1e0","value":2}]"#, Some(r#"{"a":{"1e0":2}}"#)),
        (r#"{"a":{}}"#, r#"[{"op":"add","path":"/a/0","value":2}]"#, Some(r#"{"a":{"0":2}}"#)),
        (r#"{"":1}"#, r#"[{"op":"replace","path":"/","value":2}]"#, Some(r#"{"":2}"#)),
        // What is not there is neither removed nor replaced, moved or copied.
        (r#"{"a":1}"#, r#"[{"op":"remove","path":"/b"}]"#, None),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"/b","value":1}]"#, None),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/b","path":"/c"}]"#, None),
        (r#"{"a":1}"#, r#"[{"op":"copy","from":"/b","path":"/c"}]"#, None),
        // Section 4.4: not into itself; to itself is no change.
        (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a","path":"/a/b"}]"#, None),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, Some(r#"{"a":1}"#)),
        (
            r#"{"a":1}"#,
            r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"replace","path":"/a","value":2}]"#,
            Some(r#"{"a":2,"b":1}"#),
        ),
        // Section 4.6: numbers by value, objects in any order, null is a value.
        (r#"{"a":1}"#, r#"[{"op":"test","path":"/a","value":1.0}]"#, Some(r#"{"a":1}"#)),
        (r#"{"a":1e2}"#, r#"[{"op":"test","path":"/a","value":100}]"#, Some(r#"{"a":1e2}"#)),
        (r#"{"a":9007199254740993}"#, r#"[{"op":"test","path":"/a","value":9007199254740992}]"#, None),
        (
            r#"{"a":{"b":1,"c":[1]}}"#,
            r#"[{"op":"test","path":"/a","value":{"c":[1.0],"b":1}}]"#,
            Some(r#"{"a":{"b":1,"c":[1]}}"#),
        ),
        (r#"{"a":null}"#, r#"[{"op":"test","path":"/a","value":null}]"#, Some(r#"{"a":null}"#)),
        (r#"{}"#, r#"[{"op":"test","path":"/a","value":null}]"#, None),
        (r#"{"a":1}"#, r#"[{"op":"add","path":"/a","value":null}]"#, Some(r#"{"a":null}"#)),
        // Later operations see what earlier ones did.
        (
            r#"{"a":[1,2,3,4]}"#,
            r#"[{"op":"remove","path":"/a/1"},{"op":"remove","path":"/a/2"}]"#,
            Some(r#"{"a":[1,3]}"#),
        ),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, Some(r#"{"b":2}"#)),
        (r#"{"a":1}"#, "[]", Some(r#"{"a":1}"#)),
    ] {
        let mut data: Value = serde_json::from_str(target).unwrap();
        let done = patch(operations).unwrap().apply(&mut data);
        match result {
            Some(result) => {
                done.unwrap_or_else(|problem| panic!("{operations}: {problem:?}"));
                assert_eq!(data, serde_json::from_str::<Value>(result).unwrap(), "{operations}");
            }
            None => assert!(done.is_err(), "{operations}"),
        }
    }
}

#[test]
fn what_is_no_patch_is_refused() {
    for operations in [
        r#"[{"op":"spam","path":"/a","value":1}]"#,
        r#"[{"op":"add","path":"/a"}]"#,
        r#"[{"op":"replace","path":"/a"}]"#,
        r#"[{"op":"test","path":"/a"}]"#,
        r#"[{"op":"copy","path":"/a"}]"#,
        r#"[{"op":"move","path":"/a"}]"#,
        r#"[{"op":"remove","path":"/a~2b"}]"#,
        r#"[{"path":"/a"}]"#,
        r#"[{"op":"remove"}]"#.replace("remove\"", "remove\",\"from\":\"/a\"").as_str(),
    ] {
        assert!(patch(operations).is_err(), "{operations}");
    }
    for pointer in ["", "/", "/id", "/dat", "/datax", "data"] {
        let body = json!([{ "op": "remove", "path": pointer }]);
        let body: JsonPatchBody = serde_json::from_value(body).unwrap();
        assert_eq!(body.checked("").unwrap_err().kind(), &kinds::VALIDATION_FAILED, "{pointer}");
    }
}

#[test]
fn copies_of_copies_end() {
    let twice = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
    let operations = format!("[{}]", vec![twice; 100].join(","));
    let problem = patch(&operations).unwrap().apply(&mut json!({ "a": [1, 2, 3] })).unwrap_err();
    assert_eq!(problem.kind(), &kinds::PATCH_FAILED);
}

#[test]
fn the_places_of_a_patch_are_all_told() {
    let operations = r#"[{"op":"move","from":"/a/0/b~1c","path":"/d"},{"op":"test","path":"","value":1}]"#;
    let places: Vec<Vec<String>> = patch(operations).unwrap().places().collect();
    assert_eq!(places, [vec!["d".to_owned()], vec!["a".into(), "0".into(), "b/c".into()], vec![]]);
}

proptest::proptest! {
    /// What a difference says turns the one into the other.
    #[test]
    fn a_difference_leads_from_one_to_the_other(
        from in crate::documents::arbitrary::json(), to in crate::documents::arbitrary::json(),
    ) {
        let (from, to) = (json!({ "data": from }), json!({ "data": to }));
        let operations = serde_json::to_value(json_patch::diff(&from, &to)).unwrap();
        let body: JsonPatchBody = serde_json::from_value(operations).unwrap();
        let mut data = from["data"].clone();
        body.checked("").unwrap().apply(&mut data).unwrap();
        proptest::prop_assert_eq!(&data, &to["data"]);
    }
}
