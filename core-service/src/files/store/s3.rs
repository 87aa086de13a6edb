//! S3, or whatever speaks it.
//!
//! Content is uploaded in parts as it arrives, a small one at once, so that no more of it is in memory than one part. An object is there
//! when all of it is. What is left of an upload that broke off is aborted when its content is deleted.

use std::io;
use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use url::Url;
use uuid::Uuid;

use super::Pieces;
use crate::config::S3Config;

/// The first thousand parts have so many bytes, the next twice as many, and so on: ten thousand parts, which is the most that there
/// may be, make 440 GiB. S3 takes none under 5 MiB, but the last.
const PART: usize = 8 * 1024 * 1024;

/// A bucket.
pub struct Bucket {
    client: Client,
    /// The same as clients find it.
    links: Client,
    place: Place,
}

/// Where in it, and how it is kept.
#[derive(Clone)]
struct Place {
    bucket: String,
    prefix: String,
    encryption: Option<ServerSideEncryption>,
}

/// An object being written.
pub struct Writer {
    client: Client,
    place: Place,
    key: String,
    waiting: BytesMut,
    /// The upload's id and its parts so far, once there is more than one part.
    parts: Option<(String, Vec<CompletedPart>)>,
}

impl Bucket {
    pub(super) fn new(config: &S3Config) -> Self {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        let credentials =
            Credentials::new(config.access_key.clone(), config.secret_key.reveal(), None, None, "configuration");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(60))
            .build();
        let mut builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .http_client(http)
            .force_path_style(config.path_style)
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts)
            // A client that reads slowly is no fault of S3's.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        builder.set_endpoint_url(config.endpoint.as_ref().map(address));
        let links = config.links_endpoint.as_ref().or(config.endpoint.as_ref()).map(address);
        let mut for_clients = builder.clone();
        for_clients.set_endpoint_url(links);
        let links = Client::from_conf(for_clients.build());
        let place = Place {
            bucket: config.bucket.clone(),
            prefix: config.prefix.clone(),
            encryption: config.encryption.as_deref().map(ServerSideEncryption::from),
        };
        Self { client: Client::from_conf(builder.build()), links, place }
    }

    fn key(&self, id: Uuid) -> String {
        format!("{}{}", self.place.prefix, id.as_hyphenated())
    }

    pub(super) fn write(&self, id: Uuid) -> Writer {
        let (client, place, key) = (self.client.clone(), self.place.clone(), self.key(id));
        Writer { client, place, key, waiting: BytesMut::new(), parts: None }
    }

    pub(super) async fn read(&self, id: Uuid, part: Range<u64>) -> io::Result<Pieces> {
        let range = format!("bytes={}-{}", part.start, part.end - 1);
        let object = self.client.get_object().bucket(&self.place.bucket).key(self.key(id)).range(range).send().await;
        let body = object.map_err(failed)?.body;
        let pieces = stream::unfold(body, |mut body| async {
            let piece = body.next().await?;
            Some((piece.map_err(io::Error::other), body))
        });
        Ok(pieces.boxed())
    }

    /// A URL under which anybody can read an object for a while, with these headers.
    pub(super) async fn link(
        &self,
        id: Uuid,
        lasts: Duration,
        disposition: &str,
        media_type: &str,
    ) -> io::Result<String> {
        let object = self.links.get_object().bucket(&self.place.bucket).key(self.key(id));
        let object = object.response_content_disposition(disposition).response_content_type(media_type);
        let lasts = PresigningConfig::expires_in(lasts).map_err(io::Error::other)?;
        Ok(object.presigned(lasts).await.map_err(failed)?.uri().to_owned())
    }

    pub(super) async fn delete(&self, id: Uuid) -> io::Result<()> {
        let (bucket, key) = (&self.place.bucket, self.key(id));
        let broken = self.client.list_multipart_uploads().bucket(bucket).prefix(&key).send().await.map_err(failed)?;
        for upload in broken.uploads().iter().filter_map(|upload| upload.upload_id()) {
            let abort = self.client.abort_multipart_upload().bucket(bucket).key(&key).upload_id(upload);
            abort.send().await.map_err(failed)?;
        }
        self.client.delete_object().bucket(bucket).key(key).send().await.map_err(failed)?;
        Ok(())
    }
}

impl Writer {
    pub(super) async fn push(&mut self, mut piece: &[u8]) -> io::Result<()> {
        while !piece.is_empty() {
            let missing = self.part_size() - self.waiting.len();
            let (now, later) = piece.split_at(piece.len().min(missing));
            self.waiting.extend_from_slice(now);
            piece = later;
            // The last one may be short, so a full one goes when there is more.
            if self.waiting.len() == self.part_size() && !piece.is_empty() {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> io::Result<()> {
        if self.parts.is_none() {
            return self.put().await;
        }
        self.send_part().await?;
        let Some((upload, parts)) = self.parts else { return Ok(()) };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(self.place.bucket).key(self.key);
        complete.upload_id(upload).multipart_upload(parts).send().await.map_err(failed)?;
        Ok(())
    }

    fn part_size(&self) -> usize {
        let sent = self.parts.as_ref().map_or(0, |(_, parts)| parts.len());
        PART * (1 + sent / 1000)
    }

    /// All of it at once.
    async fn put(self) -> io::Result<()> {
        let put = self.client.put_object().bucket(self.place.bucket).key(self.key);
        let put = put.set_server_side_encryption(self.place.encryption).body(body(self.waiting.freeze()));
        put.send().await.map_err(failed)?;
        Ok(())
    }

    async fn send_part(&mut self) -> io::Result<()> {
        let (bucket, key) = (&self.place.bucket, &self.key);
        if self.parts.is_none() {
            let create = self.client.create_multipart_upload().bucket(bucket).key(key);
            let created =
                create.set_server_side_encryption(self.place.encryption.clone()).send().await.map_err(failed)?;
            let id = created.upload_id.ok_or_else(|| io::Error::other("S3 began an upload without an id"))?;
            self.parts = Some((id, Vec::new()));
        }
        let Some((upload, parts)) = &mut self.parts else { return Ok(()) };
        let number = parts.len() as i32 + 1;
        let part = self.client.upload_part().bucket(bucket).key(key).upload_id(upload.as_str()).part_number(number);
        let sent = part.body(body(self.waiting.split().freeze())).send().await.map_err(failed)?;
        let part =
            CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).set_checksum_crc32(sent.checksum_crc32);
        parts.push(part.build());
        Ok(())
    }
}

fn address(endpoint: &Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}

fn body(bytes: Bytes) -> ByteStream {
    ByteStream::from(bytes)
}

/// With all that is known of the reason: the error's own words say little.
fn failed<E: std::error::Error + Send + Sync + 'static>(error: E) -> io::Error {
    io::Error::other(format!("S3: {}", DisplayErrorContext(error)))
}
