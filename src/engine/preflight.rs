//! Before a run: are there enough descriptors? The limit is raised as far as it goes, and the target's processes inherit it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::target::Request;

/// Files, pipes, the runtime's own descriptors, and the target's listeners and logs.
const SLACK: u64 = 128;
/// A server may hold a file or two of the mailbox besides each connection, and one more towards its login process.
const PER_CONNECTION: u64 = 3;

/// The run cannot be had on this machine as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the scenario needs up to {needed} open files per process ({connections} connections), but the limit is {limit}: raise it (`ulimit -n {needed}`), or take fewer users (`--users`)"
)]
pub struct PreflightError {
    connections: u32,
    needed: u64,
    limit: u64,
}

/// Raises this process's limit of open files to what the run needs, if it is lower.
pub fn make_room(request: &Request) -> Result<(), PreflightError> {
    let needed = needed(request.connections);
    let now = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(now.current) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: now.maximum,
    };
    if enough(now.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(PreflightError {
        connections: request.connections,
        needed,
        limit: now.maximum.unwrap_or(u64::MAX),
    })
}

fn needed(connections: u32) -> u64 {
    u64::from(connections) * PER_CONNECTION + SLACK
}

#[cfg(test)]
mod tests {
    use super::make_room;
    use crate::scenario::TlsMode;
    use crate::target::Request;

    #[test]
    fn a_run_that_needs_more_than_the_system_gives_is_refused_in_words() {
        let request = |connections| Request {
            accounts: 1,
            connections,
            tls: TlsMode::Plain,
            cpus: None,
        };
        assert_eq!(make_room(&request(10)), Ok(()));
        let error = make_room(&request(1_000_000_000)).unwrap_err();
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }
}
