//! The snapshot that the played core publishes.

use serde_json::{Value, json};

/// A route to the core.
pub fn route(id: &str, path: &str) -> Value {
    json!({
        "id": id,
        "methods": ["GET", "POST", "PUT", "DELETE"],
        "path": path,
        "target": {"upstream": "core"},
        "authentication": {"mode": "public", "scopes": []},
        "limits": [],
        "cacheable": false,
        "timeouts": {"connect_ms": 1000, "response_ms": 5000, "idle_ms": 5000},
        "retries": 1,
        "max_body_bytes": 1_048_576
    })
}

fn with(mut route: Value, changes: &[(&str, Value)]) -> Value {
    for (name, value) in changes {
        route[*name] = value.clone();
    }
    route
}

/// A snapshot with a route for everything that the tests do.
pub fn document(version: &str) -> Value {
    let quick = json!({"connect_ms": 300, "response_ms": 300, "idle_ms": 500});
    json!({
        "schema": "breakwater-edge-snapshot/1",
        "version": version,
        "upstreams": {"core": {}, "elsewhere": {"origin": "http://127.0.0.2:9"}},
        "gateway": {
            "cors": {"allowed_origins": ["https://app.example"], "max_age_seconds": 600},
            "retry_after_seconds": 2
        },
        "routing": {"routes": [
            route("any", "/{*rest}"),
            with(route("large", "/large/{*rest}"), &[("max_body_bytes", json!(1u64 << 40))]),
            with(route("small", "/small/{*rest}"), &[("max_body_bytes", json!(1000))]),
            with(route("quick", "/quick/{*rest}"), &[("timeouts", quick)]),
            with(route("cached", "/cached/{*rest}"), &[("cacheable", json!(true))]),
            with(route("limited", "/limited/{*rest}"), &[("limits", json!(["address"]))]),
            with(route("closed", "/closed/{*rest}"), &[("limits", json!(["closed"]))]),
            with(route("private", "/private/{*rest}"), &[("authentication", json!({"mode": "required", "scopes": []}))]),
            with(route("elsewhere", "/elsewhere/{*rest}"), &[("target", json!({"upstream": "elsewhere"}))]),
            with(route("nowhere", "/nowhere/{*rest}"), &[("target", json!({"upstream": "nowhere"}))]),
            with(route("files", "/files/{*rest}"), &[("target", json!({"static_files": true})), ("methods", json!(["GET"]))]),
        ]},
        "rate_limiting": {"limits": [
            limit("address", 5, "open"),
            limit("closed", 5, "closed"),
        ]},
        "authentication": {"leeway_seconds": 60, "issuers": [], "revoked_sessions": []},
        "caching": {"generation": 1, "max_object_bytes": 100_000},
        "static_files": {}
    })
}

fn limit(name: &str, burst: u64, when_state_is_away: &str) -> Value {
    json!({
        "name": name, "by": "address", "quota": 60, "window_seconds": 3600, "burst": burst, "cost": 1,
        "when_state_is_away": when_state_is_away
    })
}
