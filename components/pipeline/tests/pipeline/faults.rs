//! Policies that fail.

use crate::support::{Shell, caller};

#[test]
fn a_failure_anywhere_is_a_500_for_this_request_only() {
    for (failing, path) in [
        ("route", "/plain"),
        ("draw", "/private"),
        ("authenticate", "/private"),
        ("draw-caller", "/private"),
        ("judge-limits", "/limited"),
        ("plan-cache", "/cached"),
        ("judge-stored", "/cached"),
        ("keep", "/cached"),
        ("find-file", "/"),
    ] {
        let mut shell = Shell::new();
        shell.policies.caller = (path == "/private").then(caller);
        if failing == "judge-limits" {
            // Until there is something to judge.
            shell.get(path);
            shell.get(path);
        }
        shell.policies.failing = Some(failing);
        let got = shell.get(path);
        assert_eq!(got.status, 500, "{failing}");
        assert_eq!(got.slug(), "internal", "{failing}");
        assert!(!String::from_utf8_lossy(&got.body).contains("trapped"), "the client is not told");
        assert!(got.fault.unwrap().0.contains(failing), "the log is");

        shell.policies.failing = None;
        assert!(shell.get(path).status < 500, "after {failing}");
    }
}
