//! Commands as a client writes them: tags, strings in the form that carries them, literals in the form that the
//! server takes.

use std::fmt::{self, Write as _};

/// How the server takes literals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LiteralForm {
    /// Each one costs a round trip: the client waits for `+` (RFC 3501 section 4.3).
    #[default]
    Synchronising,
    /// LITERAL-: those of up to 4096 octets need no waiting (RFC 7888 section 5).
    Minus,
    /// LITERAL+: none needs waiting (RFC 7888).
    Plus,
}

impl LiteralForm {
    fn waits(self, octets: u64) -> bool {
        match self {
            Self::Synchronising => true,
            Self::Minus => octets > 4096,
            Self::Plus => false,
        }
    }
}

/// What STORE does with the flags (RFC 3501 section 6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// Adds them.
    Add,
    /// Takes them away.
    Remove,
    /// Leaves exactly these.
    Replace,
}

impl StoreMode {
    /// The name of the STORE item: the server answers with the flags as they are then.
    pub fn item(self) -> &'static str {
        match self {
            Self::Add => "+FLAGS",
            Self::Remove => "-FLAGS",
            Self::Replace => "FLAGS",
        }
    }

    /// The same for a client that does not want to be told the flags that result.
    pub fn silent_item(self) -> &'static str {
        match self {
            Self::Add => "+FLAGS.SILENT",
            Self::Remove => "-FLAGS.SILENT",
            Self::Replace => "FLAGS.SILENT",
        }
    }
}

/// One command, with the points where its sender has to wait.
///
/// ```
/// use mailgauge::proto::imap::{Command, LiteralForm};
///
/// let command = Command::new("a1", "SELECT", LiteralForm::Plus).mailbox("Sent Items").finish();
/// let pieces: Vec<_> = command.pieces().collect();
/// assert_eq!(pieces, [&b"a1 SELECT \"Sent Items\"\r\n"[..]]);
/// ```
#[derive(Clone)]
pub struct Command {
    bytes: Vec<u8>,
    /// Ends of what can be sent without waiting.
    waits: Vec<usize>,
    form: LiteralForm,
}

impl Command {
    /// Begins a command: `name` may be of several words (`UID FETCH`).
    #[must_use]
    pub fn new(tag: &str, name: &str, form: LiteralForm) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(tag.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name.as_bytes());
        Self {
            bytes,
            waits: Vec::new(),
            form,
        }
    }

    /// A word that needs no quoting: a set, an item, a keyword.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.bytes.push(b' ');
        self.bytes.extend(word.bytes().filter(|byte| *byte >= b' '));
        self
    }

    /// The name of a mailbox, as the server writes it (modified UTF-7): as an atom where it can be one.
    #[must_use]
    pub fn mailbox(self, name: &str) -> Self {
        let atom = !name.is_empty()
            && name.bytes().all(is_atom_octet)
            && !name.eq_ignore_ascii_case("NIL");
        if atom {
            self.word(name)
        } else {
            self.string(name.as_bytes())
        }
    }

    /// A string: quoted where it can be, a literal otherwise.
    #[must_use]
    pub fn string(mut self, octets: &[u8]) -> Self {
        self.bytes.push(b' ');
        self.push_string(octets);
        self
    }

    /// Several strings in parentheses; an empty list is NIL. For ID (RFC 2971).
    #[must_use]
    pub fn strings(mut self, strings: &[&str]) -> Self {
        if strings.is_empty() {
            return self.word("NIL");
        }
        self.bytes.extend_from_slice(b" (");
        for (index, string) in strings.iter().enumerate() {
            if index > 0 {
                self.bytes.push(b' ');
            }
            self.push_string(string.as_bytes());
        }
        self.bytes.push(b')');
        self
    }

    /// Flags in parentheses. Octets that no flag can have are left out.
    #[must_use]
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.bytes.extend_from_slice(b" (");
        for (index, flag) in flags.iter().enumerate() {
            if index > 0 {
                self.bytes.push(b' ');
            }
            let legal = |byte: &u8| is_atom_octet(*byte) || *byte == b'\\';
            self.bytes.extend(flag.bytes().filter(legal));
        }
        self.bytes.push(b')');
        self
    }

    /// Announces a literal whose octets the caller sends; what is added then follows them.
    #[must_use]
    pub fn announce(mut self, octets: u64) -> Self {
        self.bytes.push(b' ');
        self.push_announcement(octets);
        self
    }

    /// Ends the command.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// What can be sent at once, piece by piece: between two of them the server's `+` must come, and after the
    /// last one too if [`Self::ends_waiting`].
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.waits.iter().copied().chain([self.bytes.len()]);
        let mut start = 0;
        ends.filter_map(move |end| {
            let piece = &self.bytes[start..end];
            start = end;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// It can be sent without waiting for anything, and so others right behind it.
    pub fn needs_no_waiting(&self) -> bool {
        self.waits.is_empty()
    }

    /// The last thing in it is the announcement of a literal for which the server has to ask.
    pub fn ends_waiting(&self) -> bool {
        self.waits.last() == Some(&self.bytes.len())
    }

    fn push_string(&mut self, octets: &[u8]) {
        let quotable = octets.len() <= 1000
            && octets
                .iter()
                .all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t');
        if !quotable {
            self.push_announcement(octets.len() as u64);
            self.bytes.extend_from_slice(octets);
            return;
        }
        self.bytes.push(b'"');
        for &byte in octets {
            if matches!(byte, b'"' | b'\\') {
                self.bytes.push(b'\\');
            }
            self.bytes.push(byte);
        }
        self.bytes.push(b'"');
    }

    fn push_announcement(&mut self, octets: u64) {
        let waits = self.form.waits(octets);
        let plus = if waits { "" } else { "+" };
        self.bytes
            .extend_from_slice(format!("{{{octets}{plus}}}\r\n").as_bytes());
        if waits {
            self.waits.push(self.bytes.len());
        }
    }
}

/// Without its text, which may hold a password.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("octets", &self.bytes.len())
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

fn is_atom_octet(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// What FETCH shall say of each message; with UID FETCH the UID is always among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchItems(String);

impl FetchItems {
    /// UID alone.
    pub fn new() -> Self {
        Self("(UID".to_owned())
    }

    /// Items as a certain client writes them, in its order, which matters to nobody but those who compare. Parentheses come
    /// with them.
    pub fn verbatim(items: &str) -> Self {
        Self(format!("({items}"))
    }

    /// FLAGS.
    #[must_use]
    pub fn flags(self) -> Self {
        self.item("FLAGS")
    }

    /// RFC822.SIZE.
    #[must_use]
    pub fn size(self) -> Self {
        self.item("RFC822.SIZE")
    }

    /// INTERNALDATE.
    #[must_use]
    pub fn internal_date(self) -> Self {
        self.item("INTERNALDATE")
    }

    /// ENVELOPE.
    #[must_use]
    pub fn envelope(self) -> Self {
        self.item("ENVELOPE")
    }

    /// BODYSTRUCTURE.
    #[must_use]
    pub fn structure(self) -> Self {
        self.item("BODYSTRUCTURE")
    }

    /// MODSEQ (RFC 7162).
    #[must_use]
    pub fn mod_seq(self) -> Self {
        self.item("MODSEQ")
    }

    /// These fields of the header, without setting `\Seen`.
    #[must_use]
    pub fn header_fields(self, names: &[&str]) -> Self {
        self.item(&format!("BODY.PEEK[HEADER.FIELDS ({})]", names.join(" ")))
    }

    /// A section: empty for the whole message, `1.2`, `HEADER`, `TEXT`. `part`: first octet and how many. Without
    /// `peek` the message counts as seen afterwards.
    #[must_use]
    pub fn body(self, section: &str, part: Option<(u64, u64)>, peek: bool) -> Self {
        let section: String = section
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
            .collect();
        let name = if peek { "BODY.PEEK" } else { "BODY" };
        let mut item = format!("{name}[{section}]");
        if let Some((first, octets)) = part {
            // Writing to a String cannot fail.
            let _ = write!(item, "<{first}.{octets}>");
        }
        self.item(&item)
    }

    /// The list as FETCH takes it.
    pub fn text(mut self) -> String {
        self.0.push(')');
        self.0
    }

    fn item(mut self, item: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(item);
        self
    }
}

impl Default for FetchItems {
    fn default() -> Self {
        Self::new()
    }
}
