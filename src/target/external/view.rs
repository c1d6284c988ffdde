//! By what a server that was there before is seen: on this machine its processes, its control group and its mail storage; elsewhere
//! an exporter or an agent.

use std::path::{Path, PathBuf};

use crate::probe::{Agent, Exporters, Instrument, Local};
use crate::target::TargetError;

use super::description::ServerText;
use super::unusable;

/// As the target file says it.
#[derive(Clone, Debug)]
pub(super) enum View {
    /// The server is on this machine.
    Local(Here),
    /// Its machine has exporters.
    Exporters(Exporters),
    /// Its machine runs a mailgauge.
    Agent(Agent),
}

/// What of a server on this machine is named.
#[derive(Clone, Debug, Default)]
pub(super) struct Here {
    /// The process that all others of the server descend from.
    pub(super) pid: Option<u32>,
    /// Its control group; with a `pid`, the mount of control groups that the group of that process is below.
    pub(super) cgroup: Option<PathBuf>,
    /// The folder of its mail.
    pub(super) storage: Option<PathBuf>,
}

impl Default for View {
    fn default() -> Self {
        Self::Local(Here::default())
    }
}

/// What is wrong with a target file's `[server]`.
#[derive(Debug)]
pub(super) struct Misfit {
    /// The key, from the top of the file.
    pub(super) key: String,
    /// What is wrong, and what would be right.
    pub(super) message: &'static str,
}

impl Misfit {
    fn new(key: impl Into<String>, message: &'static str) -> Self {
        Self {
            key: format!("server.{}", key.into()),
            message,
        }
    }
}

impl View {
    /// As the target file says it.
    pub(super) fn of(text: &ServerText) -> Result<Self, Misfit> {
        let is_local = text.pid.is_some() || text.cgroup.is_some() || text.storage.is_some();
        let is_exported = !text.metrics.is_empty();
        let is_agent = text.agent.is_some();
        if [is_local, is_exported, is_agent]
            .iter()
            .filter(|it| **it)
            .count()
            > 1
        {
            return Err(Misfit::new(
                if is_agent { "agent" } else { "metrics" },
                "a server is seen on this machine (`pid`, `cgroup`, `storage`), or by its exporters (`metrics`), or by an `agent`: name one of the three",
            ));
        }
        if text.process_group.is_some() && !is_exported {
            return Err(Misfit::new(
                "process_group",
                "this chooses among what exporters tell: name them (`metrics = [\"http://mail.example.net:9256/metrics\"]`)",
            ));
        }
        match &text.agent {
            Some(command) => agent(command).map(Self::Agent),
            None if is_exported => exporters(text).map(Self::Exporters),
            None if text.pid == Some(0) => Err(Misfit::new("pid", "0 is no process")),
            None => Ok(Self::Local(Here {
                pid: text.pid,
                cgroup: text.cgroup.clone(),
                storage: text.storage.clone(),
            })),
        }
    }

    /// Looks whether it tells anything; may take as long as an agent needs to answer. None: nothing was named.
    pub(super) fn find(&self) -> Result<Option<Instrument>, TargetError> {
        match self {
            Self::Local(local) => {
                let (cgroup, storage) = (local.cgroup.as_deref(), local.storage.as_deref());
                let found = Local::find(local.pid, cgroup, storage)
                    .map_err(|error| unusable(error.to_string()))?;
                Ok(found.map(Instrument::Local))
            }
            Self::Exporters(exporters) => {
                exporters
                    .check()
                    .map_err(|error| unusable(error.to_string()))?;
                Ok(Some(Instrument::Exporters(exporters.clone())))
            }
            Self::Agent(agent) => {
                agent.check().map_err(|error| unusable(error.to_string()))?;
                Ok(Some(Instrument::Agent(agent.clone())))
            }
        }
    }

    /// The folder of its mail, if that is on this machine.
    pub(super) fn storage(&self) -> Option<&Path> {
        match self {
            Self::Local(local) => local.storage.as_deref(),
            _ => None,
        }
    }
}

fn agent(command: &[String]) -> Result<Agent, Misfit> {
    if command.is_empty() {
        return Err(Misfit::new(
            "agent",
            "name the program and its arguments: `agent = [\"ssh\", \"mail.example.net\", \"mailgauge\", \"probe\", \"--agent\", \"--pid\", \"812\"]`",
        ));
    }
    Ok(Agent {
        command: command.to_vec(),
    })
}

fn exporters(text: &ServerText) -> Result<Exporters, Misfit> {
    let other = text
        .metrics
        .iter()
        .position(|url| !url.starts_with("http://"));
    if let Some(index) = other {
        return Err(Misfit::new(
            format!("metrics.{index}"),
            "an exporter is read over plain HTTP, `http://host:port/metrics`; one behind TLS can be brought here by `ssh -L`",
        ));
    }
    Ok(Exporters {
        urls: text.metrics.clone(),
        group: text.process_group.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::{ServerText, View};

    #[test]
    fn a_server_is_seen_in_one_way() {
        let both = ServerText {
            pid: Some(1),
            metrics: vec!["http://127.0.0.1:9100/metrics".to_owned()],
            ..ServerText::default()
        };
        assert_eq!(View::of(&both).unwrap_err().key, "server.metrics");

        let nameless = ServerText {
            agent: Some(Vec::new()),
            ..ServerText::default()
        };
        assert_eq!(View::of(&nameless).unwrap_err().key, "server.agent");

        let tls = ServerText {
            metrics: vec![
                "http://127.0.0.1:9100/metrics".to_owned(),
                "https://127.0.0.1:9256/metrics".to_owned(),
            ],
            ..ServerText::default()
        };
        assert_eq!(View::of(&tls).unwrap_err().key, "server.metrics.1");

        let group = ServerText {
            process_group: Some("dovecot".to_owned()),
            ..ServerText::default()
        };
        assert_eq!(View::of(&group).unwrap_err().key, "server.process_group");
    }
}
