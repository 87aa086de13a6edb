//! A new connection to an upstream.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::origin::Origin;
use super::request_body::RequestBody;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It took too long.
    #[error("no connection in time")]
    Timeout,
    /// It was refused, broke off, or was not whom we trust.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// hyper would not have it.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Connects, shakes hands, and lets the connection run in this thread.
pub async fn connect(
    origin: &Origin,
    tls: &Arc<ClientConfig>,
    patience: Duration,
) -> Result<SendRequest<RequestBody>, ConnectError> {
    timeout(patience, async {
        let host = origin.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, origin.port())).await?;
        stream.set_nodelay(true)?;
        if !origin.is_tls() {
            return start(stream).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        start(TlsConnector::from(tls.clone()).connect(name, stream).await?).await
    })
    .await
    .map_err(|_| ConnectError::Timeout)?
}

async fn start<I>(stream: I) -> Result<SendRequest<RequestBody>, ConnectError>
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        // A request is mostly its head alone, which one plain write sends for less than a gathering one.
        .writev(false)
        // An upstream is trusted with its answer's size, but not with our memory, nor with the time of this thread: this
        // is also what is read between two looks at the clock of an upstream that sends interim answers without end.
        .max_buf_size(64 * 1024)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::task::spawn_local(async move {
        // How a connection ends is told to the request that is on it.
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}
