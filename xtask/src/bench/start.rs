//! How long the edge takes from its start until it is ready, with a core that is.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{interrupt, stack::Stack};

/// Milliseconds from the start of the process to the first `200` of `/readyz`.
pub fn measure(stack: &Stack<'_>) -> Result<f64> {
    let begun = Instant::now();
    let mut edge = stack.spawn_edge("edge-start", &["--workers", "1"])?;
    loop {
        if ready(stack.edge) {
            break;
        }
        edge.check()?;
        interrupt::check()?;
        if begun.elapsed() > Duration::from_secs(60) {
            bail!("the edge was not ready within a minute");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    edge.stop();
    Ok(milliseconds)
}

/// One connection, one question: cheaper than a client, since it is asked every millisecond.
fn ready(address: SocketAddr) -> bool {
    let mut answer = [0; 12];
    TcpStream::connect(address)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            stream.read_exact(&mut answer)
        })
        .is_ok_and(|()| &answer == b"HTTP/1.1 200")
}
