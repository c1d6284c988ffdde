//! Several TOML texts as one document: the defaults, the scenario file, and what the command line
//! overrides. Every span in the merged document still tells from which text it came, so that a mistake can
//! be shown where it was made.

mod presets;

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::diagnostic::{Diagnostic, Place};

/// Where a text came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The values that hold when nobody says otherwise.
    Defaults,
    /// A scenario file, by the name to show.
    File(String),
    /// An argument of the command line.
    Argument,
}

/// One text and where its positions begin in the merged document.
struct Source<'a> {
    origin: Origin,
    text: &'a str,
    base: usize,
}

/// An override from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// As it stood on the command line, e.g. `--set users.count=200`.
    shown: String,
    /// Where in `shown` the key or option stands.
    key: Range<usize>,
    /// Where in `shown` the value stands.
    value: Range<usize>,
    /// The dotted path that it sets, e.g. `users.count`.
    path: String,
}

/// Short names that `--set` takes besides full paths.
pub const SHORTHANDS: [(&str, &str); 10] = [
    ("users", "users.count"),
    ("arms", "run.arms"),
    ("blocks", "run.blocks"),
    ("workers", "run.workers"),
    ("ramp_up", "run.ramp_up"),
    ("warm_up", "run.warm_up"),
    ("measure", "run.measure"),
    ("duration", "run.measure"),
    ("drain", "run.drain"),
    ("tls", "transport.tls"),
];

impl Override {
    /// An argument of `--set`: `KEY=VALUE`; none when there is no `=` or no key.
    /// KEY is a dotted path of the scenario file or one of [`SHORTHANDS`]; VALUE is TOML, and whatever is not
    /// TOML is taken as text, so that `--set run.measure=10s` needs no quotes.
    pub fn set(argument: &str) -> Option<Self> {
        let (key, value) = argument.split_once('=')?;
        let path = key.trim();
        if path.is_empty() {
            return None;
        }
        let path = SHORTHANDS
            .iter()
            .find(|(short, _)| *short == path)
            .map_or(path, |(_, path)| path);
        let shown = format!("--set {argument}");
        let start = shown.len() - argument.len();
        let key = start..start + key.len();
        let value = shown.len() - value.len()..shown.len();
        Some(Self {
            path: path.to_owned(),
            shown,
            key,
            value,
        })
    }

    /// A value that was read for a path, in TOML.
    fn value(path: &str, value: String) -> Self {
        Self {
            path: path.to_owned(),
            key: 0..value.len(),
            value: 0..value.len(),
            shown: value,
        }
    }

    /// An option that stands for one key: `--users 200` for `users.count`.
    pub fn option(option: &str, path: &str, value: &str) -> Self {
        let shown = format!("{option} {value}");
        let value = shown.len() - value.len()..shown.len();
        Self {
            path: path.to_owned(),
            key: 0..option.len(),
            value,
            shown,
        }
    }
}

/// Keys whose value is one of several forms: an upper value replaces the lower one whole.
const CHOICES: [&str; 8] = [
    "network",
    "outages",
    "watch",
    "messages",
    "age_days",
    "think_s",
    "sizes",
    "languages",
];

/// The merged document.
pub(super) struct Document<'a> {
    sources: Vec<Source<'a>>,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// A document without any text.
    pub(super) fn empty() -> Self {
        Self {
            sources: Vec::new(),
            root: DeTable::new(),
        }
    }

    /// A document that holds only the defaults.
    pub(super) fn with_defaults(text: &'a str) -> Result<Self, Diagnostic> {
        let mut document = Self::empty();
        document.add(Origin::Defaults, text)?;
        Ok(document)
    }

    /// Lays a text over what is there.
    pub(super) fn add(&mut self, origin: Origin, text: &'a str) -> Result<(), Diagnostic> {
        let base = self.begin(origin, text);
        let table = DeTable::parse(text).map_err(|error| self.report(&error, base))?;
        let table = shifted_table(table.into_inner(), base);
        let mut root = std::mem::take(&mut self.root);
        let merged = merge(&mut root, table, "");
        self.root = root;
        merged.map_err(|fault| self.diagnose_at(fault.span, fault.message, Some(fault.help)))
    }

    /// Lays one override over what is there.
    pub(super) fn set(&mut self, over: &'a Override) -> Result<(), Diagnostic> {
        let base = self.begin(Origin::Argument, &over.shown);
        let text = &over.shown[over.value.clone()];
        let blanks = text.len() - text.trim_start().len();
        let value = self.value_of(over, text.trim(), base + over.value.start + blanks);
        let key = base + over.key.start..base + over.key.end;
        let mut table = DeTable::new();
        let mut segments = over.path.split('.').rev();
        let last = segments.next().unwrap_or_default();
        table.insert(Spanned::new(key.clone(), last.to_owned().into()), value);
        for segment in segments {
            let inner = Spanned::new(key.clone(), DeValue::Table(table));
            table = DeTable::new();
            table.insert(Spanned::new(key.clone(), segment.to_owned().into()), inner);
        }
        let mut root = std::mem::take(&mut self.root);
        let merged = merge(&mut root, table, "");
        self.root = root;
        merged.map_err(|fault| self.diagnose_at(fault.span, fault.message, Some(fault.help)))
    }

    /// The value of an override: TOML; a list of words where the document has a list; otherwise text.
    fn value_of(&self, over: &Override, text: &'a str, at: usize) -> Spanned<DeValue<'a>> {
        let whole = at..at + text.len();
        let is_list = self
            .find(&over.path)
            .is_some_and(|(_, value)| value.get_ref().is_array());
        if is_list && !text.starts_with('[') {
            let mut start = at;
            let words = text.split(',').map(|word| {
                let span = start..start + word.len();
                start = span.end + 1;
                Spanned::new(span, DeValue::String(word.trim().to_owned().into()))
            });
            let words: DeArray<'a> = words.filter(|word| !word.span().is_empty()).collect();
            return Spanned::new(whole, DeValue::Array(words));
        }
        match DeValue::parse(text) {
            Ok(value) => shifted(value, at),
            Err(_) => Spanned::new(whole, DeValue::String(text.into())),
        }
    }

    /// Reads the CSV files that sizes are given by, `sizes = { csv = "sizes.csv" }`: what is to take the place of each.
    /// A name in the scenario's file is sought in its folder, one of the command line in the current one.
    pub(super) fn read_sizes(&self, file: &Path) -> Result<Vec<Override>, Diagnostic> {
        let mut paths = Vec::new();
        collect_paths(&self.root, "", ("sizes", &(0..0)), &mut paths);
        let mut read = Vec::new();
        for path in paths {
            let Some((_, name)) = self.find(&format!("{path}.csv")) else {
                continue;
            };
            let (span, Some(name)) = (name.span(), name.get_ref().as_str()) else {
                continue;
            };
            let source = self.source(span.start).map(|source| &source.origin);
            let folder = match source {
                Some(Origin::File(_)) => file.parent().unwrap_or(Path::new("")),
                _ => Path::new(""),
            };
            match super::sizes_csv::read(&folder.join(name)) {
                Ok(table) => read.push(Override::value(&path, table)),
                Err(message) => {
                    let help = "a line holds a size and, if wanted, its weight: `4KB, 0.25`";
                    return Err(self.diagnose_at(span, message, Some(help.to_owned())));
                }
            }
        }
        Ok(read)
    }

    /// Lays presets below what was written, where a scenario names them.
    pub(super) fn lay_below(&mut self, text: &'a str) -> Result<(), Diagnostic> {
        let base = self.begin(Origin::Defaults, text);
        let table = DeTable::parse(text).map_err(|error| self.report(&error, base))?;
        let table = shifted_table(table.into_inner(), base);
        let mut root = std::mem::take(&mut self.root);
        presets::lay_below(&mut root, &table, |value| {
            let source = self.source(value.span().start);
            source.is_some_and(|source| source.origin == Origin::Defaults)
        });
        self.root = root;
        Ok(())
    }

    /// Reads the whole as a `T`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        let root = Spanned::new(0..0, self.root.clone());
        T::deserialize(toml::de::Deserializer::from(root)).map_err(|error| self.report(&error, 0))
    }

    /// Reads the table at `lower` with those at `upper` laid over it, in that order. Tables that are missing are passed over.
    pub(super) fn read_layers<T: DeserializeOwned>(
        &self,
        lower: &str,
        upper: &[String],
    ) -> Result<T, Diagnostic> {
        let table = |path: &str| {
            self.find(path)
                .and_then(|(_, value)| value.get_ref().as_table())
        };
        let mut whole = table(lower).cloned().unwrap_or_default();
        for path in upper {
            if let Some(layer) = table(path) {
                let merged = merge(&mut whole, layer.clone(), path);
                merged.map_err(|fault| {
                    self.diagnose_at(fault.span, fault.message, Some(fault.help))
                })?;
            }
        }
        let whole = Spanned::new(0..0, whole);
        T::deserialize(toml::de::Deserializer::from(whole)).map_err(|error| self.report(&error, 0))
    }

    /// A mistake about the value at the first of `paths` that the user wrote.
    pub(super) fn diagnose(
        &self,
        paths: &[String],
        message: String,
        help: Option<String>,
    ) -> Diagnostic {
        let written = paths.iter().find_map(|path| {
            let (key, value) = self.find(path)?;
            let span = if value.span().is_empty() || value.get_ref().is_table() {
                key
            } else {
                value.span()
            };
            (!matches!(self.source(span.start)?.origin, Origin::Defaults)).then_some(span)
        });
        match written {
            Some(span) => self.diagnose_at(span, message, help),
            None => Diagnostic {
                message,
                place: None,
                help,
            },
        }
    }

    /// Paths of the document that end in `key`, at most three, the one at `but` left out.
    fn paths_to(&self, key: &str, but: &Range<usize>) -> Vec<String> {
        let mut found = Vec::new();
        collect_paths(&self.root, "", (key, but), &mut found);
        found.truncate(3);
        found
    }

    fn begin(&mut self, origin: Origin, text: &'a str) -> usize {
        let base = self
            .sources
            .last()
            .map_or(0, |source| source.base + source.text.len() + 1);
        self.sources.push(Source { origin, text, base });
        base
    }

    fn source(&self, offset: usize) -> Option<&Source<'a>> {
        self.sources
            .iter()
            .rev()
            .find(|source| source.base <= offset)
    }

    /// The span of the key and the value at a dotted path.
    fn find(&self, path: &str) -> Option<(Range<usize>, &Spanned<DeValue<'a>>)> {
        let mut segments = path.split('.');
        let first = segments.next()?;
        let (key, mut value) = self.root.get_key_value(first)?;
        let mut key = key.span();
        for segment in segments {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let (inner, next) = table.get_key_value(segment)?;
                    (key, value) = (inner.span(), next);
                }
                DeValue::Array(items) => value = items.get(segment.parse::<usize>().ok()?)?,
                _ => return None,
            }
        }
        Some((key, value))
    }

    fn report(&self, error: &toml::de::Error, base: usize) -> Diagnostic {
        let span = error.span().unwrap_or_default();
        let span = base + span.start..base + span.end;
        let (message, help) =
            super::diagnostic::explain(error.message(), |key| self.paths_to(key, &span));
        let help = help.or_else(|| {
            let key = key_at(&self.root, &span)?;
            super::diagnostic::forms_of(key)
        });
        self.diagnose_at(span, message, help)
    }

    fn diagnose_at(&self, span: Range<usize>, message: String, help: Option<String>) -> Diagnostic {
        let place = self.source(span.start).map(|source| {
            let local = span.start - source.base..span.end - source.base;
            let name = match &source.origin {
                Origin::Defaults => Some("the defaults"),
                Origin::File(name) => Some(name.as_str()),
                Origin::Argument => None,
            };
            Place::new(name, source.text, local)
        });
        Diagnostic {
            message,
            place,
            help,
        }
    }
}

/// What stands in the way of merging.
struct Misfit {
    span: Range<usize>,
    message: String,
    help: String,
}

/// Lays `upper` over `lower`; keys keep their places, their spans become those of `upper`.
fn merge<'a>(lower: &mut DeTable<'a>, upper: DeTable<'a>, path: &str) -> Result<(), Misfit> {
    for (key, value) in upper {
        let name = key.get_ref().to_string();
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let is_choice = CHOICES.contains(&name.as_str());
        let value = match lower.get_mut(name.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(below)) if !is_choice => {
                let mut merged = std::mem::take(below);
                let span = value.span();
                let DeValue::Table(above) = value.into_inner() else {
                    return Err(not_a_table(&path, &merged, span));
                };
                merge(&mut merged, above, &path)?;
                Spanned::new(span, DeValue::Table(merged))
            }
            _ => value,
        };
        put(lower, key, value);
    }
    Ok(())
}

/// Inserts, or replaces key and value in their place.
fn put<'a>(table: &mut DeTable<'a>, key: Spanned<DeString<'a>>, value: Spanned<DeValue<'a>>) {
    if !table.contains_key(key.get_ref().as_ref()) {
        table.insert(key, value);
        return;
    }
    let mut new = Some((key, value));
    let entries = std::mem::take(table).into_iter();
    *table = entries
        .map(
            |(key, value)| match new.take_if(|(above, _)| above.get_ref() == key.get_ref()) {
                Some(above) => above,
                None => (key, value),
            },
        )
        .collect();
}

fn not_a_table(path: &str, table: &DeTable<'_>, span: Range<usize>) -> Misfit {
    let keys: Vec<String> = table
        .keys()
        .take(3)
        .map(|key| format!("`{path}.{}`", key.get_ref()))
        .collect();
    Misfit {
        span,
        message: format!("`{path}` is a table, not a value"),
        help: format!("set one of its keys, such as {}", keys.join(", ")),
    }
}

fn shifted_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = key.span();
        (
            Spanned::new(span.start + by..span.end + by, key.into_inner()),
            shifted(value, by),
        )
    });
    entries.collect()
}

fn shifted(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted_table(table, by)),
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| shifted(item, by)).collect())
        }
        plain => plain,
    };
    Spanned::new(span.start + by..span.end + by, value)
}

/// The key whose value stands at a span.
fn key_at<'t>(table: &'t DeTable<'_>, span: &Range<usize>) -> Option<&'t str> {
    table.iter().find_map(|(key, value)| {
        if value.span() == *span {
            return Some(key.get_ref().as_ref());
        }
        key_at(value.get_ref().as_table()?, span)
    })
}

fn collect_paths(
    table: &DeTable<'_>,
    prefix: &str,
    (wanted, but): (&str, &Range<usize>),
    found: &mut Vec<String>,
) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        };
        if name == wanted && key.span() != *but {
            found.push(path.clone());
        }
        if let DeValue::Table(inner) = value.get_ref() {
            collect_paths(inner, &path, (wanted, but), found);
        }
    }
}
