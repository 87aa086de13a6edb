//! What the edge counts, as Prometheus reads it, and the line that it writes about each request.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::edge::eventually;
use crate::support::{Core, Edge, client};

/// The page, as rows by name and labels.
async fn scrape(edge: &Edge) -> BTreeMap<String, f64> {
    let page = page(edge).await;
    assert!(page.ends_with("# EOF\n"));
    let rows = page.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.rsplit_once(' ').unwrap()).map(|(name, value)| (name.into(), value.parse().unwrap())).collect()
}

async fn page(edge: &Edge) -> String {
    let answer = client().get(edge.metrics.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    answer.text().await.unwrap()
}

async fn get(edge: &Edge, path: &str) -> u16 {
    let answer = client().get(edge.url(path)).send().await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_is_counted() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--admin-listen", "127.0.0.1:0"]).start().await;
    for _ in 0..3 {
        assert_eq!(get(&edge, "/hello").await, 200);
    }
    assert_eq!(get(&edge, "/private/x").await, 401);
    // Five at once, and one a minute.
    for _ in 0..6 {
        get(&edge, "/limited/x").await;
    }
    get(&edge, "/cached/x").await;
    assert_eq!(get(&edge, "/nowhere/x").await, 500);
    let rows = scrape(&edge).await;
    let row = |name: &str| rows.get(name).copied().unwrap_or_else(|| panic!("no {name} in {rows:#?}"));
    assert_eq!(row(r#"breakwater_edge_requests_total{route="any",status="2xx"}"#), 3.0);
    assert_eq!(row(r#"breakwater_edge_request_duration_seconds_count{route="any"}"#), 3.0);
    assert!(row(r#"breakwater_edge_request_duration_seconds_sum{route="any"}"#) > 0.0);
    assert_eq!(row(r#"breakwater_edge_request_duration_seconds_bucket{le="+Inf",route="any"}"#), 3.0);
    assert_eq!(row(r#"breakwater_edge_refusals_total{route="private",by="authentication"}"#), 1.0);
    assert_eq!(row(r#"breakwater_edge_refusals_total{route="limited",by="rate-limiting"}"#), 1.0);
    assert_eq!(row(r#"breakwater_edge_limit_refusals_total{limit="address"}"#), 1.0);
    assert_eq!(row(r#"breakwater_edge_upstream_requests_total{upstream="core",outcome="answered"}"#), 9.0);
    let cached: Vec<_> = rows.iter().filter(|(name, _)| name.starts_with("breakwater_edge_cache_total")).collect();
    assert!(
        matches!(cached.as_slice(), [(name, count)] if name.contains("result=\"miss\"") && **count == 1.0),
        "{cached:?}"
    );
    // Every answer but the refused ones was routed, and so was each ready probe before: at least these.
    assert!(row(r#"breakwater_edge_policy_duration_seconds_count{policy="routing"}"#) >= 12.0);
    let origin = format!("http://{}", core.address);
    let pool = |name: &str| row(&format!("breakwater_edge_pool_connections_{name}{{origin=\"{origin}\"}}"));
    assert_eq!(pool("opened_total") + pool("reused_total"), 9.0);
    assert!(pool("waiting") >= 1.0);
    assert_eq!(row(r#"breakwater_edge_snapshot{version="1"}"#), 1.0);
    assert!(row("breakwater_edge_snapshot_age_seconds") < 60.0);
    assert!(row("breakwater_edge_connections_total") >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_fails_is_counted() {
    let core = Core::start().await;
    let edge = Edge::before(&core).hostile().with(&["--admin-listen", "127.0.0.1:0"]).start().await;
    // Being asked whether it is ready before it was has counted as well.
    let count = |rows: &BTreeMap<String, f64>| {
        let of = |name: &str| rows.get(name).copied().unwrap_or_default();
        let failures = of(r#"breakwater_edge_policy_failures_total{policy="routing"}"#);
        (failures, of(r#"breakwater_edge_requests_total{route="none",status="5xx"}"#))
    };
    let before = count(&scrape(&edge).await);
    assert_eq!(get(&edge, "/trap").await, 500);
    let after = count(&scrape(&edge).await);
    assert_eq!(after, (before.0 + 1.0, before.1 + 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_cannot_read_the_metrics() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--admin-listen", "127.0.0.1:0"]).start().await;
    // The public listener forwards it as any other path, and the private one has nothing else.
    assert!(
        !client().get(edge.url("/metrics")).send().await.unwrap().text().await.unwrap().contains("breakwater_edge")
    );
    let private = edge.metrics.as_ref().unwrap();
    for path in ["/hello", "/healthz", "/"] {
        let answer = client().get(private.replace("/metrics", path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(client().post(private).send().await.unwrap().status(), 405);
}

/// The first column of the tables under a heading of docs/observability.md.
fn told(heading: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/observability.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect(heading);
    let names = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_every_metric() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--admin-listen", "127.0.0.1:0"]).start().await;
    let page = page(&edge).await;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let name = |(name, kind): (&str, &str)| format!("{name}{}", if kind == "counter" { "_total" } else { "" });
    let mut served: Vec<String> = types.map(name).collect();
    let mut told = told("Metrics of the edge");
    served.sort();
    told.sort();
    assert_eq!(served, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_tells_how_a_request_went() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let line = async |path: &str| {
        get(&edge, path).await;
        let said = format!("\"path\":\"{path}\"");
        eventually("the line is there", async || !edge.logged(&said).is_empty()).await;
        serde_json::from_str::<Value>(&edge.logged(&said)[0]).unwrap()
    };
    let served = line("/hello").await;
    assert_eq!((served["route"].as_str(), served["status"].as_u64()), (Some("any"), Some(200)));
    assert!(served["bytes"].as_u64().unwrap() > 0);
    assert!(served["upstream_milliseconds"].as_f64().unwrap() <= served["milliseconds"].as_f64().unwrap());
    assert_eq!(served["trace_id"].as_str().unwrap().len(), 32);
    let refused = line("/private/x").await;
    assert_eq!(refused["refused_by"], "authentication");
    assert!(refused.get("upstream_milliseconds").is_none(), "{refused}");
    let known = told("Access log of the edge");
    for line in [served, refused] {
        for field in line.as_object().unwrap().keys() {
            assert!(known.contains(field), "docs/observability.md does not tell of {field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_tells_that_an_answer_broke_off() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut answer = client().get(edge.url("/ticks")).send().await.unwrap();
    answer.chunk().await.unwrap();
    drop(answer);
    eventually("the line is there", async || {
        edge.logged("\"/ticks\"").iter().any(|line| line.contains("\"broken_off\":true"))
    })
    .await;
}
