//! Address lists of header fields (RFC 5322 section 3.4) as ENVELOPE wants them: name, source route, mailbox
//! and host, groups marked by their start and end. Encoded words stay encoded; the client decodes them.

/// One entry of an ENVELOPE's address list (RFC 3501 section 7.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) name: Option<Vec<u8>>,
    /// None in the entry that ends a group.
    pub(super) mailbox: Option<Vec<u8>>,
    /// None in the entries that begin and end a group.
    pub(super) host: Option<Vec<u8>>,
}

/// Reads a field's value. What is not an address is passed over.
pub(super) fn addresses(value: &[u8]) -> Vec<Address> {
    let mut parser = Parser {
        rest: value,
        ..Parser::default()
    };
    parser.run();
    parser.found
}

#[derive(Default)]
struct Parser<'v> {
    rest: &'v [u8],
    /// Words of the phrase or local part so far.
    words: Vec<u8>,
    comment: Vec<u8>,
    route: Option<Vec<u8>>,
    in_group: bool,
    found: Vec<Address>,
}

impl Parser<'_> {
    fn run(&mut self) {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'"' => {
                    let text = self.until(b'"');
                    self.words.extend_from_slice(&text);
                }
                b'(' => self.comment = self.comment(),
                b'<' => self.route = Some(self.until(b'>')),
                b',' => self.finish(),
                b':' if !self.in_group && self.route.is_none() => self.begin_group(),
                b';' => {
                    self.finish();
                    if std::mem::take(&mut self.in_group) {
                        self.found.push(Address::default());
                    }
                }
                b' ' | b'\t' => {
                    if !self.words.is_empty() && !self.words.ends_with(b" ") {
                        self.words.push(b' ');
                    }
                }
                _ => self.words.push(byte),
            }
        }
        self.finish();
        if self.in_group {
            self.found.push(Address::default());
        }
    }

    fn begin_group(&mut self) {
        self.in_group = true;
        let name = std::mem::take(&mut self.words).trim_ascii().to_vec();
        self.found.push(Address {
            mailbox: Some(name),
            ..Address::default()
        });
    }

    fn finish(&mut self) {
        let words = std::mem::take(&mut self.words).trim_ascii().to_vec();
        let comment = std::mem::take(&mut self.comment);
        let address = match self.route.take() {
            Some(route) => {
                // An old source route, `<@a,@b:user@host>`, says nothing about the mailbox.
                let start = if route.starts_with(b"@") {
                    route
                        .iter()
                        .position(|&byte| byte == b':')
                        .map_or(0, |at| at + 1)
                } else {
                    0
                };
                Address::new(words, &route[start..])
            }
            None if words.is_empty() => return,
            None => {
                let joined: Vec<u8> = words.into_iter().filter(|byte| *byte != b' ').collect();
                Address::new(comment, &joined)
            }
        };
        self.found.push(address);
    }

    /// The text up to the closing character, quoted pairs resolved.
    fn until(&mut self, end: u8) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            if byte == end {
                break;
            }
            if byte == b'\\'
                && let Some((&escaped, rest)) = self.rest.split_first()
            {
                self.rest = rest;
                text.push(escaped);
            } else {
                text.push(byte);
            }
        }
        text
    }

    fn comment(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut depth = 1;
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }
}

impl Address {
    fn new(name: Vec<u8>, address: &[u8]) -> Self {
        let address = address.trim_ascii();
        let (mailbox, host) = match address.iter().rposition(|&byte| byte == b'@') {
            Some(at) => (&address[..at], &address[at + 1..]),
            None => (address, &b""[..]),
        };
        Self {
            name: (!name.is_empty()).then_some(name),
            mailbox: Some(mailbox.to_vec()),
            host: Some(host.to_vec()),
        }
    }
}
