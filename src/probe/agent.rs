//! A target elsewhere without an exporter: a second mailgauge runs there, as a rule over ssh, and looks at what is local to it. It
//! answers each line of its standard input with one line of JSON on its standard output, and ends with its input. So the clock,
//! and the moment of each sample, are ours.

use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::connections::Ports;
use super::local::{Local, LocalMeter};
use super::usage::Usage;

/// The first answer has to wait for ssh.
const FIRST_ANSWER: Duration = Duration::from_secs(30);
/// A later one that takes longer is no sample.
const ANSWER: Duration = Duration::from_secs(5);
/// Time for the far end to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);
/// Octets of the longest line that is read.
const LONGEST_LINE: u64 = 64 << 10;
/// Answers that may wait to be read.
const WAITING: usize = 16;

/// How the agent is reached: a program and its arguments, such as `ssh mail.example.net mailgauge probe --agent --pid 812`.
/// No shell on this side reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Program and arguments, at least the program.
    pub command: Vec<String>,
}

/// One answer.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// The line that it answers.
    order: String,
    /// How the agent knows.
    source: String,
    usage: Usage,
}

/// Why an agent tells nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The program cannot be started.
    #[error("the agent cannot be started: {command}: {source}")]
    Start {
        /// The whole command.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended.
    #[error(
        "the agent ended: {command}; what it said is on standard error, and the same command can be tried by hand: it should wait for lines"
    )]
    Ended {
        /// The whole command.
        command: String,
    },
    /// It is there and says nothing.
    #[error("the agent does not answer within {} s: {command}", within.as_secs())]
    Silent {
        /// The whole command.
        command: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// It says something else.
    #[error(
        "the agent answers something else than `mailgauge probe --agent` of this version: {command}: {reason}"
    )]
    Nonsense {
        /// The whole command.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Agent {
    /// Whether it tells what is wanted, now.
    ///
    /// # Errors
    /// It cannot be started, ends, keeps silent, or says something else.
    pub fn check(&self) -> Result<(), AgentError> {
        AgentMeter::start(self)?.ask().map(drop)
    }
}

/// Asks an agent again and again.
#[derive(Debug)]
pub(super) struct AgentMeter {
    command: String,
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
    asked: u64,
    source: String,
    failed: bool,
}

impl AgentMeter {
    pub(super) fn start(agent: &Agent) -> Result<Self, AgentError> {
        let command = agent.command.join(" ");
        let fail = |source| AgentError::Start {
            command: command.clone(),
            source,
        };
        let (program, arguments) = agent
            .command
            .split_first()
            .ok_or_else(|| fail(io::Error::other("no program is named")))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let orders = child.stdin.take();
        let (sender, answers) = sync_channel(WAITING);
        if let Some(output) = child.stdout.take() {
            // Ends with the agent's output.
            let reader = thread::Builder::new().name("agent".to_owned());
            reader
                .spawn(move || {
                    let mut output = BufReader::new(output);
                    while let Some(line) = read_line(&mut output) {
                        if sender.send(line).is_err() {
                            return;
                        }
                    }
                })
                .map_err(fail)?;
        }
        Ok(Self {
            command,
            child,
            orders,
            answers,
            asked: 0,
            source: "agent".to_owned(),
            failed: false,
        })
    }

    /// How the agent knows, once it has answered.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// None: it did not answer this time, of which the first time is said in the log.
    pub(super) fn sample(&mut self) -> Option<Usage> {
        match self.ask() {
            Ok(usage) => Some(usage),
            Err(error) => {
                if !std::mem::replace(&mut self.failed, true) {
                    tracing::warn!("a sample of the server is missing: {error}");
                }
                None
            }
        }
    }

    pub(super) fn ask(&mut self) -> Result<Usage, AgentError> {
        let within = if self.asked == 0 {
            FIRST_ANSWER
        } else {
            ANSWER
        };
        let deadline = Instant::now() + within;
        self.asked += 1;
        let order = self.asked.to_string();
        let written = self.orders.as_mut().is_some_and(|orders| {
            writeln!(orders, "{order}")
                .and_then(|()| orders.flush())
                .is_ok()
        });
        if !written {
            return Err(self.ended());
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = match self.answers.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(AgentError::Silent {
                        command: self.command.clone(),
                        within,
                    });
                }
            };
            let answer: Answer =
                serde_json::from_str(&line).map_err(|error| AgentError::Nonsense {
                    command: self.command.clone(),
                    reason: error.to_string(),
                })?;
            // An answer to an order that was given up came late.
            if answer.order == order {
                self.source = format!("agent/{}", answer.source);
                return Ok(answer.usage);
            }
        }
    }

    fn ended(&self) -> AgentError {
        AgentError::Ended {
            command: self.command.clone(),
        }
    }
}

impl Drop for AgentMeter {
    fn drop(&mut self) {
        drop(self.orders.take());
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line without its end; none: there are no more. A line that is too long is cut, and so will not be understood.
fn read_line(from: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    from.take(LONGEST_LINE).read_until(b'\n', &mut line).ok()?;
    if line.is_empty() {
        return None;
    }
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The agent itself: answers each line of `orders` with a sample, until there are no more, or nobody reads the answers.
///
/// # Errors
/// The orders cannot be read, the answers not be written, or a thread not be started.
pub fn answer(
    local: &Local,
    ports: Ports,
    mut orders: impl BufRead,
    mut answers: impl Write,
) -> io::Result<()> {
    let mut meter = LocalMeter::new(local, ports)?;
    while let Some(order) = read_line(&mut orders) {
        let Some(usage) = meter.sample() else {
            return Err(io::Error::other("there is nothing to be seen"));
        };
        let answer = Answer {
            order,
            source: meter.source().to_owned(),
            usage,
        };
        serde_json::to_writer(&mut answers, &answer)?;
        answers.write_all(b"\n")?;
        answers.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(script: &str) -> Agent {
        Agent {
            command: ["sh", "-c", script].map(str::to_owned).into(),
        }
    }

    fn us() -> Local {
        Local {
            root: Some(std::process::id()),
            ..Local::default()
        }
    }

    #[test]
    fn each_line_gets_its_answer_and_the_end_of_the_lines_ends_it() {
        let mut answers = Vec::new();
        answer(&us(), Ports::default(), &b"1\nsecond\n"[..], &mut answers).unwrap();
        let answers: Vec<Answer> = String::from_utf8(answers)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[1].order, "second");
        assert_eq!(answers[1].source, "process-tree");
        assert!(answers[1].usage.rss_bytes > Some(0));
    }

    #[test]
    fn late_answers_are_passed_over() {
        let line = |order: u32, cpu: u32| {
            format!(r#"{{"order":"{order}","source":"cgroup","usage":{{"cpu_user_us":{cpu}}}}}"#)
        };
        let script = format!(
            "read a; echo '{}'; read b; echo '{}'; echo '{}'; cat >/dev/null",
            line(1, 10),
            line(1, 11),
            line(2, 20)
        );
        let mut meter = AgentMeter::start(&agent(&script)).unwrap();
        assert_eq!(meter.ask().unwrap().cpu_user_us, 10);
        assert_eq!(meter.ask().unwrap().cpu_user_us, 20);
        assert_eq!(meter.source(), "agent/cgroup");
    }

    #[test]
    fn an_agent_that_ends_or_talks_of_other_things_is_said_so() {
        let ended = agent("exit 1").check().unwrap_err();
        assert!(matches!(ended, AgentError::Ended { .. }), "{ended}");
        let other = agent("echo Welcome; cat >/dev/null").check().unwrap_err();
        assert!(matches!(other, AgentError::Nonsense { .. }), "{other}");
        let none = Agent {
            command: vec!["/nowhere/at/all".to_owned()],
        };
        let none = none.check().unwrap_err().to_string();
        assert!(none.contains("/nowhere/at/all"), "{none}");
    }

    #[test]
    fn an_endless_line_is_cut() {
        let long = vec![b'x'; 3 * LONGEST_LINE as usize];
        let line = read_line(&mut &long[..]).unwrap();
        assert_eq!(line.len() as u64, LONGEST_LINE);
    }
}
