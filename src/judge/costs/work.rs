//! How much of each kind of work was done between two samples of the server. What lasts is spread evenly over the time that it
//! lasted.

use crate::judge::evidence::Part;
use crate::judge::stats::least_squares;
use crate::metrics::Operation;
use crate::metrics::row::{Event, SessionRow};
use crate::scenario::{Phase, Protocol};

const MICROS_PER_S: u64 = 1_000_000;

/// Samples closer than this are taken for one: those at the turn of phases.
const CLOSEST_US: u64 = MICROS_PER_S / 2;

/// A gap longer than this is one in which nobody looked.
const LONGEST_US: u64 = 10 * MICROS_PER_S;

/// A kind of work of which there is a certain amount each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// POP3: a session that ended well, empty.
    Poll,
    /// POP3: a message fetched whole.
    NewMessage,
    /// POP3: a message in the list of a session.
    KeptMessage,
    /// IMAP: a check for mail.
    Check,
    /// IMAP: an hour of a connection.
    ConnectionHour,
    /// IMAP: a session, its way in.
    Session,
    /// IMAP: a message or a part of one that was fetched.
    Fetch,
    /// A message delivered.
    Delivery,
}

impl Work {
    /// Those of a protocol: what is nearer to the question comes first, and is told where two cannot be told apart.
    pub(super) const fn of(protocol: Protocol) -> &'static [Self] {
        match protocol {
            Protocol::Pop3 => &[
                Self::Poll,
                Self::NewMessage,
                Self::KeptMessage,
                Self::Delivery,
            ],
            Protocol::Imap => &[
                Self::Check,
                Self::ConnectionHour,
                Self::Delivery,
                Self::Session,
                Self::Fetch,
            ],
        }
    }

    /// Its name in `costs.csv`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::NewMessage => "new-message",
            Self::KeptMessage => "kept-message",
            Self::Check => "check",
            Self::ConnectionHour => "connection-hour",
            Self::Session => "session",
            Self::Fetch => "fetch",
            Self::Delivery => "delivery",
        }
    }

    /// How many observations an amount of one stands for: an hour was sampled each second.
    pub(super) const fn units_in_one(self) -> f64 {
        match self {
            Self::ConnectionHour => 3600.0,
            _ => 1.0,
        }
    }

    /// Of that much, from when to when.
    fn spans(self, part: Part<'_>) -> Vec<Span> {
        let sessions = |amount: fn(&SessionRow) -> f64| {
            let span = |row: &SessionRow| (row.start_at_us, row.end_at_us, amount(row));
            part.all_sessions().map(span).collect()
        };
        let counted = |wanted: fn(Operation) -> bool, by_devices: bool| {
            part.counts()
                .filter(|row| row.device.is_some() == by_devices && wanted(row.operation))
                .map(|row| {
                    let from = u64::from(row.second) * MICROS_PER_S;
                    (from, from + MICROS_PER_S, row.count as f64)
                })
                .collect()
        };
        match self {
            Self::Poll => sessions(|row| f64::from(u8::from(row.login_us.is_some()))),
            Self::NewMessage => sessions(|row| f64::from(row.messages)),
            Self::KeptMessage => part
                .observations()
                .filter(|row| row.event == Event::Listed)
                .filter_map(|row| Some((row.sent_at_us, row.at_us, f64::from(row.messages?))))
                .collect(),
            Self::ConnectionHour => {
                let lasted = |row: &SessionRow| row.end_at_us.saturating_sub(row.start_at_us);
                part.all_sessions()
                    .filter(|row| row.connect_us.is_some())
                    .map(|row| {
                        let hours = lasted(row) as f64 / 3600e6;
                        (row.start_at_us, row.end_at_us, hours)
                    })
                    .collect()
            }
            Self::Session => part
                .all_sessions()
                .filter(|row| row.login_us.is_some())
                .map(|row| {
                    let steps = [row.connect_us, row.tls_us, row.greeting_us, row.login_us];
                    let way_in: u64 = steps.into_iter().flatten().sum();
                    (row.start_at_us, row.start_at_us.saturating_add(way_in), 1.0)
                })
                .collect(),
            Self::Check => counted(|operation| operation == Operation::Check, true),
            Self::Fetch => counted(
                |it| matches!(it, Operation::FetchPart | Operation::FetchMessage),
                true,
            ),
            Self::Delivery => counted(
                |it| matches!(it, Operation::Deliver | Operation::Append),
                false,
            ),
        }
    }
}

/// From, to, amount.
type Span = (u64, u64, f64);

/// The time between samples of the server, from the ramp-up to the end of the drain.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    /// From and to, in order of time.
    spans: Vec<(u64, u64)>,
    /// Block of each.
    pub(super) cells: Vec<u32>,
    /// How long each was.
    pub(super) lengths_s: Vec<f64>,
    /// CPU that the server used in it.
    pub(super) cpu_ms: Vec<f64>,
}

impl Seconds {
    pub(super) fn of(part: Part<'_>) -> Self {
        let mut rows: Vec<_> = part
            .server_samples()
            .filter(|row| (Phase::RampUp..=Phase::Drain).contains(&row.phase))
            .collect();
        rows.sort_by_key(|row| row.at_us);
        let mut seconds = Self::default();
        let mut before = None;
        for row in rows {
            let cpu_us = row.cpu_user_us.saturating_add(row.cpu_system_us);
            let now = (row.block, row.at_us, cpu_us);
            let Some((block, from, cpu_before)) = before else {
                before = Some(now);
                continue;
            };
            let length = row.at_us - from;
            if block == row.block && length < CLOSEST_US {
                continue;
            }
            if block == row.block && length <= LONGEST_US && cpu_us >= cpu_before {
                seconds.spans.push((from, row.at_us));
                seconds.cells.push(block);
                seconds.lengths_s.push(length as f64 / 1e6);
                seconds.cpu_ms.push((cpu_us - cpu_before) as f64 / 1e3);
            }
            before = Some(now);
        }
        seconds
    }

    /// How much of a kind was done in each.
    pub(super) fn amounts(&self, part: Part<'_>, work: Work) -> Vec<f64> {
        let mut amounts = vec![0.0; self.spans.len()];
        for (from, to, amount) in work.spans(part) {
            // What takes no time falls into the second of its instant.
            let to = to.max(from.saturating_add(1));
            let first = self.spans.partition_point(|span| span.1 <= from);
            for (span, sum) in self.spans.iter().zip(&mut amounts).skip(first) {
                if span.0 >= to {
                    break;
                }
                let shared = span.1.min(to) - span.0.max(from);
                *sum += amount * shared as f64 / (to - from) as f64;
            }
        }
        amounts
    }

    /// Of the kinds that are told already, by name and the first of them the time itself, the one that these amounts follow most:
    /// its number and name.
    pub(super) fn goes_with(
        &self,
        amounts: &[f64],
        told: impl Iterator<Item = &'static str>,
        part: Part<'_>,
    ) -> (usize, &'static str) {
        let kinds = Work::of(part.arm.protocol());
        let mut most = (0, "the time", 0.0);
        for (index, name) in told.enumerate().skip(1) {
            let Some(work) = kinds.iter().find(|work| work.name() == name) else {
                continue;
            };
            let alike = least_squares::alike(amounts, &self.amounts(part, *work));
            if alike > most.2 {
                most = (index, name, alike);
            }
        }
        (most.0, most.1)
    }
}
