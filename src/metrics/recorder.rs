use std::collections::BTreeMap;

use super::interval::Figures;
use super::{Interval, Key, Operation, Sample};
use crate::scenario::{DeviceKind, Phase};

const PHASES: usize = Phase::Audit as usize + 1;
/// The device kinds, and the delivery side.
const DEVICES: usize = DeviceKind::Notebook as usize + 2;
const OPERATIONS: usize = Operation::Deliver as usize + 1;

/// One worker's histograms for one arm of one block.
///
/// No lock, no hash, and no allocation per sample: a key's histograms are allocated when it is first
/// used in an interval (48 KiB for its three) and grow with the slowest sample seen, to 192 KiB at
/// 100 ms, 408 KiB at one minute and 672 KiB at [`super::HIGHEST_US`].
pub struct Recorder {
    /// Indexed by [`slot`].
    figures: Vec<Option<Box<Figures>>>,
    /// Slots in use, so that taking an interval does not walk the whole table.
    used: Vec<Key>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Self {
        let mut figures = Vec::new();
        figures.resize_with(PHASES * DEVICES * OPERATIONS, || None);
        Self {
            figures,
            used: Vec::new(),
        }
    }

    /// Files one sample under `key`.
    pub fn record(&mut self, key: Key, sample: &Sample) {
        let slot = &mut self.figures[slot(key)];
        let figures = if let Some(figures) = slot {
            figures
        } else {
            self.used.push(key);
            slot.insert(Box::default())
        };
        figures.record(sample);
    }

    /// Takes what was recorded since the last call; the recorder goes on empty.
    #[must_use = "what is taken and not kept is lost"]
    pub fn take_interval(&mut self) -> Interval {
        let taken: BTreeMap<Key, Box<Figures>> = self
            .used
            .drain(..)
            .filter_map(|key| Some((key, self.figures[slot(key)].take()?)))
            .collect();
        Interval::from(taken)
    }
}

const fn slot(key: Key) -> usize {
    let device = match key.device {
        None => 0,
        Some(device) => device as usize + 1,
    };
    (key.phase as usize * DEVICES + device) * OPERATIONS + key.operation as usize
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::metrics::row::Cell;
    use crate::metrics::{ErrorClass, Timing, Traffic};
    use crate::scenario::Arm;

    const CELL: Cell = Cell {
        block: 1,
        arm: Arm::IMAP,
    };

    fn key(operation: Operation) -> Key {
        Key {
            phase: Phase::Measure,
            device: Some(DeviceKind::Phone),
            operation,
        }
    }

    fn sample(lag_us: u64, service_us: u64, outcome: Result<(), ErrorClass>) -> Sample {
        let due = Instant::now();
        let sent = due + Duration::from_micros(lag_us);
        Sample {
            operation: Operation::Noop,
            timing: Timing {
                due,
                sent,
                first_byte: None,
                done: sent + Duration::from_micros(service_us),
            },
            traffic: Traffic {
                rx: 10,
                tx: 3,
                wire_rx: 20,
                wire_tx: 6,
                packets: None,
            },
            round_trips: 1,
            outcome,
        }
    }

    #[test]
    fn every_key_has_a_slot_of_its_own() {
        let mut slots = std::collections::BTreeSet::new();
        let devices = || std::iter::once(None).chain(DeviceKind::iter().map(Some));
        for phase in Phase::iter() {
            for device in devices() {
                for operation in Operation::iter() {
                    let slot = slot(Key {
                        phase,
                        device,
                        operation,
                    });
                    assert!(slot < PHASES * DEVICES * OPERATIONS);
                    assert!(slots.insert(slot));
                }
            }
        }
    }

    #[test]
    fn taking_an_interval_leaves_an_empty_recorder() {
        let mut recorder = Recorder::new();
        recorder.record(key(Operation::Noop), &sample(0, 100, Ok(())));
        assert_eq!(recorder.take_interval().rows(0, CELL).len(), 1);
        assert!(recorder.take_interval().is_empty());
        recorder.record(key(Operation::Noop), &sample(0, 100, Ok(())));
        assert_eq!(recorder.take_interval().rows(1, CELL)[0].count, 1);
    }

    #[test]
    fn lag_service_and_response_are_kept_apart() {
        let mut recorder = Recorder::new();
        recorder.record(key(Operation::Noop), &sample(300, 500, Ok(())));
        let row = &recorder.take_interval().rows(7, CELL)[0];
        assert_eq!(row.second, Some(7));
        assert_eq!(
            (row.lag_p50_us, row.service_p50_us, row.response_p50_us),
            (300, 500, 800)
        );
        assert_eq!(
            (
                row.rx_bytes,
                row.tx_bytes,
                row.wire_rx_bytes,
                row.wire_tx_bytes
            ),
            (10, 3, 20, 6)
        );
    }

    #[test]
    fn a_failed_operation_is_counted_and_its_traffic_too_but_its_time_flatters_nobody() {
        let mut recorder = Recorder::new();
        recorder.record(
            key(Operation::Login),
            &sample(0, 5, Err(ErrorClass::Authentication)),
        );
        recorder.record(key(Operation::Login), &sample(0, 2_000, Ok(())));
        let interval = recorder.take_interval();
        let row = &interval.rows(0, CELL)[0];
        assert_eq!((row.count, row.errors, row.rx_bytes), (2, 1, 20));
        assert_eq!((row.service_p50_us, row.service_max_us), (2_000, 2_000));
        let (_, figures) = interval.iter().next().unwrap();
        assert_eq!(
            figures.errors().collect::<Vec<_>>(),
            [(ErrorClass::Authentication, 1)]
        );
    }

    #[test]
    fn a_sample_beyond_the_highest_value_is_clipped_and_counted_as_clipped() {
        let mut recorder = Recorder::new();
        recorder.record(
            key(Operation::Idle),
            &sample(0, super::super::HIGHEST_US * 3, Ok(())),
        );
        let interval = recorder.take_interval();
        let (_, figures) = interval.iter().next().unwrap();
        assert_eq!(figures.clipped(), 2, "service and response");
        assert_eq!(figures.service().len(), 1);
    }

    fn any_sample() -> impl Strategy<Value = (usize, Key, u64, u64, bool)> {
        let operations = vec![Operation::Session, Operation::Retr, Operation::Deliver];
        let devices = vec![None, Some(DeviceKind::Phone)];
        let phases = vec![Phase::WarmUp, Phase::Measure];
        (
            0..4_usize,
            (
                prop::sample::select(phases),
                prop::sample::select(devices),
                prop::sample::select(operations),
            )
                .prop_map(|(phase, device, operation)| Key {
                    phase,
                    device,
                    operation,
                }),
            0..5_000_u64,
            prop_oneof![6 => 0..3_000_u64, 1 => 0..90_000_000_u64],
            prop::bool::weighted(0.9),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merging_the_workers_intervals_is_recording_everything_in_one(
            samples in prop::collection::vec(any_sample(), 0..100),
        ) {
            let mut workers: Vec<Recorder> = (0..4).map(|_| Recorder::new()).collect();
            let mut one = Recorder::new();
            for &(worker, key, lag, service, good) in &samples {
                let outcome = if good { Ok(()) } else { Err(ErrorClass::Timeout) };
                let sample = sample(lag, service, outcome);
                workers[worker].record(key, &sample);
                one.record(key, &sample);
            }
            let mut merged = Interval::default();
            for worker in &mut workers {
                merged.merge(&worker.take_interval());
            }
            let one = one.take_interval();
            prop_assert_eq!(merged.rows(3, CELL), one.rows(3, CELL));
            for ((_, merged), (_, one)) in merged.iter().zip(one.iter()) {
                prop_assert_eq!(merged.lag(), one.lag());
                prop_assert_eq!(merged.service(), one.service());
                prop_assert_eq!(merged.response(), one.response());
                prop_assert_eq!(merged.errors().collect::<Vec<_>>(), one.errors().collect::<Vec<_>>());
            }
        }
    }
}
