//! What a device's radio would have done for the packets that its connections exchanged: a model, fed with the
//! instants of real packets and kept as three sums, so that memory does not grow with their number.
//!
//! A radio that is asleep is woken by a packet, which takes its promotion. After each packet it stays awake for its
//! tail, at the powers of the tail's stages, and then sleeps. Joules are those above sleep. The figures of the
//! models are the device profiles of AT&T's Application Resource Optimizer (`VideoOptimizer`,
//! `ProfileFactoryImpl.java` and `lte.conf`, Apache-2.0); that 3G promotes from FACH to DCH again is left out.
//!
//! Tails last seconds of the users' time, so gaps between packets must be in it: a gap after which a person, a
//! timer or news from the server set something off counts `speed` times its clock time. Any other gap is a server,
//! a network or a program at work and counts as it is.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::metrics::row::{Cell, RadioRow};
use crate::net::{Packet, Witness};
use crate::plan::UserId;
use crate::scenario::{DeviceKind, RadioKind};

/// A part of a tail.
#[derive(Clone, Copy, Debug)]
struct Stage {
    seconds: f64,
    watts: f64,
}

/// A radio, as far as packets meet it.
#[derive(Clone, Copy, Debug)]
struct Model {
    promotion: Stage,
    tail: [Stage; 2],
    joules_per_mbit_up: f64,
    joules_per_mbit_down: f64,
}

const NOTHING: Stage = Stage {
    seconds: 0.0,
    watts: 0.0,
};

const fn stage(seconds: f64, watts: f64) -> Stage {
    Stage { seconds, watts }
}

impl Model {
    const fn of(kind: RadioKind) -> Self {
        match kind {
            // Idle to DCH; DCH; FACH.
            RadioKind::ThreeG => Self {
                promotion: stage(2.0, 0.53),
                tail: [stage(5.0, 0.70), stage(12.0, 0.35)],
                joules_per_mbit_up: 0.0,
                joules_per_mbit_down: 0.0,
            },
            // Continuous reception at the base power, then DRX; alpha is in mW per Mbit/s.
            RadioKind::Lte => Self {
                promotion: stage(0.26, 1.21),
                tail: [stage(0.1, 1.2), stage(10.0, 1.06)],
                joules_per_mbit_up: 0.438_39,
                joules_per_mbit_down: 0.051_97,
            },
            RadioKind::Wifi => Self {
                promotion: NOTHING,
                tail: [stage(0.25, 0.403), NOTHING],
                joules_per_mbit_up: 0.0,
                joules_per_mbit_down: 0.0,
            },
        }
    }

    fn tail_seconds(&self) -> f64 {
        self.tail.iter().map(|stage| stage.seconds).sum()
    }

    /// Energy of the first `seconds` after a packet.
    fn tail_joules(&self, seconds: f64) -> f64 {
        let mut left = seconds;
        let mut joules = 0.0;
        for stage in self.tail {
            let spent = left.min(stage.seconds);
            joules += spent * stage.watts;
            left -= spent;
        }
        joules
    }
}

/// The radio of one device.
#[derive(Debug)]
pub(super) struct Radio {
    kind: RadioKind,
    model: Model,
    speed: f64,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Packets within count; none: nothing is measured yet.
    window: Option<Range<Instant>>,
    last: Option<Instant>,
    usage: Usage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Usage {
    wake_ups: u64,
    on_seconds: f64,
    joules: f64,
}

impl Radio {
    pub(super) fn new(kind: RadioKind, speed: f64) -> Self {
        Self {
            kind,
            model: Model::of(kind),
            speed,
            state: Mutex::default(),
        }
    }

    /// Packets within `window` count. At its beginning the radio sleeps.
    pub(super) fn watch(&self, window: Range<Instant>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            window: Some(window),
            ..State::default()
        };
    }

    /// What it came to by now, the tail after the last packet included; none if nothing was measured.
    pub(super) fn row(&self, cell: Cell, user: UserId, device: DeviceKind) -> Option<RadioRow> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let window = state.window.as_ref()?;
        let end = window.end.min(Instant::now());
        let measured = end.checked_duration_since(window.start)?;
        let usage = match state.last {
            Some(_) => state.usage.after_tail(&self.model),
            None => state.usage,
        };
        Some(RadioRow {
            block: cell.block,
            arm: cell.arm,
            user: user.0,
            device,
            radio: self.kind,
            simulated_s: measured.as_secs_f64() * self.speed,
            wake_ups: usage.wake_ups,
            on_s: usage.on_seconds,
            joules: usage.joules,
        })
    }

    /// Seconds of the users' time between two packets.
    fn gap(&self, from: Instant, packet: &Packet) -> f64 {
        let clock = packet.at.saturating_duration_since(from).as_secs_f64();
        if packet.after_pause {
            clock * self.speed
        } else {
            clock
        }
    }
}

impl Usage {
    fn after_tail(mut self, model: &Model) -> Self {
        self.on_seconds += model.tail_seconds();
        self.joules += model.tail_joules(f64::INFINITY);
        self
    }

    fn woken(mut self, model: &Model) -> Self {
        self.wake_ups += 1;
        self.on_seconds += model.promotion.seconds;
        self.joules += model.promotion.seconds * model.promotion.watts;
        self
    }
}

impl Witness for Radio {
    fn packet(&self, packet: Packet) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let window = state.window.as_ref();
        if !window.is_some_and(|window| window.contains(&packet.at)) {
            return;
        }
        let gap = state.last.map(|last| self.gap(last, &packet));
        match gap {
            None => state.usage = state.usage.woken(&self.model),
            Some(gap) if gap >= self.model.tail_seconds() => {
                state.usage = state.usage.after_tail(&self.model).woken(&self.model);
            }
            Some(gap) => {
                state.usage.on_seconds += gap;
                state.usage.joules += self.model.tail_joules(gap);
            }
        }
        state.last = Some(packet.at);
        let mbit = packet.octets as f64 * 8.0 / 1e6;
        state.usage.joules += mbit
            * if packet.up {
                self.model.joules_per_mbit_up
            } else {
                self.model.joules_per_mbit_down
            };
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Radio;
    use crate::metrics::row::{Cell, RadioRow};
    use crate::net::{Packet, Witness as _};
    use crate::plan::UserId;
    use crate::scenario::{Arm, DeviceKind, RadioKind};

    /// Packets at these milliseconds; after a pause or not.
    fn run(kind: RadioKind, speed: f64, packets: &[(u64, bool)]) -> RadioRow {
        let start = Instant::now()
            .checked_sub(Duration::from_secs(3600))
            .unwrap();
        let radio = Radio::new(kind, speed);
        radio.watch(start..start + Duration::from_secs(600));
        for (ms, after_pause) in packets {
            radio.packet(Packet {
                at: start + Duration::from_millis(*ms),
                up: true,
                octets: 0,
                after_pause: *after_pause,
            });
        }
        let cell = Cell {
            block: 1,
            arm: Arm::POP3,
        };
        radio.row(cell, UserId(3), DeviceKind::Phone).unwrap()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn one_packet_costs_a_promotion_and_a_tail() {
        // 0.26 x 1.21 + 0.1 x 1.2 + 10 x 1.06 = 11.03 J; 2 x 0.53 + 5 x 0.7 + 12 x 0.35 = 8.76 J.
        for (kind, on, joules) in [
            (RadioKind::Lte, 10.36, 11.0346),
            (RadioKind::ThreeG, 19.0, 8.76),
            (RadioKind::Wifi, 0.25, 0.100_75),
        ] {
            let row = run(kind, 1.0, &[(0, true)]);
            assert_eq!(row.wake_ups, 1);
            assert!(close(row.on_s, on) && close(row.joules, joules), "{row:?}");
            assert!(close(row.simulated_s, 600.0));
        }
    }

    #[test]
    fn packets_within_the_tail_share_a_wake_up_and_later_ones_do_not() {
        let row = run(
            RadioKind::Lte,
            1.0,
            &[(0, true), (4_000, true), (20_000, true)],
        );
        assert_eq!(row.wake_ups, 2);
        assert!(close(row.on_s, 2.0 * 10.36 + 4.0), "{row:?}");
    }

    #[test]
    fn speed_stretches_peoples_pauses_and_nothing_else() {
        // At speed 60 half a second without anybody's work is half a minute, a reply that takes as long is not.
        let paused = run(RadioKind::Lte, 60.0, &[(0, true), (500, true)]);
        assert_eq!(paused.wake_ups, 2);
        let waited = run(RadioKind::Lte, 60.0, &[(0, true), (500, false)]);
        assert_eq!(waited.wake_ups, 1);
        assert!(close(waited.on_s, 10.36 + 0.5), "{waited:?}");
        assert!(close(waited.simulated_s, 36_000.0));
    }

    #[test]
    fn octets_cost_what_they_cost_and_only_within_the_window() {
        let start = Instant::now();
        let radio = Radio::new(RadioKind::Lte, 1.0);
        let packet = |at, octets| Packet {
            at,
            up: false,
            octets,
            after_pause: false,
        };
        radio.packet(packet(start, 1_000_000));
        radio.watch(start..start + Duration::from_millis(1));
        radio.packet(packet(start, 125_000));
        radio.packet(packet(start + Duration::from_secs(60), 125_000));
        let cell = Cell {
            block: 1,
            arm: Arm::IMAP,
        };
        let row = radio.row(cell, UserId(0), DeviceKind::Phone).unwrap();
        assert_eq!(row.wake_ups, 1);
        assert!(close(row.joules, 11.0346 + 0.051_97), "{row:?}");
    }
}
