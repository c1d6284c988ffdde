//! What a step would take on another network. A step waits for the server a counted number of times, and each wait is
//! one round trip longer or shorter there: time = (time here − round trips × RTT here) + round trips × RTT there. What
//! the rate of a slower link adds to long transfers is not in it.

use serde::Serialize;

use super::evidence::{Evidence, Part};
use crate::metrics::Operation;
use crate::metrics::row::OperationRow;
use crate::scenario::{Arm, Phase};

/// The round trips that are predicted for, ms: a near server, fast and slow 4G, 3G.
pub const RTTS_MS: [u32; 4] = [20, 60, 150, 300];

/// Steps that a person waits for.
const STEPS: [Operation; 4] = [
    Operation::UsableInbox,
    Operation::Check,
    Operation::OpenMessage,
    Operation::OpenAttachment,
];

/// A step of an arm, here and elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The arm.
    pub arm: Arm,
    /// What was timed.
    pub step: Operation,
    /// Steps that were observed, from the ramp-up to the end of the measured phase.
    pub n: u64,
    /// Round trips of a step, mean.
    pub round_trips: f64,
    /// Service time as measured, mean, ms.
    pub measured_ms: f64,
    /// The same without the round trips of an emulated network: the server, ms.
    pub server_ms: f64,
    /// Service time predicted for each of [`RTTS_MS`], ms.
    pub predicted_ms: [f64; 4],
}

impl Prediction {
    /// Service time at a round trip of so many ms.
    pub fn at(&self, rtt_ms: f64) -> f64 {
        self.server_ms + self.round_trips * rtt_ms
    }
}

/// The predictions of all arms; steps that were not observed are left out.
pub fn predict(evidence: &Evidence) -> Vec<Prediction> {
    let arms = &evidence.setting.arms;
    arms.iter()
        .flat_map(|arm| {
            let part = evidence.part(*arm, None);
            STEPS.iter().filter_map(move |step| of(part, *step))
        })
        .collect()
}

fn of(part: Part<'_>, step: Operation) -> Option<Prediction> {
    let (mut n, mut waits, mut measured, mut network) = (0, 0.0, 0.0, 0.0);
    let rows = part.spans(step).filter(|row| row.count > row.errors);
    for row in rows {
        let ended_well = row.count - row.errors;
        // A failed step's waits are in the sum of the row, its time is not.
        let of_these = row.round_trips as f64 * ended_well as f64 / row.count as f64;
        n += ended_well;
        waits += of_these;
        measured += row.service_mean_us / 1e3 * ended_well as f64;
        network += of_these * part.setting().rtt_ms(row.device);
    }
    if n == 0 {
        return None;
    }
    let mean = |sum: f64| sum / n as f64;
    let mut prediction = Prediction {
        arm: part.arm,
        step,
        n,
        round_trips: mean(waits),
        measured_ms: mean(measured),
        server_ms: mean(measured - network).max(0.0),
        predicted_ms: [0.0; 4],
    };
    prediction.predicted_ms = RTTS_MS.map(|rtt| prediction.at(f64::from(rtt)));
    Some(prediction)
}

/// Whether a row tells of a device while the plan ran.
pub(super) fn is_of_the_plan(row: &OperationRow) -> bool {
    let planned = matches!(row.phase, Phase::RampUp | Phase::WarmUp | Phase::Measure);
    planned && row.device.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::synthetic;
    use crate::scenario::DeviceKind;

    fn step(evidence: &Evidence, arm: Arm) -> Prediction {
        predict(evidence)
            .into_iter()
            .find(|it| it.arm == arm && it.step == Operation::UsableInbox)
            .unwrap()
    }

    #[test]
    fn each_round_trip_adds_the_rtt_of_the_other_network() {
        let mut evidence = synthetic::as_the_document_says();
        for row in &mut evidence.operations {
            row.round_trips = row.count * 7;
        }
        let pop = step(&evidence, Arm::POP3);
        assert!((pop.round_trips - 7.0).abs() < 1e-9);
        assert!((pop.server_ms - 3.0).abs() < 1e-9, "{pop:?}");
        assert!((pop.predicted_ms[3] - (3.0 + 7.0 * 300.0)).abs() < 1e-9);
    }

    #[test]
    fn the_round_trips_of_the_networks_here_are_taken_off_first() {
        let mut evidence = synthetic::as_the_document_says();
        let rtts = &mut evidence.setting.rtts_us;
        for kind in [DeviceKind::Phone, DeviceKind::Tablet, DeviceKind::Notebook] {
            rtts.insert(kind, 150_000);
        }
        for row in &mut evidence.operations {
            row.round_trips = row.count * 7;
            row.service_mean_us += 7.0 * 150_000.0;
        }
        let pop = step(&evidence, Arm::POP3);
        assert!((pop.measured_ms - 1_053.0).abs() < 1e-6, "{pop:?}");
        assert!((pop.server_ms - 3.0).abs() < 1e-6);
        assert!((pop.at(150.0) - pop.measured_ms).abs() < 1e-6);
    }
}
