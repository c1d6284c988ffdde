//! The headers of a message: what RFC 5322 asks for, the mark of mailgauge, and subjects in ASCII and in Thai
//! (encoded words, RFC 2047).

use jiff::tz::TimeZone;

use super::{Envelope, MessageSpec, pool};

/// One subject in eight is Thai; "meeting on Monday", "invoice", "please confirm", "holiday pictures".
const THAI_SUBJECTS: [&str; 4] = [
    "การประชุมวันจันทร์",
    "ใบแจ้งหนี้ประจำเดือน",
    "กรุณายืนยันการจัดส่งเอกสาร",
    "รูปถ่ายจากวันหยุด",
];

/// Octets of text that one encoded word may hold: 75 characters less the frame, in base64 (RFC 2047, section 2).
const ENCODED_WORD: usize = 45;

/// All headers and the empty line after them.
pub(super) fn head(
    spec: &MessageSpec,
    envelope: &Envelope<'_>,
    content_type: &str,
    transfer_encoding: Option<&str>,
) -> String {
    let Envelope {
        id,
        from,
        to,
        date_unix,
    } = *envelope;
    let encoding = transfer_encoding.map_or_else(String::new, |name| {
        format!("Content-Transfer-Encoding: {name}\r\n")
    });
    format!(
        "Date: {date}\r\nFrom: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\
         Message-ID: <{id}.{seed:016x}@mailgauge.invalid>\r\nX-Mailgauge-Id: {id}\r\n\
         MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n{encoding}\r\n",
        date = date(date_unix),
        subject = subject(spec.seed),
        seed = spec.seed,
    )
}

/// RFC 5322's date and time, in UTC; beyond what calendars hold, 1970.
fn date(unix: i64) -> String {
    let instant = jiff::Timestamp::from_second(unix).unwrap_or_default();
    jiff::fmt::rfc2822::to_string(&instant.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

fn subject(seed: u64) -> String {
    let word = |shift: u32| pool::WORDS[(seed >> shift) as usize % pool::WORDS.len()];
    match (seed >> 40) % 8 {
        0 => encoded(THAI_SUBJECTS[(seed >> 48) as usize % THAI_SUBJECTS.len()]),
        1 => format!("Re: {} {}", word(16), word(22)),
        _ => format!("{} {} {}", word(16), word(22), word(28)),
    }
}

/// Encoded words, folded, each cut between characters.
fn encoded(text: &str) -> String {
    let mut words = vec![String::new()];
    for character in text.chars() {
        if words
            .last()
            .is_some_and(|word| word.len() + character.len_utf8() > ENCODED_WORD)
        {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("=?UTF-8?B?{}?=", pool::base64(word.as_bytes())))
        .collect();
    words.join("\r\n ")
}
