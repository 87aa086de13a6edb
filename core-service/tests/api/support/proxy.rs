//! A TCP proxy that can be cut, to take the database away.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands between the core and PostgreSQL.
pub struct Proxy {
    pub address: SocketAddr,
    up: watch::Sender<bool>,
}

impl Proxy {
    pub async fn before(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (up, is_up) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *is_up.borrow() {
                    tokio::spawn(carry(client, target.clone(), is_up.clone()));
                }
            }
        });
        Self { address, up }
    }

    /// Cuts every connection and lets no new one live.
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Lets new connections through.
    pub fn mend(&self) {
        self.up.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, target: String, mut up: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = up.wait_for(|up| !up) => {}
    }
}
