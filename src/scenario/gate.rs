//! A gate: a figure, a comparison, a limit, such as `imap.login.response.p99 < 300ms`. Here it is taken apart and its limit
//! understood; which figures there are is known to `judge`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A threshold that a run must meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gate {
    text: String,
    /// The parts of the figure's name and where each begins, in bytes.
    words: Vec<(String, usize)>,
    comparison: Comparison,
    limit: Limit,
}

/// How the figure must stand to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

/// A limit in its base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Microseconds, bytes, percent, or a bare number.
    pub value: f64,
    /// Which of these.
    pub dimension: Dimension,
}

/// What a limit or a figure is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Dimension {
    /// Microseconds.
    Time,
    /// Bytes.
    Bytes,
    /// 0 to 100.
    Percent,
    /// Anything counted.
    Number,
}

/// Why a text is no gate, with the place in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}\n  {text}\n  {}^ {help}", " ".repeat(text.get(..*at).map_or(0, |before| before.chars().count())))]
pub struct GateError {
    /// The gate as it was written.
    pub text: String,
    /// Where the mistake begins, in bytes.
    pub at: usize,
    /// What is wrong, one sentence.
    pub message: String,
    /// What would be right.
    pub help: String,
}

const UNITS: [(&str, f64, Dimension); 13] = [
    ("us", 1.0, Dimension::Time),
    ("µs", 1.0, Dimension::Time),
    ("ms", 1e3, Dimension::Time),
    ("s", 1e6, Dimension::Time),
    ("min", 60e6, Dimension::Time),
    ("B", 1.0, Dimension::Bytes),
    ("kB", 1e3, Dimension::Bytes),
    ("MB", 1e6, Dimension::Bytes),
    ("GB", 1e9, Dimension::Bytes),
    ("KiB", 1024.0, Dimension::Bytes),
    ("MiB", 1_048_576.0, Dimension::Bytes),
    ("GiB", 1_073_741_824.0, Dimension::Bytes),
    ("%", 1.0, Dimension::Percent),
];

const COMPARISONS: [(&str, Comparison); 5] = [
    // The longer ones first: each begins with a shorter one.
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Gate {
    /// The parts of the figure's name.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|(word, _)| word.as_str())
    }

    /// What the figure must not exceed, or must reach.
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether a figure, in the limit's base unit, meets the limit.
    pub fn holds(&self, value: f64) -> bool {
        let limit = self.limit.value;
        match self.comparison {
            Comparison::Below => value < limit,
            Comparison::AtMost => value <= limit,
            Comparison::Above => value > limit,
            Comparison::AtLeast => value >= limit,
            Comparison::Equal => (value - limit).abs() <= f64::EPSILON * limit.abs().max(1.0),
        }
    }

    /// A mistake about one of the words, or, past the last, about the limit.
    pub fn mistake(
        &self,
        word: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> GateError {
        let limit = || self.text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        GateError {
            text: self.text.clone(),
            at: self.words.get(word).map_or_else(limit, |(_, at)| *at),
            message: message.into(),
            help: help.into(),
        }
    }
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, GateError> {
        let mistake = |at: usize, message: &str, help: &str| GateError {
            text: text.to_owned(),
            at,
            message: message.to_owned(),
            help: help.to_owned(),
        };
        let Some(at) = text.find(['<', '>', '=']) else {
            return Err(mistake(
                text.trim_end().len(),
                "a gate needs a comparison and a limit",
                "such as `imap.login.response.p99 < 300ms`",
            ));
        };
        let rest = &text[at..];
        let Some((sign, comparison)) = COMPARISONS
            .into_iter()
            .find(|(sign, _)| rest.starts_with(sign))
        else {
            return Err(mistake(
                at,
                "`=` alone compares nothing",
                "one of < <= > >= ==",
            ));
        };
        let mut words: Vec<(String, usize)> = Vec::new();
        let mut begin = text.len() - text.trim_start().len();
        for word in text[begin..at].trim_end().split('.') {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            let good = !word.is_empty() && word.chars().all(fits);
            // A percentile may have a fraction: p99.9.
            if !good {
                return Err(mistake(
                    begin,
                    "here a word of the figure's name is missing or is not one word",
                    "words with dots between them: `imap.login.response.p99`",
                ));
            }
            match words.last_mut() {
                Some((last, _)) if is_fraction(last, word) => {
                    *last = format!("{last}.{word}");
                }
                _ => words.push((word.to_owned(), begin)),
            }
            begin += word.len() + 1;
        }
        let after = at + sign.len();
        let begin = after + (text[after..].len() - text[after..].trim_start().len());
        let limit = limit(text[begin..].trim_end())
            .map_err(|(message, help)| mistake(begin, &message, &help))?;
        Ok(Self {
            text: text.to_owned(),
            words,
            comparison,
            limit,
        })
    }
}

/// `p99` and `9` belong together.
fn is_fraction(last: &str, word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    last.strip_prefix('p').is_some_and(digits) && digits(word)
}

fn limit(text: &str) -> Result<Limit, (String, String)> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let number: f64 = number.parse().map_err(|_| {
        (
            format!("`{text}` is no limit"),
            "a number with a unit, such as 300ms, 64MB, 1% or 20".to_owned(),
        )
    })?;
    if unit.is_empty() {
        return Ok(Limit {
            value: number,
            dimension: Dimension::Number,
        });
    }
    let known = UNITS.iter().find(|(name, ..)| *name == unit);
    let (_, factor, dimension) = known.ok_or_else(|| {
        let names: Vec<&str> = UNITS.iter().map(|(name, ..)| *name).collect();
        (
            format!("the unit `{unit}` is unknown"),
            format!("one of {}", names.join(", ")),
        )
    })?;
    Ok(Limit {
        value: number * factor,
        dimension: *dimension,
    })
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Gate {
    type Error = GateError;

    fn try_from(text: String) -> Result<Self, GateError> {
        text.parse()
    }
}

impl From<Gate> for String {
    fn from(gate: Gate) -> Self {
        gate.text
    }
}

impl JsonSchema for Gate {
    fn schema_name() -> Cow<'static, str> {
        "Gate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A figure, a comparison (<, <=, >, >=, ==) and a limit.",
            "examples": ["imap.login.response.p99 < 300ms", "pop3.phone.check.errors.share < 1%", "imap.server.rss_bytes.max < 512MB"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Gate, GateError> {
        text.parse()
    }

    #[test]
    fn a_gate_has_words_a_comparison_and_a_limit_in_base_units() {
        let gate = parse("imap.phone.open-message.response.p99.9 <= 1.5 s").unwrap();
        let words: Vec<&str> = gate.words().collect();
        assert_eq!(
            words,
            ["imap", "phone", "open-message", "response", "p99.9"]
        );
        assert_eq!(gate.limit().dimension, Dimension::Time);
        assert!(gate.holds(1_500_000.0) && !gate.holds(1_500_001.0));
        let gate = parse("imap.server.rss_bytes.max<512MiB").unwrap();
        assert!((gate.limit().value - 536_870_912.0).abs() < 1.0);
        assert!(parse("x.y > 95%").unwrap().holds(95.1));
        assert!(parse("x.errors == 0").unwrap().holds(0.0));
    }

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        let at = |text: &str| parse(text).unwrap_err().at;
        assert_eq!(at("imap.login"), 10);
        assert_eq!(at("imap..p99 < 3ms"), 5);
        assert_eq!(at("imap.p99 = 3ms"), 9);
        assert_eq!(at("imap.p99 <  soon"), 12);
        assert_eq!(at("imap.p99 < 3 parsecs"), 11);
        assert_eq!(at(""), 0);
        let shown = parse("imap.p99 < 3 parsecs").unwrap_err().to_string();
        assert!(
            shown.contains("  imap.p99 < 3 parsecs\n             ^ one of us"),
            "{shown}"
        );
    }
}
