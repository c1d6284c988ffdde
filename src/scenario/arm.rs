//! The name of an arm: one side of a comparison, a way in which all devices of all users read their mail. It begins
//! with the protocol that the arm speaks, so that a line of a CSV tells it without the scenario beside it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Protocol;

/// The longest name, in octets.
const LONGEST: usize = 24;

/// One side of a comparison, by its name: `pop3`, `imap-cached`, or one that a scenario defines. What it does
/// stands in the scenario, below `[arm.NAME]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arm {
    /// The protocol that this arm speaks.
    protocol: Protocol,
    /// What follows the protocol, filled up with zeros.
    rest: [u8; LONGEST - 4],
}

/// A name that no arm can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can not be the name of an arm: {reason}")]
pub struct ArmNameError {
    name: String,
    reason: &'static str,
}

impl Arm {
    /// POP3 as the scenario's devices have it; by default download and delete.
    pub const POP3: Self = Self::plain(Protocol::Pop3);
    /// IMAP as the scenario's devices have it; by default online: headers first, bodies on opening.
    pub const IMAP: Self = Self::plain(Protocol::Imap);

    const fn plain(protocol: Protocol) -> Self {
        Self {
            protocol,
            rest: [0; LONGEST - 4],
        }
    }

    /// The arm that does what the scenario's devices do in this protocol.
    pub const fn of(protocol: Protocol) -> Self {
        Self::plain(protocol)
    }

    /// The protocol that this arm speaks.
    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    /// What follows the protocol: `-cached`, or nothing.
    fn rest(&self) -> &str {
        let end = self.rest.iter().position(|&octet| octet == 0);
        let rest = &self.rest[..end.unwrap_or(self.rest.len())];
        // What was taken in is ASCII.
        std::str::from_utf8(rest).unwrap_or_default()
    }
}

impl FromStr for Arm {
    type Err = ArmNameError;

    fn from_str(name: &str) -> Result<Self, ArmNameError> {
        let refused = |reason| ArmNameError {
            name: name.to_owned(),
            reason,
        };
        let (protocol, rest) = [Protocol::Pop3, Protocol::Imap]
            .into_iter()
            .find_map(|protocol| Some((protocol, name.strip_prefix(<&str>::from(protocol))?)))
            .filter(|(_, rest)| rest.is_empty() || rest.starts_with('-'))
            .ok_or_else(|| {
                refused("it begins with its protocol, as `pop3`, `imap` or `imap-cached` do")
            })?;
        let is_plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        };
        if !rest.split('-').skip(1).all(is_plain) {
            return Err(refused(
                "it is made of small letters, digits and single hyphens",
            ));
        }
        let mut arm = Self::plain(protocol);
        arm.rest
            .get_mut(..rest.len())
            .ok_or_else(|| refused("it has at most 24 letters"))?
            .copy_from_slice(rest.as_bytes());
        Ok(arm)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rest().is_empty() {
            return f.pad(self.protocol.into());
        }
        f.pad(&format!("{}{}", self.protocol, self.rest()))
    }
}

impl fmt::Debug for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arm({self})")
    }
}

/// POP3 before IMAP, then by name.
impl Ord for Arm {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.protocol, &self.rest).cmp(&(other.protocol, &other.rest))
    }
}

impl PartialOrd for Arm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl de::Visitor<'_> for Name {
            type Value = Arm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an arm such as \"imap\"")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Arm, E> {
                name.parse().map_err(E::custom)
            }
        }
        // Within the visitor an error still knows where in a file it stands.
        deserializer.deserialize_str(Name)
    }
}

impl JsonSchema for Arm {
    fn schema_name() -> Cow<'static, str> {
        "Arm".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The name of an arm. It begins with its protocol; what it does stands below `[arm.NAME]`.",
            "pattern": "^(pop3|imap)(-[a-z0-9]+)*$",
            "maxLength": LONGEST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_tells_its_protocol() {
        for (name, protocol) in [
            ("pop3", Protocol::Pop3),
            ("pop3-keep14d", Protocol::Pop3),
            ("imap", Protocol::Imap),
            ("imap-a-name-of-24-letters", Protocol::Imap),
        ] {
            let name = &name[..name.len().min(24)];
            let arm: Arm = name.parse().unwrap();
            assert_eq!(arm.to_string(), name);
            assert_eq!(arm.protocol(), protocol);
            let json = serde_json::to_string(&arm).unwrap();
            assert_eq!(serde_json::from_str::<Arm>(&json).unwrap(), arm);
        }
        assert_eq!("pop3".parse(), Ok(Arm::POP3));
        assert_eq!(format!("{:>6}|", Arm::IMAP), "  imap|");
    }

    #[test]
    fn a_name_that_would_not_tell_its_protocol_or_not_fit_a_path_is_refused() {
        for name in [
            "",
            "cached",
            "imap4",
            "pop",
            "imap-",
            "imap--x",
            "imap-A",
            "imap_x",
            "imap-a/b",
            "imap-ä",
            "imap-a-name-of-25-letters-x",
        ] {
            let refused = name.parse::<Arm>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{name}`")), "{refused}");
        }
    }

    #[test]
    fn pop3_comes_before_imap() {
        let mut arms = ["imap-cached", "pop3-keep", "imap", "pop3"].map(|it| it.parse().unwrap());
        arms.sort();
        assert_eq!(
            arms.map(|arm: Arm| arm.to_string()),
            ["pop3", "pop3-keep", "imap", "imap-cached"]
        );
    }
}
