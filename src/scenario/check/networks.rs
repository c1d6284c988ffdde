//! Whether a device's network can be emulated, and whether its outages make sense.

use std::time::Duration;

use strum::IntoEnumIterator;

use super::Faults;
use crate::scenario::{DeviceKind, OutageWindow, Outages, Scenario, duration_text};

/// The longest round trip: beyond it no reply comes within any limit that makes sense.
const LONGEST_RTT: Duration = Duration::from_secs(10);

impl Faults {
    /// The networks of all devices.
    pub(super) fn networks(&mut self, scenario: &Scenario) {
        for kind in DeviceKind::iter() {
            self.network(scenario, kind);
            self.outages(scenario, kind);
        }
    }

    /// What a device is connected by.
    fn network(&mut self, scenario: &Scenario, kind: DeviceKind) {
        let Some(shape) = scenario.device(kind).network.shape() else {
            return;
        };
        let path = format!("{kind}.network");
        if shape.rtt > LONGEST_RTT {
            let message = format!(
                "a round trip of {} is not possible",
                duration_text(shape.rtt)
            );
            let help = "the slowest preset, `edge`, has 840ms; 10s is the most";
            self.add(&[&format!("{path}.rtt"), &path], message, help);
        }
        if shape.jitter > shape.rtt {
            let message = format!(
                "the round trip is {}, it can not vary by {}",
                duration_text(shape.rtt),
                duration_text(shape.jitter)
            );
            let help = "give `jitter` no more than `rtt`";
            self.add(&[&format!("{path}.jitter"), &path], message, help);
        }
        // TCP takes one round trip, a TLS handshake up to two.
        let connect = scenario.limits.connect;
        if (shape.rtt + shape.jitter) * 2 > connect {
            let message = format!(
                "the round trip is {}, so no connection can be made within {}",
                duration_text(shape.rtt),
                duration_text(connect)
            );
            let help = "raise `limits.connect` to more than two round trips";
            self.add(
                &[&format!("{path}.rtt"), &path, "limits.connect"],
                message,
                help,
            );
        }
    }

    fn outages(&mut self, scenario: &Scenario, kind: DeviceKind) {
        let path = format!("{kind}.outages");
        match &scenario.device(kind).outages {
            None => {}
            Some(Outages::Random { per_day, minutes }) => {
                let path = format!("{path}.random");
                let help = "outages per simulated day, from 0 to 1440";
                self.amount(&format!("{path}.per_day"), *per_day, help);
                if *per_day > 1_440.0 {
                    let message = format!("{per_day} outages in a day are more than one a minute");
                    self.add(&[&format!("{path}.per_day")], message, help);
                }
                self.distribution(&format!("{path}.minutes"), minutes);
            }
            Some(Outages::Windows(windows)) => {
                for (index, window) in windows.iter().enumerate() {
                    self.window(scenario, &format!("{path}.windows.{index}"), window);
                }
            }
        }
    }

    fn window(&mut self, scenario: &Scenario, path: &str, window: &OutageWindow) {
        let [from, to] = [window.from, window.to].map(duration_text);
        if window.to <= window.from {
            let message = format!("the outage ends at {to}, before it begins at {from}");
            self.add(&[&format!("{path}.to")], message, "swap them");
        }
        if scenario.clock(window.from) >= scenario.horizon() {
            let end = duration_text(scenario.horizon().mul_f64(scenario.speed));
            let message = format!("the outage begins at {from}, after the end of the run");
            let help = format!("the run ends after {end} of the users' time");
            self.add(&[&format!("{path}.from")], message, help);
        }
    }
}
