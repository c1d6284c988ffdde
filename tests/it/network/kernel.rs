//! Networks by the kernel: `--netem`, and the namespaces that devices are put into.

use std::sync::Arc;
use std::time::Instant;

use mailgauge::net::{Namespace, NamespaceError, Qdisc};
use tokio::io::AsyncWriteExt as _;

use super::{SLOW_4G, dialer, listen, read};
use crate::compare::Run;
use crate::support::skipped;

/// A namespace, or why there can be none.
fn lay(qdisc: Qdisc) -> Result<Namespace, NamespaceError> {
    // A number of its own: tests of one process may run beside each other.
    Namespace::lay(1_000 + qdisc as u32, SLOW_4G, qdisc)
}

#[tokio::test]
async fn a_socket_made_in_a_namespace_reaches_a_server_that_listens_outside_at_the_rate_of_the_wire()
 {
    const OCTETS: usize = 100_000;
    let namespace = match lay(Qdisc::Tbf) {
        Ok(namespace) => Arc::new(namespace),
        Err(why) => return skipped("a device in a network namespace", &why.to_string()),
    };
    let address = listen(|mut stream| async move {
        stream.write_all(&vec![7; OCTETS]).await.unwrap();
    })
    .await;
    tokio::spawn(namespace.relay(address.socket).await.unwrap());
    let begun = Instant::now();
    let mut wire = dialer()
        .inside(Arc::clone(&namespace))
        .connect(&address)
        .await
        .unwrap();
    let end = read(&mut wire, OCTETS as u64).await;
    // What the bucket lets through at once, and the frames' headers, are left out: it can not be faster than this.
    let least = (OCTETS - 10_000) as f64 * 8.0 / SLOW_4G.down as f64;
    assert!((end - begun).as_secs_f64() > least, "{:?}", end - begun);
    // The thread is back: loopback is reached.
    drop(
        tokio::net::TcpStream::connect(address.socket)
            .await
            .unwrap(),
    );
}

#[test]
fn without_netem_in_the_kernel_the_run_stops_and_says_so() {
    let run = Run::new();
    let network = ["--set", "phone.network=slow4g", "--netem"];
    let done = run.command(&network).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    if lay(Qdisc::Netem).is_ok() {
        assert!(matches!(done.status.code(), Some(0 | 5)), "{said}");
        assert_eq!(run.read().manifest.shaper.to_string(), "netem");
    } else {
        assert_eq!(done.status.code(), Some(1), "{said}");
        let words = ["--netem", "kernel"];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert!(!run.out().exists());
    }
    let left = std::fs::read_dir("/run/netns").into_iter().flatten();
    let ours = format!("mailgauge-{}-", std::process::id());
    let left: Vec<_> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&ours))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn netem_without_a_network_to_emulate_is_refused() {
    let run = Run::new();
    let done = run.command(&["--netem"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("phone.network=slow4g"), "{said}");
}
