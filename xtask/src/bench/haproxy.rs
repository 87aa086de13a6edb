//! HAProxy, one thread, doing what the edge does: the token's signature and claims, a rate limit by address, the route.
//!
//! The token that it checks is another one than the core's own, which the core checks itself, and comes in a header of
//! its own. HAProxy checks a signature with every request; it has no memory for verified tokens.

use std::fmt::Write;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::tokens::{AUDIENCE, ISSUER, Tokens};
use crate::server::{self, Server};
use crate::{machine, process};

/// The header that carries the token for HAProxy.
pub const TOKEN_HEADER: &str = "x-gateway-authorization";

/// A listener: which algorithm it checks and where it forwards.
pub struct Listener {
    pub algorithm: &'static str,
    pub address: SocketAddr,
    pub upstream: SocketAddr,
}

/// Starts one HAProxy with a few listeners.
pub fn start(folder: &Path, tokens: &Tokens, listeners: &[Listener]) -> Result<Server> {
    let program = machine::program_or_install(&["haproxy"], "HAProxy", "haproxy")?;
    let configuration = folder.join("haproxy.cfg");
    fs::write(&configuration, configure(tokens, listeners)?)?;
    let mut check = std::process::Command::new(&program);
    process::output(check.arg("-c").arg("-q").arg("-f").arg(&configuration))?;
    let mut haproxy = server::command(&program, Signal::SIGTERM);
    haproxy.arg("-db").arg("-f").arg(&configuration);
    let mut server = Server::start("HAProxy", haproxy, Signal::SIGTERM, &folder.join("haproxy.log"))?;
    server.wait_until(Duration::from_secs(10), || {
        listeners.iter().all(|listener| TcpStream::connect(listener.address).is_ok())
    })?;
    Ok(server)
}

fn configure(tokens: &Tokens, listeners: &[Listener]) -> Result<String> {
    let mut text = String::from(
        "global\n  nbthread 1\n  maxconn 4096\n  tune.ssl.default-dh-param 2048\n\
         defaults\n  mode http\n  timeout connect 1s\n  timeout client 30s\n  timeout server 15s\n  http-reuse always\n",
    );
    for (number, Listener { algorithm, address, upstream }) in listeners.iter().enumerate() {
        let key = match *algorithm {
            "HS256" => tokens.secret.clone(),
            _ => tokens.public_key.display().to_string(),
        };
        write!(
            text,
            r#"
frontend edge{number}
  bind {address}
  acl a_route path_beg /api/v1/
  http-request return status 404 unless a_route
  stick-table type ip size 100k expire 2m store http_req_rate(60s)
  http-request track-sc0 src
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000000 }}
  http-request set-var(txn.token) http_auth_bearer({TOKEN_HEADER})
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str {algorithm} }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{key}") 1 }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.iss') -m str {ISSUER} }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.aud') -m str {AUDIENCE} }}
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request set-header x-forwarded-for %[src]
  default_backend upstream{number}
backend upstream{number}
  server upstream {upstream}
"#
        )?;
    }
    Ok(text)
}
