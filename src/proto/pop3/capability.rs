//! What a server says that it can do (CAPA, RFC 2449).

use crate::proto::line::printable;

/// The lines of CAPA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PopCapabilities {
    lines: Vec<String>,
}

/// How long a server keeps messages (RFC 2449, section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// For ever.
    Never,
    /// This many days at least; 0: messages do not outlive the session that fetched them.
    Days(u32),
}

impl PopCapabilities {
    /// More lines than this are no capability list.
    pub const MOST_LINES: usize = 256;

    /// Adds a line.
    pub fn add(&mut self, line: &[u8]) {
        self.lines.push(printable(line.trim_ascii()));
    }

    /// The lines as the server wrote them.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether a capability of this name is offered.
    pub fn offers(&self, name: &str) -> bool {
        self.arguments(name).is_some()
    }

    /// Several commands may be sent at once.
    pub fn pipelining(&self) -> bool {
        self.offers("PIPELINING")
    }

    /// TLS can be started (RFC 2595).
    pub fn stls(&self) -> bool {
        self.offers("STLS")
    }

    /// This SASL mechanism is offered (RFC 5034).
    pub fn sasl(&self, mechanism: &str) -> bool {
        self.arguments("SASL").is_some_and(|mut offered| {
            offered.any(|offered| offered.eq_ignore_ascii_case(mechanism))
        })
    }

    /// Seconds that must lie between two logins.
    pub fn login_delay(&self) -> Option<u32> {
        self.arguments("LOGIN-DELAY")?.next()?.parse().ok()
    }

    /// How long messages are kept.
    pub fn expire(&self) -> Option<Expire> {
        let word = self.arguments("EXPIRE")?.next()?;
        if word.eq_ignore_ascii_case("NEVER") {
            return Some(Expire::Never);
        }
        word.parse().ok().map(Expire::Days)
    }

    /// The server's name and version, if it tells.
    pub fn implementation(&self) -> Option<String> {
        let words: Vec<_> = self.arguments("IMPLEMENTATION")?.collect();
        Some(words.join(" "))
    }

    fn arguments(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        self.lines.iter().find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(name))
                .then_some(words)
        })
    }
}
