//! Servers that run beside us and are always stopped, in the reverse order of their start.
//!
//! Each has a process group of its own, so that Ctrl-C in a terminal does not reach it before we say so. Should
//! we be killed without a chance to do that, `setpriv` (where util-linux has it) has told the kernel to stop it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};

use crate::{interrupt, machine, process, say};

/// How long a server may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(35);

static SETPRIV: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let setpriv = machine::program("setpriv")?;
    let help = Command::new(&setpriv).arg("--help").output().ok()?;
    String::from_utf8_lossy(&help.stdout).contains("--pdeathsig").then_some(setpriv)
});

/// A running server.
pub struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop: Signal,
    stopped: bool,
}

/// A command for a server that stops with `stop`, also when we die.
pub fn command(program: &Path, stop: Signal) -> Command {
    let Some(setpriv) = SETPRIV.as_ref() else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    let signal = stop.as_str().trim_start_matches("SIG");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

impl Server {
    /// Starts a command of [`command`], with its output in a file.
    pub fn start(name: &'static str, mut command: Command, stop: Signal, log: &Path) -> Result<Self> {
        interrupt::check()?;
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        // A log is read in editors, too.
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = process::spawn(&mut command)?;
        Ok(Self { name, child, log: log.to_owned(), stop, stopped: false })
    }

    /// Fails if the server is not running any more.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            self.stopped = true;
            bail!("{} ended by itself with {status}. The end of {}:\n{}", self.name, self.log.display(), self.tail());
        }
        Ok(())
    }

    /// Waits until the server answers as `ready` wants it.
    pub fn wait_until(&mut self, patience: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let answered = interrupt::wait_for(patience, || {
            self.check()?;
            Ok(ready().then_some(()))
        })?;
        if answered.is_none() {
            bail!(
                "{} was not ready within {} s. The end of {}:\n{}",
                self.name,
                patience.as_secs(),
                self.log.display(),
                self.tail()
            );
        }
        Ok(())
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to stop, and kills it if it does not.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // It has not been waited for, so the number is still its own.
        let _ = kill(process::pid(&self.child), self.stop);
        let pulses = PATIENCE.as_millis() / interrupt::PULSE.as_millis();
        for _ in 0..pulses {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(interrupt::PULSE);
        }
        say::note(&format!("{} did not stop within {} s and is killed", self.name, PATIENCE.as_secs()));
        process::signal_group(&self.child, Signal::SIGKILL);
        let _ = self.child.wait();
    }

    fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Servers that build on each other.
#[derive(Default)]
pub struct Servers(Vec<Server>);

impl Servers {
    /// Adds a server that those before it do not need.
    pub fn push(&mut self, server: Server) {
        self.0.push(server);
    }

    /// Fails, naming the server, if one is not running any more.
    pub fn check(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(Server::check)
    }

    /// Stops all of them, the last first, and says so.
    pub fn stop(&mut self) {
        while let Some(mut server) = self.0.pop() {
            if !server.stopped {
                say::note(&format!("stopping {}", server.name));
            }
            server.stop();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        while let Some(mut server) = self.0.pop() {
            server.stop();
        }
    }
}
