//! What a client writes between the parentheses of a FETCH.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A longer one would not fit a command line (RFC 7162 section 4).
const LONGEST: usize = 1_000;

/// Items of FETCH as a certain client writes them, without the parentheses around: `UID FLAGS`,
/// `BODY.PEEK[HEADER.FIELDS (Date From)]`. Sections without PEEK are not among them, for they would mark messages as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchText(String);

/// What can not be sent as the items of a FETCH.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` can not be what a client fetches: {reason}")]
pub struct FetchTextError {
    text: String,
    reason: &'static str,
}

impl FetchText {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an item or a part of one is among it, whatever its case.
    pub fn has(&self, item: &str) -> bool {
        self.0
            .to_ascii_uppercase()
            .contains(&item.to_ascii_uppercase())
    }

    /// With one more field of the header asked for, after those that are there.
    #[must_use]
    pub fn with_header_field(&self, name: &str) -> String {
        let upper = self.0.to_ascii_uppercase();
        let end = upper
            .find("HEADER.FIELDS (")
            .and_then(|begin| Some(begin + upper[begin..].find(')')?));
        let mut text = self.0.clone();
        if let Some(end) = end {
            text.insert_str(end, &format!(" {name}"));
        }
        text
    }
}

impl FromStr for FetchText {
    type Err = FetchTextError;

    fn from_str(text: &str) -> Result<Self, FetchTextError> {
        let refused = |reason| FetchTextError {
            text: text.to_owned(),
            reason,
        };
        let is_legal = |c: char| c.is_ascii_alphanumeric() || " .[]()-_<>".contains(c);
        if text.trim().is_empty() {
            return Err(refused("nothing is in it"));
        }
        if text.len() > LONGEST {
            return Err(refused("it has more than 1,000 letters"));
        }
        if !text.chars().all(is_legal) {
            return Err(refused("it is made of letters, digits and ` .[]()-_<>`"));
        }
        let upper = text.to_ascii_uppercase();
        let marks = |item: &str| matches!(item, "RFC822" | "RFC822.TEXT");
        if upper.contains("BODY[") || upper.split(' ').any(marks) {
            return Err(refused("it marks messages as read: write `BODY.PEEK[…]`"));
        }
        for (open, close) in [('(', ')'), ('[', ']')] {
            let mut depth = 0_i32;
            for c in text.chars() {
                depth += i32::from(c == open) - i32::from(c == close);
                if depth < 0 {
                    break;
                }
            }
            if depth != 0 {
                return Err(refused("its brackets do not match"));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FetchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FetchText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FetchText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl de::Visitor<'_> for Items {
            type Value = FetchText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("items of FETCH such as \"UID FLAGS\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FetchText, E> {
                text.parse().map_err(E::custom)
            }
        }
        // Within the visitor an error still knows where in a file it stands.
        deserializer.deserialize_str(Items)
    }
}

impl JsonSchema for FetchText {
    fn schema_name() -> Cow<'static, str> {
        "FetchText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Items of FETCH as the client writes them, without the parentheses around.",
            "maxLength": LONGEST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FetchText;

    #[test]
    fn a_header_field_is_added_to_those_that_are_asked_for() {
        let items: FetchText = "UID BODY.PEEK[header.fields (date from)] MODSEQ"
            .parse()
            .unwrap();
        assert_eq!(
            items.with_header_field("X-Mark"),
            "UID BODY.PEEK[header.fields (date from X-Mark)] MODSEQ"
        );
        assert!(items.has("Header.Fields (") && items.has("modseq") && !items.has("FLAGS"));
        let none: FetchText = "UID FLAGS".parse().unwrap();
        assert_eq!(none.with_header_field("X-Mark"), "UID FLAGS");
    }

    #[test]
    fn what_would_break_the_command_or_mark_messages_as_read_is_refused() {
        for text in [
            "",
            "UID)",
            "(UID",
            ")(",
            "UID\r\nx LOGOUT",
            "UID \"x\"",
            "UID {3}",
            "UID BODY[]",
            "body[1]",
            "UID RFC822",
        ] {
            let refused = text.parse::<FetchText>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{text}`")), "{refused}");
        }
        assert!("A".repeat(1_001).parse::<FetchText>().is_err());
    }
}
