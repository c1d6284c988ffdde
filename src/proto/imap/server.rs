//! The server's end of IMAP: commands decoded from framed lines, and the words of its replies put together.
//! What a command does is left to the mail server.

use std::ops::RangeInclusive;

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The tag to answer with, if one stands there; otherwise the answer is untagged.
    pub tag: Option<String>,
}

/// Decodes a framed line (without its line end; literals in place). `scratch` saves an allocation per line.
pub fn decode<'s>(line: &[u8], scratch: &'s mut Vec<u8>) -> Result<Command<'s>, Malformed> {
    scratch.clear();
    scratch.extend_from_slice(line);
    scratch.extend_from_slice(b"\r\n");
    match CommandCodec::default().decode(scratch) {
        Ok(([], command)) => Ok(command),
        _ => Err(Malformed { tag: tag_of(line) }),
    }
}

/// The tag of a line, if it begins with one (RFC 3501 section 9).
pub fn tag_of(line: &[u8]) -> Option<String> {
    let tag = line.split(|&byte| byte == b' ').next()?;
    let good = !tag.is_empty()
        && tag.len() <= 64
        && tag
            .iter()
            .all(|&byte| byte.is_ascii_graphic() && !b"(){%*\"\\+".contains(&byte));
    good.then(|| String::from_utf8_lossy(tag).into_owned())
}

/// If the literal that `line` ends in (`... {n}` and its line end) is the message of an APPEND: the name of
/// the mailbox it is for.
pub fn append_target(line: &[u8]) -> Option<String> {
    let text = line.strip_suffix(b"\r\n").unwrap_or(line);
    let brace = memchr::memrchr(b'{', text)?;
    let verb = text.split(|&byte| byte == b' ').nth(1)?;
    if !verb.eq_ignore_ascii_case(b"APPEND") {
        return None;
    }
    let mut whole = text[..brace].to_vec();
    whole.extend_from_slice(b"{0}\r\n");
    match decode(&whole, &mut Vec::new()) {
        Ok(Command {
            body: CommandBody::Append { mailbox, .. },
            ..
        }) => Some(mailbox_name(&mailbox).unwrap_or_default().to_owned()),
        _ => None,
    }
}

/// A mailbox's name as text; None if it is not UTF-8.
pub fn mailbox_name<'m>(mailbox: &'m Mailbox<'_>) -> Option<&'m str> {
    match mailbox {
        Mailbox::Inbox => Some("INBOX"),
        Mailbox::Other(other) => std::str::from_utf8(other.as_ref()).ok(),
    }
}

/// A LIST pattern as text; None if it is not UTF-8.
pub fn list_pattern<'m>(pattern: &'m ListMailbox<'_>) -> Option<&'m str> {
    match pattern {
        ListMailbox::Token(token) => std::str::from_utf8(token.as_ref()).ok(),
        ListMailbox::String(text) => std::str::from_utf8(text.as_ref()).ok(),
    }
}

/// The octets of an astring.
pub fn octets<'a>(text: &'a AString<'_>) -> &'a [u8] {
    text.as_ref()
}

/// Whether a LIST pattern meets a name: `*` any characters, `%` any but the separator.
pub fn matches_pattern(pattern: &str, name: &str, separator: char) -> bool {
    let name: Vec<char> = name.chars().collect();
    // Positions of the name that the pattern so far can reach; grows with the name only.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for token in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        match token {
            '*' | '%' => {
                let mut open = false;
                for at in 0..=name.len() {
                    open |= reached[at];
                    next[at] = open;
                    if token == '%' && name.get(at) == Some(&separator) {
                        open = false;
                    }
                }
            }
            literal => {
                for at in 0..name.len() {
                    next[at + 1] = reached[at] && name[at] == literal;
                }
            }
        }
        reached = next;
    }
    reached[name.len()]
}

/// A decimal number.
pub fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A string: quoted where that is allowed and short, else a literal (RFC 3501 section 4.3). NUL octets,
/// which no string may hold, become `?`.
pub fn string(out: &mut Vec<u8>, text: &[u8]) {
    let quotable = text.len() <= 1024
        && text
            .iter()
            .all(|&byte| byte.is_ascii() && !matches!(byte, 0 | b'\r' | b'\n'));
    if quotable {
        out.push(b'"');
        for &byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        literal(out, text.len() as u64);
        out.extend(text.iter().map(|&byte| if byte == 0 { b'?' } else { byte }));
    }
}

/// A string, or NIL.
pub fn nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// The announcement of a literal; its octets must follow.
pub fn literal(out: &mut Vec<u8>, octets: u64) {
    out.push(b'{');
    number(out, octets);
    out.extend_from_slice(b"}\r\n");
}

/// A mailbox's name: an atom where it can be one.
pub fn astring(out: &mut Vec<u8>, text: &str) {
    let atom = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte));
    if atom {
        out.extend_from_slice(text.as_bytes());
    } else {
        string(out, text.as_bytes());
    }
}

/// Numbers as a sequence set: `1:3,7` (RFC 3501 section 9). In the order given; only neighbours that ascend
/// by one are joined.
pub fn sequence_set(out: &mut Vec<u8>, numbers: &[u32]) {
    let mut rest = numbers;
    let mut first = true;
    while let Some(&start) = rest.first() {
        let run = rest
            .windows(2)
            .take_while(|pair| pair[0].checked_add(1) == Some(pair[1]))
            .count();
        if !first {
            out.push(b',');
        }
        first = false;
        number(out, u64::from(start));
        if run > 0 {
            out.push(b':');
            number(out, u64::from(rest[run]));
        }
        rest = &rest[run + 1..];
    }
}

/// UIDs as a set: `1:3,7`. Ranges ascend; neighbours are joined.
pub fn uid_ranges(out: &mut Vec<u8>, ranges: impl IntoIterator<Item = RangeInclusive<u32>>) {
    let mut write = |range: &RangeInclusive<u32>, first: bool| {
        if !first {
            out.push(b',');
        }
        number(out, u64::from(*range.start()));
        if range.end() > range.start() {
            out.push(b':');
            number(out, u64::from(*range.end()));
        }
    };
    let mut first = true;
    let mut open: Option<RangeInclusive<u32>> = None;
    for range in ranges {
        match open.take() {
            Some(before) if before.end().checked_add(1) == Some(*range.start()) => {
                open = Some(*before.start()..=*range.end());
                continue;
            }
            Some(before) => {
                write(&before, first);
                first = false;
            }
            None => {}
        }
        open = Some(range);
    }
    if let Some(last) = open {
        write(&last, first);
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// INTERNALDATE in UTC: `"17-Jul-1996 02:44:25 +0000"`.
pub fn date_time(out: &mut Vec<u8>, unix_seconds: i64) {
    let (days, seconds) = (
        unix_seconds.div_euclid(86400),
        unix_seconds.rem_euclid(86400),
    );
    let (year, month, day) = civil(days);
    out.extend_from_slice(
        format!(
            "\"{day:2}-{}-{year:04} {:02}:{:02}:{:02} +0000\"",
            MONTHS[month as usize - 1],
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
        .as_bytes(),
    );
}

/// Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, u32, u32) {
    // Years that begin in March put the leap day at their end; 146097 days make 400 years.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests;
