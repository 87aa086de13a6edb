//! Faults under load, for `cargo xtask soak`: prints what was counted, and fails if anything was wrong.

use std::process::ExitCode;
use std::time::Duration;

use breakwater_tests::soak;

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(180);
    let report = soak::run(Duration::from_secs(seconds)).await;
    println!("{report}");
    if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
