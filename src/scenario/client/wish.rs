//! Whether a client uses something that not every server offers.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The word for [`Wish::Offered`].
const OFFERED: &str = "if-offered";

/// Whether a client uses an extension: `false`, `true` or `"if-offered"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It does not, whatever the server offers.
    Never,
    /// It does where the server offers it.
    Offered,
    /// It does; an arm that asks for it can not run on a server that does not offer it.
    Always,
}

impl Wish {
    /// Whether it is used on a server that offers it or does not.
    pub const fn uses(self, offered: bool) -> bool {
        match self {
            Self::Never => false,
            Self::Offered => offered,
            Self::Always => true,
        }
    }
}

impl Serialize for Wish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => serializer.serialize_bool(false),
            Self::Offered => serializer.serialize_str(OFFERED),
            Self::Always => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for Wish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl de::Visitor<'_> for Word {
            type Value = Wish;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"if-offered\"")
            }

            fn visit_bool<E: de::Error>(self, always: bool) -> Result<Wish, E> {
                Ok(if always { Wish::Always } else { Wish::Never })
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Wish, E> {
                // An override of the command line is text where it is not TOML.
                match word {
                    OFFERED => Ok(Wish::Offered),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Word)
    }
}

impl JsonSchema for Wish {
    fn schema_name() -> Cow<'static, str> {
        "Wish".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether an extension is used: true (the arm needs a server that offers it), false, or \"if-offered\".",
            "oneOf": [
                { "type": "boolean" },
                { "type": "string", "enum": [OFFERED] },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Wish;

    #[test]
    fn a_wish_is_read_as_it_is_written() {
        for (text, wish) in [
            ("false", Wish::Never),
            ("true", Wish::Always),
            ("\"if-offered\"", Wish::Offered),
        ] {
            assert_eq!(serde_json::from_str::<Wish>(text).unwrap(), wish);
            assert_eq!(serde_json::to_string(&wish).unwrap(), text);
        }
        let refused = serde_json::from_str::<Wish>("\"maybe\"").unwrap_err();
        assert!(refused.to_string().contains("if-offered"), "{refused}");
        assert_eq!(
            [Wish::Never, Wish::Offered, Wish::Always].map(|wish| wish.uses(false)),
            [false, false, true]
        );
    }
}
