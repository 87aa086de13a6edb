//! The snapshot changes while the edge runs.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::fixture::edge::{Edge, problem};

pub async fn a_change_is_picked_up(edge: Edge) {
    problem(edge.get("/added").await, 404, "not-found").await;
    edge.core.publish(|snapshot| {
        let routes = snapshot["routing"]["routes"].as_array_mut().unwrap();
        let mut route = routes[0].clone();
        route["id"] = json!("added");
        route["path"] = json!("/added");
        routes.push(route);
    });
    edge.until("/added", |answer| answer.status() == StatusCode::OK).await;

    // While nothing changes, the edge asks about once a second, and is told so.
    let before = edge.core.asked("/edge/v1/snapshot").len();
    for _ in 0..30 {
        assert_eq!(edge.get("/added").await.status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let asked = edge.core.asked("/edge/v1/snapshot");
    let times = asked.len() - before;
    assert!((2..=6).contains(&times), "asked {times} times in three seconds");
    assert!(asked.last().unwrap().headers.contains_key("if-none-match"));
}

pub async fn a_snapshot_that_is_refused_changes_nothing(edge: Edge) {
    for broken in ["routing", "rate_limiting", "authentication", "caching"] {
        let mut good = None;
        edge.core.publish(|snapshot| good = Some(std::mem::replace(&mut snapshot[broken], json!("nonsense"))));
        let seen = edge.core.asked("/edge/v1/snapshot").len();
        // Two more questions: after the second, the answer to the first has been judged.
        let path = format!("/echo/{broken}");
        let start = std::time::Instant::now();
        while edge.core.asked("/edge/v1/snapshot").len() < seen + 2 {
            assert_eq!(edge.get(&path).await.status(), StatusCode::OK, "{broken}");
            assert!(start.elapsed() < Duration::from_secs(10), "{broken}: the edge asks no more");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(edge.get(&path).await.status(), StatusCode::OK, "{broken}");
        problem(edge.get("/private").await, 401, "authentication-required").await;
        edge.core.publish(|snapshot| snapshot[broken] = good.take().unwrap());
    }
}
