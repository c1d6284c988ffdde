//! The headers of a message: what RFC 5322 asks for, names and subjects in every language as encoded words (RFC 2047),
//! what it answers, and the mark of mailgauge.

use jiff::tz::TimeZone;

use super::manner::Manner;
use super::prose::{Lexicon, japanese};
use super::{Envelope, MessageSpec, message_id};
use crate::scenario::Language;

/// References name the message that began the thread and the latest ones, this many in all.
const MOST_REFERENCES: usize = 5;

/// Headers up to the place where digits may be put in to lengthen them, and from there on.
pub(super) struct Head {
    pub(super) before: String,
    pub(super) after: String,
}

impl Head {
    /// All headers and the empty line after them; `content` are those that say what the body is.
    pub(super) fn new(
        spec: &MessageSpec,
        envelope: &Envelope<'_>,
        manner: &Manner,
        content: &str,
    ) -> Self {
        let name = manner
            .charset
            .header(&sender_name(manner.language, spec.seed));
        let lexicon = Lexicon::of(manner.language);
        let subject = lexicon.subject((spec.seed >> 32) as u32);
        let answer = if envelope.ancestors.is_empty() {
            ""
        } else {
            "Re: "
        };
        let subject = format!("{answer}{}", manner.charset.header(&subject));
        let thread = thread(envelope.ancestors);
        Self::put_together(envelope, [&format!("{name} "), &subject, &thread], content)
    }

    /// Without whatever can be done without.
    pub(super) fn lean(spec: &MessageSpec, envelope: &Envelope<'_>, content: &str) -> Self {
        let topics = Lexicon::of(Language::English).topics();
        let topic = &topics[(spec.seed >> 32) as usize % topics.len()];
        Self::put_together(envelope, ["", topic, ""], content)
    }

    fn put_together(
        envelope: &Envelope<'_>,
        [name, subject, thread]: [&str; 3],
        content: &str,
    ) -> Self {
        let Envelope {
            id,
            from,
            to,
            date_unix,
            ..
        } = *envelope;
        Self {
            before: format!(
                "Date: {date}\r\nFrom: {name}<{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\
                 Message-ID: <{message_id}>\r\n{thread}X-Mailgauge-Id: {id}\r\n\
                 User-Agent: mailgauge/1.0",
                date = date(date_unix),
                message_id = message_id(id),
            ),
            after: format!("\r\nMIME-Version: 1.0\r\n{content}\r\n"),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Lengthened by so many octets.
    pub(super) fn padded(self, by: usize) -> String {
        self.before + &"0".repeat(by) + &self.after
    }
}

/// RFC 5322's date and time, in UTC; beyond what calendars hold, 1970.
fn date(unix: i64) -> String {
    let instant = jiff::Timestamp::from_second(unix).unwrap_or_default();
    jiff::fmt::rfc2822::to_string(&instant.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

/// In-Reply-To and References (RFC 5322, section 3.6.4), or nothing.
fn thread(ancestors: &[String]) -> String {
    let Some(answered) = ancestors.last() else {
        return String::new();
    };
    let skipped = ancestors.len().saturating_sub(MOST_REFERENCES);
    let references = ancestors
        .iter()
        .enumerate()
        .filter(|(place, _)| *place == 0 || *place > skipped)
        .map(|(_, id)| format!("<{}>", message_id(id)));
    let references: Vec<String> = references.collect();
    format!(
        "In-Reply-To: <{}>\r\nReferences: {}\r\n",
        message_id(answered),
        references.join("\r\n ")
    )
}

fn sender_name(language: Language, seed: u64) -> String {
    let names = match language {
        Language::English => ["Alice Warren", "Tom Fletcher", "Priya Nair"],
        Language::German => ["Jürgen Groß", "Käthe Schröder", "Björn Müller"],
        Language::French => ["Hélène Lefèvre", "François Noël", "Zoé Brûlé"],
        Language::Thai => ["สมชาย ใจดี", "วิภา ศรีสุข", "ณัฐพล ทองคำ"],
        // Tanaka Taro, Suzuki Hanako, Sato Ichiro, as they stand in JIS X 0208.
        Language::Japanese => ["EDCfB@O:", "NkLZ2V;R", ":4F#0lO:"],
    };
    let name = names[(seed >> 8) as usize % names.len()];
    match language {
        Language::Japanese => japanese(name),
        _ => name.to_owned(),
    }
}
