//! The network that a device is behind, as the scenario has it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::net::{Link, MOST_NAMESPACES, Namespace, NamespaceError, Qdisc, Shape};
use crate::plan::{Plan, UserId};
use crate::scenario::{DeviceKind, Scenario};
use crate::target::Endpoint;

/// The link of one device; none where nothing is shaped. Its jitter follows from the scenario's seed, the user and the
/// kind of device.
pub(super) fn link(scenario: &Scenario, user: UserId, kind: DeviceKind) -> Option<Arc<Link>> {
    let shape = shape(scenario, kind)?;
    let device = u64::from(user.0) << 2 | kind as u64;
    Some(Arc::new(Link::new(shape, scenario.seed ^ device << 20)))
}

fn shape(scenario: &Scenario, kind: DeviceKind) -> Option<Shape> {
    let network = scenario.device(kind).network.shape()?;
    Some(Shape {
        down: network.down.0,
        up: network.up.0,
        rtt: network.rtt,
        jitter: network.jitter,
    })
}

/// Networks by the kernel: a namespace for each device that is behind one, for the whole run.
#[derive(Debug, Default)]
pub struct KernelNetworks(HashMap<(UserId, DeviceKind), Arc<Namespace>>);

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum KernelNetworksError {
    /// The kernel cannot do it.
    #[error(
        "the kernel cannot emulate networks here: {0}; without `--netem` mailgauge emulates rate and delay itself"
    )]
    Namespace(#[from] NamespaceError),
    /// There are no addresses for so many.
    #[error(
        "{devices} devices are behind networks, `--netem` has room for {MOST_NAMESPACES}: lower `users.count`"
    )]
    TooMany {
        /// So many there are.
        devices: usize,
    },
    /// No device is behind a network.
    #[error(
        "no device has a network that could be emulated: set one, such as `--set phone.network=slow4g`"
    )]
    Nothing,
}

impl KernelNetworks {
    /// Lays them.
    ///
    /// # Errors
    /// The kernel cannot do it, or there is nothing to do. Nothing is left then.
    pub fn lay(scenario: &Scenario, plan: &Plan) -> Result<Self, KernelNetworksError> {
        let owned = plan.users.iter().flat_map(|user| {
            let of_user = user.devices.iter().map(|kind| (user.user, *kind));
            of_user.filter_map(|(user, kind)| Some((user, kind, shape(scenario, kind)?)))
        });
        let owned: Vec<(UserId, DeviceKind, Shape)> = owned.collect();
        if owned.is_empty() {
            return Err(KernelNetworksError::Nothing);
        }
        if owned.len() > MOST_NAMESPACES as usize {
            let devices = owned.len();
            return Err(KernelNetworksError::TooMany { devices });
        }
        let mut namespaces = HashMap::new();
        for (number, (user, kind, shape)) in (0..).zip(owned) {
            let namespace = Namespace::lay(number, shape, Qdisc::Netem)?;
            namespaces.insert((user, kind), Arc::new(namespace));
        }
        Ok(Self(namespaces))
    }

    pub(super) fn of(&self, user: UserId, kind: DeviceKind) -> Option<Arc<Namespace>> {
        self.0.get(&(user, kind)).cloned()
    }

    /// Lets the devices of these users reach the server's services; runs on the caller's runtime.
    ///
    /// # Errors
    /// A sentence: a port could not be had.
    pub(super) async fn open_ways(
        &self,
        endpoint: &Endpoint,
        users: &[UserId],
    ) -> Result<(), String> {
        let services = [&endpoint.pop3, &endpoint.imap];
        for ((user, _), namespace) in &self.0 {
            if !users.contains(user) {
                continue;
            }
            for service in services.into_iter().flatten() {
                let relay = namespace.relay(service.address.socket).await;
                let relay = relay.map_err(|error| {
                    format!("a device's network cannot be joined to the server: {error}")
                })?;
                tokio::spawn(relay);
            }
        }
        Ok(())
    }
}
