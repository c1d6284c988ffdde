//! How a mistake is told: what is wrong, where it stands (file, line, column, the line itself with a
//! caret), and what would be right.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use unicode_width::UnicodeWidthStr as _;

/// Why there is no scenario. Its text is ready for a terminal.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a file nor a built-in scenario has this name.
    #[error(
        "there is no scenario named `{name}`: neither a file nor one of the built-in scenarios {known}{suggestion}"
    )]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The built-in names.
        known: String,
        /// ", did you mean …?" or nothing.
        suggestion: String,
    },
    /// The file can not be read.
    #[error("can not read the scenario file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An argument of `--set` is not `KEY=VALUE`.
    #[error("--set {argument} is not KEY=VALUE\n  = help: write for example --set users.count=200")]
    NotAnOverride {
        /// The argument.
        argument: String,
    },
    /// The scenario itself holds mistakes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Mistakes(Vec<Diagnostic>),
}

/// One mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where it stands; none when no text of the user's is to blame.
    pub place: Option<Place>,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file; none for an argument of the command line.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line itself, without its end.
    pub text: String,
    /// Characters that are marked, at least one.
    pub marked: usize,
}

impl Place {
    pub(super) fn new(file: Option<&str>, text: &str, span: Range<usize>) -> Self {
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let line_end = line_start + line.len();
        Self {
            file: file.map(ToOwned::to_owned),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: line.to_owned(),
            marked: text[start.min(line_end)..end.clamp(start.min(line_end), line_end)]
                .chars()
                .count()
                .max(1),
        }
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut margin = 1;
        if let Some(place) = &self.place {
            let number = if place.file.is_some() {
                place.line.to_string()
            } else {
                String::new()
            };
            margin = number.len().max(1);
            match &place.file {
                Some(file) => write!(
                    f,
                    "\n{:margin$}--> {file}:{}:{}",
                    "", place.line, place.column
                )?,
                None => write!(f, "\n{:margin$}--> the command line", "")?,
            }
            write!(f, "\n{:margin$} |", "")?;
            write!(f, "\n{number:margin$} | {}", place.text.replace('\t', " "))?;
            let before: String = place.text.chars().take(place.column - 1).collect();
            let indent = before.replace('\t', " ").width();
            let caret = "^".repeat(place.marked);
            write!(f, "\n{:margin$} | {:indent$}{caret}", "", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{:margin$} = help: {help}", "")?;
        }
        Ok(())
    }
}

/// Turns a message of the TOML reader into ours: (what is wrong, what would be right).
/// Messages of our own types carry their help after a line end.
pub(super) fn explain(
    message: &str,
    elsewhere: impl Fn(&str) -> Vec<String>,
) -> (String, Option<String>) {
    if let Some((message, help)) = message.split_once('\n') {
        return (message.to_owned(), Some(help.to_owned()));
    }
    if let Some((found, known)) = unknown(message, "unknown field ") {
        return (
            format!("unknown key `{found}`"),
            Some(key_help(&found, &known, &elsewhere(&found))),
        );
    }
    if let Some((found, known)) = unexpected(message) {
        let help = with_suggestion(&found, &known, "known keys here: ");
        return (format!("unknown key `{found}`"), Some(help));
    }
    for (prefix, noun) in [("unknown variant ", "value"), ("unknown preset ", "preset")] {
        if let Some((found, known)) = unknown(message, prefix) {
            let help = forms(&known).unwrap_or_else(|| with_suggestion(&found, &known, "known: "));
            return (format!("unknown {noun} `{found}`"), Some(help));
        }
    }
    let message = TYPE_NAMES
        .iter()
        .fold(message.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        });
    (message, None)
}

/// What serde calls its types, and what people call them.
const TYPE_NAMES: [(&str, &str); 13] = [
    ("expected f64", "expected a number"),
    ("expected u16", "expected a whole number from 0 to 65535"),
    (
        "expected u32",
        "expected a whole number from 0 to 4294967295",
    ),
    ("expected u64", "expected a whole number, not negative"),
    ("expected a boolean", "expected true or false"),
    (
        "expected a sequence",
        "expected a list such as [\"a\", \"b\"]",
    ),
    ("floating point `", "number `"),
    (
        "wanted exactly 1 element, found 0 elements",
        "nothing is chosen: one form is needed",
    ),
    (
        "wanted exactly 1 element, more than 1 element",
        "only one of these can hold: choose one form",
    ),
    (
        "wanted string or table",
        "one of several forms is needed here",
    ),
    (
        "invalid type: unit variant, expected struct variant",
        "a form is named here, but not its values",
    ),
    (
        "invalid type: unit variant, expected newtype variant",
        "a form is named here, but not its value",
    ),
    ("missing field", "something is missing here: the key"),
];

/// `unexpected keys in table: x, available keys: a, b` taken apart.
fn unexpected(message: &str) -> Option<(String, Vec<String>)> {
    let (found, known) = message
        .strip_prefix("unexpected keys in table: ")?
        .split_once(", available keys: ")?;
    Some((
        found.to_owned(),
        known.split(", ").map(ToOwned::to_owned).collect(),
    ))
}

/// How to write a value that has several forms, told by the names of these.
fn forms(known: &[String]) -> Option<String> {
    match known.first()?.as_str() {
        "idle" => forms_of("watch"),
        "constant" => forms_of("messages"),
        "random" => forms_of("outages"),
        _ => None,
    }
}

/// How to write the value of a key that has several forms.
pub(super) fn forms_of(key: &str) -> Option<String> {
    match key {
        "outages" => Some(OUTAGES_FORMS.to_owned()),
        "network" => Some(NETWORK_FORMS.to_owned()),
        "watch" => Some(WATCH_FORMS.to_owned()),
        "messages" | "age_days" | "think_s" => Some(DISTRIBUTION_FORMS.to_owned()),
        "sizes" => Some(format!(
            "name a mix such as \"spec2001\" or a file, {{ csv = \"sizes.csv\" }}, or {DISTRIBUTION_FORMS}"
        )),
        _ => None,
    }
}

const OUTAGES_FORMS: &str = r#"write { random = { per_day = 6, minutes = { constant = 10 } } } or { windows = [{ from = "10m", to = "25m" }] }"#;
const NETWORK_FORMS: &str = r#"name a network such as "slow4g", or write { down = "1.6Mbit/s", up = "750kbit/s", rtt = "150ms" }"#;
const WATCH_FORMS: &str = r#"write { idle = { refresh = "29m" } } or { poll = "15m" }"#;
const DISTRIBUTION_FORMS: &str = "write { constant = 20 }, { exponential = { mean = 20 } }, \
    { lognormal = { median = 20, sigma = 1.0 } }, { pareto = { least = 2, shape = 1.5 } }, \
    { uniform = { low = 2, high = 18 } }, \
    { table = [[2, 0.5], [18, 0.5]] } or { mixture = [[{ constant = 2 }, 0.5], …] }";

/// The unknown word and the known ones, out of serde's message, in which each stands between backticks.
fn unknown(message: &str, prefix: &str) -> Option<(String, Vec<String>)> {
    let mut quoted = message
        .strip_prefix(prefix)?
        .split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned);
    Some((quoted.next()?, quoted.collect()))
}

fn key_help(found: &str, known: &[String], elsewhere: &[String]) -> String {
    if elsewhere.is_empty() {
        return with_suggestion(found, known, "known keys here: ");
    }
    let paths: Vec<String> = elsewhere.iter().map(|path| format!("`{path}`")).collect();
    format!(
        "it belongs elsewhere: {}; {}",
        paths.join(", "),
        listed("known keys here: ", known)
    )
}

fn with_suggestion(found: &str, known: &[String], label: &str) -> String {
    match nearest(found, known) {
        Some(near) => format!("did you mean `{near}`? {}", listed(label, known)),
        None => listed(label, known),
    }
}

fn listed(label: &str, known: &[String]) -> String {
    format!("{label}{}", known.join(", "))
}

/// The word nearest to `found`, if any is near enough to have been meant.
pub(super) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a String>,
) -> Option<&'a str> {
    let found = found.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|word| {
            (
                strsim::normalized_damerau_levenshtein(&found, &word.replace('-', "_")),
                word.as_str(),
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
