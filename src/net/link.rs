//! The way of one device to the server: how much it carries in a second and how long an octet is under way. All
//! connections of the device share it, as a phone has one radio and a house one line. It knows instants and
//! sizes, no sockets: [`super::shaped`] moves the octets.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Payload of a full segment: an Ethernet MTU of 1500 less IPv4, TCP and its timestamps.
pub(super) const SEGMENT: usize = 1448;

/// Headers of a segment, which take their share of the rate.
const HEADERS: usize = 52;

/// How long before its last octets have left a connection may hand over more. Enough that the lane never runs dry between
/// two ticks of the clock, so that the rate holds; little enough that connections which share it take turns: the next
/// octets of each queue up when its last ones are near the front.
const QUEUE: Duration = Duration::from_millis(20);

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Server to device.
    Down,
    /// Device to server.
    Up,
}

/// How a link shapes what passes over it. Rates are those of IP packets: headers of TCP and IP (52 octets in 1500)
/// take their part, acknowledgements without data do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Server to device, bits per second.
    pub down: u64,
    /// Device to server, bits per second.
    pub up: u64,
    /// There and back, without what the rates take. Half of it on each way.
    pub rtt: Duration,
    /// The round trip varies by up to this much more or less, uniform; order is kept.
    pub jitter: Duration,
}

/// A device's link. Share it between the device's connections.
#[derive(Debug)]
pub struct Link {
    shape: Shape,
    lanes: Mutex<Lanes>,
}

#[derive(Debug)]
struct Lanes {
    down: Lane,
    up: Lane,
    chance: ChaCha8Rng,
}

/// One direction: a token bucket, kept as the instant at which all that was handed to it has left.
#[derive(Debug)]
struct Lane {
    rate: u64,
    free: Instant,
}

/// What became of octets that were handed to a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// When the last of them has left the lane.
    pub(super) left: Instant,
    /// When the last of them arrives at the other end.
    pub(super) arrives: Instant,
}

impl Sent {
    /// When the connection that sent them may hand over more. What comes earlier waits where it is, in the end in the
    /// sender's socket.
    pub(super) fn opens(&self) -> Instant {
        self.left.checked_sub(QUEUE).unwrap_or(self.left)
    }
}

impl Lane {
    /// Hands octets to the lane; when the last of them has left it.
    fn send(&mut self, octets: usize, at: Instant) -> Instant {
        let packets = octets + HEADERS * octets.div_ceil(SEGMENT);
        let nanos = packets as u64 * 8 * 1_000_000_000 / self.rate;
        self.free = self.free.max(at) + Duration::from_nanos(nanos);
        self.free
    }
}

impl Link {
    /// A link at rest. Jitter follows from `seed`.
    pub fn new(shape: Shape, seed: u64) -> Self {
        let lane = |rate: u64| Lane {
            rate: rate.max(1),
            free: tokio::time::Instant::now().into_std(),
        };
        Self {
            shape,
            lanes: Mutex::new(Lanes {
                down: lane(shape.down),
                up: lane(shape.up),
                chance: ChaCha8Rng::seed_from_u64(seed),
            }),
        }
    }

    /// How it shapes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Sends octets on their way at `at`.
    pub(super) fn send(&self, way: Way, octets: usize, at: Instant) -> Sent {
        let mut lanes = self.lanes();
        let delay = self.delay(&mut lanes);
        let left = lanes.lane(way).send(octets, at);
        Sent {
            left,
            arrives: left + delay,
        }
    }

    /// How long something without size is under way: a packet of the TCP handshake.
    pub(super) fn travel(&self) -> Duration {
        self.delay(&mut self.lanes())
    }

    /// The most to hand over at once: what passes in a quarter of the queue's time, at least a segment.
    pub(super) fn quantum(&self, way: Way) -> usize {
        self.octets_in(way, QUEUE / 4).clamp(SEGMENT, 16 * 1024)
    }

    /// What one connection may have under way: all that the lane carries in its delay, with a margin for the queue.
    pub(super) fn window(&self, way: Way) -> usize {
        let time = (self.shape.rtt + self.shape.jitter) / 2 + 2 * QUEUE;
        self.octets_in(way, time).clamp(16 * 1024, 1024 * 1024)
    }

    fn octets_in(&self, way: Way, time: Duration) -> usize {
        let rate = match way {
            Way::Down => self.shape.down,
            Way::Up => self.shape.up,
        };
        (rate as f64 / 8.0 * time.as_secs_f64()) as usize
    }

    fn delay(&self, lanes: &mut Lanes) -> Duration {
        let half = self.shape.rtt / 2;
        if self.shape.jitter.is_zero() {
            return half;
        }
        let unit = (lanes.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let least = half.saturating_sub(self.shape.jitter / 2);
        least + self.shape.jitter.mul_f64(unit)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Down => &mut self.down,
            Way::Up => &mut self.up,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Link, QUEUE, SEGMENT, Shape, Way};

    const SLOW: Shape = Shape {
        down: 1_500_000,
        up: 750_000,
        rtt: Duration::from_millis(150),
        jitter: Duration::ZERO,
    };

    #[test]
    fn a_packet_takes_its_length_over_the_rate_and_half_a_round_trip() {
        let link = Link::new(SLOW, 1);
        let now = Instant::now();
        // 1500 octets at 1.5 Mbit/s are 8 ms, at 0.75 Mbit/s 16 ms.
        let down = link.send(Way::Down, SEGMENT, now).arrives - now;
        assert_eq!(down, Duration::from_millis(75 + 8));
        let up = link.send(Way::Up, SEGMENT, now).arrives - now;
        assert_eq!(up, Duration::from_millis(75 + 16));
    }

    #[test]
    fn what_follows_waits_for_what_is_before_it_whoever_sends_it() {
        let link = Link::new(SLOW, 1);
        let now = Instant::now();
        for packet in 1..=100_u64 {
            let sent = link.send(Way::Down, SEGMENT, now);
            assert_eq!(sent.arrives - now, Duration::from_millis(75 + 8 * packet));
            assert_eq!(
                sent.opens() + QUEUE,
                now + Duration::from_millis(8 * packet)
            );
        }
        let up = link.send(Way::Up, SEGMENT, now);
        assert_eq!(up.left - now, Duration::from_millis(16));
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_follows_from_the_seed() {
        let shape = Shape {
            jitter: Duration::from_millis(40),
            ..SLOW
        };
        let delays = |seed| -> Vec<Duration> {
            let link = Link::new(shape, seed);
            (0..1_000).map(|_| link.travel()).collect()
        };
        let some = delays(7);
        assert_eq!(some, delays(7));
        assert_ne!(some, delays(8));
        let ms = Duration::from_millis;
        assert!(some.iter().all(|delay| (ms(55)..=ms(95)).contains(delay)));
        let mean = some.iter().sum::<Duration>() / 1_000;
        assert!((ms(74)..=ms(76)).contains(&mean), "{mean:?}");
        assert!(some.iter().min() < Some(&ms(57)) && some.iter().max() > Some(&ms(93)));
    }
}
