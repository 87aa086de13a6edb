//! What was counted, and what was wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::system::System;

use super::clients::Confirmed;

/// What became of requests in one stretch of time.
#[derive(Default)]
pub struct Tally {
    pub good: u64,
    /// Refused with a problem, by its type.
    pub refused: BTreeMap<String, u64>,
    /// No answer, or half of one, where a server was killed.
    pub lost: u64,
    pub wrong: Vec<String>,
}

/// The whole run.
#[derive(Default)]
pub struct Report {
    stretches: Vec<(&'static str, Option<Duration>, Tally)>,
    documents: usize,
    wrong: Vec<String>,
}

impl Report {
    /// Adds a stretch, and how long it took after a fault until there was a good answer again.
    pub(super) fn add(&mut self, name: &'static str, recovered: Option<Duration>, mut tally: Tally) {
        self.wrong.extend(tally.wrong.drain(..).map(|wrong| format!("{name}: {wrong}")));
        self.stretches.push((name, recovered, tally));
    }

    /// Holds what a client was told against what is there.
    pub(super) async fn confirm(&mut self, system: &System, confirmed: Confirmed) {
        self.documents += confirmed.numbers.len();
        let stored = confirmed.user.numbers(system).await;
        for number in &confirmed.numbers {
            let times = stored.iter().filter(|stored| *stored == number).count();
            if times != 1 {
                self.wrong.push(format!("document {number} was confirmed and stands {times} times"));
            }
        }
    }

    /// Whether anything was wrong, or nothing happened at all.
    pub fn failed(&self) -> bool {
        !self.wrong.is_empty() || self.documents == 0 || self.stretches.iter().all(|(.., tally)| tally.good == 0)
    }

    /// What the servers warned of, and the last that they said.
    pub(super) fn show(&self, system: &System) {
        for (name, output) in [("core", system.core.output()), ("edge", system.edge.output())] {
            eprintln!("--- of what the {name} printed:");
            let last = output.lines().count().saturating_sub(10);
            let told =
                |(number, line): &(usize, &str)| *number >= last || line.contains(" ERROR ") || line.contains(" WARN ");
            output.lines().enumerate().filter(told).for_each(|(_, line)| eprintln!("{line}"));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| while | good | refused | lost | well again after |\n| --- | --- | --- | --- | --- |")?;
        for (name, recovered, tally) in &self.stretches {
            let refused: Vec<_> = tally.refused.iter().map(|(slug, count)| format!("{count} {slug}")).collect();
            let recovered = recovered.map_or(String::new(), |time| format!("{} ms", time.as_millis()));
            let (good, lost) = (tally.good, tally.lost);
            writeln!(formatter, "| {name} | {good} | {} | {lost} | {recovered} |", refused.join(", "))?;
        }
        writeln!(formatter, "\n{} documents were confirmed; {} things were wrong", self.documents, self.wrong.len())?;
        self.wrong.iter().take(20).try_for_each(|wrong| writeln!(formatter, "- {wrong}"))
    }
}
