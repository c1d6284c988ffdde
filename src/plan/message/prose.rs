//! Text that looks like people's: common words are common, sentences end, paragraphs too, and between the words stand
//! the numbers, dates and addresses because of which mail compresses less well than a novel.

use std::sync::LazyLock;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::charset::jis;
use crate::scenario::Language;

/// The words of a language and how they are put together.
#[derive(Debug)]
pub(super) struct Lexicon {
    /// The commonest first; those from `first_topic` on name things.
    words: Vec<String>,
    first_topic: usize,
    /// Between words; Thai and Japanese write them together.
    space: &'static str,
    comma: String,
    stop: String,
}

static ENGLISH: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(include_str!("words/english.txt"), str::to_owned, " "));
static GERMAN: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(include_str!("words/german.txt"), str::to_owned, " "));
static FRENCH: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(include_str!("words/french.txt"), str::to_owned, " "));
static THAI: LazyLock<Lexicon> = LazyLock::new(|| Lexicon {
    comma: " ".to_owned(),
    stop: " ".to_owned(),
    ..Lexicon::new(include_str!("words/thai.txt"), str::to_owned, "")
});
/// Its file holds the words as they stand in JIS X 0208, two ASCII characters for each of theirs.
static JAPANESE: LazyLock<Lexicon> = LazyLock::new(|| Lexicon {
    comma: japanese("!\""),
    stop: japanese("!#"),
    ..Lexicon::new(include_str!("words/japanese.txt"), japanese, "")
});

/// Text from JIS X 0208 codes, two ASCII characters each.
pub(super) fn japanese(codes: &str) -> String {
    let pairs = codes.as_bytes().chunks_exact(2);
    pairs.map(|pair| jis(pair[0], pair[1])).collect()
}

impl Lexicon {
    /// A file of words: the common ones, a line with `|`, those that name things.
    fn new(file: &str, word: impl Fn(&str) -> String, space: &'static str) -> Self {
        let (common, topics) = file.split_once("\n|\n").unwrap_or((file, ""));
        let common = common.split_whitespace();
        let first_topic = common.clone().count();
        Self {
            words: common.chain(topics.split_whitespace()).map(word).collect(),
            first_topic,
            space,
            comma: ",".to_owned(),
            stop: ".".to_owned(),
        }
    }

    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
            Language::French => &FRENCH,
            Language::Thai => &THAI,
            Language::Japanese => &JAPANESE,
        }
    }

    /// Words that name things: for subjects, and for searches.
    pub(super) fn topics(&self) -> &[String] {
        &self.words[self.first_topic..]
    }

    /// A subject of two to four such words, chosen by `bits`.
    pub(super) fn subject(&self, bits: u32) -> String {
        let topics = self.topics();
        let count = 2 + bits as usize % 3;
        let words = (0..count).map(|place| {
            let bits = bits >> (2 + 7 * place);
            topics[(bits & 0x7f) as usize % topics.len()].as_str()
        });
        let words: Vec<&str> = words.collect();
        capitalised(&words.join(self.space))
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect()
}

/// A running text.
pub(super) struct Prose {
    rng: ChaCha8Rng,
    lexicon: &'static Lexicon,
    /// Words until the sentence ends, sentences until the paragraph does.
    words_left: u32,
    sentences_left: u32,
    begins: bool,
    /// The paragraph is quoted from the message that this one answers.
    quoted: bool,
    /// What did not fit in the line before.
    held: Option<String>,
    /// Words that often stand together.
    phrases: Vec<Vec<String>>,
    /// The rest of the phrase that is being said, the next word last.
    saying: Vec<String>,
}

/// Phrases that a text comes back to, and how many words in a hundred begin one. With these, text compresses as
/// RFC 4978 reports of real mail.
const PHRASES: usize = 40;
const PHRASE_BEGINS: u32 = 12;

impl Prose {
    pub(super) fn new(language: Language, seed: [u8; 32]) -> Self {
        let mut prose = Self {
            rng: ChaCha8Rng::from_seed(seed),
            lexicon: Lexicon::of(language),
            words_left: 8,
            sentences_left: 3,
            begins: true,
            quoted: false,
            held: None,
            phrases: Vec::new(),
            saying: Vec::new(),
        };
        for _ in 0..PHRASES {
            let words = 3 + prose.below(6);
            let phrase = (0..words).map(|_| prose.common_word()).collect();
            prose.phrases.push(phrase);
        }
        prose
    }

    /// From 0 up to, not including, `count`.
    pub(super) fn below(&mut self, count: u32) -> u32 {
        self.rng.next_u32() % count
    }

    /// The next line of at most `width` characters; empty between paragraphs. Some begin with a dot, as dot-stuffing
    /// must be met.
    pub(super) fn line(&mut self, width: usize) -> String {
        if self.sentences_left == 0 {
            self.sentences_left = 2 + self.below(5);
            self.quoted = self.below(6) == 0;
            return String::new();
        }
        let mut line = match (self.quoted, self.below(100)) {
            (true, _) => "> ",
            (false, 0) => ".",
            (false, 1) => ".. ",
            (false, _) => "",
        }
        .to_owned();
        let mut length = line.len();
        let indent = length;
        while self.sentences_left > 0 {
            let token = self.held.take().unwrap_or_else(|| self.token());
            let space = if length > indent {
                self.lexicon.space
            } else {
                ""
            };
            let needed = space.len() + token.chars().count();
            if length + needed > width && length > indent {
                self.held = Some(token);
                break;
            }
            length += needed;
            line.push_str(space);
            line.push_str(&token);
        }
        line
    }

    /// A few words.
    pub(super) fn phrase(&mut self, words: u32) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word()).collect();
        words.join(self.lexicon.space)
    }

    /// A word with what follows it.
    fn token(&mut self) -> String {
        let mut token = match self.below(1_000) {
            0..15 => self.below(20_000).to_string(),
            15..23 => format!("{}:{:02}", self.below(24), self.below(60)),
            23..27 => format!("https://www.example.org/{:08x}", self.rng.next_u32()),
            27..30 => format!("{}@example.org", self.phrase_in_ascii()),
            _ => self.word(),
        };
        if self.begins {
            token = capitalised(&token);
        }
        self.begins = self.words_left == 0;
        if self.begins {
            self.words_left = 5 + self.below(14);
            self.sentences_left -= 1;
            token.push_str(&self.lexicon.stop);
        } else {
            self.words_left -= 1;
            if self.below(12) == 0 {
                token.push_str(&self.lexicon.comma);
            }
        }
        token
    }

    fn phrase_in_ascii(&mut self) -> String {
        let topics = Lexicon::of(Language::English).topics();
        topics[self.below(topics.len() as u32) as usize].clone()
    }

    fn word(&mut self) -> String {
        if let Some(word) = self.saying.pop() {
            return word;
        }
        if self.below(100) < PHRASE_BEGINS {
            let phrase = self.below(PHRASES as u32) as usize;
            self.saying.clone_from(&self.phrases[phrase]);
        }
        self.common_word()
    }

    /// Common words come more often: the word of rank r about as often as 1/r (Zipf 1935).
    fn common_word(&mut self) -> String {
        let words = &self.lexicon.words;
        let unit = f64::from(self.rng.next_u32()) / f64::from(u32::MAX);
        let rank = libm::exp(unit * libm::log(words.len() as f64 + 1.0)) - 1.0;
        words[(rank as usize).min(words.len() - 1)].clone()
    }

    /// Eight hexadecimal digits, as links carry them.
    pub(super) fn token_of_link(&mut self) -> String {
        format!("{:08x}", self.rng.next_u32())
    }
}
