//! The server before the instances: what Spin's HTTP trigger does to a request.

use std::net::SocketAddr;

use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use wasmtime_wasi_http::{Error, WasiBody};

use super::instance::Handler;

pub async fn serve(listener: TcpListener, handler: Handler) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, client)) = listener.accept().await else { continue };
        stream.set_nodelay(true).unwrap();
        let handler = handler.clone();
        connections.spawn(async move {
            let answer = service_fn(|request| answer(handler.clone(), request, client));
            // A client that goes away is no failure of ours.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    handler: Handler,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<WasiBody>, std::convert::Infallible> {
    let Some(uri) = full_uri(&request) else {
        return Ok(plain(StatusCode::BAD_REQUEST, "no usable Host"));
    };
    add_spin_headers(request.headers_mut(), &uri, client);
    *request.uri_mut() = uri;
    let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    Ok(handler.handle((), request).await.unwrap_or_else(|error| {
        eprintln!("the gateway gave no answer: {error:?}");
        plain(StatusCode::INTERNAL_SERVER_ERROR, "the component failed")
    }))
}

/// Spin makes the target absolute, and refuses a `Host` that contradicts it.
fn full_uri(request: &Request<Incoming>) -> Option<Uri> {
    let mut parts = request.uri().clone().into_parts();
    let host = request.headers().get(HOST).map(|host| host.to_str().ok()?.parse::<Authority>().ok());
    parts.authority = match (host, parts.authority) {
        (None, authority) => authority,
        (Some(host), None) => Some(host?),
        (Some(host), Some(authority)) => host.filter(|host| *host == authority),
    };
    parts.authority.as_ref()?;
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).ok()
}

/// Spin appends its own behind what a client may have sent under the same names.
fn add_spin_headers(headers: &mut HeaderMap, uri: &Uri, client: SocketAddr) {
    headers.remove(CONNECTION);
    let path = uri.path().to_owned();
    let own = [
        ("spin-path-info", path),
        ("spin-full-url", uri.to_string()),
        ("spin-matched-route", "/...".to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", "/...".to_owned()),
        ("spin-component-route", String::new()),
        ("spin-client-addr", client.to_string()),
    ];
    for (name, value) in own {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(text.into()).map_err(Error::from).boxed_unsync();
    Response::builder().status(status).header(CONTENT_TYPE, "text/plain").body(body).unwrap()
}
