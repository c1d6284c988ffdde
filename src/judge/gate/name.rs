//! From the words of a gate to the figure that they name.

use std::str::FromStr;

use strum::IntoEnumIterator;

use crate::judge::{DOCUMENT, Metric, Unit};
use crate::metrics::Operation;
use crate::rundir::Time;
use crate::scenario::{Arm, DeviceKind, Dimension, Gate, GateError};

/// A figure that a gate can name.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(super) arm: Arm,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Latency(Operations, Time, Aggregate),
    Sum(Operations, Sum, Per),
    Server(&'static str, Over),
    Generator(&'static str, Over),
    Metric(&'static Metric),
}

/// Whose operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Operations {
    pub(super) of: Side,
    pub(super) operation: Operation,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    AnyDevice,
    Device(DeviceKind),
    Delivery,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aggregate {
    Quantile(f64),
    Mean,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Sum {
    Count,
    Errors,
    RxBytes,
    TxBytes,
    WireRxBytes,
    WireTxBytes,
    RoundTrips,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    Run,
    Second,
    /// For errors in percent.
    Operation,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Over {
    Max,
    Mean,
    Last,
}

pub(super) const SERVER: [&str; 11] = [
    "cpu",
    "rss_bytes",
    "pss_bytes",
    "processes",
    "threads",
    "fds",
    "pop3_connections",
    "imap_connections",
    "delivery_connections",
    "storage_bytes",
    "storage_files",
];
pub(super) const GENERATOR: [&str; 8] = [
    "cpu",
    "rss_bytes",
    "fds",
    "threads",
    "open_sessions",
    "lag_p99_us",
    "lag_max_us",
    "errors",
];

const TIMES: [(&str, Time); 4] = [
    ("lag", Time::Lag),
    ("service", Time::Service),
    ("response", Time::Response),
    ("first_byte", Time::FirstByte),
];

pub(super) fn understand(gate: &Gate, arms: &[Arm]) -> Result<Figure, GateError> {
    let mut words = Words {
        gate,
        all: gate.words().collect(),
        at: 0,
    };
    let arm = words.next("an arm")?;
    let names: Vec<String> = arms.iter().map(ToString::to_string).collect();
    let Some(place) = names.iter().position(|name| name == arm) else {
        return Err(words.unknown("arm of this run", names.iter().map(String::as_str)));
    };
    let what = words.what()?;
    if words.at < words.all.len() {
        words.at += 1;
        return Err(words.mistake(
            "the name of the figure ends before this word",
            "leave it out",
        ));
    }
    let figure = Figure {
        arm: arms[place],
        what,
    };
    let (wanted, given) = (figure.dimension(), gate.limit().dimension);
    if wanted != given {
        let help = match wanted {
            Dimension::Time => "give the limit a unit of time, such as 300ms",
            Dimension::Bytes => "give the limit a unit of bytes, such as 64MB",
            Dimension::Percent => "give the limit in percent, such as 1%",
            Dimension::Number => "give a number without a unit",
        };
        let message = format!("this figure is a {wanted}, the limit is a {given}");
        return Err(gate.mistake(usize::MAX, message, help));
    }
    Ok(figure)
}

impl Figure {
    /// What its values are numbers of.
    pub fn dimension(&self) -> Dimension {
        let column = |name: &str| match name {
            name if name.ends_with("_bytes") => Dimension::Bytes,
            name if name.ends_with("_us") => Dimension::Time,
            _ => Dimension::Number,
        };
        match &self.what {
            What::Latency(..) => Dimension::Time,
            What::Sum(_, Sum::Errors, Per::Operation) => Dimension::Percent,
            What::Sum(_, sum, _) => column((*sum).into()),
            What::Server(name, _) | What::Generator(name, _) => column(name),
            What::Metric(metric) => dimension(metric.unit),
        }
    }
}

/// Times per session or per hour are times, bytes per opening are bytes.
pub(super) const fn dimension(unit: Unit) -> Dimension {
    match unit {
        Unit::Percent => Dimension::Percent,
        Unit::Milliseconds
        | Unit::Seconds
        | Unit::MillisecondsPerSession
        | Unit::MillisecondsPerUserHour
        | Unit::SecondsPerUserHour => Dimension::Time,
        Unit::Bytes
        | Unit::BytesPerOpening
        | Unit::BytesPerCheck
        | Unit::BytesPerPhone
        | Unit::BytesPerPhoneDay
        | Unit::BytesPerUserDay => Dimension::Bytes,
        _ => Dimension::Number,
    }
}

/// The words of a gate and how far they were read.
struct Words<'a> {
    gate: &'a Gate,
    all: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self, wanted: &str) -> Result<&'a str, GateError> {
        let Some(word) = self.all.get(self.at) else {
            let message = format!("the name of the figure ends too early: {wanted} is missing");
            return Err(self.gate.mistake(
                self.all.len().saturating_sub(1),
                message,
                "such as `imap.login.response.p99`",
            ));
        };
        self.at += 1;
        Ok(word)
    }

    /// About the word read last.
    fn mistake(&self, message: impl Into<String>, help: impl Into<String>) -> GateError {
        self.gate.mistake(self.at.saturating_sub(1), message, help)
    }

    fn unknown<'n>(&self, what: &str, names: impl Iterator<Item = &'n str>) -> GateError {
        let word = self.all[self.at - 1];
        let mut names: Vec<&str> = names.collect();
        let closeness = |name: &&str| strsim::normalized_damerau_levenshtein(word, name);
        names.sort_by(|a, b| closeness(b).total_cmp(&closeness(a)));
        let message = format!("`{word}` is no {what}");
        match names.first() {
            Some(best) if closeness(best) > 0.5 => {
                self.mistake(message, format!("did you mean `{best}`?"))
            }
            _ => {
                names.sort_unstable();
                self.mistake(message, format!("one of {}", names.join(", ")))
            }
        }
    }

    fn what(&mut self) -> Result<What, GateError> {
        let first = self.next("an operation, `server`, `generator` or a metric")?;
        match first {
            "server" => {
                return self
                    .column(&SERVER)
                    .map(|(name, over)| What::Server(name, over));
            }
            "generator" => {
                return self
                    .column(&GENERATOR)
                    .map(|(name, over)| What::Generator(name, over));
            }
            _ => {}
        }
        if let Some(metric) = DOCUMENT.iter().find_map(|row| row.metric(first)) {
            return Ok(What::Metric(metric));
        }
        let (of, word) = match (first, DeviceKind::from_str(first)) {
            ("delivery", _) => (Side::Delivery, self.next("an operation")?),
            (_, Ok(device)) => (Side::Device(device), self.next("an operation")?),
            (word, Err(_)) => (Side::AnyDevice, word),
        };
        let Ok(operation) = Operation::from_str(word) else {
            let operations = Operation::iter().map(<&'static str>::from);
            let metrics = DOCUMENT
                .iter()
                .flat_map(|row| row.metrics)
                .map(|it| it.name);
            let others = [
                "server",
                "generator",
                "delivery",
                "phone",
                "tablet",
                "notebook",
            ];
            return Err(self.unknown(
                "operation, device or metric",
                operations.chain(metrics).chain(others),
            ));
        };
        self.of_operation(Operations { of, operation })
    }

    fn of_operation(&mut self, operations: Operations) -> Result<What, GateError> {
        let word = self.next("what of it, such as `response` or `errors`")?;
        if let Some((_, time)) = TIMES.iter().find(|(name, _)| *name == word) {
            let word = self.next("an aggregation, such as `p99` or `mean`")?;
            let Some(aggregate) = aggregate(word) else {
                return Err(self.unknown(
                    "aggregation",
                    ["p50", "p90", "p95", "p99", "p99.9", "max", "mean"].into_iter(),
                ));
            };
            return Ok(What::Latency(operations, *time, aggregate));
        }
        let Ok(sum) = Sum::from_str(word) else {
            let sums = Sum::iter().map(<&'static str>::from);
            return Err(self.unknown(
                "figure of an operation",
                sums.chain(TIMES.map(|(name, _)| name)),
            ));
        };
        let per = match self.all.get(self.at) {
            None => Per::Run,
            Some(_) => match (self.next("")?, sum) {
                ("rate", _) => Per::Second,
                ("share", Sum::Errors) => Per::Operation,
                ("mean", other) if !matches!(other, Sum::Errors | Sum::Count) => Per::Operation,
                _ => {
                    return Err(
                        self.unknown("form of this figure", ["rate", "share", "mean"].into_iter())
                    );
                }
            },
        };
        Ok(What::Sum(operations, sum, per))
    }

    fn column(&mut self, names: &[&'static str]) -> Result<(&'static str, Over), GateError> {
        let word = self.next("a column")?;
        let Some(name) = names.iter().find(|name| **name == word) else {
            return Err(self.unknown("column to put a gate on", names.iter().copied()));
        };
        if *name == "cpu" {
            return Ok((name, Over::Mean));
        }
        let word = self.next("`max`, `mean` or `last`")?;
        Over::from_str(word).map(|over| (*name, over)).map_err(|_| {
            self.unknown(
                "aggregation of a column",
                Over::iter().map(<&'static str>::from),
            )
        })
    }
}

fn aggregate(word: &str) -> Option<Aggregate> {
    match word {
        "mean" => Some(Aggregate::Mean),
        "max" => Some(Aggregate::Quantile(1.0)),
        _ => {
            let percent: f64 = word.strip_prefix('p')?.parse().ok()?;
            (0.0..=100.0)
                .contains(&percent)
                .then_some(Aggregate::Quantile(percent / 100.0))
        }
    }
}
