//! Requests to upstreams.
//!
//! A request without a body, or with one that the pipeline read, is tried again as often as its route says. One whose body
//! streams is sent once, and its answer's head is waited for from the body's end on.
//!
//! An instance of this component lives for a moment, so it has no opinion of endpoints: of several, one is chosen by lot
//! or by its hash, and the next one when that cannot be connected to. No health checks, no ejection, no counting.

use std::borrow::Cow;
use std::pin::{Pin, pin};

use breakwater_kit::types::{Field, Introspection, Opinion, ResponseHead};
use breakwater_pipeline::{Failure, Forward, check_answer};
use futures_util::future::{Either, select};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{self, ErrorCode, Fields, Method, RequestOptions, Scheme};
use spin_sdk::wasip3::{wit_future, wit_stream};
use wit_bindgen::{FutureReader, StreamReader, spawn};

use crate::body::{self, ClientBody, TrailersResult};
use crate::clock::within;
use crate::endpoints::Endpoints;
use crate::origin::Origin;

/// Bytes of a mirror's answer that are read.
const MAX_DROPPED: usize = 1024 * 1024;

/// Milliseconds that the host may wait.
#[derive(Debug, Clone, Copy)]
pub struct TimeOuts {
    pub connect: u32,
    pub first_byte: u32,
    pub between_bytes: u32,
}

/// A request's head, for the host.
pub struct Outgoing<'a> {
    pub origin: Cow<'a, Origin>,
    pub method: &'a str,
    pub path_and_query: &'a str,
    pub headers: &'a [Field],
    pub time_outs: TimeOuts,
}

/// The head of an answer, and the answer, whose body nobody has read.
pub type Answered = (ResponseHead, types::Response);

/// Asks the upstream that the pipeline names.
pub async fn ask(core: &Origin, forward: &Forward, client: Option<types::Request>) -> Result<Answered, Failure> {
    match forward.overall_timeout {
        0 => ask_patiently(core, forward, client).await,
        limit => within(limit, ask_patiently(core, forward, client)).await.unwrap_or(Err(Failure::Timeout)),
    }
}

async fn ask_patiently(core: &Origin, forward: &Forward, client: Option<types::Request>) -> Result<Answered, Failure> {
    let mut endpoints = Endpoints::of(core, forward);
    let outgoing = Outgoing {
        origin: endpoints.next()?,
        method: &forward.method,
        path_and_query: &forward.path_and_query,
        headers: &forward.headers,
        time_outs: TimeOuts {
            connect: forward.connect_timeout,
            first_byte: forward.response_timeout,
            between_bytes: forward.idle_timeout,
        },
    };
    let body = match client.filter(|_| forward.with_body && may_have_body(forward)) {
        Some(request) => body::of_client(request, forward).await?,
        None => None,
    };
    match body {
        Some(body) => with_body(outgoing, forward, body).await,
        None => repeatable(outgoing, endpoints, forward).await,
    }
}

/// Sends a copy of a request. Whatever comes back is dropped, to its end.
pub async fn mirror(core: &Origin, copy: &Forward) {
    if let Ok((_, response)) = ask(core, copy, None).await {
        let _ = body::read(response, MAX_DROPPED).await;
    }
}

/// Bytes of an authorization server's answer.
const MAX_OPINION: usize = 64 * 1024;

/// Asks an authorization server about a token (RFC 7662); none if nothing whole came in time.
pub async fn introspect(core: &Origin, question: Introspection) -> Option<Opinion> {
    let named = match &question.origin {
        Some(url) => Some(Origin::parse(url)?),
        None => None,
    };
    let timeout = question.timeout;
    let outgoing = Outgoing {
        origin: named.map_or(Cow::Borrowed(core), Cow::Owned),
        method: "POST",
        path_and_query: &question.path_and_query,
        headers: &question.headers,
        time_outs: TimeOuts { connect: timeout, first_byte: timeout, between_bytes: timeout },
    };
    let asked = async {
        let (contents, trailers) = body::whole(question.body.into());
        let request = outgoing.request(Some(contents), trailers).map_err(|failure| format!("{failure:?}"))?;
        let response = client::send(request).await.map_err(|code| code.to_string())?;
        let status = response.get_status_code();
        let body = body::read(response, MAX_OPINION).await.map_err(|failure| format!("{failure:?}"))?;
        Ok::<_, String>(Opinion { status, body })
    };
    match within(timeout, asked).await {
        Some(Ok(answer)) => Some(answer),
        Some(Err(reason)) => {
            eprintln!("the authorization server gave no answer: {reason}");
            None
        }
        None => {
            eprintln!("the authorization server took too long");
            None
        }
    }
}

/// A GET that says nothing of a body has none worth sending (RFC 9110, section 9.3.1); for other methods the body
/// itself tells.
fn may_have_body(forward: &Forward) -> bool {
    match forward.headers.iter().find(|field| field.name == "content-length") {
        Some(length) => length.value != b"0",
        None => !matches!(forward.method.as_str(), "GET" | "HEAD"),
    }
}

/// Sends what can be sent again: a request without a body, or with one that was read.
async fn repeatable<'a>(
    mut outgoing: Outgoing<'a>,
    mut endpoints: Endpoints<'a>,
    forward: &Forward,
) -> Result<Answered, Failure> {
    let mut left = forward.retries;
    loop {
        let request = match forward.body.as_ref().filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => {
                let (contents, trailers) = body::whole(bytes.clone());
                outgoing.request(Some(contents), trailers)?
            }
            None => outgoing.without_body()?,
        };
        let code = match client::send(request).await {
            Ok(response) => return answered(response),
            Err(code) => code,
        };
        // Where there is no connection, nobody got the request: another may, whatever its method.
        let unsent = matches!(code, ErrorCode::ConnectionRefused | ErrorCode::DnsError(_));
        match failure(&code) {
            _ if unsent && endpoints.has_more() => {}
            Failure::Unavailable | Failure::BadAnswer if left > 0 => left -= 1,
            failure => return Err(failure),
        }
        outgoing.origin = endpoints.next()?;
    }
}

async fn with_body(mut outgoing: Outgoing<'_>, forward: &Forward, body: ClientBody) -> Result<Answered, Failure> {
    // The host counts from the request's beginning, which would end uploads that are merely long.
    outgoing.time_outs.first_byte = u32::MAX;
    let (to, contents) = wit_stream::new();
    let (trailers_to, trailers) = wit_future::new(body::broken_off);
    let request = outgoing.request(Some(contents), trailers)?;

    let copy: Pin<Box<dyn Future<Output = Result<(), Failure>>>> =
        Box::pin(body.copy(to, trailers_to, forward.max_body, forward.idle_timeout));
    let sent = pin!(client::send(request));
    let response = match select(sent, copy).await {
        Either::Left((response, copy)) => {
            // An upstream may answer before it has read everything.
            spawn(async move {
                let _ = copy.await;
            });
            response
        }
        Either::Right((Ok(()), sent)) => within(forward.response_timeout, sent).await.ok_or(Failure::Timeout)?,
        Either::Right((Err(failure), _)) => return Err(failure),
    };
    response.map_err(|code| failure(&code)).and_then(answered)
}

fn answered(response: types::Response) -> Result<Answered, Failure> {
    let mut head = ResponseHead { status: response.get_status_code(), headers: fields(&response.get_headers()) };
    check_answer(&mut head)?;
    Ok((head, response))
}

/// The host's header lines as the pipeline's.
pub fn fields(headers: &Fields) -> Vec<Field> {
    headers.copy_all().into_iter().map(|(name, value)| Field { name, value }).collect()
}

impl Outgoing<'_> {
    /// A request that ends with its head.
    pub fn without_body(&self) -> Result<types::Request, Failure> {
        let (_, trailers) = wit_future::new(|| Ok(None));
        self.request(None, trailers)
    }

    fn request(
        &self,
        contents: Option<StreamReader<u8>>,
        trailers: FutureReader<TrailersResult>,
    ) -> Result<types::Request, Failure> {
        let mut lines: Vec<_> = self
            .headers
            .iter()
            // What is not sent has no length but 0.
            .filter(|field| contents.is_some() || field.name != "content-length")
            .map(|field| (field.name.clone(), field.value.clone()))
            .collect();
        if contents.is_none() && !matches!(self.method, "GET" | "HEAD") {
            // Hosts cannot tell an empty body from one of unknown length.
            lines.push(("content-length".to_owned(), b"0".to_vec()));
        }
        // Hop-by-hop headers and `host`, which hosts refuse, were removed by the pipeline.
        let headers = Fields::from_list(&lines).map_err(|_| Failure::BodyBroken)?;
        let (request, _) = types::Request::new(headers, contents, trailers, Some(self.time_outs.options()));
        let scheme = if self.origin.https { Scheme::Https } else { Scheme::Http };
        request
            .set_method(&method(self.method))
            .and_then(|()| request.set_scheme(Some(&scheme)))
            .and_then(|()| request.set_authority(Some(&self.origin.authority)))
            .and_then(|()| request.set_path_with_query(Some(self.path_and_query)))
            .map_err(|()| Failure::Forbidden)?;
        Ok(request)
    }
}

impl TimeOuts {
    fn options(self) -> RequestOptions {
        let options = RequestOptions::new();
        let nanoseconds = |milliseconds: u32| Some(u64::from(milliseconds) * 1_000_000);
        // A host that knows no such time-out goes without it.
        let _ = options.set_connect_timeout(nanoseconds(self.connect));
        let _ = options.set_first_byte_timeout(nanoseconds(self.first_byte));
        let _ = options.set_between_bytes_timeout(nanoseconds(self.between_bytes));
        options
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn failure(code: &ErrorCode) -> Failure {
    match code {
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Failure::Timeout,
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Failure::Forbidden,
        ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseTrailerSectionSize(_)
        | ErrorCode::HttpResponseTrailerSize(_)
        | ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpProtocolError => Failure::BadAnswer,
        _ => Failure::Unavailable,
    }
}
