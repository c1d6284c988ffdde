//! What a device is connected by: a network that somebody published figures for, one's own, or the bare wire.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use super::units::{DurationText, duration};

/// What a device is connected by: the name of a network, such as "slow4g", or its figures.
#[derive(Clone, Debug, PartialEq)]
pub enum Network {
    /// A network by name.
    Preset(NetworkPreset),
    /// The scenario's own.
    Own(NetworkShape),
}

/// Networks by name. All but `direct` are shaped: rate and delay are emulated on each connection.
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
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum NetworkPreset {
    /// Whatever the wire to the target is; nothing is shaped.
    Direct,
    /// Gigabit Ethernet: 1 Gbit/s, RTT 1 ms (ours).
    Lan,
    /// 40 Mbit/s down, 33 up, RTT 2 ms (ours, after the Wi-Fi profile of Apple's Network Link Conditioner).
    Wifi,
    /// 5 Mbit/s down, 1 up, RTT 28 ms (`WebPageTest`, Cable).
    Cable,
    /// 1.5 Mbit/s down, 384 kbit/s up, RTT 50 ms (`WebPageTest`, DSL).
    Dsl,
    /// 9 Mbit/s down, 1.5 up, RTT 60 ms (Chrome `DevTools`, Fast 4G).
    Fast4g,
    /// 1.6 Mbit/s down, 750 kbit/s up, RTT 150 ms (Chrome `DevTools` and Lighthouse, Slow 4G).
    Slow4g,
    /// 700 kbit/s, RTT 300 ms (Lighthouse, Regular 3G).
    Regular3g,
    /// 500 kbit/s, RTT 400 ms (Chrome `DevTools`, Slow 3G).
    Slow3g,
    /// 240 kbit/s down, 200 up, RTT 840 ms (`WebPageTest`, Edge).
    Edge,
}

/// The figures of a network: `{ down = "1.6Mbit/s", up = "750kbit/s", rtt = "150ms", jitter = "10ms" }`.
/// Clock time and rates per clock second: `speed` does not touch them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the field without a value is there to refuse the key with an explanation"
)]
pub struct NetworkShape {
    /// Server to device, in IP packets: headers take their part.
    pub down: Rate,
    /// Device to server.
    pub up: Rate,
    /// There and back, without what the rates take (clock).
    #[serde(with = "duration")]
    #[schemars(with = "DurationText")]
    pub rtt: Duration,
    /// The round trip varies by up to this much more or less, uniform (clock); left out: not at all.
    #[serde(with = "duration", default)]
    #[schemars(with = "DurationText")]
    pub jitter: Duration,
    /// Refused with an explanation.
    #[serde(default, skip_serializing, deserialize_with = "no_loss")]
    #[schemars(skip)]
    loss: (),
}

fn no_loss<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(de::Error::custom(
        "packets can not be lost here: networks are shaped inside the process, above TCP, which makes good every loss\n\
         leave `loss` out; to lose packets, put the generator behind `tc qdisc add … netem loss …` and write network = \"direct\"",
    ))
}

impl NetworkShape {
    const fn new(down: u64, up: u64, rtt_ms: u64) -> Self {
        Self {
            down: Rate(down * 1_000),
            up: Rate(up * 1_000),
            rtt: Duration::from_millis(rtt_ms),
            jitter: Duration::ZERO,
            loss: (),
        }
    }
}

impl NetworkPreset {
    /// Its figures; none where nothing is shaped.
    pub const fn shape(self) -> Option<NetworkShape> {
        let (down, up, rtt) = match self {
            Self::Direct => return None,
            // Ours: no preset of that kind is published.
            Self::Lan => (1_000_000, 1_000_000, 1),
            // Ours, after Apple's Network Link Conditioner, profile "Wi-Fi".
            Self::Wifi => (40_000, 33_000, 2),
            // WebPageTest, www/settings/connectivity.ini.sample: Cable, DSL, Edge.
            Self::Cable => (5_000, 1_000, 28),
            Self::Dsl => (1_500, 384, 50),
            Self::Edge => (240, 200, 840),
            // Chrome DevTools, NetworkManager.ts: the rates and latencies that its conditions aim at.
            Self::Fast4g => (9_000, 1_500, 60),
            Self::Slow3g => (500, 500, 400),
            // Lighthouse, core/config/constants.js: mobileSlow4G (DevTools' Slow 4G), mobileRegular3G.
            Self::Slow4g => (1_600, 750, 150),
            Self::Regular3g => (700, 700, 300),
        };
        Some(NetworkShape::new(down, up, rtt))
    }
}

impl Network {
    /// Its figures; none where nothing is shaped.
    pub fn shape(&self) -> Option<NetworkShape> {
        match self {
            Self::Preset(preset) => preset.shape(),
            Self::Own(own) => Some(own.clone()),
        }
    }
}

impl fmt::Display for Network {
    /// The name of the preset, or the figures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(preset) => preset.fmt(f),
            Self::Own(own) => {
                let rtt = super::duration_text(own.rtt);
                write!(f, "{} down, {} up, RTT {rtt}", own.down, own.up)
            }
        }
    }
}

/// A rate in bits per second, written with its unit: "1.6Mbit/s".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u64);

const RATE_UNITS: [(&str, u64); 4] = [
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1_000),
    ("bit/s", 1),
];

const RATE_HELP: &str = "rates are numbers with the units bit/s, kbit/s, Mbit/s or Gbit/s: \"750kbit/s\", \"1.6Mbit/s\"";

impl Rate {
    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = super::units::split_number(text.trim());
        let number: f64 = number
            .parse()
            .map_err(|_| format!("\"{text}\" is not a rate\n{RATE_HELP}"))?;
        let known = RATE_UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let Some((_, factor)) = known else {
            return Err(format!("`{unit}` is not a unit of rate\n{RATE_HELP}"));
        };
        let rate = number * *factor as f64;
        // A slower link would take minutes for a greeting, a faster one is no limit any more.
        if !(1_000.0..=1e12).contains(&rate) {
            return Err(format!(
                "\"{text}\" is not a rate from 1 kbit/s to 1000 Gbit/s\n{RATE_HELP}"
            ));
        }
        Ok(Self(rate.round() as u64))
    }
}

impl fmt::Display for Rate {
    /// The shortest exact text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = RATE_UNITS
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(&RATE_UNITS[3]);
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RateVisitor;
        impl Visitor<'_> for RateVisitor {
            type Value = Rate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate with its unit, such as \"1.6Mbit/s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                Rate::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(RateVisitor)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A rate with its unit, such as \"1.6Mbit/s\".",
            "type": "string",
            "pattern": r"^[0-9.]+ *(bit/s|kbit/s|Mbit/s|Gbit/s)$",
        })
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Preset(preset) => preset.serialize(serializer),
            Self::Own(own) => own.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NetworkVisitor;
        impl<'de> Visitor<'de> for NetworkVisitor {
            type Value = Network;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a network such as \"slow4g\", or its figures")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Network, E> {
                text.parse().map(Network::Preset).map_err(|_| {
                    let known: Vec<String> = NetworkPreset::iter()
                        .map(|preset| format!("`{preset}`"))
                        .collect();
                    E::custom(format_args!(
                        "unknown preset `{text}`, expected one of {}",
                        known.join(", ")
                    ))
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Network, A::Error> {
                NetworkShape::deserialize(MapAccessDeserializer::new(map)).map(Network::Own)
            }
        }
        deserializer.deserialize_any(NetworkVisitor)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let preset = generator.subschema_for::<NetworkPreset>();
        let own = generator.subschema_for::<NetworkShape>();
        schemars::json_schema!({
            "description": "What a device is connected by: the name of a network, or its figures.",
            "anyOf": [preset, own],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_with_their_units_and_written_back_the_same() {
        for (text, rate) in [
            ("1600kbit/s", 1_600_000),
            ("750kbit/s", 750_000),
            ("9Mbit/s", 9_000_000),
            ("1Gbit/s", 1_000_000_000),
            ("56001bit/s", 56_001),
        ] {
            assert_eq!(Rate::parse(text).unwrap(), Rate(rate));
            assert_eq!(Rate(rate).to_string(), text);
        }
        assert_eq!(Rate::parse("1.6 mbit/s").unwrap(), Rate(1_600_000));
        for (text, message) in [
            ("1.6MB", "`MB` is not a unit of rate\n"),
            ("fast", "\"fast\" is not a rate\n"),
            ("0kbit/s", "\"0kbit/s\" is not a rate from"),
        ] {
            assert!(Rate::parse(text).unwrap_err().starts_with(message));
        }
    }

    #[test]
    fn every_preset_but_direct_has_figures_of_a_real_network() {
        for preset in NetworkPreset::iter() {
            let Some(shape) = preset.shape() else {
                assert_eq!(preset, NetworkPreset::Direct);
                continue;
            };
            assert!(shape.down.0 >= shape.up.0, "{preset}");
            assert!(!shape.rtt.is_zero() && shape.jitter.is_zero(), "{preset}");
        }
    }
}
