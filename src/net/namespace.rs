//! A network namespace of a device's own with a wire to this machine, on which the kernel emulates the network: rate, delay
//! and jitter by netem. Needs root, and `ip` and `tc` (iproute2). Sockets are made in the namespace; whoever uses them need
//! not be there.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::process::Command;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::link::Shape;

/// Below it the addresses of both ends of each wire lie: 198.18.0.0/15 is for measurements (RFC 2544).
const ADDRESSES: u32 = u32::from_be_bytes([198, 18, 0, 0]);

/// So many wires have addresses there.
pub const MOST_NAMESPACES: u32 = 1 << 15;

/// Why the kernel cannot emulate a network here.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// Somebody else than root asked.
    #[error("network namespaces need root")]
    NotRoot,
    /// A tool is not there, or said no.
    #[error("`{command}` failed: {words}")]
    Refused {
        /// What was run.
        command: String,
        /// What it said.
        words: String,
    },
}

/// How the wire is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qdisc {
    /// Rate, delay and jitter.
    Netem,
    /// Rate alone; for kernels without netem.
    Tbf,
}

/// One device's namespace; gone with the value.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    handle: Option<File>,
    here: Ipv4Addr,
}

impl Namespace {
    /// Lays the wire with this number, of which no two are the same in a process.
    ///
    /// # Errors
    /// The kernel or its tools cannot do it. Nothing is left then.
    pub fn lay(number: u32, shape: Shape, qdisc: Qdisc) -> Result<Self, NamespaceError> {
        if !rustix::process::geteuid().is_root() {
            return Err(NamespaceError::NotRoot);
        }
        let process = std::process::id();
        let first = ADDRESSES + 4 * (number % MOST_NAMESPACES);
        let (here, there) = (Ipv4Addr::from(first + 1), Ipv4Addr::from(first + 2));
        let name = format!("mailgauge-{process}-{number}");
        // At most 15 letters (IFNAMSIZ).
        let near = format!("mg{number:x}-{process:x}");
        if number == 0 {
            sweep();
        }
        run("ip", &["netns", "add", &name])?;
        let mut namespace = Self {
            name,
            handle: None,
            here,
        };
        let name = namespace.name.as_str();
        run(
            "ip",
            &[
                "link", "add", &near, "type", "veth", "peer", "name", "far", "netns", name,
            ],
        )?;
        run(
            "ip",
            &["address", "add", &format!("{here}/30"), "dev", &near],
        )?;
        run("ip", &["link", "set", &near, "up"])?;
        let there = format!("{there}/30");
        run("ip", &["-n", name, "address", "add", &there, "dev", "far"])?;
        run("ip", &["-n", name, "link", "set", "far", "up"])?;
        let down = ["qdisc", "add", "dev", &near, "root"].map(str::to_owned);
        let up = ["-n", name, "qdisc", "add", "dev", "far", "root"].map(str::to_owned);
        for (mut command, rate) in [(down.to_vec(), shape.down), (up.to_vec(), shape.up)] {
            command.extend(qdisc.arguments(rate, shape.rtt / 2, shape.jitter / 2));
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            run("tc", &command)?;
        }
        let path = format!("/run/netns/{name}");
        let handle = File::open(&path).map_err(|error| NamespaceError::Refused {
            command: format!("open {path}"),
            words: error.to_string(),
        })?;
        namespace.handle = Some(handle);
        Ok(namespace)
    }

    /// Where this machine is, seen from the namespace.
    pub fn here(&self) -> Ipv4Addr {
        self.here
    }

    /// Hands connections from the namespace on to a server of this machine that does not listen there: who connects to its
    /// port at [`Self::here`] is connected to it. The future runs until it is dropped.
    ///
    /// # Errors
    /// The port is taken at this address.
    pub async fn relay(
        &self,
        server: SocketAddr,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let listener = TcpListener::bind((self.here, server.port())).await?;
        Ok(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(server).await else {
                        return;
                    };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    // How a connection ends, both its ends are told.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        })
    }

    /// Makes a socket in the namespace. The thread is back where it was when this returns.
    pub(super) fn within<T>(&self, socket: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(handle) = &self.handle else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let home = File::open("/proc/thread-self/ns/net")?;
        enter(handle.as_fd())?;
        let made = socket();
        enter(home.as_fd())?;
        made
    }
}

/// Takes away what a process left that was killed.
fn sweep() {
    let Ok(left) = std::fs::read_dir("/run/netns") else {
        return;
    };
    for entry in left.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut parts = name.split('-');
        if let (Some("mailgauge"), Some(process), Some(number), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
            && process.parse::<u32>().is_ok()
            && number.parse::<u32>().is_ok()
            && !std::path::Path::new("/proc").join(process).exists()
        {
            let _ = run("ip", &["netns", "del", &name]);
        }
    }
}

fn enter(namespace: BorrowedFd<'_>) -> io::Result<()> {
    Ok(move_into_link_name_space(
        namespace,
        Some(LinkNameSpaceType::Network),
    )?)
}

impl Qdisc {
    fn arguments(self, rate: u64, delay: Duration, jitter: Duration) -> Vec<String> {
        let rate = format!("{rate}bit");
        let words = match self {
            Self::Netem => {
                let (delay, jitter) = (micros(delay), micros(jitter));
                // The queue is long, as that of the in-process link: what does not fit is lost.
                format!("netem delay {delay} {jitter} rate {rate} limit 10000")
            }
            Self::Tbf => format!("tbf rate {rate} burst 3000 latency 300ms"),
        };
        words.split(' ').map(str::to_owned).collect()
    }
}

fn micros(time: Duration) -> String {
    format!("{}us", time.as_micros())
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The wire goes with it. There is nobody to tell if that fails.
        let _ = run("ip", &["netns", "del", &self.name]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), NamespaceError> {
    let refused = |words: String| NamespaceError::Refused {
        command: format!("{program} {}", arguments.join(" ")),
        words,
    };
    let said = Command::new(program).args(arguments).output();
    let said = said.map_err(|error| refused(error.to_string()))?;
    if said.status.success() {
        return Ok(());
    }
    Err(refused(
        String::from_utf8_lossy(&said.stderr).trim().to_owned(),
    ))
}
