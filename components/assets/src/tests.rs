//! The policy as the gateway sees it, and the page as people do.

#![allow(clippy::unwrap_used)]

use super::*;

fn request(method: &str, path: &str, lines: &[(&str, &str)]) -> RequestHead {
    RequestHead {
        method: method.into(),
        scheme: "https".into(),
        authority: "edge.example".into(),
        path: path.into(),
        query: None,
        headers: lines.iter().map(|(name, value)| Field::new(*name, *value)).collect(),
        client_address: "192.0.2.1".into(),
    }
}

fn get(path: &str) -> File {
    Assets::default().find(&request("GET", path, &[]))
}

fn value(file: &File, name: &str) -> Option<String> {
    let mut values = file.head.headers.iter().filter(|field| field.name == name);
    let value = values.next().map(|field| String::from_utf8_lossy(&field.value).into_owned());
    assert!(values.next().is_none(), "{name} twice");
    value
}

#[test]
fn files_say_what_they_are() {
    for (path, kind, cache_control) in [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/style.css", "text/css; charset=utf-8", "public, max-age=300"),
        ("/%73tyle.css", "text/css; charset=utf-8", "public, max-age=300"),
        ("/favicon.svg", "image/svg+xml", "public, max-age=300"),
    ] {
        let file = get(path);
        assert_eq!(file.head.status, 200, "{path}");
        assert_eq!(value(&file, "content-type").as_deref(), Some(kind), "{path}");
        assert_eq!(value(&file, "cache-control").as_deref(), Some(cache_control), "{path}");
        assert_eq!(value(&file, "x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert!(!file.body.is_empty(), "{path}");
        assert_eq!(Assets::default().find(&request("HEAD", path, &[])), file, "{path}");
    }
}

#[test]
fn entity_tags_are_strong_and_tell_files_apart() {
    let tags: Vec<String> = ["/", "/style.css", "/favicon.svg"].map(|path| value(&get(path), "etag").unwrap()).into();
    for (index, tag) in tags.iter().enumerate() {
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
        assert!(!tags[index + 1..].contains(tag));
    }
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let assets = Assets::default();
    let tag = value(&get("/"), "etag").unwrap();
    for (asked, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"x\", {tag}"), 304),
        ("*".into(), 304),
        ("\"x\"".into(), 200),
        ("x".into(), 200),
    ] {
        for method in ["GET", "HEAD"] {
            let file = assets.find(&request(method, "/", &[("if-none-match", &asked)]));
            assert_eq!(file.head.status, status, "{asked}");
            assert_eq!(file.body.is_empty(), status == 304, "{asked}");
            assert_eq!(value(&file, "etag").as_deref(), Some(tag.as_str()), "{asked}");
            assert_eq!(value(&file, "cache-control").as_deref(), Some("no-cache"), "{asked}");
        }
    }
}

#[test]
fn what_is_not_there() {
    let assets = Assets::default();
    const JSON: &str = "application/problem+json";
    const HTML: &str = "text/html; charset=utf-8";
    for (accept, kind) in [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html;q=0", JSON),
        ("text/html; Q=0.0, */*", JSON),
        ("text/html2", JSON),
        ("text/html", HTML),
        ("application/xml, TEXT/HTML;level=1;q=0.9", HTML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
    ] {
        for path in
            ["/nothing", "/index", "/404.html", "/style.css/", "/../style.css", "/%2e%2e/Cargo.toml", "//", "/\0"]
        {
            let file = assets.find(&request("GET", path, &[("accept", accept)]));
            assert_eq!(file.head.status, 404, "{path}");
            assert_eq!(value(&file, "content-type").as_deref(), Some(kind), "{accept}");
            assert_eq!(value(&file, "vary").as_deref(), Some("accept"));
            assert_eq!(value(&file, "cache-control").as_deref(), Some("no-store"));
            if kind == JSON {
                let problem: serde_json::Value = serde_json::from_slice(&file.body).unwrap();
                assert_eq!(
                    (&problem["type"], &problem["status"]),
                    (&"urn:breakwater:problem:not-found".into(), &404.into())
                );
            }
        }
    }
}

#[test]
fn files_are_only_read() {
    let file = Assets::default().find(&request("POST", "/", &[]));
    assert_eq!((file.head.status, value(&file, "allow").as_deref()), (405, Some("GET, HEAD")));
    assert_eq!(Assets::default().find(&request("POST", "/nothing", &[])).head.status, 404);
}

#[test]
fn the_section_is_an_object() {
    let mut assets = Assets::default();
    assert_eq!(assets.configure(br#"{"later": [1]}"#), Ok(()));
    for section in ["", "[]", "null", "{"] {
        assert!(assets.configure(section.as_bytes()).is_err(), "{section}");
    }
}

/// No script, nothing from elsewhere, and every link of the page's own leads somewhere.
#[test]
fn the_page_stands_alone() {
    let assets = Assets::default();
    // Answered by the core or the gateway.
    let elsewhere = ["/api/docs", "/api/openapi.json", "/.well-known/jwks.json", "/readyz"];
    for page in [get("/").body, files::NOT_FOUND.to_vec()] {
        let text = String::from_utf8(page).unwrap();
        assert!(!text.contains("<script") && !text.contains("style=") && !text.contains("https://"));
        assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">") && text.matches("<h1>").count() == 1);
        let links = text.split(" href=\"").chain(text.split(" src=\"")).filter(|rest| !rest.starts_with('<'));
        let mut count = 0;
        for link in links.map(|rest| rest.split('"').next().unwrap()) {
            count += 1;
            let known = match link.strip_prefix('#') {
                Some(id) => text.contains(&format!("id=\"{id}\"")),
                None => elsewhere.contains(&link) || assets.content(link).is_some(),
            };
            assert!(known, "{link}");
        }
        assert!(count >= 5, "{count}");
        for id in text.split("aria-labelledby=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
    let style = String::from_utf8(get("/style.css").body).unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
}
