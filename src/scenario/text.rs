//! Other TOML files than scenarios, read with the same care: a mistake names file, line and column and says what would
//! be right.

use serde::de::DeserializeOwned;

use super::diagnostic::Diagnostic;
use super::document::{Document, Origin};

/// A TOML file's text, parsed, not read yet.
pub struct TomlText<'a>(Document<'a>);

impl std::fmt::Debug for TomlText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TomlText")
    }
}

impl<'a> TomlText<'a> {
    /// Parses the text; `file` is the name that mistakes show.
    pub fn parse(file: &str, text: &'a str) -> Result<Self, Diagnostic> {
        let mut document = Document::empty();
        document.add(Origin::File(file.to_owned()), text)?;
        Ok(Self(document))
    }

    /// Reads the whole as a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        self.0.read()
    }

    /// A mistake about the value at a dotted path.
    pub fn mistake(&self, path: &str, message: String, help: Option<String>) -> Diagnostic {
        self.0.diagnose(&[path.to_owned()], message, help)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::TomlText;

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        let text = TomlText::parse("some.toml", "a = 1\nb = 2\n").unwrap();
        let values: BTreeMap<String, u32> = text.read().unwrap();
        assert_eq!(values["b"], 2);
        let mistake = text.mistake("b", "too many".into(), None).to_string();
        assert!(mistake.contains("some.toml:2:5"), "{mistake}");
        assert!(TomlText::parse("some.toml", "a = ").is_err());
    }
}
