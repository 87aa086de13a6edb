//! What the user sees of the work. Progress goes to stderr; stdout is for results alone.
//!
//! A terminal that went away is no reason to fail: servers are still to be stopped.

use std::io::Write;
use std::time::Instant;

/// A stage of the work, which says how long it took when it is done.
pub struct Stage {
    begun: Instant,
}

/// Begins a stage and says so.
pub fn stage(title: &str) -> Stage {
    progress(&format!("==> {title}"));
    Stage { begun: Instant::now() }
}

impl Stage {
    /// Ends the stage and gives its length in seconds.
    pub fn done(self) -> f64 {
        let seconds = self.begun.elapsed().as_secs_f64();
        note(&format!("done in {}", duration(seconds)));
        seconds
    }
}

/// A line below the current stage.
pub fn note(text: &str) {
    progress(&format!("    {text}"));
}

/// The last words of a command that failed.
pub fn failure(error: &anyhow::Error) {
    progress(&format!("error: {error:#}"));
}

/// A line of what was asked for.
pub fn result(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A length of time as people say it.
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}
