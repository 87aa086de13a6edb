//! `gateway.toml`: what comes of it, what is wrong with it, and what becomes of a change.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use core_service::app;
use core_service::edge::check_gateway;

use crate::support::{TestApp, settings};

const PATH: &str = "/edge/v1/snapshot";

/// The file that we ship.
const SHIPPED: &str = include_str!("../../../gateway.toml");

struct File {
    folder: TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gateway.toml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    async fn app(&self) -> TestApp {
        TestApp::start_with(settings([("EDGE__GATEWAY_FILE", self.path().to_str().unwrap())])).await
    }
}

async fn snapshot(app: &TestApp) -> Value {
    app.get(PATH).send().await.expect(200).json()
}

fn route<'a>(snapshot: &'a Value, id: &str) -> &'a Value {
    snapshot["routing"]["routes"].as_array().unwrap().iter().find(|route| route["id"] == id).unwrap_or(&Value::Null)
}

/// The mistakes of a file, a line each.
fn mistakes(config: &core_service::config::Config, text: &str) -> Vec<String> {
    match check_gateway(config, &app::openapi(), text).unwrap() {
        Ok(_) => Vec::new(),
        Err(mistakes) => {
            mistakes.to_string().split("; line ").map(|one| one.trim_start_matches("line ").to_owned()).collect()
        }
    }
}

fn config() -> core_service::config::Config {
    core_service::config::Config::load_with(None, []).unwrap()
}

/// What its examples say, with secrets that are there.
fn examples(folder: &TempDir) -> String {
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n").unwrap();
    let uncommented = SHIPPED.lines().map(|line| match line.strip_prefix('#') {
        Some(code) if !code.is_empty() && !code.starts_with([' ', '#']) => code,
        _ => line,
    });
    let text = uncommented.collect::<Vec<_>>().join("\n");
    ["/run/secrets/legacy", "/run/secrets/introspection"]
        .iter()
        .fold(text, |text, name| text.replace(name, secret.to_str().unwrap()))
}

#[tokio::test]
async fn the_shipped_file_changes_nothing_and_its_examples_are_good() {
    let file = File::new(SHIPPED);
    let (with, without) = (file.app().await, TestApp::start().await);
    let routes = |snapshot: Value| snapshot["routing"].clone();
    assert_eq!(routes(snapshot(&with).await), routes(snapshot(&without).await));

    let text = examples(&file.folder);
    assert_eq!(mistakes(&config(), &text), Vec::<String>::new());
    file.write(&text);
    let app = file.app().await;
    let told = snapshot(&app).await;
    assert_eq!(told["upstreams"]["shop"], json!({ "origin": "http://127.0.0.1:9000" }));
    assert_eq!(told["upstreams"]["core"], json!({ "health": { "path": "/readyz" } }));
    let next = &told["upstreams"]["shop-next"];
    assert_eq!(next["endpoints"][1], json!({ "origin": "https://next-2.internal:8443" }));
    assert_eq!((&next["balance"], &next["hash_on"]), (&json!("hash"), &json!("header:x-tenant")));
    assert_eq!(next["ejection"], json!({ "consecutive_failures": 5, "for_ms": 10000, "max_percent": 50 }));
    assert_eq!((&next["max_pending"], &next["retry_budget_percent"]), (&json!(128), &json!(20)));
    let orders = route(&told, "orders");
    assert_eq!(orders["target"]["split"]["upstreams"][0], json!({ "upstream": "shop", "weight": 95 }));
    assert_eq!(orders["mirror"], json!({ "upstream": "shop-next", "share": 100 }));
    assert_eq!(orders["timeouts"]["overall_ms"], 20000);
    assert_eq!(orders["authentication"], json!({ "mode": "required", "scopes": ["orders"] }));
    assert_eq!(route(&told, "shop")["limits"], json!(["address", "caller"]));
    assert_eq!(route(&told, "moved")["target"]["redirect"]["to"], "/shop/{rest}");
    assert_eq!(route(&told, "old-shop")["notices"][0], json!(["deprecation", "@1893456000"]));
    assert_eq!(route(&told, "me-1")["notices"][1], json!(["sunset", "Wed, 01 Jan 2031 00:00:00 GMT"]));
    assert_eq!(route(&told, "static-files")["target"], json!({ "upstream": "shop" }));
    assert_eq!(told["routing"]["versioning"], json!({ "header": "api-version", "default": "2", "known": ["1", "2"] }));
    assert_eq!(told["caching"]["collapse_ms"], 5000);
    assert_eq!(told["routing"]["maintenance"]["retry_after_seconds"], 300);
}

#[test]
fn mistakes_are_told_with_their_lines() {
    let good = "[upstreams.shop]\norigin = \"http://shop:80\"\n[[routes]]\nid = \"a\"\npath = \"/a\"\n\
                authentication = \"public\"\nupstream = \"shop\"\n";
    let config = config();
    assert_eq!(mistakes(&config, good), Vec::<String>::new());
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        ("id =", "idd =", &["4, column 1: unknown field `idd`"][..]),
        ("\"/a\"", "\"/a", &["5, column 11: invalid basic string"]),
        ("\"/a\"", "\"a\"", &["5, column 8: path \"a\": does not begin with a slash"]),
        ("\"/a\"", "\"/a//{b\"", &["5, column 8: path \"/a//{b\""]),
        ("\"public\"", "\"perhaps\"", &["6, column 18: write \"public\", \"optional\" or \"required\""]),
        (
            "upstream = \"shop\"",
            "upstream = \"shp\"",
            &["7, column 12: there is no upstream \"shp\"; there are core, shop"],
        ),
        ("upstream = \"shop\"", "", &["4, column 6: say who answers"]),
        ("upstream = \"shop\"", "upstream = \"shop\"\nstatic_files = true", &["4, column 6: only one of"]),
        ("http://shop:80", "shop:80", &["2, column 10: \"shop:80\" is not scheme, host and port alone"]),
        ("http://shop:80", "http://shop:80/x", &["2, column 10"]),
        (
            "[upstreams.shop]",
            "[upstreams.core]",
            &["1, column 12: the core's addresses", "7, column 12: there is no upstream"],
        ),
        ("origin = \"http://shop:80\"", "", &["1, column 12: say where it is"]),
        ("origin =", "endpoints = [{ origin = \"http://b\" }]\norigin =", &["3, column 10: say `origin` or"]),
        (
            "origin = \"http://shop:80\"",
            "endpoints = [{ origin = \"http://b\" },\n{ origin = \"b\" }]",
            &["3, column 12: \"b\" is not scheme, host and port alone"],
        ),
        ("origin =", "balance = \"random\"\norigin =", &["2, column 11: unknown variant `random`"]),
        ("origin =", "hash_on = \"address\"\norigin =", &["1, column 12: `hash_on` needs the balance \"hash\""]),
        ("origin =", "health = { path = \"x\" }\norigin =", &["1, column 12: the health check's path is no path"]),
        ("origin =", "ejection = { for = 1 }\norigin =", &["2, column 14: unknown field `for`"]),
        ("origin =", "max_connections = 0\norigin =", &["1, column 12: `max_connections` is 0"]),
        ("id = \"a\"", "id = \"identity.me.get\"", &["4, column 6: another route has the id \"identity.me.get\""]),
        ("\"/a\"", "\"/api/v1/me\"", &["5, column 8: this takes requests of the core's own route identity.me."]),
        (
            "\"/a\"",
            "\"/api/v1/workspaces/mine\"",
            &["5, column 8: this takes requests of the core's own route workspaces."],
        ),
        (
            "\"/a\"",
            "\"/{*rest}\"\nhosts = [\"shop.example\"]",
            &["5, column 8: this takes requests of the core's own route"],
        ),
        // Nothing to protect, but two that are alike.
        ("\"/a\"", "\"/{*rest}\"", &["5, column 8: routes \"static-files\" and \"a\" both answer GET"]),
        (
            "\"/a\"",
            "\"/a\"\nrewrite = \"/b/{c}\"",
            &["6, column 11: template \"/b/{c}\": the path has no parameter \"c\""],
        ),
        ("\"/a\"", "\"/a\"\nhosts = [\"A\"]", &["6, column 1: host \"A\""]),
        ("\"/a\"", "\"/a\"\nversion = \"1\"", &["6, column 11: the version \"1\" is not among those"]),
        ("\"/a\"", "\"/a\"\nmethods = [\"get\"]", &["6, column 1: \"get\" is no method"]),
        ("\"/a\"", "\"/a\"\nscopes = [\"x\"]", &["6, column 1: scopes need"]),
        ("\"/a\"", "\"/a\"\nlimits = [\"x\"]", &["6, column 1: there is no limit \"x\"; there are address, "]),
        ("\"/a\"", "\"/a\"\nsticky = \"nobody\"", &["6, column 10: it is for a `split`"]),
        ("\"/a\"", "\"/a\"\nmirror = { upstream = \"x\", percent = 0.0 }", &["6, column 1: ", "6, column 1: "]),
        (
            "\"/a\"",
            "\"/a\"\nrequest = { headers = [{ set = [\"host\", \"x\"] }] }",
            &["6, column 1: the header host is the gateway's own"],
        ),
        (
            "\"/a\"",
            "\"/a\"\nsunset = 2029-01-01\ndeprecated = 2030-01-01",
            &["6, column 10: it ends before it is deprecated"],
        ),
        ("\"/a\"", "\"/a\"\nretries = -1", &["6, column 11: invalid value: integer `-1`"]),
        (
            "[upstreams",
            "[[limits]]\nname = \"l\"\nby = \"address\"\nquota = 1\n[upstreams",
            &["2, column 8: limit \"l\": quota and window_seconds"],
        ),
        ("[upstreams", "[[limits]]\nname = \"l\"\nby = \"moon\"\nconcurrent = 1\n[upstreams", &["1, column 3: "]),
        (
            "[upstreams",
            "[[limits]]\nname = \"l\"\nby = \"address\"\nconcurrent = 1\ncosts = { b = 1 }\n[upstreams",
            &["5, column 15: no route has the id \"b\""],
        ),
        (
            "[upstreams",
            "[[issuers]]\nissuer = \"i\"\naudiences = [\"a\"]\nalgorithms = [\"HS256\"]\nsecret_file = \"/nowhere\"\n[upstreams",
            &["5, column 15: `/nowhere`"],
        ),
        (
            "[upstreams",
            "[[issuers]]\nissuer = \"i\"\naudiences = [\"a\"]\nalgorithms = [\"X\"]\njwks_uri = \"https://i\"\n[upstreams",
            &["2, column 10: issuer \"i\": algorithm \"X\" is not known"],
        ),
        (
            "[upstreams",
            "[introspection]\nissuer = \"i\"\nendpoint = \"as\"\nclient_id = \"c\"\nclient_secret_file = \"/dev/null\"\n[upstreams",
            &["5, column 22: `/dev/null` is empty"],
        ),
        (
            "[upstreams",
            "[versioning]\nheader = \"v\"\ndefault = \"1\"\nversions = {}\n[upstreams",
            &["1, column 2: versioning: the default \"1\""],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let found = mistakes(&config, &good.replacen(from, to, 1));
        let told = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        if !told {
            wrong.push(format!("{to}\n  {found:#?}\n  {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Two at once, in order, with the line shown.
    let text = good.replace("\"shop\"\n", "\"nobody\"\n").replace("\"/a\"", "\"/api/v1/me\"");
    let found = check_gateway(&config, &app::openapi(), &text).unwrap().err().unwrap();
    let explained = found.explain("gateway.toml");
    let lines: Vec<_> = explained.lines().collect();
    assert!(lines[0].starts_with("gateway.toml:5:8: this takes requests"), "{explained}");
    assert_eq!(&lines[1..4], ["  |", "5 | path = \"/api/v1/me\"", "  |        ^^^^^^^^^^^^"]);
    assert!(lines[5].starts_with("gateway.toml:7:12: there is no upstream \"nobody\""), "{explained}");
}

async fn until(app: &TestApp, wanted: impl AsyncFn(&TestApp) -> bool) {
    for _ in 0..1500 {
        if wanted(app).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", snapshot(app).await["routing"]["routes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_published_and_a_broken_one_is_told() {
    let route_of = |id: &str| {
        format!("[[routes]]\nid = {id:?}\npath = \"/x\"\nauthentication = \"public\"\nupstream = \"core\"\n")
    };
    let file = File::new(&route_of("one"));
    let app = file.app().await;
    tokio::spawn(core_service::edge::gateway::watch::run(app.state.clone()));
    assert_eq!(route(&snapshot(&app).await, "one")["path"], "/x");
    let ready = async |app: &TestApp| {
        let answer = app.get("/readyz").unlinked().send().await.expect(200);
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    assert_eq!(ready(&app).await, "ready\n");

    // An edge that waits hears at once.
    let known = app.get(PATH).send().await.header("etag").to_owned();
    file.write(&route_of("two"));
    let told =
        app.get(PATH).header("if-none-match", &known).header("prefer", "wait=13").send().await.expect(200).json();
    assert!(route(&told, "two")["path"] == "/x" && route(&told, "one").is_null());

    file.write(&route_of("three").replace("core", "cor"));
    until(&app, async |app| ready(app).await.contains("line 5, column 12: there is no upstream \"cor\"")).await;
    assert_eq!(route(&snapshot(&app).await, "two")["path"], "/x", "the last good one stays");
    std::fs::remove_file(file.path()).unwrap();
    until(&app, async |app| ready(app).await.contains("No such file")).await;

    file.write(&route_of("four"));
    until(&app, async |app| !route(&snapshot(app).await, "four").is_null()).await;
    assert_eq!(ready(&app).await, "ready\n");
}

/// What is the edges' alone is not told to a client whose request a route of the file sends to the core.
#[tokio::test]
async fn a_client_is_not_told_the_snapshot() {
    let app = TestApp::start().await;
    let link = crate::support::EDGE_KEY.sign(0, "GET", PATH, "192.0.2.1", "request-1");
    let forwarded = app.get(PATH).unlinked().header("x-request-id", "request-1").header("breakwater-edge", &link);
    forwarded.header("x-forwarded-for", "192.0.2.1").send().await.problem(404, "not-found");
}
