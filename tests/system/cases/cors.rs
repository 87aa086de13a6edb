//! Pages of other origins (Fetch, section 3.2).

use reqwest::{Method, StatusCode};

use crate::fixture::edge::{Edge, header};

const ALLOWED: &str = "https://app.example";

pub async fn a_preflight_is_answered_by_the_edge(edge: Edge) {
    let preflight = |origin: &'static str| {
        edge.request(Method::OPTIONS, "/private")
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization, if-match")
            .send()
    };
    let answer = preflight(ALLOWED).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&answer, "access-control-allow-origin"), Some(ALLOWED));
    assert!(header(&answer, "access-control-allow-methods").unwrap().contains("PATCH"));
    let headers = header(&answer, "access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("if-match"), "{headers}");
    assert_eq!(header(&answer, "access-control-max-age"), Some("600"));

    let answer = preflight("https://other.example").await.unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), None);
    assert_eq!(header(&answer, "access-control-allow-methods"), None);
    assert!(edge.core.asked("/private").is_empty());
}

pub async fn an_allowed_page_may_read(edge: Edge) {
    // Refusals too: a page that may not see them cannot tell its user why.
    for path in ["/echo/a", "/private", "/nowhere"] {
        let answer = edge.request(Method::GET, path).header("origin", ALLOWED).send().await.unwrap();
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(ALLOWED), "{path}");
        assert!(header(&answer, "access-control-expose-headers").unwrap().contains("x-request-id"), "{path}");
        let vary: Vec<_> = answer.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("origin"), "{path}: {vary:?}");
    }
}

pub async fn another_page_may_not(edge: Edge) {
    for origin in ["https://other.example", "null", "https://app.example.evil"] {
        let answer = edge.request(Method::GET, "/echo/a").header("origin", origin).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(&answer, "access-control-allow-origin"), None, "{origin}");
    }
}
