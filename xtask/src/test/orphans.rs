//! Programs that tests started and did not stop, because they were cut short themselves.
//!
//! On Linux we adopt them ("child subreaper", prctl(2)), so they are found and stopped whatever they did to get
//! away from their parents. Elsewhere a test that is killed may leave something behind.

use std::collections::BTreeSet;
use std::fs;
use std::process;

use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::interrupt;

/// From here on, descendants whose parents die become our children.
pub fn adopt() -> Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    Ok(())
}

/// Stops all children but our own servers, and tells how many there were.
pub fn stop(own: &[u32]) -> usize {
    let mut running = BTreeSet::new();
    // Those that do not go when asked are killed. The children of one that ends come to us in turn.
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        for _ in 0..250 {
            let orphans = children(own);
            if orphans.is_empty() {
                return running.len();
            }
            for orphan in orphans {
                // One that a test stopped is still ours to wait for, but was not left running.
                if matches!(waitpid(orphan, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive)) {
                    running.insert(orphan);
                    let _ = kill(orphan, signal);
                }
            }
            std::thread::sleep(interrupt::PULSE);
        }
    }
    running.len()
}

/// Our children, by the fourth field of /proc/PID/stat (proc(5)), which is the parent.
fn children(own: &[u32]) -> Vec<Pid> {
    let us = process::id().to_string();
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The second field is a name in parentheses, which may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if parent == Some(us.as_str()) && !own.contains(&id) {
            children.push(Pid::from_raw(id.cast_signed()));
        }
    }
    children
}
