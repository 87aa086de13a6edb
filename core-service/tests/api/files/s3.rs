//! The same over a real S3 server.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use axum::body::{Body, Bytes};
use core_service::files::sweep::sweep;
use futures_util::stream;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::{content, file, replace, upload};
use crate::cast::Cast;
use crate::support::{Settings, TestApp, settings};

const BUCKET: &str = "breakwater";

struct Bucket {
    client: Client,
    prefix: String,
    settings: Settings,
}

impl Bucket {
    /// A part of the bucket that nobody else looks at.
    async fn new() -> Self {
        let mut url: Url = std::env::var("BREAKWATER_TEST_S3").expect("BREAKWATER_TEST_S3").parse().unwrap();
        let (access, secret) = (url.username().to_owned(), url.password().unwrap().to_owned());
        url.set_username("").unwrap();
        url.set_password(None).unwrap();
        let prefix = format!("{}/", Uuid::now_v7());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(&access, &secret, None, None, "tests"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .force_path_style(true)
            .endpoint_url(url.as_str());
        let client = Client::from_conf(config.build());
        // Another test may have been quicker.
        let _ = client.create_bucket().bucket(BUCKET).send().await;
        let settings = settings([
            ("FILES__STORE", "s3"),
            ("FILES__S3_ENDPOINT", url.as_str()),
            ("FILES__S3_PATH_STYLE", "true"),
            ("FILES__S3_BUCKET", BUCKET),
            ("FILES__S3_PREFIX", &prefix),
            ("FILES__S3_ACCESS_KEY", &access),
            ("FILES__S3_SECRET_KEY", &secret),
        ]);
        Self { client, prefix, settings }
    }

    async fn cast(&self) -> Cast {
        Cast::in_app(TestApp::start_with(self.settings.clone()).await).await
    }

    /// How many objects there are, and uploads of parts that have no end.
    async fn holds(&self) -> (usize, usize) {
        let objects = self.client.list_objects_v2().bucket(BUCKET).prefix(&self.prefix).send().await.unwrap();
        let uploads = self.client.list_multipart_uploads().bucket(BUCKET).prefix(&self.prefix).send().await.unwrap();
        (objects.contents().len(), uploads.uploads().len())
    }
}

fn pieces(bytes: &[u8]) -> Vec<Result<Bytes, std::io::Error>> {
    bytes.chunks(1 << 16).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

#[tokio::test]
async fn content_in_a_bucket_is_what_was_uploaded() {
    let bucket = Bucket::new().await;
    let cast = bucket.cast().await;
    let id = file(&cast, "a", "one").await;
    replace(&cast, &id, "two").await.expect(200);
    assert_eq!(content(&cast, &id).await, "two");
    let empty = file(&cast, "empty", "").await;
    assert_eq!(content(&cast, &empty).await, "");
    // Three parts, the last of them short.
    let bytes: Vec<u8> = (0..20_000_000u32).map(|n| (n % 253) as u8).collect();
    let call = cast
        .call(&cast.editor, Method::POST, "/files?name=large")
        .body(Body::from_stream(stream::iter(pieces(&bytes))));
    let large = call.send().await.expect(201).json();
    assert_eq!(large["content"]["size"], 20_000_000);
    let large = large["id"].as_str().unwrap();
    let whole = cast.read(&cast.viewer, format!("/files/{large}/content")).await.expect(200);
    assert!(Sha256::digest(&whole.body) == Sha256::digest(&bytes), "another content");
    // Across the border of two parts.
    let call = cast.call(&cast.viewer, Method::GET, format!("/files/{large}/content"));
    let part = call.header("range", "bytes=8388600-8388620").send().await.expect(206);
    assert_eq!(part.body, bytes[8_388_600..=8_388_620]);
    assert_eq!(bucket.holds().await, (4, 0));
    for id in [&id, large] {
        for path in [format!("/files/{id}"), format!("/files/trash/{id}")] {
            cast.call(&cast.editor, Method::DELETE, path).send().await.expect(204);
        }
    }
    sweep(&cast.app.state).await.unwrap();
    assert_eq!(bucket.holds().await, (1, 0));
}

/// A link that leads to S3 itself, which looks at its signature.
#[tokio::test]
async fn a_direct_link_needs_nobody_else() {
    let bucket = Bucket::new().await;
    let cast = bucket.cast().await;
    let id = file(&cast, "a%20b.txt", "one").await;
    let link = async |body| {
        let answer = cast.send(&cast.viewer, Method::POST, format!("/files/{id}/links"), body).await.expect(200).json();
        answer["url"].as_str().unwrap().to_owned()
    };
    let url = link(json!({ "direct": true, "disposition": "inline" })).await;
    assert!(url.contains(&bucket.prefix), "{url}");
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &HeaderValue::from_static("text/plain"))
    );
    assert_eq!(answer.headers()["content-disposition"], "inline; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
    assert_eq!(answer.text().await.unwrap(), "one");
    let other = reqwest::get(url.replace("inline", "attachment")).await.unwrap();
    assert_eq!(other.status(), StatusCode::FORBIDDEN);
    assert!(link(json!({})).await.contains("/api/v1/linked-files?link="));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_no_parts() {
    let bucket = Bucket::new().await;
    let cast = bucket.cast().await;
    let mut broken = pieces(&vec![1; 17_000_000]);
    broken.push(Err(std::io::Error::other("gone")));
    let call = cast.call(&cast.editor, Method::POST, "/files?name=a").body(Body::from_stream(stream::iter(broken)));
    call.send().await.problem(400, "bad-request");
    assert_eq!(bucket.holds().await, (0, 0));
    // As a core leaves it that was killed in between: swept after a day.
    let id = Uuid::now_v7();
    let mut connection = cast.app.database().await;
    let sql = "INSERT INTO file_contents (id, workspace_id, expires_at) VALUES ($1, gen_random_uuid(), now())";
    sqlx::query(sql).bind(id).execute(&mut connection).await.unwrap();
    let mut writer = cast.app.state.files.write(id).await.unwrap();
    writer.push(&vec![1; 17_000_000]).await.unwrap();
    drop(writer);
    assert_eq!(bucket.holds().await, (0, 1));
    sweep(&cast.app.state).await.unwrap();
    assert_eq!(bucket.holds().await, (0, 0));
}

#[tokio::test]
async fn a_bucket_that_is_away_or_refuses_is_told() {
    let bucket = Bucket::new().await;
    for (key, value) in [("S3_ENDPOINT", "http://127.0.0.1:9"), ("S3_SECRET_KEY", "another")] {
        let mut own = bucket.settings.clone();
        own.extend(settings([(&*format!("FILES__{key}"), value)]));
        let cast = Cast::in_app(TestApp::start_with(own).await).await;
        let refused = upload(&cast, &cast.editor, "a", "one").send();
        let refused = tokio::time::timeout(Duration::from_secs(60), refused).await.expect("it is told");
        let problem = refused.problem(503, "store-unavailable");
        assert!(!problem.to_string().contains("another"), "{problem}");
    }
}
