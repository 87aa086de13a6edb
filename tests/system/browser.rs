//! A browser signs in and out with cookies, through the front door of either kind, at the real core.

use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::fixture::edge::{problem, redis_url};
use crate::spin::Gateway;

/// A page of the edge's own origin, in a browser that keeps cookies.
struct Page {
    browser: Client,
    origin: String,
    csrf: String,
}

impl Page {
    fn at(origin: &str) -> Self {
        let browser = breakwater_tests::http::client().cookie_store(true).build().unwrap();
        Self { browser, origin: origin.to_owned(), csrf: String::new() }
    }

    /// As browsers send what a page asks for.
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.browser.request(method, format!("{}{path}", self.origin)).header("origin", &self.origin);
        request
            .header("sec-fetch-site", "same-origin")
            .header("x-session-mode", "cookie")
            .header("x-csrf-token", &self.csrf)
    }

    /// The same caused by a page of another site.
    fn forged(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.browser.request(method, format!("{}{path}", self.origin));
        request.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site")
    }

    async fn me(&self) -> StatusCode {
        self.ask(Method::GET, "/api/v1/me").send().await.unwrap().status()
    }
}

async fn there_and_back(origin: &str, email: &str) {
    let mut page = Page::at(origin);
    assert_eq!(page.me().await, StatusCode::UNAUTHORIZED);
    let body = json!({ "email": email, "password": "a long enough password" });
    let answer = page.ask(Method::POST, "/api/v1/auth/register").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    let body: Value = answer.json().await.unwrap();
    assert_eq!((body.get("access_token"), body.get("refresh_token")), (None, None));
    page.csrf = body["csrf_token"].as_str().unwrap().to_owned();
    assert_eq!(page.me().await, StatusCode::OK);

    let workspace = json!({ "name": "Ours" });
    let made = page.ask(Method::POST, "/api/v1/workspaces").json(&workspace).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let forged = page.forged(Method::POST, "/api/v1/workspaces").json(&workspace).send().await.unwrap();
    problem(forged, 403, "cross-site-request").await;
    let forged = page.forged(Method::POST, "/api/v1/auth/refresh").header("x-session-mode", "cookie");
    problem(forged.send().await.unwrap(), 403, "cross-site-request").await;

    for _ in 0..2 {
        let renewed = page.ask(Method::POST, "/api/v1/auth/refresh").send().await.unwrap();
        assert_eq!(renewed.status(), StatusCode::OK);
        assert_eq!(renewed.json::<Value>().await.unwrap()["csrf_token"], page.csrf.as_str());
        assert_eq!(page.me().await, StatusCode::OK);
    }
    let out = page.ask(Method::POST, "/api/v1/auth/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert_eq!(page.me().await, StatusCode::UNAUTHORIZED);
    let over = page.ask(Method::POST, "/api/v1/auth/refresh").send().await.unwrap();
    problem(over, 400, "invalid-grant").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_and_out_with_cookies() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    there_and_back(&system.url(""), "ada@example.com").await;

    let (core, key, redis) = (system.core_url(), System::edge_key(), redis_url());
    let values = [("core_url", core.as_str()), ("edge_key", key.as_str()), ("redis_url", redis.as_str())];
    let gateway = Gateway::start(&values).await;
    there_and_back(&format!("http://{}", gateway.address), "lin@example.com").await;
}
