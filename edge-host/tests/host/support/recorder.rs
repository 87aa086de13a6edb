//! An upstream that reads to the letter, writes down what it got, and answers with whatever bytes it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request that came whole and can be read in one way only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// On which connection it came.
    pub connection: usize,
}

/// The upstream.
pub struct Recorder {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Taken>>,
    /// What could be read in more ways than one.
    ambiguous: Mutex<Vec<String>>,
    /// What requests for `…/scripted` are answered with, and whether that is repeated until nobody listens.
    script: Mutex<(Vec<u8>, bool)>,
    connections: AtomicUsize,
}

impl Recorder {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        tokio::spawn({
            let shared = shared.clone();
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(serve(stream, connection, shared.clone()));
                }
            }
        });
        Self { address, shared }
    }

    /// Answers requests for `…/scripted` so.
    pub fn script(&self, answer: &[u8], repeated: bool) {
        *self.shared.script.lock().unwrap() = (answer.to_vec(), repeated);
    }

    /// What came since this was asked last; fails if any of it was ambiguous.
    pub fn taken(&self) -> Vec<Taken> {
        let ambiguous = std::mem::take(&mut *self.shared.ambiguous.lock().unwrap());
        assert!(ambiguous.is_empty(), "the upstream got what can be read in two ways: {ambiguous:?}");
        std::mem::take(&mut *self.shared.taken.lock().unwrap())
    }
}

impl Taken {
    /// The value of a header that was said once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} was said more than once");
        value
    }
}

async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    let mut read = Vec::new();
    loop {
        match message(&read) {
            Ok(Some((taken, length))) => {
                read.drain(..length);
                let scripted = taken.target.ends_with("/scripted");
                shared.taken.lock().unwrap().push(Taken { connection, ..taken });
                let (answer, repeated) = match scripted {
                    true => shared.script.lock().unwrap().clone(),
                    false => (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(), false),
                };
                loop {
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                    if !repeated {
                        break;
                    }
                }
            }
            // What the edge gave up is no request.
            Ok(None) => match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            Err(why) => {
                let text = String::from_utf8_lossy(&read).into_owned();
                shared.ambiguous.lock().unwrap().push(format!("{why}: {text:?}"));
                return;
            }
        }
    }
}

/// The first whole message and how long it is; none while it has not come.
fn message(read: &[u8]) -> Result<Option<(Taken, usize)>, &'static str> {
    let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&read[..end]).map_err(|_| "not text")?;
    let mut lines = head.split("\r\n");
    if head.replace("\r\n", "").contains(['\r', '\n', '\0']) {
        return Err("a stray control character");
    }
    let line: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = line[..] else { return Err("no request line") };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("no header")?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err("no header name");
        }
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let all = |name: &str| -> Vec<String> {
        headers.iter().filter(|(one, _)| one == name).map(|(_, value)| value.clone()).collect()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    let body = &read[end + 4..];
    let whole = match (&lengths[..], &codings[..]) {
        ([], []) => Some((Vec::new(), 0)),
        ([length], []) => {
            let length: usize = length.parse().map_err(|_| "no length")?;
            (body.len() >= length).then(|| (body[..length].to_vec(), length))
        }
        ([], [coding]) if coding == "chunked" => chunks(body)?,
        _ => return Err("more than one length"),
    };
    Ok(whole.map(|(body, length)| {
        let body = String::from_utf8_lossy(&body).into_owned();
        let taken = Taken { method: method.to_owned(), target: target.to_owned(), headers, body, connection: 0 };
        (taken, end + 4 + length)
    }))
}

/// A body in chunks, without extensions or trailers.
fn chunks(from: &[u8]) -> Result<Option<(Vec<u8>, usize)>, &'static str> {
    let (mut at, mut body) = (0, Vec::new());
    loop {
        let Some(end) = from[at..].windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&from[at..at + end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.ok_or("no chunk size")?;
        at += end + 2;
        if from.len() < at + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&from[at..at + size]);
        if &from[at + size..at + size + 2] != b"\r\n" {
            return Err("a chunk without its end");
        }
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}
