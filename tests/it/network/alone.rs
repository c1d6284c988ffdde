//! The shaper held against second instruments: its rate against the kernel's token bucket (`tbf`) in network namespaces of
//! their own, its delay against the packet times that tshark sees. Both print the error that the documentation states.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailgauge::net::{Link, Shape};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;

use super::{SLOW_4G, behind, dialer, echo, line, listen, read};
use crate::support::skipped;

/// A machine that is held up meanwhile is given another chance: one good attempt is enough.
const ATTEMPTS: usize = 3;

/// Octets that are sent: a few seconds at the rate of slow 4G.
const OCTETS: usize = 500_000;

/// Two namespaces with a wire between them; gone with the value.
struct Wire {
    names: [String; 2],
}

const ADDRESSES: [&str; 2] = ["198.18.77.1", "198.18.77.2"];

impl Wire {
    /// None: not root, or the kernel or its tools cannot do it; then why.
    fn lay(rate: &str) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".to_owned());
        }
        let id = std::process::id();
        let wire = Self {
            names: [
                format!("mailgauge-{id}-server"),
                format!("mailgauge-{id}-client"),
            ],
        };
        let [server, client] = &wire.names;
        run(&["ip", "netns", "add", server])?;
        run(&["ip", "netns", "add", client])?;
        run(&[
            "ip", "-n", server, "link", "add", "near", "type", "veth", "peer", "name", "far",
            "netns", client,
        ])?;
        for (name, device, address) in [
            (server, "near", ADDRESSES[0]),
            (client, "far", ADDRESSES[1]),
        ] {
            run(&[
                "ip",
                "-n",
                name,
                "address",
                "add",
                &format!("{address}/24"),
                "dev",
                device,
            ])?;
            run(&["ip", "-n", name, "link", "set", device, "up"])?;
        }
        run(&[
            "tc", "-n", server, "qdisc", "add", "dev", "near", "root", "tbf", "rate", rate,
            "burst", "3000", "latency", "300ms",
        ])?;
        Ok(wire)
    }

    fn python(&self, place: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        let name = &self.names[place];
        command.args(["netns", "exec", name, "python3", "-c", program]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip")
                .args(["netns", "del", name])
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn run(command: &[&str]) -> Result<(), String> {
    let said = Command::new(command[0]).args(&command[1..]).output();
    let said = said.map_err(|error| format!("{}: {error}", command[0]))?;
    if said.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&said.stderr);
    Err(format!("{}: {}", command.join(" "), words.trim()))
}

/// Seconds from the first octet to the last over the kernel's token bucket.
fn seconds_over_tbf(wire: &Wire) -> f64 {
    let server = format!(
        "import socket\ns = socket.create_server(('{}', 7000))\nprint('up', flush=True)\nc, _ = s.accept()\nc.sendall(bytes({OCTETS}))\nc.close()",
        ADDRESSES[0]
    );
    let client = format!(
        "import socket, time\ns = socket.create_connection(('{}', 7000))\nn = len(s.recv(65536))\nbegun, first = time.monotonic(), n\n\
         while n < {OCTETS}:\n    n += len(s.recv(65536))\nprint((time.monotonic() - begun) * {OCTETS} / (n - first))",
        ADDRESSES[0]
    );
    let mut server = wire.python(0, &server).spawn().unwrap();
    let mut said = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    let told = wire.python(1, &client).output().unwrap();
    server.wait().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{told:?}"))
}

/// The same over the shaper.
async fn seconds_over_the_shaper(shape: Shape) -> f64 {
    let address = listen(|mut stream| async move {
        stream.write_all(&vec![0; OCTETS]).await.unwrap();
    })
    .await;
    let mut wire = behind(shape).connect(&address).await.unwrap();
    read(&mut wire, 1).await;
    let (begun, first) = (Instant::now(), wire.traffic().rx);
    let end = read(&mut wire, OCTETS as u64).await;
    (end - begun).as_secs_f64() * OCTETS as f64 / (OCTETS as u64 - first) as f64
}

#[tokio::test]
async fn its_rate_is_that_of_the_kernels_token_bucket() {
    let wire = match Wire::lay("1600kbit") {
        Ok(wire) => wire,
        Err(why) => return skipped("its_rate_is_that_of_the_kernels_token_bucket", &why),
    };
    let wire = Arc::new(wire);
    let mut errors = Vec::new();
    for _ in 0..ATTEMPTS {
        let bucket = Arc::clone(&wire);
        let kernel = tokio::task::spawn_blocking(move || seconds_over_tbf(&bucket));
        let kernel = kernel.await.unwrap();
        let ours = seconds_over_the_shaper(SLOW_4G).await;
        // The bucket counts Ethernet's 14 octets a frame too.
        let expected = kernel * 1500.0 / 1514.0;
        let error = (ours - expected) / expected;
        println!(
            "rate: {kernel:.3} s over tbf, {ours:.3} s over the shaper, error {:.2} %",
            error * 100.0
        );
        errors.push(error);
        if error.abs() < 0.03 {
            return;
        }
    }
    panic!("shares off the kernel's rate: {errors:?}");
}

/// Waits of the server for the next request, as tshark saw the requests arrive, ms.
fn gaps(capture: &str, port: u16) -> Vec<f64> {
    let arrivals: Vec<f64> = capture
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let at: f64 = fields.next()?.parse().ok()?;
            let to: u16 = fields.next()?.parse().ok()?;
            let octets: u32 = fields.next()?.parse().ok()?;
            (to == port && octets > 0).then_some(at)
        })
        .collect();
    arrivals
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) * 1e3)
        .collect()
}

#[tokio::test]
async fn its_delay_is_that_which_tshark_sees_on_the_wire() {
    let mut medians = Vec::new();
    for _ in 0..ATTEMPTS {
        let mut gaps = match waits_at(Duration::from_millis(60)).await {
            Ok(gaps) => gaps,
            Err(why) => return skipped("its_delay_is_that_which_tshark_sees_on_the_wire", why),
        };
        gaps.sort_by(f64::total_cmp);
        let [least, median, most] = [gaps[0], gaps[gaps.len() / 2], gaps[gaps.len() - 1]];
        println!(
            "delay: RTT 60 ms as tshark sees it: least {least:.2}, median {median:.2}, most {most:.2} ms"
        );
        // Half a tick early at either end at the least.
        assert!(least > 58.5, "{least}");
        medians.push(median);
        if (59.0..=64.0).contains(&median) {
            return;
        }
    }
    panic!("medians of a round trip of 60 ms: {medians:?}");
}

/// A device behind a link asks again and again: how long the server waits for it, as tshark sees it, ms. Or why that cannot
/// be seen here.
async fn waits_at(rtt: Duration) -> Result<Vec<f64>, &'static str> {
    const ROUNDS: usize = 60;
    if !rustix::process::geteuid().is_root() {
        return Err("capturing packets needs root");
    }
    let address = listen(echo).await;
    let port = address.socket.port();
    let filter = format!("tcp port {port}");
    let fields = [
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "tcp.dstport",
        "-e",
        "tcp.len",
    ];
    let capture = tokio::process::Command::new("tshark")
        .args(["-i", "lo", "-l", "-Q", "-f", &filter])
        .args(fields)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut capture) = capture else {
        return Err("there is no tshark");
    };
    // Its own word that it captures: the first packet of a connection that is only there to be seen.
    let mut told = tokio::io::BufReader::new(capture.stdout.take().unwrap());
    if !sees(&mut told, &address).await {
        return Err("tshark sees no packets here");
    }
    let link = Link::new(
        Shape {
            rtt,
            down: 1_000_000_000,
            up: 1_000_000_000,
            ..SLOW_4G
        },
        1,
    );
    let mut wire = dialer()
        .over(Arc::new(link))
        .connect(&address)
        .await
        .unwrap();
    line(&mut wire).await;
    for _ in 0..ROUNDS {
        wire.send(b"well?\n");
        wire.flush().await.unwrap();
        line(&mut wire).await;
    }
    wire.close().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Killed outright it would leave its helper behind, which holds the pipe open.
    let tshark = Pid::from_raw(capture.id().unwrap().cast_signed()).unwrap();
    kill_process(tshark, Signal::INT).unwrap();
    let mut captured = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut told, &mut captured)
        .await
        .unwrap();
    let gaps = gaps(&captured, port);
    assert_eq!(gaps.len(), ROUNDS - 1, "{captured}");
    Ok(gaps)
}

/// Knocks until tshark tells of it.
async fn sees(
    told: &mut (impl tokio::io::AsyncBufRead + Unpin),
    address: &mailgauge::net::Address,
) -> bool {
    let mut seen = String::new();
    for _ in 0..100 {
        drop(tokio::net::TcpStream::connect(address.socket).await);
        let first = tokio::io::AsyncBufReadExt::read_line(told, &mut seen);
        if let Ok(Ok(octets)) = tokio::time::timeout(Duration::from_millis(200), first).await {
            return octets > 0;
        }
    }
    false
}
