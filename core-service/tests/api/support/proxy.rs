//! A TCP proxy that can be cut, to take the database away, and that can hold its answers back.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands between the core and PostgreSQL.
pub struct Proxy {
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Up,
    Cut,
    /// The answer to who says this waits.
    HoldsAfter(&'static str),
    /// It was said.
    Holds,
}

impl Proxy {
    pub async fn before(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new(State::Up);
        let proxy = Self { address, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() != State::Cut {
                    tokio::spawn(carry(client, target.clone(), state.clone()));
                }
            }
        });
        proxy
    }

    /// Cuts every connection and lets no new one live.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Lets everything through.
    pub fn mend(&self) {
        self.state.send_replace(State::Up);
    }

    /// Holds answers back from when a client says `word`.
    pub fn hold_after(&self, word: &'static str) {
        self.state.send_replace(State::HoldsAfter(word));
    }

    /// Waits until the word was said.
    pub async fn held(&self) {
        self.state.subscribe().wait_for(|state| *state == State::Holds).await.unwrap();
    }
}

async fn carry(client: TcpStream, target: String, state: watch::Sender<State>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let mut up = state.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, Direction::Asks, &state) => {}
        () = pass(from_server, to_client, Direction::Answers, &state) => {}
        _ = up.wait_for(|state| *state == State::Cut) => {}
    }
}

enum Direction {
    Asks,
    Answers,
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction, state: &watch::Sender<State>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut change = state.subscribe();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let said = &buffer[..length];
        match direction {
            Direction::Asks => {
                let holds = |word: &str| said.windows(word.len()).any(|part| part == word.as_bytes());
                if matches!(*state.borrow(), State::HoldsAfter(word) if holds(word)) {
                    state.send_replace(State::Holds);
                }
            }
            Direction::Answers => drop(change.wait_for(|state| *state != State::Holds).await),
        }
        if to.write_all(said).await.is_err() {
            return;
        }
    }
}
