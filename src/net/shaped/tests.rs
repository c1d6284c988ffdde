//! The shaper under a clock that stands still while anything is done: what it does to the millisecond, however busy the
//! machine is.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

use super::Shaped;
use crate::net::link::{Link, Shape};

const SLOW_4G: Shape = Shape {
    down: 1_600_000,
    up: 750_000,
    rtt: Duration::from_millis(150),
    jitter: Duration::ZERO,
};

/// Tokio's clock ticks once in a millisecond; one tick at each end of what is timed.
const TICKS: Duration = Duration::from_millis(2);

const OCTETS: usize = 60_000;

fn link() -> Arc<Link> {
    Arc::new(Link::new(SLOW_4G, 1))
}

/// A connection behind a link, and the server's end of it.
fn connection(link: &Arc<Link>) -> (Shaped<DuplexStream>, DuplexStream) {
    let (device, server) = tokio::io::duplex(16 * 1024);
    (Shaped::new(device, Arc::clone(link)), server)
}

/// So many octets over so many bits per second, with the headers of their packets.
fn transfer(octets: usize, rate: u64) -> Duration {
    Duration::from_secs_f64(octets as f64 * 1500.0 / 1448.0 * 8.0 / rate as f64)
}

/// How long a download from a server that has all of it ready takes.
async fn download(link: &Arc<Link>) -> Duration {
    let (mut device, mut server) = connection(link);
    tokio::spawn(async move { server.write_all(&vec![7; OCTETS]).await });
    let begun = Instant::now();
    device.read_exact(&mut vec![0; OCTETS]).await.unwrap();
    begun.elapsed()
}

fn assert_took(took: Duration, expected: Duration) {
    let off = took.abs_diff(expected);
    assert!(off <= TICKS, "{took:?}, not {expected:?}");
}

/// The server hears of the connection half a round trip after the device: then it speaks, and that takes another half.
#[tokio::test(start_paused = true)]
async fn a_download_takes_a_round_trip_and_its_octets_over_the_rate() {
    let took = download(&link()).await;
    assert_took(took, SLOW_4G.rtt + transfer(OCTETS, SLOW_4G.down));
}

#[tokio::test(start_paused = true)]
async fn a_request_and_its_answer_take_a_round_trip() {
    let (mut device, mut server) = connection(&link());
    tokio::spawn(async move {
        let mut byte = [0];
        while server.read_exact(&mut byte).await.is_ok() {
            server.write_all(&byte).await.unwrap();
        }
    });
    let octet = transfer(53, SLOW_4G.down) + transfer(53, SLOW_4G.up);
    tokio::time::sleep(SLOW_4G.rtt).await;
    for _ in 0..5 {
        let asked = Instant::now();
        device.write_all(&[1]).await.unwrap();
        device.read_exact(&mut [0]).await.unwrap();
        assert_took(asked.elapsed(), SLOW_4G.rtt + octet);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_takes_its_octets_over_the_rate_of_the_way_up() {
    let (mut device, mut server) = connection(&link());
    let begun = Instant::now();
    let arrived = tokio::spawn(async move {
        server.read_exact(&mut vec![0; OCTETS]).await.unwrap();
        Instant::now()
    });
    device.write_all(&vec![7; OCTETS]).await.unwrap();
    device.shutdown().await.unwrap();
    let took = arrived.await.unwrap() - begun;
    assert_took(took, SLOW_4G.rtt / 2 + transfer(OCTETS, SLOW_4G.up));
}

#[tokio::test(start_paused = true)]
async fn connections_behind_one_link_take_turns() {
    let link = link();
    let (first, second) = tokio::join!(download(&link), download(&link));
    let (sooner, later) = (first.min(second), first.max(second));
    assert_took(later, SLOW_4G.rtt + transfer(2 * OCTETS, SLOW_4G.down));
    // Neither is done long before the other: what lies between is what waits in front of the lane.
    assert!(
        later.abs_diff(sooner) < Duration::from_millis(60),
        "{first:?} {second:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn connections_behind_two_links_do_not_wait_for_each_other() {
    let (one, other) = (link(), link());
    let (first, second) = tokio::join!(download(&one), download(&other));
    let alone = SLOW_4G.rtt + transfer(OCTETS, SLOW_4G.down);
    assert_took(first, alone);
    assert_took(second, alone);
}
