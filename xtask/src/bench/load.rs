//! Load by wrk: one thread, a few connections, each of which sends the next request when it has its answer.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::process;

/// What one run of wrk measured.
#[derive(Clone, Copy, Serialize)]
pub struct Sample {
    pub requests_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// What the script below prints.
#[derive(Deserialize)]
struct Said {
    requests: f64,
    microseconds: f64,
    errors: u64,
    p50: f64,
    p99: f64,
}

/// Requests for wrk to send.
pub struct Load<'a> {
    pub path: &'a str,
    pub headers: &'a [(String, String)],
    /// What else the requests are, in Lua.
    pub script: &'a str,
    pub connections: u32,
    pub seconds: u32,
}

/// Runs wrk against a server. Any answer but 2xx and 3xx makes the run worthless.
pub fn run(folder: &Path, address: SocketAddr, load: &Load<'_>) -> Result<Sample> {
    let Load { path, headers, script: more, connections, seconds } = load;
    let mut script = String::new();
    for (name, value) in *headers {
        writeln!(script, "wrk.headers[{name:?}] = {value:?}")?;
    }
    script.push_str(more);
    script.push_str(
        "\ndone = function(summary, latency, requests)\n  \
           local e = summary.errors\n  \
           io.write(string.format('SAID {\"requests\":%d,\"microseconds\":%d,\"errors\":%d,\"p50\":%d,\"p99\":%d}\\n',\n    \
             summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,\n    \
             latency:percentile(50), latency:percentile(99)))\nend\n",
    );
    let file = folder.join("wrk.lua");
    fs::write(&file, script)?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"]).arg(&file);
    let output = process::output(wrk.arg(format!("http://{address}{path}")))?;
    crate::interrupt::check()?;
    let said = output.lines().find_map(|line| line.strip_prefix("SAID ")).context("wrk said nothing")?;
    let said: Said = serde_json::from_str(said)?;
    if said.errors > 0 || said.requests == 0.0 {
        bail!("{} of {} requests to {address} failed:\n{output}", said.errors, said.requests);
    }
    Ok(Sample {
        requests_per_second: said.requests / (said.microseconds / 1e6),
        p50_ms: said.p50 / 1e3,
        p99_ms: said.p99 / 1e3,
    })
}

/// The resident memory of a process in megabytes.
pub fn resident(process_id: u32) -> Result<f64> {
    let kilobytes = process::output(Command::new("ps").args(["-o", "rss=", "-p", &process_id.to_string()]))?;
    Ok(kilobytes.trim().parse::<f64>().context("ps said no number")? * 1024.0 / 1e6)
}
