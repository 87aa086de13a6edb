//! Connections by hand, for clients that no library plays.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A plain connection.
pub struct Wire(pub TcpStream);

impl Wire {
    pub async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until this text has come; what came so far.
    pub async fn until(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = timeout(Duration::from_secs(20), self.0.read(&mut buffer)).await.expect("in time").unwrap();
            assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&buffer[..count]);
            let so_far = String::from_utf8_lossy(&read);
            if so_far.contains(text) {
                return so_far.into_owned();
            }
        }
    }

    /// Reads to the end of the connection.
    pub async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        // An end by reset is an end.
        let _ = timeout(Duration::from_secs(20), self.0.read_to_end(&mut read)).await.expect("in time");
        String::from_utf8_lossy(&read).into_owned()
    }
}
