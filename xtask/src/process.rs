//! Programs that run to their end.
//!
//! Each gets a process group of its own, so that Ctrl-C reaches xtask alone, which then ends the whole group
//! and nothing stays behind.

use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::interrupt;

/// Runs a program, with its output where ours goes, and fails if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a program, with its output where ours goes, and tells how it ended.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    let mut child = spawn(command.stdin(Stdio::null()))?;
    finish(&mut child)
}

/// Runs a program that says little and gives what it said on stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{}`", line(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}\n{}", line(command), output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` did not speak UTF-8", line(command)))
}

/// Gives a program something to read and takes what it makes of it.
pub fn filter(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    child.stdin.take().context("stdin is piped")?.write_all(input)?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("`{}` ended with {}", line(command), output.status);
    }
    Ok(output.stdout)
}

/// Starts a program in a process group of its own.
pub fn spawn(command: &mut Command) -> Result<Child> {
    command.process_group(0).spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("`{}` is not installed", command.get_program().to_string_lossy()),
        _ => anyhow::anyhow!("cannot run `{}`: {error}", line(command)),
    })
}

/// Waits for a program to end; an interrupt ends it first.
pub fn finish(child: &mut Child) -> Result<ExitStatus> {
    let forever = Duration::from_secs(24 * 60 * 60);
    match interrupt::wait_for(forever, || Ok(child.try_wait()?)) {
        Ok(Some(status)) => Ok(status),
        Ok(None) => bail!("a program ran for more than a day"),
        Err(error) => {
            signal_group(child, Signal::SIGTERM);
            child.wait()?;
            Err(error)
        }
    }
}

/// Sends a signal to a child's whole group. The child must not have been waited for yet, so its number is its own.
pub fn signal_group(child: &Child, signal: Signal) {
    // A group that is gone already needs no signal.
    let _ = killpg(pid(child), signal);
}

/// The child's number as a signal wants it.
pub fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}
