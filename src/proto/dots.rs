//! Dot-stuffing, as POP3 (RFC 1939, section 3), SMTP (RFC 5321, section 4.5.2) and LMTP share it: a text
//! ends in a line with a single dot, and lines of the text that begin with a dot get one more. Both ways
//! stream and keep their state from piece to piece.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The only place where something can happen: a dot at the beginning of a line.
static DOT_AT_LINE_START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n."));

/// Takes a stuffed text apart: hands out the text's own octets and notices its end, wherever the reads
/// cut it. Only CRLF ends a line.
#[derive(Clone, Debug, Default)]
pub struct Unstuffer {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the beginning of a line, also of the text.
    #[default]
    LineStart,
    /// Within a line.
    Line,
    /// Within a line, after a CR, which is handed out already.
    Cr,
    /// After a dot at a line's beginning, which is not handed out.
    Dot,
    /// After such a dot and a CR, neither handed out.
    DotCr,
    /// The end was seen.
    End,
}

impl Unstuffer {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `input`, gives the text's octets to `sink`, and returns how much of `input` belongs to the
    /// text: all of it, until the end is seen.
    pub fn take(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        while at < input.len() {
            let octet = input[at];
            match (self.state, octet) {
                (State::End, _) => return at,
                (State::LineStart, b'.') => {
                    self.state = State::Dot;
                    at += 1;
                }
                (State::Dot, b'\r') => {
                    self.state = State::DotCr;
                    at += 1;
                }
                (State::DotCr, b'\n') => {
                    self.state = State::End;
                    at += 1;
                }
                (State::DotCr, _) => {
                    // The dot was stuffing; the CR is the text's own.
                    sink(b"\r");
                    self.state = State::Cr;
                }
                (State::Cr, b'\n') => {
                    sink(b"\n");
                    self.state = State::LineStart;
                    at += 1;
                }
                (State::LineStart | State::Line | State::Cr | State::Dot, _) => {
                    at += self.take_lines(&input[at..], &mut sink);
                }
            }
        }
        at
    }

    /// Whether the end was seen.
    pub fn ended(&self) -> bool {
        self.state == State::End
    }

    /// Hands out everything up to the next dot at a line's beginning, or all. `input` is not empty and
    /// its first octet has no meaning of its own.
    fn take_lines(&mut self, input: &[u8], sink: &mut impl FnMut(&[u8])) -> usize {
        if let Some(found) = DOT_AT_LINE_START.find(input) {
            let text = found + 2;
            sink(&input[..text]);
            self.state = State::LineStart;
            return text;
        }
        sink(input);
        self.state = match input {
            [.., b'\r', b'\n'] => State::LineStart,
            [.., b'\r'] => State::Cr,
            _ => State::Line,
        };
        input.len()
    }
}

/// Stuffs a text on its way out. The text is to have CRLF line ends.
#[derive(Clone, Debug, Default)]
pub struct Stuffer {
    state: Sent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sent {
    #[default]
    LineStart,
    Line,
    Cr,
}

impl Stuffer {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the next piece of the text to `out`, stuffed.
    pub fn put(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        out.reserve(piece.len());
        if self.state == Sent::Cr && rest.first() == Some(&b'\n') {
            out.push(b'\n');
            self.state = Sent::LineStart;
            rest = &rest[1..];
        }
        if rest.is_empty() {
            return;
        }
        if self.state == Sent::LineStart && rest[0] == b'.' {
            out.push(b'.');
        }
        self.state = match rest {
            [.., b'\r', b'\n'] => Sent::LineStart,
            [.., b'\r'] => Sent::Cr,
            _ => Sent::Line,
        };
        while let Some(found) = DOT_AT_LINE_START.find(rest) {
            let (line, after) = rest.split_at(found + 2);
            out.extend_from_slice(line);
            out.push(b'.');
            // The text's own dot goes with what follows; it is at no line's end.
            rest = after;
        }
        out.extend_from_slice(rest);
    }

    /// Appends the end of the text: a line with a single dot, after a CRLF if the text had none.
    pub fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.state {
            Sent::LineStart => b".\r\n",
            Sent::Cr => b"\n.\r\n",
            Sent::Line => b"\r\n.\r\n",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unstuff(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>, bool) {
        let mut unstuffer = Unstuffer::new();
        let (mut text, mut rest) = (Vec::new(), Vec::new());
        for piece in pieces {
            let taken = unstuffer.take(piece, |octets| text.extend_from_slice(octets));
            rest.extend_from_slice(&piece[taken..]);
        }
        (text, rest, unstuffer.ended())
    }

    fn stuff(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut stuffer, mut out) = (Stuffer::new(), Vec::new());
        for piece in pieces {
            stuffer.put(piece, &mut out);
        }
        stuffer.end(&mut out);
        out
    }

    fn cut<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces.push(bytes);
        pieces
    }

    #[test]
    fn a_text_ends_at_a_lone_dot_and_what_follows_is_left() {
        let (text, rest, ended) = unstuff(&[b"a\r\n..b\r\n.\r\n+OK next\r\n"]);
        assert_eq!(text, b"a\r\n.b\r\n");
        assert_eq!(rest, b"+OK next\r\n");
        assert!(ended);
    }

    #[test]
    fn an_empty_text_is_only_the_dot() {
        assert_eq!(unstuff(&[b".\r\n"]), (Vec::new(), Vec::new(), true));
        assert_eq!(stuff(&[]), b".\r\n");
    }

    #[test]
    fn a_dot_before_a_lone_cr_or_lf_does_not_end_the_text() {
        let (text, _, ended) = unstuff(&[b".\rx\r\n.\nx\r\n\n.\r\n.\r\n"]);
        assert_eq!(text, b"\rx\r\n\nx\r\n\n.\r\n");
        assert!(ended);
    }

    #[test]
    fn the_end_is_seen_wherever_it_is_cut() {
        let whole = b"line\r\n..dot\r\n.\r\nrest";
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                let (text, rest, ended) = unstuff(&pieces);
                assert_eq!(text, b"line\r\n.dot\r\n", "cut at {first} and {second}");
                assert_eq!(rest, b"rest", "cut at {first} and {second}");
                assert!(ended);
            }
        }
    }

    #[test]
    fn a_text_without_a_last_line_end_gets_one() {
        assert_eq!(stuff(&[b".x"]), b"..x\r\n.\r\n");
        assert_eq!(stuff(&[b"x\r"]), b"x\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn what_is_stuffed_comes_out_as_it_was_under_any_cutting(
            lines in "([.ab\r\n]|\r\n\\.?){0,60}",
            cuts_out in proptest::collection::vec(0usize..6, 0..60),
            cuts_in in proptest::collection::vec(0usize..6, 0..60),
        ) {
            let text = [lines.as_bytes(), b"\r\n"].concat();
            let stuffed = stuff(&cut(&text, &cuts_out));
            prop_assert_eq!(&stuffed, &stuff(&[&text]));
            let (back, rest, ended) = unstuff(&cut(&stuffed, &cuts_in));
            prop_assert_eq!(back, text);
            prop_assert!(rest.is_empty() && ended);
        }

        #[test]
        fn any_octets_are_taken_the_same_under_any_cutting(
            octets in "[.a\r\n]{0,80}",
            cuts in proptest::collection::vec(0usize..5, 0..80),
        ) {
            prop_assert_eq!(unstuff(&cut(octets.as_bytes(), &cuts)), unstuff(&[octets.as_bytes()]));
        }
    }
}
