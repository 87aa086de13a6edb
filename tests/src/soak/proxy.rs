//! What stands between the edge and the core, and can lie about the snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A listener before the core.
pub struct Proxy {
    pub port: u16,
    lies: Arc<AtomicBool>,
    told: Arc<AtomicU64>,
    /// Connections that ask for the snapshot end when this changes.
    changed: watch::Sender<()>,
}

impl Proxy {
    pub async fn start(core_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (changed, _) = watch::channel(());
        let proxy = Self { port, lies: Arc::default(), told: Arc::default(), changed };
        let (lies, told, changed) = (proxy.lies.clone(), proxy.told.clone(), proxy.changed.clone());
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                tokio::spawn(serve(stream, core_port, lies.clone(), told.clone(), changed.subscribe()));
            }
        });
        proxy
    }

    /// From now on the snapshot is garbage, or what the core says.
    pub fn lie(&self, lies: bool) {
        self.lies.store(lies, Ordering::Relaxed);
        self.changed.send_replace(());
    }

    /// How many lies were told.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

async fn serve(
    mut client: TcpStream,
    core_port: u16,
    lies: Arc<AtomicBool>,
    told: Arc<AtomicU64>,
    mut changed: watch::Receiver<()>,
) {
    // The first line says what the connection is for: the edge asks for its snapshot on one of its own.
    let mut begun = vec![0; 4096];
    let Ok(length @ 1..) = client.read(&mut begun).await else { return };
    begun.truncate(length);
    let snapshot = begun.starts_with(b"GET /edge/v1/snapshot");
    if snapshot && lies.load(Ordering::Relaxed) {
        told.fetch_add(1, Ordering::Relaxed);
        let garbage = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\
                       etag: \"garbage\"\r\nconnection: close\r\n\r\n{\"routing\": {\"routes\": \"none at a";
        let _ = client.write_all(garbage.as_bytes()).await;
        return;
    }
    let Ok(mut core) = TcpStream::connect(("127.0.0.1", core_port)).await else { return };
    if core.write_all(&begun).await.is_err() {
        return;
    }
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut core) => {}
        _ = changed.changed(), if snapshot => {}
    }
}
