//! What was measured, as JSON for programs and as Markdown for people.

use std::fmt::Write;
use std::thread;

use serde::Serialize;
use serde_json::{Value, json};

use super::questions::Question;
use crate::bench::load::Sample;
use crate::bench::report::{median, processor};

/// A question at a number of users.
struct Row {
    users: u32,
    question: Question,
    statements: f64,
    /// One per round.
    samples: Vec<Sample>,
}

/// What hashing passwords takes, with nothing beside it.
#[derive(Serialize)]
pub struct Hashing {
    pub milliseconds: f64,
    pub per_second: f64,
}

/// Everything that one run measured.
pub struct Report {
    rounds: u32,
    seconds: u32,
    connections: u32,
    hashing: Hashing,
    rows: Vec<Row>,
}

impl Report {
    /// An empty one.
    pub fn new(rounds: u32, seconds: u32, connections: u32, hashing: Hashing) -> Self {
        Self { rounds, seconds, connections, hashing, rows: Vec::new() }
    }

    /// Begins a row: how many statements one request sends.
    pub fn statements(&mut self, users: u32, question: Question, statements: f64) {
        self.rows.push(Row { users, question, statements, samples: Vec::new() });
    }

    /// Adds a round's measurement.
    pub fn add(&mut self, users: u32, question: Question, sample: Sample) {
        for row in self.rows.iter_mut().filter(|row| (row.users, row.question) == (users, question)) {
            row.samples.push(sample);
        }
    }

    /// A row's requests per second by those of the same question with the fewest users.
    fn ratio(&self, row: &Row) -> f64 {
        let first = self.rows.iter().find(|other| other.question == row.question);
        first.map_or(f64::NAN, |first| row.rate() / first.rate())
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(|row| row.to_json(self.ratio(row))).collect();
        json!({
            "machine": { "processor": processor(), "processors": processors() },
            "rounds": self.rounds, "seconds": self.seconds, "connections": self.connections,
            "hashing": self.hashing,
            "rows": rows,
        })
    }

    /// Everything, for people.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "\n## The core, and how it changes with the number of users\n\n{}, {} processors, shared by the load, the core and \
             PostgreSQL. wrk with {} connections; medians of {} rounds of {} s (from the slowest to the fastest). There are as \
             many sessions, members, documents and grants as users. `statements` are those that one request sends to \
             PostgreSQL, with those that begin and end a transaction.\n\n\
             | question | users | requests/s | p50 ms | p99 ms | statements | of the fewest users' |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n",
            processor(),
            processors(),
            self.connections,
            self.rounds,
            self.seconds
        );
        for question in Question::ALL {
            for row in self.rows.iter().filter(|row| row.question == question) {
                let (slowest, fastest) = row.spread();
                let _ = writeln!(
                    text,
                    "| {} | {} | {:.0} ({slowest:.0}–{fastest:.0}) | {:.2} | {:.2} | {:.1} | {:.2} |",
                    question.name(),
                    row.users,
                    row.rate(),
                    row.median(|sample| sample.p50_ms),
                    row.median(|sample| sample.p99_ms),
                    row.statements,
                    self.ratio(row)
                );
            }
        }
        let _ = writeln!(
            text,
            "\nHashing a password (Argon2id, 19 MiB, 2 passes) takes the core {:.1} ms, with as many at once as there are \
             processors and nothing beside it: {:.0} per second. A login hardly costs more.",
            self.hashing.milliseconds, self.hashing.per_second
        );
        text
    }
}

impl Row {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    fn rate(&self) -> f64 {
        self.median(|sample| sample.requests_per_second)
    }

    fn spread(&self) -> (f64, f64) {
        let rates = || self.samples.iter().map(|sample| sample.requests_per_second);
        (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max))
    }

    fn to_json(&self, ratio: f64) -> Value {
        json!({
            "question": self.question.name(), "users": self.users, "statements": self.statements,
            "requests_per_second": self.rate(), "ratio": ratio,
            "p50_ms": self.median(|sample| sample.p50_ms), "p99_ms": self.median(|sample| sample.p99_ms),
            "samples": self.samples,
        })
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}
