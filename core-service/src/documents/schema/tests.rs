#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::json;

/// Where a schema is wrong.
fn wrong(schema: Value) -> Vec<String> {
    let errors = Schema::compile(schema).unwrap_err();
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn every_failing_place_is_named() {
    let schema = Schema::compile(json!({
        "type": "object",
        "required": ["title"],
        "additionalProperties": false,
        "properties": {
            "title": {"type": "string", "minLength": 1},
            "price": {"type": "number", "minimum": 0},
            "a/b": {"items": {"type": "string", "pattern": "^[a-z]+$"}},
            "due": {"type": "string", "format": "date-time"},
        },
    }))
    .unwrap();
    let errors = schema.check(&json!({"price": -1, "a/b": ["x", "Y", 1], "due": "soon", "colour": "red"}), "/data");
    let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("/data/a~1b/1", "pattern"),
            ("/data/a~1b/2", "type"),
            ("/data/colour", "unknown"),
            ("/data/due", "format"),
            ("/data/price", "minimum"),
            ("/data/title", "required"),
        ]
    );
    assert_eq!(schema.check(&json!({"title": "t"}), "/data"), []);
    assert_eq!(schema.check(&json!([]), "/data")[0].code, "type");
}

#[test]
fn a_schema_that_is_none_is_refused_where_it_is_wrong() {
    assert_eq!(wrong(json!(true)), [""]);
    assert_eq!(wrong(json!({"type": "string"})), ["/type"]);
    assert_eq!(wrong(json!({"$schema": "http://json-schema.org/draft-07/schema#"})), ["/$schema"]);
    for (schema, place) in [
        (json!({"properties": {"a": 7}}), "/properties/a"),
        (json!({"required": "a"}), "/required"),
        (json!({"properties": {"a": {"type": "integre"}}}), "/properties/a/type"),
    ] {
        let wrong = wrong(schema);
        assert!(!wrong.is_empty() && wrong.iter().all(|pointer| pointer == place), "{wrong:?}");
    }
    assert_eq!(wrong(json!({"properties": {"a": {"pattern": "("}}})), ["/properties/a/pattern"]);
}

#[test]
fn nothing_is_fetched() {
    for reference in [
        "https://example.com/schema",
        "file:///etc/passwd",
        "other.json",
        "//example.com/a",
        "#/properties/missing",
        "#nowhere",
        "https://json-schema.org/draft/2020-12/schema",
        "",
    ] {
        let schema = json!({"properties": {"a": {"$ref": reference}}});
        assert_eq!(wrong(schema), ["/properties/a/$ref"], "{reference}");
    }
    assert_eq!(wrong(json!({"$defs": {"a": {"$id": "https://example.com"}}})), ["/$defs/a/$id"]);
}

#[test]
fn references_inside_work() {
    let schema = Schema::compile(json!({
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "$anchor": "node",
                "properties": {
                    "left": {"$ref": "#node"},
                    "right": {"$ref": "#/$defs/node"},
                    "children": {"items": {"$ref": "#/%24defs/node"}},
                    "size": {"type": "integer"},
                },
                "additionalProperties": false,
            },
        },
    }))
    .unwrap();
    let good = json!({"left": {"right": {"children": [{"size": 1}]}}});
    assert_eq!(schema.check(&good, ""), []);
    let bad = json!({"left": {"right": {"children": [{"size": "1"}]}}});
    assert_eq!(schema.check(&bad, "")[0].pointer, "/left/right/children/0/size");
}

#[test]
fn work_without_end_is_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"anyOf": [{"$ref": "#"}]}]}),
        json!({"not": {"$ref": "#"}}),
        json!({"$dynamicAnchor": "a", "if": {"$dynamicRef": "#a"}}),
        json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {
            "a": {"dependentSchemas": {"x": {"$ref": "#/$defs/b"}}},
            "b": {"oneOf": [{"$ref": "#/$defs/a"}]},
        }}),
    ] {
        let errors = Schema::compile(schema).unwrap_err();
        assert_eq!(errors[0].code, "$ref");
    }
}

#[test]
fn too_much_work_is_refused() {
    // Each doubles the one before: 2^40 checks.
    let mut defs = serde_json::Map::new();
    defs.insert("0".into(), json!({"type": "string"}));
    for n in 1..40 {
        let before = json!({"$ref": format!("#/$defs/{}", n - 1)});
        defs.insert(n.to_string(), json!({"allOf": [before, before]}));
    }
    let errors = Schema::compile(json!({"$ref": "#/$defs/39", "$defs": defs})).unwrap_err();
    assert_eq!(errors[0].code, "maxWork");
    // Doubles with every level of the data.
    let twice = json!({"allOf": [{"items": {"$ref": "#/$defs/a"}}, {"items": {"$ref": "#/$defs/a"}}]});
    let schema = json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": twice}});
    assert_eq!(Schema::compile(schema).unwrap_err()[0].code, "maxWork");
}

#[test]
fn sizes_are_bounded() {
    let long = json!({"description": "x".repeat(MAX_BYTES)});
    assert_eq!(Schema::compile(long).unwrap_err()[0].code, "maxLength");
    let deep = (0..70).fold(json!({}), |inner, _| json!({"not": inner}));
    assert_eq!(Schema::compile(deep).unwrap_err()[0].code, "maxDepth");
    let huge = json!({"properties": {"a": {"pattern": "(\\p{L}{500}){500}"}}});
    assert_eq!(wrong(huge), ["/properties/a/pattern"]);
    let many: serde_json::Map<String, Value> = (0..100).map(|n| (n.to_string(), json!({"pattern": "a"}))).collect();
    assert_eq!(Schema::compile(json!({"properties": many})).unwrap_err()[0].code, "maxPatterns");
    // A costly schema sees only small documents.
    let branches: Vec<Value> = (0..1000).map(|n| json!({"const": n})).collect();
    let schema = Schema::compile(json!({"additionalProperties": {"items": {"oneOf": branches}}})).unwrap();
    assert_eq!(schema.check(&json!({"a": [1, 2, 3]}), ""), []);
    assert_eq!(schema.check(&json!({"a": vec![1; 6000]}), "")[0].code, "maxWork");
}

#[test]
fn a_costly_refusal_names_the_first_place_only() {
    let branches: Vec<Value> = (0..900).map(|n| json!({"required": [n.to_string()]})).collect();
    let schema = Schema::compile(json!({"properties": {"a": {"items": {"anyOf": branches}}}})).unwrap();
    let data = |items: usize| json!({ "a": vec![json!({}); items] });
    assert_eq!(schema.check(&data(50), "").len(), 50);
    assert_eq!(schema.check(&data(2000), "")[0].pointer, "/a/0");
    assert_eq!(schema.check(&data(2000), "").len(), 1);
}

#[test]
fn compiled_schemas_are_remembered_within_bounds() {
    let patterns: serde_json::Map<String, Value> = (0..60).map(|n| (n.to_string(), json!({"pattern": "a"}))).collect();
    let heavy = Arc::new(Schema::compile(json!({ "properties": patterns })).unwrap());
    for version in [1, 1, 2] {
        let collection = Uuid::now_v7();
        for _ in 0..REMEMBERED / heavy.weight {
            remember(collection, version, heavy.clone());
            assert!(remembered(collection, version).is_some());
            assert!(remembered(collection, version + 1).is_none());
            remember(Uuid::now_v7(), version, heavy.clone());
        }
    }
    let compiled = COMPILED.lock().unwrap();
    assert!(compiled.weight <= REMEMBERED);
    assert_eq!(compiled.weight, compiled.schemas.values().map(|schema| schema.weight).sum::<usize>());
}
