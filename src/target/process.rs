//! One child process: started, watched, stopped by its pid. Nothing of it survives the value that stands for it.

use std::io;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Cpus;

/// A server process of ours.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    pid: Pid,
    ended: Option<ExitStatus>,
}

impl ServerProcess {
    /// Starts it, on these processors if any are named. The calling thread should live as long as the server: a parent-death signal is tied to it.
    pub(super) fn start(command: &mut Command, cpus: Option<Cpus>) -> io::Result<Self> {
        let child = match cpus {
            Some(cpus) => cpus.run(|| command.spawn()),
            None => command.spawn(),
        }?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Self {
            child,
            pid,
            ended: None,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until it ends by itself. May be dropped and asked again.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = self.child.wait().await?;
        self.ended = Some(status);
        Ok(status)
    }

    /// SIGTERM, patience, SIGKILL.
    pub(super) async fn stop(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        if self.ended.is_none() {
            let _ = kill_process(self.pid, Signal::TERM);
        }
        if let Ok(status) = timeout(patience, self.ended()).await {
            return status;
        }
        tracing::warn!("process {} does not stop, killing it", self.pid());
        let _ = kill_process(self.pid, Signal::KILL);
        self.ended().await
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let _ = kill_process(self.pid, Signal::TERM);
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(3) {
                let _ = self.child.start_kill();
            }
            if begun.elapsed() > Duration::from_secs(5) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::process::Command;

    use super::ServerProcess;

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' TERM; while :; do sleep 0.05; done"]);
        let mut process = ServerProcess::start(&mut shell, None).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let status = process.stop(Duration::from_millis(100)).await.unwrap();
        assert!(!status.success());
    }

    #[tokio::test]
    async fn dropping_the_value_ends_the_process() {
        let process = ServerProcess::start(Command::new("sleep").arg("100"), None).unwrap();
        let proc = format!("/proc/{}", process.pid());
        drop(process);
        assert!(!std::path::Path::new(&proc).exists());
    }
}
