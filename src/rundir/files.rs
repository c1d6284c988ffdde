//! The names in a run directory, and the columns of its CSVs.

use serde::Deserializer;
use serde::de::{DeserializeOwned, Visitor, value};
use strum::EnumIter;

use crate::metrics::row::{
    CheckRow, ConsistencyRow, ErrorRow, GeneratorRow, ObservationRow, OpeningRow, OperationRow,
    RadioRow, ServerRow, SessionRow, StorageRow,
};

/// What was run, with what, against what.
pub const MANIFEST: &str = "manifest.json";
/// What a set of runs holds; it marks a directory as one.
pub const SET: &str = "set.json";
/// What a search for the capacity holds; it marks a directory as one.
pub const SEARCH: &str = "capacity.json";
/// Every histogram of every second, HDR interval log.
pub const LATENCY: &str = "latency.hlog";
/// The document's rows with measured values; `judge` writes it.
pub const COMPARISON: &str = "comparison.csv";
/// The arms side by side: each IMAP arm's figures over each POP3 arm's.
pub const RATIOS: &str = "ratios.csv";
/// The claims of the document's text, judged.
pub const CLAIMS: &str = "claims.csv";
/// The verdict; `judge` writes it last, so its absence marks a run that did not finish.
pub const VERDICT: &str = "verdict.json";
/// Folder of the charts.
pub const CHARTS: &str = "charts";

/// The CSV files that the run itself writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter)]
pub enum Csv {
    /// Sums and percentiles of a whole cell.
    Ops,
    /// The same of one second.
    Intervals,
    /// One connection of one device.
    Sessions,
    /// Whatever went wrong.
    Errors,
    /// Planned openings of messages.
    Openings,
    /// The target's resources.
    Server,
    /// Our own resources.
    Generator,
    /// What each device did and saw, in order.
    Observations,
    /// What each device knows of each message.
    Consistency,
    /// What lies where at the end.
    Storage,
    /// What the radio of each device would have done.
    Radio,
    /// Sums that must add up.
    Checks,
}

impl Csv {
    /// Name of the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ops => "ops.csv",
            Self::Intervals => "intervals.csv",
            Self::Sessions => "sessions.csv",
            Self::Errors => "errors.csv",
            Self::Openings => "openings.csv",
            Self::Server => "server.csv",
            Self::Generator => "generator.csv",
            Self::Observations => "observations.csv",
            Self::Consistency => "consistency.csv",
            Self::Storage => "storage.csv",
            Self::Radio => "radio.csv",
            Self::Checks => "checks.csv",
        }
    }

    /// Its columns, in order: the fields of its row.
    pub fn columns(self) -> Vec<&'static str> {
        match self {
            Self::Ops => without_second(fields::<OperationRow>()),
            Self::Intervals => fields::<OperationRow>().to_vec(),
            Self::Sessions => fields::<SessionRow>().to_vec(),
            Self::Errors => fields::<ErrorRow>().to_vec(),
            Self::Openings => fields::<OpeningRow>().to_vec(),
            Self::Server => fields::<ServerRow>().to_vec(),
            Self::Generator => fields::<GeneratorRow>().to_vec(),
            Self::Observations => fields::<ObservationRow>().to_vec(),
            Self::Consistency => fields::<ConsistencyRow>().to_vec(),
            Self::Storage => fields::<StorageRow>().to_vec(),
            Self::Radio => fields::<RadioRow>().to_vec(),
            Self::Checks => fields::<CheckRow>().to_vec(),
        }
    }
}

/// Columns that earlier versions did not write. Where one is missing, its cells read as empty: not known.
pub(super) const LATER: [&str; 9] = [
    "first_byte_mean_us",
    "first_byte_p50_us",
    "first_byte_p99_us",
    "local_port",
    "packets_rx",
    "packets_tx",
    "retransmitted",
    "header_rx_bytes",
    "header_tx_bytes",
];

fn without_second(columns: &[&'static str]) -> Vec<&'static str> {
    columns.iter().copied().filter(|c| *c != "second").collect()
}

/// The names of a struct's fields, as serde knows them: one list, so no header can differ from its row.
fn fields<R: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Always an error: it only listens to what the struct asks for.
    let _: Result<R, _> = R::deserialize(Listener(&mut fields));
    fields
}

struct Listener<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only the field names were wanted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
