//! The units that a scenario is written in: shares, durations and sizes. Each is parsed once, at the
//! border, and a wrong unit is refused with the right spelling beside it.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A part of a whole, from 0 to 1. Not a percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Share(#[schemars(range(min = 0.0, max = 1.0))] f64);

impl Share {
    /// The whole.
    pub const ALL: Self = Self(1.0);
    /// Nothing.
    pub const NONE: Self = Self(0.0);

    /// A share; none outside 0 to 1.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number, from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| {
            let help = if value > 1.0 && value <= 100.0 {
                format!("if {value} % is meant, write {}", value / 100.0)
            } else {
                "write 0.5 for a half, 1 for all".to_owned()
            };
            de::Error::custom(format_args!(
                "{value} is not a share: shares lie between 0 and 1\n{help}"
            ))
        })
    }
}

/// A size in octets: a number, or text such as "24KB" (1 KB = 1,000 octets, 1 KiB = 1,024 octets).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Octets(pub u64);

impl From<Octets> for f64 {
    fn from(size: Octets) -> Self {
        size.0 as Self
    }
}

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

const SIZE_HELP: &str = r#"write octets, or text with a unit: "24KB" (1 KB = 1,000 octets), "24KiB" (1 KiB = 1,024); MB, GB, MiB, GiB"#;

impl Octets {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split_number(text.trim());
        let factor = if unit.is_empty() {
            Some(1)
        } else {
            SIZE_UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .map(|(_, factor)| *factor)
        };
        match (number.parse::<f64>(), factor) {
            (Ok(number), Some(factor)) if number >= 0.0 => {
                Ok(Self((number * factor as f64).round() as u64))
            }
            (Ok(_), Some(_)) => Err(format!("a size can not be negative\n{SIZE_HELP}")),
            (Ok(_), None) => Err(format!("`{unit}` is not a unit of size\n{SIZE_HELP}")),
            (Err(_), _) => Err(format!("\"{text}\" is not a size\n{SIZE_HELP}")),
        }
    }
}

impl fmt::Display for Octets {
    /// The shortest exact text, decimal units first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = ["GB", "MB", "KB", "GiB", "MiB", "KiB"]
            .iter()
            .find_map(|unit| {
                let factor = SIZE_UNITS.iter().find(|(name, _)| name == unit)?.1;
                (self.0 > 0 && self.0.is_multiple_of(factor)).then(|| (self.0 / factor, unit))
            });
        match exact {
            Some((number, unit)) => write!(f, "{number}{unit}"),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Octets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 24000 or \"24KB\"")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Octets, E> {
                Ok(Octets(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Octets, E> {
                u64::try_from(value)
                    .map(Octets)
                    .map_err(|_| E::custom(format_args!("a size can not be negative\n{SIZE_HELP}")))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Octets, E> {
                Octets::parse(&value.to_string()).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Octets, E> {
                Octets::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl JsonSchema for Octets {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A size in octets: a number, or text such as \"24KB\" (1 KB = 1,000 octets, 1 KiB = 1,024).",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^[0-9.]+ *(B|KB|MB|GB|KiB|MiB|GiB)?$" },
            ],
        })
    }
}

/// Reads and writes what may be left out, as the module around does what is there; for `#[serde(with = "….optional")]`.
macro_rules! optional {
    ($value:ty) => {
        /// Writes the shortest exact text.
        #[expect(
            clippy::ref_option,
            reason = "serde hands over a reference to the field"
        )]
        pub(crate) fn serialize<S: serde::Serializer>(
            value: &Option<$value>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => super::serialize(value, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads it where it is there.
        pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<$value>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    };
}
use optional;

/// Sizes held as plain numbers of octets; for `#[serde(with = "octets")]`.
pub(super) mod octets {
    use super::{Deserialize, Deserializer, Octets, Serialize, Serializer};

    /// Writes the shortest exact text.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        Octets(*value).serialize(serializer)
    }

    /// Reads a number or text such as "24KB".
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        Octets::deserialize(deserializer).map(|size| size.0)
    }

    /// A size that may be left out.
    pub(crate) mod optional {
        super::super::optional!(u64);
    }
}

/// Durations as text such as "15m" or "1h 30m"; for `#[serde(with = "duration")]`.
pub(super) mod duration {
    use super::{Deserializer, Duration, DurationVisitor, Serializer};

    /// Writes the shortest exact text.
    pub(crate) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::duration_text(*value))
    }

    /// Reads text such as "15m".
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }

    /// A duration that may be left out.
    pub(crate) mod optional {
        use std::time::Duration;

        super::super::optional!(Duration);
    }
}

/// Stands for durations in the JSON Schema.
pub(super) struct DurationText;

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration: numbers with the units us, ms, s, m, h or d, such as \"15m\" or \"1h 30m\".",
            "type": "string",
            "pattern": r"^([0-9.]+ *(us|ms|s|m|min|h|d) *)+$",
        })
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"15m\" or \"30s\"")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse_duration(text).map_err(E::custom)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Duration, E> {
        Err(E::custom(without_unit(&value)))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Duration, E> {
        Err(E::custom(without_unit(&value)))
    }
}

fn without_unit(value: &dyn fmt::Display) -> String {
    format!(
        "{value} is a number without a unit: a duration needs one\nwrite \"{value}s\" for seconds or \"{value}m\" for minutes"
    )
}

const DURATION_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

const DURATION_HELP: &str =
    r#"durations are numbers with the units us, ms, s, m, h or d: "250ms", "30s", "15m", "1h 30m""#;

/// Reads a duration such as "15m", "1.5h" or "1h 30m", to the microsecond. The error says what would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err(format!("a duration can not be negative\n{DURATION_HELP}"));
    }
    if rest.is_empty() {
        return Err(format!("\"{text}\" is not a duration\n{DURATION_HELP}"));
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let (number, tail) = split_number(rest);
        let length = tail
            .find(|c: char| c.is_ascii_digit() || c.is_whitespace())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(length);
        let number: f64 = number
            .parse()
            .map_err(|_| format!("\"{text}\" is not a duration\n{DURATION_HELP}"))?;
        if unit.is_empty() {
            return Err(without_unit(&text.trim()));
        }
        let Some((_, factor)) = DURATION_UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("`{unit}` is not a unit of time\n{DURATION_HELP}"));
        };
        total += number * *factor as f64;
        rest = tail.trim_start();
    }
    if total > 3.2e15 {
        return Err(format!(
            "\"{text}\" is longer than a century\n{DURATION_HELP}"
        ));
    }
    Ok(Duration::from_micros(total.round() as u64))
}

/// The number at the front and what follows it, blanks between them dropped.
pub(super) fn split_number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+'))
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number, rest.trim_start())
}

/// The shortest exact text of a duration, to the microsecond: "15m", "1h 30m", "2.5s" is "2s 500ms".
pub fn duration_text(value: Duration) -> String {
    let mut left = value.as_micros() as u64;
    if left == 0 {
        return "0s".to_owned();
    }
    let mut parts = Vec::new();
    for (unit, factor) in DURATION_UNITS {
        if unit != "min" && left >= factor {
            parts.push(format!("{}{unit}", left / factor));
            left %= factor;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units_and_written_back_the_same() {
        for (text, micros) in [
            ("15m", 900_000_000),
            ("250ms", 250_000),
            ("1h 30m", 5_400_000_000),
            ("0s", 0),
            ("2d", 172_800_000_000),
            ("7us", 7),
        ] {
            let value = parse_duration(text).unwrap();
            assert_eq!(value, Duration::from_micros(micros), "{text}");
            assert_eq!(duration_text(value), text);
        }
        assert_eq!(parse_duration("1.5h").unwrap(), Duration::from_secs(5400));
        assert_eq!(parse_duration("15 min").unwrap(), Duration::from_secs(900));
    }

    #[test]
    fn a_duration_with_a_unit_of_size_or_none_is_refused_with_the_right_units() {
        assert!(
            parse_duration("24KB")
                .unwrap_err()
                .starts_with("`KB` is not a unit of time\n")
        );
        assert!(
            parse_duration("15")
                .unwrap_err()
                .starts_with("15 is a number without a unit")
        );
        assert!(
            parse_duration("15M")
                .unwrap_err()
                .starts_with("`M` is not a unit of time\n")
        );
        assert!(
            parse_duration("-5s")
                .unwrap_err()
                .starts_with("a duration can not be negative\n")
        );
        assert!(parse_duration("").is_err());
        assert!(parse_duration("soon").is_err());
        assert!(parse_duration("5 000 000 d").is_err());
    }

    #[test]
    fn sizes_know_decimal_and_binary_units() {
        for (text, octets) in [
            ("24KB", 24_000),
            ("1KiB", 1_024),
            ("1.5 MB", 1_500_000),
            ("17", 17),
            ("2gib", 2_147_483_648),
        ] {
            assert_eq!(Octets::parse(text).unwrap(), Octets(octets), "{text}");
        }
        for octets in [0, 1, 999, 1_000, 1_024, 1_048_576, 2_675_000] {
            assert_eq!(
                Octets::parse(&Octets(octets).to_string()).unwrap(),
                Octets(octets)
            );
        }
        assert!(
            Octets::parse("15m")
                .unwrap_err()
                .starts_with("`m` is not a unit of size\n")
        );
    }

    #[test]
    fn shares_outside_zero_to_one_do_not_exist() {
        assert!(Share::new(1.01).is_none());
        assert!(Share::new(-0.01).is_none());
        assert!(Share::new(f64::NAN).is_none());
        assert_eq!(Share::new(0.25).map(Share::get), Some(0.25));
    }
}
