//! The shaper on real sockets: what a device behind a slow link sees of a server that is at hand.

mod alone;
mod kernel;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailgauge::judge::{self, Evidence, Prediction};
use mailgauge::metrics::row::{Opening, Purpose};
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::net::{Dialer, Link, NetError, Reach, Shape, TimeLimits, Trust, Wire};
use mailgauge::rundir::Shaper;
use mailgauge::scenario::{Arm, DeviceKind, Protocol};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::compare::Run;
use crate::fake;

const SLOW_4G: Shape = Shape {
    down: 1_600_000,
    up: 750_000,
    rtt: Duration::from_millis(150),
    jitter: Duration::ZERO,
};

/// Two ticks of tokio's clock, one at each end of what is timed: nothing on a link is more exact.
const TICKS: Duration = Duration::from_millis(2);

/// Listens on loopback; each connection is served by `serve`.
async fn listen<S, F>(serve: S) -> mailgauge::net::Address
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    // Hundreds come at the same instant, and of those that find the queue full some would wait for ever: their
    // handshake is forgotten (SYN cookies), and the server is to speak first.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(4_096).unwrap();
    let address = fake::here(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Greets, then answers each line with a line.
async fn echo(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"hello\n").await.unwrap();
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte).await {
        if byte[0] == b'\n' {
            stream.write_all(b"yes\n").await.unwrap();
        }
    }
}

fn behind(shape: Shape) -> Dialer {
    dialer().over(Arc::new(Link::new(shape, 1)))
}

/// With limits for slow networks.
fn dialer() -> Dialer {
    let patience = Duration::from_secs(30);
    let limits = TimeLimits {
        connect: patience,
        command: patience,
    };
    Dialer::new(&Trust::Insecure, false, true, limits).unwrap()
}

/// Reads at least so many octets; when the last came.
async fn read(wire: &mut Wire, octets: u64) -> Instant {
    while wire.traffic().rx < octets {
        let came = wire.fill().await.unwrap();
        assert!(
            came > 0,
            "only {:?} of {octets} octets came",
            wire.traffic()
        );
        wire.consume(came);
    }
    Instant::now()
}

async fn line(wire: &mut Wire) -> String {
    while !wire.buffer().ends_with(b"\n") {
        assert!(wire.fill().await.unwrap() > 0);
    }
    let line = String::from_utf8_lossy(wire.buffer()).into_owned();
    wire.consume(line.len());
    line
}

/// What a machine that is busy with something else may hold up a test for.
const STALL: Duration = Duration::from_secs(10);

/// Never early by more than the clock's ticks; late only as far as the machine is busy. How late it is on a machine that is
/// never busy, the unit tests of the shaper say: their clock stands still meanwhile.
fn assert_took(took: Duration, expected: Duration, what: &str) {
    assert!(took + TICKS >= expected, "{what}: {took:?} < {expected:?}");
    let most = expected + STALL;
    assert!(took <= most, "{what}: {took:?} > {most:?}");
}

/// Times what is only so on a machine that nothing else holds up: one good attempt in three is enough.
fn three_attempts(attempt: impl Fn() -> Result<(), String>) {
    let mut said = Vec::new();
    for _ in 0..3 {
        match attempt() {
            Ok(()) => return,
            Err(why) => said.push(why),
        }
    }
    panic!("three times in a row: {said:#?}");
}

#[tokio::test]
async fn connecting_takes_a_round_trip_the_greeting_another_and_each_command_one() {
    let address = listen(echo).await;
    let rtt = SLOW_4G.rtt;
    let begun = Instant::now();
    let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
    assert_took(begun.elapsed(), rtt, "connecting");
    assert_eq!(line(&mut wire).await, "hello\n");
    assert_took(begun.elapsed(), 2 * rtt, "greeting");
    for _ in 0..3 {
        let sent = Instant::now();
        wire.send(b"well?\n");
        wire.flush().await.unwrap();
        assert_eq!(line(&mut wire).await, "yes\n");
        assert_took(sent.elapsed(), rtt, "command");
    }
    assert_eq!(wire.round_trips(), 5);
    wire.close().await.unwrap();
}

#[tokio::test]
async fn a_refusal_takes_a_round_trip_too() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        fake::here(listener.local_addr().unwrap())
    };
    let begun = Instant::now();
    let refused = behind(SLOW_4G).connect(&address).await;
    assert_took(begun.elapsed(), SLOW_4G.rtt, "refusal");
    assert!(matches!(refused, Err(NetError::Refused { .. })));
}

#[tokio::test]
async fn octets_come_at_the_rate_and_whole() {
    const OCTETS: usize = 200_000;
    let address = listen(|mut stream| async move {
        let octets: Vec<u8> = (0..OCTETS).map(|at| (at % 251) as u8).collect();
        stream.write_all(&octets).await.unwrap();
    })
    .await;
    let begun = Instant::now();
    let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
    let mut came = 0;
    while wire.fill().await.unwrap() > 0 {
        for octet in wire.buffer() {
            assert_eq!(*octet, (came % 251) as u8);
            came += 1;
        }
        wire.consume(wire.buffer().len());
    }
    assert_eq!(came, OCTETS);
    let packets = OCTETS as f64 * 1500.0 / 1448.0;
    let expected = 2 * SLOW_4G.rtt + Duration::from_secs_f64(packets * 8.0 / 1_600_000.0);
    assert_took(begun.elapsed(), expected, "download");
}

#[tokio::test]
async fn octets_go_up_at_the_rate_of_the_way_up() {
    const OCTETS: usize = 100_000;
    let address = listen(|mut stream| async move {
        let mut all = vec![0; OCTETS];
        stream.read_exact(&mut all).await.unwrap();
        assert!(all.iter().all(|octet| *octet == 7));
        stream.write_all(b"all\n").await.unwrap();
    })
    .await;
    let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
    let begun = Instant::now();
    wire.send(&vec![7; OCTETS]);
    wire.flush().await.unwrap();
    assert_eq!(line(&mut wire).await, "all\n");
    let packets = OCTETS as f64 * 1500.0 / 1448.0;
    let expected = Duration::from_secs_f64(packets * 8.0 / 750_000.0) + SLOW_4G.rtt;
    assert_took(begun.elapsed(), expected, "upload");
    assert_eq!(wire.traffic().wire_tx, OCTETS as u64);
}

#[tokio::test]
async fn the_connections_of_a_device_share_its_link_and_those_of_two_do_not() {
    const OCTETS: usize = 60_000;
    let address = listen(|mut stream| async move {
        stream.write_all(&vec![b'x'; OCTETS]).await.unwrap();
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let fetch = |dialer: Dialer| {
        let address = address.clone();
        async move {
            let mut wire = dialer.connect(&address).await.unwrap();
            read(&mut wire, OCTETS as u64).await
        }
    };
    let transfer =
        Duration::from_secs_f64(OCTETS as f64 * 1500.0 / 1448.0 * 8.0 / SLOW_4G.down as f64);
    let alone = 2 * SLOW_4G.rtt + transfer;

    let begun = Instant::now();
    let shared = behind(SLOW_4G);
    let (first, second) = tokio::join!(fetch(shared.clone()), fetch(shared));
    assert_took(first.max(second) - begun, alone + transfer, "one link");

    let begun = Instant::now();
    let (first, second) = tokio::join!(fetch(behind(SLOW_4G)), fetch(behind(SLOW_4G)));
    assert_took(first.max(second) - begun, alone, "two links");
}

#[tokio::test]
async fn a_server_is_held_back_by_a_device_that_takes_its_time() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static SENT: AtomicUsize = AtomicUsize::new(0);
    let address = listen(|mut stream| async move {
        socket2::SockRef::from(&stream)
            .set_send_buffer_size(16 * 1024)
            .unwrap();
        while stream.write_all(&[b'x'; 1_000]).await.is_ok() {
            SENT.fetch_add(1_000, Ordering::Relaxed);
        }
    })
    .await;
    let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
    read(&mut wire, 40_000).await;
    let ahead = SENT.load(Ordering::Relaxed) as u64 - wire.traffic().rx;
    // Both sockets' buffers, as the kernel doubles them, and what the link holds.
    assert!(ahead < 200_000, "{ahead} octets ahead");
}

#[tokio::test]
async fn hundreds_of_connections_wait_side_by_side() {
    const CONNECTIONS: usize = 400;
    let address = listen(echo).await;
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let address = address.clone();
        tasks.spawn(async move {
            let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
            assert_eq!(line(&mut wire).await, "hello\n");
            let sent = Instant::now();
            wire.send(b"well?\n");
            wire.flush().await.unwrap();
            assert_eq!(line(&mut wire).await, "yes\n");
            sent.elapsed()
        });
    }
    let mut took = tasks.join_all().await;
    took.sort();
    assert!(took[0] + TICKS >= SLOW_4G.rtt, "{:?}", took[0]);
    assert_took(took[CONNECTIONS / 2], SLOW_4G.rtt, "the median of many");
}

#[tokio::test]
async fn what_is_on_its_way_arrives_before_the_end() {
    let address = listen(|mut stream| async move {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(&all).await.unwrap();
    })
    .await;
    let mut wire = behind(SLOW_4G).connect(&address).await.unwrap();
    wire.send(&[b'x'; 5_000]);
    wire.flush().await.unwrap();
    let begun = Instant::now();
    wire.close().await.unwrap();
    let traffic = wire.traffic();
    assert_eq!((traffic.wire_tx, traffic.wire_rx), (5_000, 5_000));
    assert!(begun.elapsed() + TICKS >= SLOW_4G.rtt);
}

#[tokio::test]
async fn a_device_without_a_network_loses_its_connections_and_gets_no_new_ones() {
    let address = listen(echo).await;
    let reach = Reach::new();
    let dialer = dialer().within(reach.clone());
    let mut wire = dialer.connect(&address).await.unwrap();
    assert_eq!(line(&mut wire).await, "hello\n");
    let (lost, ()) = tokio::join!(wire.fill_patiently(), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        reach.lose();
    });
    assert!(matches!(lost, Err(NetError::Offline)), "{lost:?}");
    assert!(matches!(
        dialer.connect(&address).await,
        Err(NetError::Offline)
    ));
    reach.regain();
    wire.send(b"well?\n");
    assert!(matches!(wire.flush().await, Err(NetError::Offline)));
    let mut again = dialer.connect(&address).await.unwrap();
    assert_eq!(line(&mut again).await, "hello\n");
}

/// Runs the tiny scenario; on a loaded machine it may be invalid, it is complete all the same.
fn finished(settings: &[&str]) -> Run {
    let run = Run::new();
    let settings: Vec<&str> = settings.iter().flat_map(|it| ["--set", it]).collect();
    let done = run.command(&settings).output().unwrap();
    let code = done.status.code();
    assert!(
        matches!(code, Some(0 | 5)),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    run
}

#[test]
fn in_a_tunnel_a_device_reads_what_it_holds_and_nobody_calls_it_an_error() {
    // The whole run in the dark, but for the first simulated minute, in which the devices come online.
    let run = finished(&[
        "phone.outages={ windows = [{ from = \"3m\", to = \"10h\" }] }",
        "users.phone=1",
        "users.notebook=0",
        "users.tablet=0",
    ]);
    let dir = run.read();
    let mut seen = [0, 0];
    for opening in dir.openings().unwrap() {
        if !opening.offline {
            continue;
        }
        seen[usize::from(opening.arm == Arm::IMAP)] += 1;
        match opening.arm.protocol() {
            Protocol::Imap => assert_eq!(opening.outcome, Opening::Failed, "{opening:?}"),
            Protocol::Pop3 => assert!(
                matches!(opening.outcome, Opening::Local | Opening::Failed),
                "{opening:?}"
            ),
        }
    }
    assert!(seen.iter().all(|openings| *openings > 0), "{seen:?}");
    let sessions = dir.sessions().unwrap();
    assert!(
        sessions
            .iter()
            .any(|it| it.error == Some(ErrorClass::Offline))
    );
    let counted: Vec<u64> = dir
        .generator()
        .unwrap()
        .iter()
        .map(|it| it.errors)
        .collect();
    assert!(counted.iter().all(|errors| *errors == 0), "{counted:?}");
    let figures = std::fs::read_to_string(run.out().join("comparison.csv")).unwrap();
    assert!(
        figures.contains(",imap,opened_without_network,0.0,%"),
        "{figures}"
    );
}

#[test]
fn a_connection_that_waits_for_its_goodbye_when_the_run_ends_keeps_its_figures() {
    let run = finished(&[
        "notebook.network={ down = \"5Mbit/s\", up = \"5Mbit/s\", rtt = \"200ms\" }",
        "run.drain=100ms",
        "speed=200",
        "users.phone=0",
        "users.tablet=0",
    ]);
    let dir = run.read();
    let sessions = dir.sessions().unwrap();
    let begun: BTreeMap<Arm, u64> = dir
        .generator()
        .unwrap()
        .iter()
        .map(|it| (it.arm, it.sessions))
        .collect();
    for (arm, begun) in begun {
        let told = sessions.iter().filter(|it| it.arm == arm).count();
        assert_eq!(told as u64, begun, "{arm}");
    }
    let left: Vec<_> = sessions
        .iter()
        .filter(|it| it.error == Some(ErrorClass::Cancelled) && it.usable_us.is_some())
        .collect();
    assert!(!left.is_empty(), "all goodbyes were heard");
    for session in left {
        assert!(session.connect_us.is_some() && session.login_us.is_some());
        assert!(
            session.local_port.is_some() && session.rx_bytes > 0,
            "{session:?}"
        );
    }
}

/// What a run says of a step.
fn step(run: &Run, arm: Arm, step: Operation) -> Prediction {
    let evidence = Evidence::read(&run.read()).unwrap();
    let judgement = judge::judge(&evidence);
    let mut steps = judgement.predictions.into_iter();
    steps.find(|it| it.arm == arm && it.step == step).unwrap()
}

#[test]
fn a_run_on_the_bare_wire_foretells_one_at_another_round_trip_time() {
    const RTT_MS: f64 = 100.0;
    let phones = [
        "users.phone=1",
        "users.notebook=0",
        "users.tablet=0",
        "speed=60",
    ];
    let network = r#"phone.network={ down = "1Gbit/s", up = "1Gbit/s", rtt = "100ms" }"#;
    three_attempts(|| {
        let direct = finished(&phones);
        let shaped = finished(&[&phones[..], &[network]].concat());
        for (arm, what) in [
            (Arm::POP3, Operation::UsableInbox),
            (Arm::IMAP, Operation::UsableInbox),
            (Arm::IMAP, Operation::OpenMessage),
        ] {
            let foretold = step(&direct, arm, what);
            let there = step(&shaped, arm, what);
            assert!(foretold.round_trips > 1.0, "{foretold:?}");
            let (expected, found) = (foretold.at(RTT_MS), there.measured_ms);
            let error = (found - expected).abs() / found;
            println!(
                "{arm} {what}: foretold {expected:.0} ms, found {found:.0} ms, {:.1} % off",
                error * 100.0
            );
            if error >= 0.2 {
                return Err(format!("{arm} {what}: {foretold:?} {there:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn a_run_shapes_the_devices_that_have_a_network_and_says_so() {
    let run = Run::new();
    let done = run
        .command(&["--set", "phone.network=slow4g", "--set", "speed=30"])
        .output()
        .unwrap();
    // 5: on a loaded machine the run may be invalid, it is complete all the same.
    let code = done.status.code();
    assert!(
        matches!(code, Some(0 | 5)),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let dir = run.read();
    assert_eq!(dir.manifest.shaper, Shaper::InProcess);
    let network = |kind| &dir.manifest.networks[&kind];
    assert_eq!(network(DeviceKind::Phone).name, "slow4g");
    assert_eq!(network(DeviceKind::Phone).rtt_us, Some(150_000));
    assert_eq!(network(DeviceKind::Notebook).rtt_us, None);

    let rtt = SLOW_4G.rtt.as_micros() as u64;
    let tick = TICKS.as_micros() as u64;
    let mut seen = 0;
    for session in dir.sessions().unwrap() {
        if session.device != DeviceKind::Phone || session.purpose == Purpose::Audit {
            continue;
        }
        let (Some(connect), Some(usable)) = (session.connect_us, session.usable_us) else {
            continue;
        };
        seen += 1;
        assert!(connect + tick >= rtt, "{session:?}");
        // Each round trip but the farewell's came before the inbox was usable.
        assert!(usable + 10 * tick >= 5 * rtt, "{session:?}");
    }
    assert!(seen > 0);
    // On a machine that is held up some of them may take as long: none of them waits for a link.
    let others = dir.sessions().unwrap();
    let others = others.iter().filter(|it| it.device == DeviceKind::Notebook);
    let quickest = others.filter_map(|it| it.connect_us).min();
    assert!(quickest.is_some_and(|it| it + tick < rtt), "{quickest:?}");
    let report = std::fs::read_to_string(run.out().join("report.md")).unwrap();
    assert!(report.contains("emulates rate and delay below TLS"));
    assert!(report.contains("phone slow4g"));
}
