//! An upstream that costs next to nothing: nginx, which answers everything with the same small JSON.
//!
//! Only the edge's question for its snapshot goes on to the real core.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use crate::machine;
use crate::server::{self, Server};

/// Starts nginx at an address.
pub fn start(folder: &Path, address: SocketAddr, core: SocketAddr) -> Result<Server> {
    let program = machine::program_or_install(&["nginx"], "nginx", "nginx-light")?;
    let body = r#"{"items":[{"id":"01997b6a-7c1e-7d60-b6b9-0f4c6c2f9a11","data":{"title":"A note","stars":5}}],"next_cursor":null}"#;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("  {what}_temp_path {}/nginx-{what};\n", folder.display()))
        .concat();
    let configuration = folder.join("nginx.conf");
    fs::write(
        &configuration,
        format!(
            r"daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
{temporary}  server {{
    listen {address};
    location /edge/ {{ proxy_pass http://{core}; }}
    location / {{ return 200 '{body}'; }}
  }}
}}
",
            folder = folder.display()
        ),
    )?;
    let mut nginx = server::command(&program, Signal::SIGTERM);
    nginx.arg("-p").arg(folder).arg("-c").arg(&configuration).args(["-e", "stderr"]);
    let mut server = Server::start("nginx", nginx, Signal::SIGTERM, &folder.join("nginx.log"))?;
    server.wait_until(Duration::from_secs(10), || TcpStream::connect(address).is_ok())?;
    Ok(server)
}
