//! The network that a device is behind, as the scenario has it.

use std::sync::Arc;

use crate::net::{Link, Shape};
use crate::plan::UserId;
use crate::scenario::{DeviceKind, Scenario};

/// The link of one device; none where nothing is shaped. Its jitter follows from the scenario's seed, the user and the
/// kind of device.
pub(super) fn link(scenario: &Scenario, user: UserId, kind: DeviceKind) -> Option<Arc<Link>> {
    let network = scenario.device(kind).network.shape()?;
    let shape = Shape {
        down: network.down.0,
        up: network.up.0,
        rtt: network.rtt,
        jitter: network.jitter,
    };
    let device = u64::from(user.0) << 2 | kind as u64;
    Some(Arc::new(Link::new(shape, scenario.seed ^ device << 20)))
}
