//! The text format of Prometheus exporters, version 0.0.4, and what of `OpenMetrics` 1.0 is alike: one sample a line,
//! `name{label="value",…} number [timestamp]`. Types, help and exemplars are passed over.

use std::borrow::Cow;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, Cow<'a, str>)>,
    pub(super) value: f64,
}

impl Sample<'_> {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(label, _)| *label == name)
            .map(|(_, value)| value.as_ref())
    }
}

/// All samples of a page, or the number of the first line that is none.
pub(super) fn samples(page: &str) -> Result<Vec<Sample<'_>>, usize> {
    page.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| sample(line).ok_or(number))
        .collect()
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|end| *end > 0)?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    // What may follow is the time of the sample and, in OpenMetrics, an exemplar.
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name,
        labels,
        value,
    })
}

/// Pairs of label and value.
type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// What stands behind the opening brace: the labels, and what follows the closing one.
fn labels(mut rest: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start().strip_prefix('"')?;
        let end = closing_quote(value)?;
        labels.push((name.trim_end(), unescaped(&value[..end])));
        rest = &value[end + 1..];
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_may_hold_braces_quotes_and_line_ends() {
        let page = "# HELP a b\n# TYPE a counter\na{x=\"}{\",y=\"q\\\"\\\\\\n\",} 1.5e3 1700000000\n\nb 2\n";
        let samples = samples(page).unwrap();
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].name, "a");
        assert_eq!(samples[0].label("x"), Some("}{"));
        assert_eq!(samples[0].label("y"), Some("q\"\\\n"));
        assert!((samples[0].value - 1500.0).abs() < f64::EPSILON);
        assert_eq!(samples[1].label("x"), None);
    }

    #[test]
    fn a_line_that_is_no_sample_is_named_by_its_number() {
        assert_eq!(samples("a 1\n<html>\n"), Err(2));
        assert_eq!(samples("a{x=\"1} 2\n"), Err(1));
        assert_eq!(samples("a{x} 2\n"), Err(1));
        assert_eq!(samples("a\n"), Err(1));
        assert!(samples("a NaN\nb +Inf\n").is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
            labels in prop::collection::vec(("[a-z]{1,5}", ".{0,8}"), 0..4),
            value in -1e9f64..1e9,
        ) {
            let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            // A page is split at line ends of all kinds; a bare CR inside a value is no line end for str::lines.
            let line = format!("{name}{{{}}} {value}", pairs.join(","));
            let read = samples(&line).unwrap();
            prop_assert_eq!(read[0].name, &name);
            prop_assert!((read[0].value - value).abs() <= value.abs() * 1e-12);
            for (label, value) in &labels {
                let first = labels.iter().find(|(other, _)| other == label).map(|(_, value)| value);
                prop_assert_eq!(read[0].label(label), first.map(String::as_str), "{:?}", value);
            }
        }

        #[test]
        fn nothing_makes_it_panic(page in ".{0,200}") {
            let _ = samples(&page);
        }
    }
}
