//! What the user sees of the work. Progress goes to stderr; stdout is for results alone.

use std::time::Instant;

/// A stage of the work, which says how long it took when it is done.
pub struct Stage {
    begun: Instant,
}

/// Begins a stage and says so.
pub fn stage(title: &str) -> Stage {
    eprintln!("==> {title}");
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
    eprintln!("    {text}");
}

/// The last words of a command that failed.
pub fn failure(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
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
