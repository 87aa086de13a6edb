//! The guides, as a reader follows them: every block of shell in `docs/guides/`, in one shell, from the first to the last.

use std::fmt::Write;
use std::process::Command;

use breakwater_tests::postgres::Cluster;
use breakwater_tests::process::workspace;
use breakwater_tests::system::System;

/// The blocks of shell in a guide, each announced by its line.
fn script(guide: &str) -> String {
    let (mut script, mut inside) = (String::new(), false);
    for (number, line) in guide.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```sh";
            let _ = writeln!(script, "echo '# line {}' >&2", number + 1);
        } else if inside {
            let _ = writeln!(script, "{line}");
        }
    }
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guide_can_be_followed_to_the_letter() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let mut followed = 0;
    for guide in workspace().join("docs/guides").read_dir().unwrap() {
        let guide = guide.unwrap().path();
        let folder = tempfile::tempdir().unwrap();
        // A guide may wait for something; not for ever.
        let mut shell = Command::new("timeout");
        shell.args(["120", "bash", "-euo", "pipefail", "-c", &script(&std::fs::read_to_string(&guide).unwrap())]);
        shell.env("edge", system.url("")).current_dir(folder.path());
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        assert!(
            output.status.success(),
            "{} ends early ({}):\n{}\n{}",
            guide.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        followed += 1;
    }
    assert!(followed >= 2, "only {followed} guides were found");
}
