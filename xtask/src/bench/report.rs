//! What was measured, as JSON for programs and as Markdown for people, held against the bars.

use std::fmt::Write;
use std::fs;
use std::thread;

use serde_json::{Value, json};

use super::load::Sample;

/// A gateway before an upstream under a load.
struct Row {
    upstream: &'static str,
    gateway: &'static str,
    connections: u32,
    /// One per round.
    samples: Vec<Sample>,
    resident_mb: f64,
}

/// Everything that one run of the bench measured.
pub struct Report {
    rounds: u32,
    seconds: u32,
    rows: Vec<Row>,
    pub starts_ms: Vec<f64>,
    /// Memory of an edge whose start had to compile the components.
    pub first_resident_mb: f64,
    pub policies: Value,
    /// How busy the machine was before the bench began.
    load_before: String,
}

impl Report {
    /// An empty one.
    pub fn new(rounds: u32, seconds: u32) -> Self {
        let load_before = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load_before = load_before.split_whitespace().next().unwrap_or("unknown").to_owned();
        let (rows, starts_ms, policies) = (Vec::new(), Vec::new(), Value::Null);
        Self { rounds, seconds, rows, starts_ms, first_resident_mb: 0.0, policies, load_before }
    }

    /// Adds a round's measurement of a row.
    pub fn add(&mut self, upstream: &'static str, gateway: &'static str, connections: u32, sample: Sample) {
        let row = self
            .rows
            .iter_mut()
            .find(|row| (row.upstream, row.gateway, row.connections) == (upstream, gateway, connections));
        match row {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row { upstream, gateway, connections, samples: vec![sample], resident_mb: 0.0 }),
        }
    }

    /// Says how much memory a gateway had in the end.
    pub fn resident(&mut self, upstream: &'static str, gateway: &'static str, megabytes: f64) {
        for row in self.rows.iter_mut().filter(|row| (row.upstream, row.gateway) == (upstream, gateway)) {
            row.resident_mb = megabytes;
        }
    }

    fn row(&self, upstream: &str, gateway: &str, connections: u32) -> Option<&Row> {
        self.rows.iter().find(|row| (row.upstream, row.gateway, row.connections) == (upstream, gateway, connections))
    }

    /// The edge's requests per second as a share of another gateway's: the median over the rounds.
    fn ratio(&self, upstream: &str, other: &str) -> f64 {
        let (Some(edge), Some(other)) = (self.row(upstream, "edge", 16), self.row(upstream, other, 16)) else {
            return f64::NAN;
        };
        let pairs = edge.samples.iter().zip(&other.samples);
        median(pairs.map(|(edge, other)| edge.requests_per_second / other.requests_per_second))
    }

    /// What a gateway adds at p50 under light load, in milliseconds: the median over the rounds.
    fn added(&self, upstream: &str, gateway: &str) -> f64 {
        let (Some(row), Some(none)) = (self.row(upstream, gateway, 1), self.row(upstream, "none", 1)) else {
            return f64::NAN;
        };
        median(row.samples.iter().zip(&none.samples).map(|(row, none)| row.p50_ms - none.p50_ms))
    }

    fn edge_resident(&self) -> f64 {
        let edges = self.rows.iter().filter(|row| row.gateway == "edge");
        edges.map(|row| row.resident_mb).fold(0.0, f64::max)
    }

    /// The bars: what, how much was measured, in words what is wanted, and whether it is so.
    fn bars(&self) -> Vec<(&'static str, f64, &'static str, bool)> {
        let [before_nginx, before_core] = ["nginx", "core"].map(|upstream| self.added(upstream, "edge"));
        // The core may not have been measured.
        let added = if before_core.is_nan() { before_core } else { before_core.max(before_nginx) };
        let hs256 = self.ratio("nginx", "haproxy-hs256");
        let es256 = self.ratio("nginx", "haproxy-es256");
        let start = median(self.starts_ms.iter().copied());
        let resident = self.edge_resident();
        vec![
            ("added at p50, 1 connection (ms)", added, "< 0.3", added < 0.3),
            ("requests/s of HAProxy's with HS256", hs256, "≥ 0.7", hs256 >= 0.7),
            ("requests/s of HAProxy's with ES256", es256, "> 1", es256 > 1.0),
            ("start to ready, warm artefacts (ms)", start, "< 300", start < 300.0),
            ("resident memory of the edge, warm artefacts (MB)", resident, "< 40", resident < 40.0),
        ]
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(Row::to_json).collect();
        let bars: Vec<_> = self
            .bars()
            .into_iter()
            .map(|(what, measured, wanted, met)| json!({ "what": what, "measured": measured, "wanted": wanted, "met": met }))
            .collect();
        json!({
            "machine": { "processor": processor(), "processors": thread::available_parallelism().map_or(0, usize::from) },
            "load_before": self.load_before,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "rows": rows,
            "start_to_ready_ms": self.starts_ms,
            "resident_mb_after_compiling": self.first_resident_mb,
            "policies": self.policies,
            "bars": bars,
        })
    }

    /// Everything, for people.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "\n## The edge beside HAProxy\n\n{}, {} processors, shared by the load, the gateway and what is behind it (load average before: {}). wrk \
             with one thread; medians of {} rounds of {} s (from the slowest to the fastest). One worker of the edge, one \
             thread of HAProxy. The edge checks an EdDSA token, which it remembers once it is verified; HAProxy checks \
             the signature each time.\n\n\
             | upstream | gateway | connections | requests/s | p50 ms | p99 ms | resident MB |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n",
            processor(),
            thread::available_parallelism().map_or(0, usize::from),
            self.load_before,
            self.rounds,
            self.seconds
        );
        for row in &self.rows {
            let (slowest, fastest) = row.spread();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {:.0} ({slowest:.0}–{fastest:.0}) | {:.3} | {:.3} | {:.1} |",
                row.upstream,
                row.gateway,
                row.connections,
                row.median(|sample| sample.requests_per_second),
                row.median(|sample| sample.p50_ms),
                row.median(|sample| sample.p99_ms),
                row.resident_mb
            );
        }
        text.push_str("\n| the edge | nginx behind it | core behind it |\n| --- | --- | --- |\n");
        for (what, gateway) in
            [("HAProxy HS256", "haproxy-hs256"), ("HAProxy ES256", "haproxy-es256"), ("no gateway", "none")]
        {
            let _ = writeln!(
                text,
                "| requests/s, of those with {what} | {:.2} | {:.2} |",
                self.ratio("nginx", gateway),
                self.ratio("core", gateway)
            );
        }
        for (what, gateway) in
            [("the edge", "edge"), ("HAProxy HS256", "haproxy-hs256"), ("HAProxy ES256", "haproxy-es256")]
        {
            let _ = writeln!(
                text,
                "| added at p50 by {what} (ms) | {:.3} | {:.3} |",
                self.added("nginx", gateway),
                self.added("core", gateway)
            );
        }
        let _ = writeln!(
            text,
            "\nAn edge whose start had to compile the components: {:.1} MB resident.",
            self.first_resident_mb
        );
        let _ = writeln!(text, "\nPolicies, without a network: `{}`\n", self.policies);
        text.push_str("| bar | measured | wanted | met |\n| --- | --- | --- | --- |\n");
        for (what, measured, wanted, met) in self.bars() {
            let _ = writeln!(text, "| {what} | {measured:.3} | {wanted} | {} |", if met { "yes" } else { "no" });
        }
        text
    }
}

impl Row {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    fn spread(&self) -> (f64, f64) {
        let rates = || self.samples.iter().map(|sample| sample.requests_per_second);
        (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max))
    }

    fn to_json(&self) -> Value {
        json!({
            "upstream": self.upstream,
            "gateway": self.gateway,
            "connections": self.connections,
            "requests_per_second": self.median(|sample| sample.requests_per_second),
            "p50_ms": self.median(|sample| sample.p50_ms),
            "p99_ms": self.median(|sample| sample.p99_ms),
            "resident_mb": self.resident_mb,
            "samples": self.samples,
        })
    }
}

/// The middle value, or of two the middle between them; NaN of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// What the machine says that its processor is.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown processor", |model| model.trim_start_matches([' ', '\t', ':'])).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_medians_over_rounds() {
        let mut report = Report::new(3, 1);
        let sample = |rate| Sample { requests_per_second: rate, p50_ms: 1.0, p99_ms: 2.0 };
        for (edge, other) in [(80.0, 100.0), (30.0, 60.0), (90.0, 100.0)] {
            report.add("nginx", "edge", 16, sample(edge));
            report.add("nginx", "haproxy-hs256", 16, sample(other));
        }
        assert_eq!(report.ratio("nginx", "haproxy-hs256"), 0.8);
        assert!(report.ratio("core", "haproxy-hs256").is_nan());
    }

    #[test]
    fn nothing_measured_meets_no_bar() {
        assert!(Report::new(1, 1).bars().iter().filter(|bar| !bar.0.starts_with("resident")).all(|bar| !bar.3));
    }
}
