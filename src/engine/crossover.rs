//! How long a device takes to its first readable message, in dependence on the size of the mailbox, on that of an
//! attachment, and on the round trip. The newest message is what the person wants to read. A device may come for the first
//! time, or know all but the newest message. Each case has a mailbox and a link of its own.

mod visit;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strum::IntoEnumIterator as _;
use tokio::task::{JoinSet, LocalSet};

use super::delivery::{Parcel, SENDER, Way, unix_now};
use super::ledger::RunId;
use crate::client::{ClientError, OpenError};
use crate::metrics::{CrossoverRow, Swept, Visit};
use crate::net::{Dialer, Link, Shape, TimeLimits};
use crate::plan::message::{Envelope, SMALLEST_WITH_ATTACHMENT, Writer};
use crate::plan::{MessageSpec, UserId};
use crate::scenario::{
    Arm, Client, DeviceKind, ImapClient, NetworkPreset, PopClient, Scenario, TlsMode,
};
use crate::target::{Account, Endpoint, Request, Target};

/// Of each message: the median of `SPECmail2001`.
const MESSAGE: u64 = 3_000;
/// Cases at the same time: enough to be done soon, few enough that they do not wait for each other.
const TOGETHER: usize = 4;
/// Of a connection, and of each silence: the largest case downloads for half a minute.
const LIMIT: Duration = Duration::from_secs(60);

/// One point of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Case {
    swept: Swept,
    messages: u32,
    attachment: u64,
    rtt_ms: u32,
}

impl Case {
    /// Of the newest message.
    fn octets(&self) -> u64 {
        MESSAGE + self.attachment
    }
}

/// Where the others stay while one grows: a short list without an attachment, 4G.
const BASE: Case = Case {
    swept: Swept::Messages,
    messages: 10,
    attachment: 0,
    rtt_ms: 60,
};

/// All points of all series.
fn cases() -> Vec<Case> {
    let case = |swept| Case { swept, ..BASE };
    Swept::iter()
        .flat_map(|swept| match swept {
            Swept::Messages => [1, 3, 10, 30, 100, 300]
                .map(|messages| Case {
                    messages,
                    ..case(swept)
                })
                .to_vec(),
            Swept::Attachment => [3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
                .map(|attachment| Case {
                    attachment,
                    ..case(swept)
                })
                .to_vec(),
            Swept::Rtt => [5, 20, 60, 150, 300, 600]
                .map(|rtt_ms| Case {
                    rtt_ms,
                    ..case(swept)
                })
                .to_vec(),
        })
        .collect()
}

/// Measures all points `repetitions` times for each kind of visit, an arm's phone over links with the rates of slow 4G.
///
/// # Errors
/// A sentence: the target could not be started, filled or reached. Nothing is left of it then.
pub async fn crossover(
    target: &Target,
    scenario: &Scenario,
    visits: &[(Arm, Visit)],
    repetitions: u32,
    mut progress: impl FnMut(u32, u32),
) -> Result<Vec<CrossoverRow>, String> {
    let cases = cases();
    let request = Request {
        accounts: cases.len() as u32,
        connections: 2 * TOGETHER as u32,
        tls: TlsMode::Plain,
        cpus: None,
    };
    let instance = target.start(request).await;
    let instance = instance.map_err(|error| error.to_string())?;
    let endpoint = Arc::clone(&instance.endpoint);
    let measured = LocalSet::new()
        .run_until(measure(
            &endpoint,
            scenario,
            &cases,
            visits,
            repetitions,
            &mut progress,
        ))
        .await;
    let stopped = instance.stop().await.map_err(|error| error.to_string());
    let mut rows = measured?;
    stopped?;
    rows.sort_by(|a, b| {
        let key = |row: &CrossoverRow| (row.swept, row.arm, row.repetition);
        a.at().total_cmp(&b.at()).then(key(a).cmp(&key(b)))
    });
    rows.sort_by_key(|row| (row.swept, row.arm));
    Ok(rows)
}

async fn measure(
    endpoint: &Arc<Endpoint>,
    scenario: &Scenario,
    cases: &[Case],
    visits: &[(Arm, Visit)],
    repetitions: u32,
    progress: &mut impl FnMut(u32, u32),
) -> Result<Vec<CrossoverRow>, String> {
    let limits = TimeLimits {
        connect: LIMIT,
        command: LIMIT,
    };
    let dialer = endpoint.dialer(false, true, limits);
    let dialer = dialer.map_err(|error| error.to_string())?;
    let mut waiting = cases.iter().zip(&endpoint.accounts);
    let mut tasks = JoinSet::new();
    let mut rows = Vec::new();
    let mut done = 0;
    loop {
        while tasks.len() < TOGETHER
            && let Some((case, account)) = waiting.next()
        {
            let desk = Desk {
                endpoint: Arc::clone(endpoint),
                dialer: dialer.clone(),
                account: account.clone(),
                case: *case,
            };
            let visits: Vec<Planned> = visits
                .iter()
                .map(|&(arm, visit)| Planned::new(scenario, arm, visit))
                .collect();
            tasks.spawn_local(async move { desk.work(&visits, repetitions).await });
        }
        let Some(ended) = tasks.join_next().await else {
            return Ok(rows);
        };
        let ended = ended.map_err(|error| format!("a case broke off: {error}"))?;
        rows.extend(ended.map_err(|error| error.to_string())?);
        done += 1;
        progress(done, cases.len() as u32);
    }
}

/// One arm's phone, and whether it has been there.
struct Planned {
    arm: Arm,
    visit: Visit,
    client: Behaviour,
}

enum Behaviour {
    Pop3(PopClient),
    Imap(ImapClient),
}

impl Planned {
    fn new(scenario: &Scenario, arm: Arm, visit: Visit) -> Self {
        let client = match scenario.client(arm, DeviceKind::Phone) {
            Client::Pop3(client) => Behaviour::Pop3(client.clone()),
            Client::Imap(client) => Behaviour::Imap(client.clone()),
        };
        Self { arm, visit, client }
    }
}

/// Works on one case.
struct Desk {
    endpoint: Arc<Endpoint>,
    dialer: Dialer,
    account: Account,
    case: Case,
}

impl Desk {
    async fn work(
        &self,
        visits: &[Planned],
        repetitions: u32,
    ) -> Result<Vec<CrossoverRow>, ClientError> {
        self.fill().await?;
        let mut rows = Vec::new();
        for repetition in 1..=repetitions {
            for planned in visits {
                let begun = Instant::now();
                let dialer = self.dialer.clone().over(Arc::new(self.link(repetition)));
                let (at, figures) = match &planned.client {
                    Behaviour::Pop3(client) => {
                        self.by_pop(&dialer, client, planned.visit, begun).await?
                    }
                    Behaviour::Imap(client) => {
                        self.by_imap(&dialer, client, planned.visit, begun).await?
                    }
                };
                rows.push(CrossoverRow {
                    swept: self.case.swept,
                    arm: planned.arm,
                    visit: planned.visit,
                    messages: self.case.messages,
                    attachment_bytes: self.case.attachment,
                    rtt_ms: self.case.rtt_ms,
                    repetition,
                    readable_ms: (at - begun).as_secs_f64() * 1e3,
                    round_trips: figures.round_trips,
                    wire_rx_bytes: figures.traffic.wire_rx,
                });
            }
        }
        Ok(rows)
    }

    /// The rates of slow 4G at the case's round trip.
    fn link(&self, repetition: u32) -> Link {
        let rates = NetworkPreset::Slow4g.shape();
        let (down, up) = rates.map_or((1_600_000, 750_000), |shape| (shape.down.0, shape.up.0));
        let shape = Shape {
            down,
            up,
            rtt: Duration::from_millis(u64::from(self.case.rtt_ms)),
            jitter: Duration::ZERO,
        };
        Link::new(shape, u64::from(repetition))
    }

    /// Puts the case's mail into its mailbox, the newest last.
    async fn fill(&self) -> Result<(), ClientError> {
        let owner = Rc::new(self.account.login());
        let opened = Way::open(&self.dialer, &self.endpoint, &owner, ()).await;
        let mut way = opened.map_err(|OpenError { error, .. }| error)?;
        let run = RunId::random();
        for seq in 0..self.case.messages {
            let newest = seq + 1 == self.case.messages;
            let attachment = (newest && self.case.attachment > 0).then_some(self.case.attachment);
            let spec = MessageSpec {
                // Odd: text alone, so that all arms read the same.
                seed: u64::from(seq) * 2 + 1,
                octets: MESSAGE
                    + attachment.map_or(0, |octets| octets.max(SMALLEST_WITH_ATTACHMENT)),
                attachment,
                incompressible: attachment.unwrap_or(0),
            };
            let id = run.identity(UserId(0), seq);
            let envelope = Envelope {
                id: &id,
                from: SENDER,
                to: &self.account.address,
                date_unix: unix_now(),
                ancestors: &[],
            };
            let body = Writer::new(&spec, &envelope);
            let parcel = Parcel {
                sender: SENDER,
                recipient: &self.account.address,
                flags: &[],
                octets: body.octets(),
                body,
                due: Instant::now(),
            };
            way.deliver(parcel).await?;
        }
        // All of it is handed over: how the connection ends changes nothing.
        drop(way.quit().await);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BASE, cases};
    use crate::metrics::Swept;

    #[test]
    fn each_series_moves_one_value_and_passes_the_base() {
        for case in cases() {
            let moved = [
                case.messages != BASE.messages,
                case.attachment != BASE.attachment,
                case.rtt_ms != BASE.rtt_ms,
            ];
            let own =
                [Swept::Messages, Swept::Attachment, Swept::Rtt].map(|swept| swept == case.swept);
            assert!(moved.iter().zip(own).all(|(moved, own)| own || !moved));
        }
        let at_base = cases()
            .iter()
            .filter(|case| {
                (case.messages, case.attachment, case.rtt_ms)
                    == (BASE.messages, BASE.attachment, BASE.rtt_ms)
            })
            .count();
        // An attachment that is not there has no place on an axis of decades.
        assert_eq!(at_base, 2);
    }
}
