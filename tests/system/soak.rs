//! Faults under load, in short: `cargo xtask soak` goes on for longer.

use std::time::Duration;

use breakwater_tests::soak;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_no_answer_is_wrong() {
    let report = soak::run(Duration::from_secs(24)).await;
    println!("{report}");
    assert!(!report.failed(), "{report}");
}
