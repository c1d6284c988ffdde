//! How a quantity is spread: the few families that mail workloads are described with, and the named
//! mixes of message sizes. Drawing from them is the plan's work.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use super::units::Octets;

/// How a quantity is spread. Numbers are in the unit of the key that holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "DistributionOf{T}")]
pub enum Distribution<T = f64> {
    /// Always the same: `{ constant = 20 }`.
    Constant(T),
    /// Exponential: `{ exponential = { mean = 10 } }`.
    Exponential {
        /// The mean.
        mean: T,
    },
    /// Lognormal: `{ lognormal = { median = 12, sigma = 1.0 } }`.
    Lognormal {
        /// Half of all values lie below it.
        median: T,
        /// Standard deviation of the natural logarithm, no unit.
        sigma: f64,
    },
    /// Pareto, a power law: `{ pareto = { least = 2, shape = 1.5 } }`.
    Pareto {
        /// The smallest and most likely value.
        least: T,
        /// How fast large values become rare, above 1, no unit: of all values, `(least / x) ^ shape` lie above x.
        shape: f64,
    },
    /// Every value between two is as likely: `{ uniform = { low = 2, high = 18 } }`.
    Uniform {
        /// The lowest value.
        low: T,
        /// The highest value.
        high: T,
    },
    /// Values with their shares, `[[value, share], …]`; the shares sum to 1.
    Table(Vec<(T, f64)>),
    /// Distributions with their shares, `[[distribution, share], …]`; the shares sum to 1.
    Mixture(Vec<(Distribution<T>, f64)>),
}

impl<T: Copy + Into<f64>> Distribution<T> {
    /// The mean, in the unit of the quantity.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(value) => (*value).into(),
            Self::Exponential { mean } => (*mean).into(),
            Self::Lognormal { median, sigma } => (*median).into() * libm::exp(sigma * sigma / 2.0),
            Self::Pareto { least, shape } => (*least).into() * shape / (shape - 1.0),
            Self::Uniform { low, high } => f64::midpoint((*low).into(), (*high).into()),
            Self::Table(rows) => rows
                .iter()
                .map(|(value, share)| (*value).into() * share)
                .sum(),
            Self::Mixture(parts) => parts.iter().map(|(part, share)| part.mean() * share).sum(),
        }
    }

    /// The same spread as plain numbers.
    pub fn numbers(&self) -> Distribution<f64> {
        match self {
            Self::Constant(value) => Distribution::Constant((*value).into()),
            Self::Exponential { mean } => Distribution::Exponential {
                mean: (*mean).into(),
            },
            Self::Lognormal { median, sigma } => Distribution::Lognormal {
                median: (*median).into(),
                sigma: *sigma,
            },
            Self::Pareto { least, shape } => Distribution::Pareto {
                least: (*least).into(),
                shape: *shape,
            },
            Self::Uniform { low, high } => Distribution::Uniform {
                low: (*low).into(),
                high: (*high).into(),
            },
            Self::Table(rows) => Distribution::Table(
                rows.iter()
                    .map(|(value, share)| ((*value).into(), *share))
                    .collect(),
            ),
            Self::Mixture(parts) => Distribution::Mixture(
                parts
                    .iter()
                    .map(|(part, share)| (part.numbers(), *share))
                    .collect(),
            ),
        }
    }
}

/// Message sizes: the name of a mix, such as "spec2001", or a distribution of sizes.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// A mix that somebody published.
    Preset(SizePreset),
    /// The scenario's own.
    Distribution(Distribution<Octets>),
}

/// Mixes of message sizes by name.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SizePreset {
    /// `SPECmail2001`'s table for consumers of an ISP: mean 24.5 KB, median 3 KB; 88 % of the bytes are in messages of 100 KB and more.
    Spec2001,
    /// Sun's profile of heavy POP and medium IMAP users: 65 % up to 5 KB, 30 % up to 10 KB, 5 % of 1 to 2 MB; mean 79 KB.
    SunHeavy,
    /// A mixture constructed to the mean of Exchange's sizing example (74 KB, median 14 KB); not measured anywhere.
    Office75,
}

impl SizePreset {
    /// The mix in octets.
    pub fn distribution(self) -> Distribution<f64> {
        match self {
            // SPECmail2001 Architecture White Paper 1.00 (2001), message size distribution, in KB of 1,000 octets.
            Self::Spec2001 => Distribution::Table(vec![
                (1_000.0, 0.1020),
                (2_000.0, 0.3071),
                (3_000.0, 0.2059),
                (4_000.0, 0.1078),
                (5_000.0, 0.0588),
                (6_000.0, 0.0374),
                (10_000.0, 0.0744),
                (100_000.0, 0.0979),
                (1_000_000.0, 0.0069),
                (2_675_000.0, 0.0018),
            ]),
            // Sun Java Communications Suite Deployment Planning Guide, "Heavyweight POP" (819-4439): 65 % <= 5 KB,
            // 30 % 5-10 KB, 5 % > 1 MB; the upper end of 2 MB is ours.
            Self::SunHeavy => Distribution::Mixture(vec![
                (
                    Distribution::Uniform {
                        low: 1_000.0,
                        high: 5_000.0,
                    },
                    0.65,
                ),
                (
                    Distribution::Uniform {
                        low: 5_000.0,
                        high: 10_000.0,
                    },
                    0.30,
                ),
                (
                    Distribution::Uniform {
                        low: 1_000_000.0,
                        high: 2_000_000.0,
                    },
                    0.05,
                ),
            ]),
            // Ours: three lognormals whose mean meets the 75 KB of Exchange 2010's sizing example.
            Self::Office75 => Distribution::Mixture(vec![
                (
                    Distribution::Lognormal {
                        median: 12_000.0,
                        sigma: 1.0,
                    },
                    0.888,
                ),
                (
                    Distribution::Lognormal {
                        median: 150_000.0,
                        sigma: 1.0,
                    },
                    0.100,
                ),
                (
                    Distribution::Lognormal {
                        median: 2_048_000.0,
                        sigma: 0.7,
                    },
                    0.012,
                ),
            ]),
        }
    }
}

impl Sizes {
    /// The spread in octets.
    pub fn distribution(&self) -> Distribution<f64> {
        match self {
            Self::Preset(preset) => preset.distribution(),
            Self::Distribution(own) => own.numbers(),
        }
    }
}

impl Serialize for Sizes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Preset(preset) => preset.serialize(serializer),
            Self::Distribution(own) => own.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Sizes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizesVisitor;
        impl<'de> Visitor<'de> for SizesVisitor {
            type Value = Sizes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a mix of sizes such as \"spec2001\", or a distribution")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Sizes, E> {
                text.parse().map(Sizes::Preset).map_err(|_| {
                    let known: Vec<String> = SizePreset::iter()
                        .map(|preset| format!("`{preset}`"))
                        .collect();
                    E::custom(format_args!(
                        "unknown preset `{text}`, expected one of {}",
                        known.join(", ")
                    ))
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sizes, A::Error> {
                Distribution::deserialize(MapAccessDeserializer::new(map)).map(Sizes::Distribution)
            }
        }
        deserializer.deserialize_any(SizesVisitor)
    }
}

impl JsonSchema for Sizes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sizes".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let preset = generator.subschema_for::<SizePreset>();
        let own = generator.subschema_for::<Distribution<Octets>>();
        schemars::json_schema!({
            "description": "Message sizes: the name of a mix, or a distribution of sizes.",
            "anyOf": [preset, own, {
                "type": "object",
                "description": "A CSV file beside the scenario: a size in each line and, in a second column, its weight.",
                "properties": { "csv": { "type": "string" } },
                "required": ["csv"],
                "additionalProperties": false,
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_have_the_means_that_their_sources_print() {
        let kilobytes =
            |preset: SizePreset| (preset.distribution().mean() / 1_000.0).round() as u32;
        assert_eq!(kilobytes(SizePreset::Spec2001), 25);
        assert_eq!(kilobytes(SizePreset::SunHeavy), 79);
        assert_eq!(kilobytes(SizePreset::Office75), 74);
    }

    #[test]
    fn the_shares_of_every_preset_sum_to_one() {
        for preset in SizePreset::iter() {
            let sum: f64 = match preset.distribution() {
                Distribution::Table(rows) => rows.iter().map(|row| row.1).sum(),
                Distribution::Mixture(parts) => parts.iter().map(|part| part.1).sum(),
                _ => 1.0,
            };
            assert!((sum - 1.0).abs() < 1e-9, "{preset}: {sum}");
        }
    }
}
