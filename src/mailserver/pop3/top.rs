//! TOP (RFC 1939 section 7): where its reply ends.

/// Cuts a message behind its header and so many lines.
pub(super) struct Top {
    in_body: bool,
    /// The line so far holds something other than its end.
    line_has_text: bool,
    left: u64,
}

impl Top {
    pub(super) fn new(lines: u64) -> Self {
        Self {
            in_body: false,
            line_has_text: false,
            left: lines,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.in_body && self.left == 0
    }

    /// How much of a piece belongs to what was asked for.
    pub(super) fn take(&mut self, piece: &[u8]) -> usize {
        let mut at = 0;
        while at < piece.len() && !self.is_done() {
            let end = memchr::memchr(b'\n', &piece[at..]).map(|end| at + end);
            let text = &piece[at..end.unwrap_or(piece.len())];
            self.line_has_text |= text.iter().any(|&byte| byte != b'\r');
            let Some(end) = end else {
                return piece.len();
            };
            if self.in_body {
                self.left -= 1;
            } else if !self.line_has_text {
                self.in_body = true;
            }
            self.line_has_text = false;
            at = end + 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::Top;

    fn top(message: &[u8], lines: u64, piece: usize) -> Vec<u8> {
        let mut top = Top::new(lines);
        let mut taken = Vec::new();
        for piece in message.chunks(piece) {
            taken.extend_from_slice(&piece[..top.take(piece)]);
        }
        taken
    }

    #[test]
    fn the_header_its_empty_line_and_so_many_lines_are_taken_under_any_cutting() {
        let message = b"A: b\r\nC: d\r\n\r\none\r\n\r\nthree\r\n";
        for piece in 1..message.len() {
            assert_eq!(top(message, 0, piece), b"A: b\r\nC: d\r\n\r\n");
            assert_eq!(top(message, 2, piece), b"A: b\r\nC: d\r\n\r\none\r\n\r\n");
            assert_eq!(top(message, 9, piece), message);
        }
    }
}
