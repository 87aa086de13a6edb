//! The OpenAPI document as one plain page: no script, nothing fetched, so it reads under any content security policy.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");

/// Our own style and nothing else: no script, no frame, nothing from elsewhere.
pub(super) fn content_security_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page.
pub(super) fn render(document: &Value) -> String {
    let mut page = Page::default();
    let info = &document["info"];
    let title = text(&info["title"]);
    page.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.raw(&format!("<title>{} API</title><style>{STYLE}</style></head><body>", escape(title)));
    page.raw("<main>");
    page.element("h1", &format!("{title} API {}", text(&info["version"])));
    page.element("p", text(&info["description"]));
    page.raw("<p>For machines: <a href=\"/api/openapi.json\">/api/openapi.json</a></p>");
    let tags = by_tag(document);
    page.raw("<nav aria-label=\"Contents\"><ul>");
    for tag in tags.keys() {
        page.raw(&format!("<li><a href=\"#tag-{0}\">{0}</a></li>", escape(tag)));
    }
    page.raw("<li><a href=\"#schemas\">Schemas</a></li></ul></nav>");
    for (tag, operations) in &tags {
        page.raw(&format!("<h2 id=\"tag-{0}\">{0}</h2>", escape(tag)));
        for operation in operations {
            page.operation(operation);
        }
    }
    page.raw("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        page.schema(name, schema);
    }
    page.raw("</main></body></html>\n");
    page.0
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, value) in item.as_object().into_iter().flatten() {
            if value["operationId"].is_string() {
                let tag = value["tags"][0].as_str().unwrap_or("other");
                tags.entry(tag).or_default().push(Operation { method, path, value });
            }
        }
    }
    tags
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn element(&mut self, name: &str, content: &str) {
        if !content.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "<{name}>{}</{name}>", escape(content));
        }
    }

    fn operation(&mut self, operation: &Operation<'_>) {
        let Operation { method, path, value } = operation;
        let summary = escape(text(&value["summary"]));
        self.raw(&format!(
            "<details id=\"{}\"><summary><span class=\"method {method}\">{}</span><code>{}</code> {summary}</summary><div>",
            escape(text(&value["operationId"])),
            method.to_uppercase(),
            escape(path),
        ));
        self.element("p", text(&value["description"]));
        let security = value["security"].as_array().into_iter().flatten();
        if security.into_iter().any(|one| one.get("bearer").is_some()) {
            self.raw("<p><span class=\"note\">needs an access token</span></p>");
        }
        self.parameters(&value["parameters"]);
        for (media, content) in value["requestBody"]["content"].as_object().into_iter().flatten() {
            self.raw(&format!("<p>Body: <code>{}</code> {}</p>", escape(media), type_of(&content["schema"])));
        }
        self.raw("<table><thead><tr><th>Status</th><th>Meaning</th><th>Body</th></tr></thead><tbody>");
        for (status, answer) in value["responses"].as_object().into_iter().flatten() {
            let content = answer["content"].as_object().into_iter().flatten().next();
            let body = content.map(|(_, content)| type_of(&content["schema"])).unwrap_or_default();
            let meaning = escape(text(&answer["description"]));
            self.raw(&format!("<tr><td>{status}</td><td>{meaning}</td><td>{body}</td></tr>"));
        }
        self.raw("</tbody></table></div></details>");
    }

    fn parameters(&mut self, parameters: &Value) {
        let Some(parameters) = parameters.as_array().filter(|list| !list.is_empty()) else {
            return;
        };
        self.raw("<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
        for parameter in parameters {
            self.raw(&format!(
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                required(parameter["required"] == true),
                escape(text(&parameter["in"])),
                type_of(&parameter["schema"]),
                escape(text(&parameter["description"])),
            ));
        }
        self.raw("</tbody></table>");
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        let name = escape(name);
        self.raw(&format!("<details id=\"schema-{name}\"><summary><code>{name}</code></summary><div>"));
        self.element("p", text(&schema["description"]));
        let none = Vec::new();
        let needed = schema["required"].as_array().unwrap_or(&none);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        for part in parts.filter(|part| part["$ref"].is_string()) {
            self.raw(&format!("<p>everything of {}</p>", type_of(part)));
        }
        let properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
        if properties.is_empty() {
            self.raw(&format!("<p>{}</p>", type_of(schema)));
        } else {
            self.raw("<table><thead><tr><th>Member</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
            for (member, value) in properties {
                self.raw(&format!(
                    "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>",
                    escape(member),
                    required(needed.iter().any(|name| name == member)),
                    type_of(value),
                    escape(text(&value["description"])),
                ));
            }
            self.raw("</tbody></table>");
        }
        self.raw("</div></details>");
    }
}

fn required(yes: bool) -> &'static str {
    if yes { " <span class=\"note\">required</span>" } else { "" }
}

/// A schema in a few words, with links to named ones.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[several].as_array() {
            let words = if several == "allOf" { " and " } else { " or " };
            return list.iter().map(type_of).collect::<Vec<_>>().join(words);
        }
    }
    let mut words = match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(name) => escape(name),
        Value::Array(names) => names.iter().map(|name| escape(text(name))).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    for keyword in ["format", "minLength", "maxLength", "minimum", "maximum", "pattern", "default"] {
        match &schema[keyword] {
            Value::Null => {}
            Value::String(value) => {
                let _ = write!(words, ", {keyword} {}", escape(value));
            }
            value => {
                let _ = write!(words, ", {keyword} {}", escape(&value.to_string()));
            }
        }
    }
    words
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
