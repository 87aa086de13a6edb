//! The files of the policy `static-files`.

use reqwest::{Method, StatusCode};

use crate::fixture::edge::{Edge, header};

pub async fn the_start_page_is_served(edge: Edge) {
    let answer = edge.request(Method::GET, "/").header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(header(&answer, "content-type").unwrap().starts_with("text/html"));
    assert!(header(&answer, "content-security-policy").unwrap().contains("default-src"));
    let etag = header(&answer, "etag").unwrap().to_owned();
    assert!(answer.text().await.unwrap().contains("Breakwater"));

    let known = edge.request(Method::GET, "/").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    // Nobody asked the core for a page.
    assert!(edge.core.asked("/?").is_empty());
    assert_eq!(edge.core.asked("/").len(), edge.core.asked("/edge/v1/snapshot").len());
}
