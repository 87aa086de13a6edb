//! What the core counts.

use core_service::app;
use core_service::operations::metrics::router;
use http::Method;

use crate::support::{Call, TestApp};

async fn page(app: &TestApp) -> String {
    let answer = Call::new(router(app.state.clone()), Method::GET, "/metrics").unlinked().send().await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn row(page: &str, name: &str) -> f64 {
    let row = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    row.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

#[tokio::test]
async fn requests_jobs_connections_and_hashing_are_counted() {
    let app = TestApp::start().await;
    let user = app.user().await;
    app.get("/api/v1/me").bearer(&user.access_token).send().await.expect(200);
    app.get("/api/v1/me").send().await.expect(401);
    app.get("/api/v1/workspaces/0198c2f0-0000-7000-8000-000000000000")
        .bearer(&user.access_token)
        .send()
        .await
        .expect(404);
    core_service::events::run_due(&app.state, &app::handlers()).await.unwrap();
    let page = page(&app).await;
    assert_eq!(row(&page, r#"breakwater_core_requests_total{operation="identity.me.get",status="2xx"}"#), 1.0);
    assert_eq!(row(&page, r#"breakwater_core_requests_total{operation="identity.me.get",status="4xx"}"#), 1.0);
    assert_eq!(row(&page, r#"breakwater_core_request_duration_seconds_count{operation="identity.me.get"}"#), 2.0);
    // The path of another workspace is no label of its own.
    assert!(!page.contains("0198c2f0"));
    assert!(row(&page, r#"breakwater_core_jobs_total{queue="mail",outcome="done"}"#) >= 1.0);
    assert_eq!(row(&page, "breakwater_core_jobs_running"), 0.0);
    let pool = |page: &str, state: &str| row(page, &format!("breakwater_core_pool_connections{{state=\"{state}\"}}"));
    assert!(pool(&page, "idle") + pool(&page, "used") >= 1.0);
    assert_eq!(row(&page, r#"breakwater_core_password_hashing{state="running"}"#), 0.0);
    assert_eq!(row(&page, r#"breakwater_core_password_hashing{state="waiting"}"#), 0.0);
}

#[tokio::test]
async fn the_documentation_has_every_metric() {
    let app = TestApp::start().await;
    // Counters under labels are there once something has happened: a user's registration asks for jobs.
    app.user().await;
    core_service::events::run_due(&app.state, &app::handlers()).await.unwrap();
    let page = page(&app).await;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let name = |(name, kind): (&str, &str)| format!("{name}{}", if kind == "counter" { "_total" } else { "" });
    let mut served: Vec<String> = types.map(name).collect();
    let told = include_str!("../../../docs/observability.md");
    let told = told.split("\n## ").find(|section| section.starts_with("Metrics of the core")).unwrap();
    let told = told.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut told: Vec<String> = told.map(str::to_owned).collect();
    served.sort();
    told.sort();
    assert_eq!(served, told);
}

#[tokio::test]
async fn requests_of_edges_and_clients_do_not_get_there() {
    let app = TestApp::start().await;
    app.get("/metrics").send().await.problem(404, "not-found");
}
