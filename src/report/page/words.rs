//! The report's own words, from `words.toml` and `capacity.toml` in `assets/templates`: each in both languages, by name.

use std::collections::BTreeMap;
use std::fmt::Display;

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

use crate::report::Lang;

const WORDS: [&str; 2] = [
    include_str!("../../../assets/templates/words.toml"),
    include_str!("../../../assets/templates/capacity.toml"),
];

/// The words of one language, for pages that are put together in code.
pub(crate) struct Words(BTreeMap<String, String>);

impl Words {
    /// Those of a language.
    ///
    /// # Errors
    /// The file of the words is broken, which a test would have told.
    pub(crate) fn of(lang: Lang) -> Result<Self, Error> {
        Ok(Self(words(lang)?))
    }

    /// The text of a name; the name itself where there is none, which a test looks for.
    pub(crate) fn word(&self, name: &str) -> String {
        self.0.get(name).map_or(name, String::as_str).to_owned()
    }

    /// All of them by name.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// The same with values in its places.
    pub(crate) fn say(&self, name: &str, values: &[(&str, &dyn Display)]) -> String {
        let texts = values
            .iter()
            .map(|(name, value)| (*name, value.to_string()));
        let texts: Vec<(&str, String)> = texts.collect();
        let values: Vec<(&str, &str)> = texts
            .iter()
            .map(|(it, text)| (*it, text.as_str()))
            .collect();
        filled(&self.word(name), &values)
    }
}

/// The words of one language, by name.
pub(super) fn words(lang: Lang) -> Result<BTreeMap<String, String>, Error> {
    let broken = |error: toml::de::Error| {
        Error::new(ErrorKind::BadSerialization, "words.toml cannot be read").with_source(error)
    };
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for text in WORDS {
        all.extend(toml::from_str::<BTreeMap<_, _>>(text).map_err(broken)?);
    }
    let lang = lang.to_string();
    let of = |(name, mut texts): (String, BTreeMap<String, String>)| {
        let text = texts.remove(&lang).ok_or_else(|| {
            let detail = format!("words.toml has no `{name}` in `{lang}`");
            Error::new(ErrorKind::NonKey, detail)
        })?;
        Ok((name, text))
    };
    all.into_iter().map(of).collect()
}

/// The filter `fill`: `{{ t.blocks | fill(blocks=6) }}` puts 6 in the place of `{blocks}`.
pub(super) fn fill(text: &str, kwargs: &Kwargs) -> Result<String, Error> {
    let mut text = text.to_owned();
    for name in kwargs.args() {
        let value: Value = kwargs.get(name)?;
        text = filled(&text, &[(name, &value.to_string())]);
    }
    Ok(text)
}

/// A text with values in the places that have their names.
pub(super) fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_there_in_both_languages_with_the_same_places_to_fill() {
        let places = |text: &str| {
            let mut names: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
                .collect();
            names.sort();
            names
        };
        let (english, thai) = (words(Lang::En).unwrap(), words(Lang::Th).unwrap());
        assert!(english.keys().eq(thai.keys()));
        for (name, text) in &english {
            assert_eq!(places(text), places(&thai[name]), "{name}");
            let is_thai = |c: char| ('\u{e00}'..='\u{e7f}').contains(&c);
            assert!(!text.contains(is_thai), "{name} is not English");
            let symbols = ["ratio", "at_rtt", "cap_arm_without"].contains(&name.as_str());
            assert!(
                symbols || thai[name].contains(is_thai),
                "{name} is not Thai"
            );
        }
    }
}
