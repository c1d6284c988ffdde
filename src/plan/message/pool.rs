//! The shared stuff that messages are cut from: text and HTML in every manner, and base64 of files. Each is made once
//! per process from a constant, the same everywhere, and only if a message needs it.

use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::charset::{BASE64_RAW, Transfer, base64_lines};
use super::manner::{MANNERS, Manner};
use super::prose::{Lexicon, Prose};
use crate::scenario::Language;

/// Octets of a full line of base64, CRLF included (RFC 2045).
pub(super) const LINE: u64 = 78;
/// Octets of text and of HTML in one manner: far more than the 32 KiB that DEFLATE looks back.
const TEXT_OCTETS: usize = 256 << 10;
/// Octets of files.
const FILE_OCTETS: usize = 1 << 20;

/// Octets that begin and end in a line, with the places where a message may begin or leave off.
#[derive(Debug)]
pub(super) struct Pool {
    bytes: Bytes,
    /// Offsets of those places, the first 0, the end of the pool not among them.
    cuts: Vec<u32>,
}

static TEXTS: [OnceLock<Pool>; MANNERS.len()] = [const { OnceLock::new() }; MANNERS.len()];
static PAGES: [OnceLock<Pool>; MANNERS.len()] = [const { OnceLock::new() }; MANNERS.len()];
/// Base64 of random octets: what is compressed already.
pub(super) static RANDOM: LazyLock<Pool> = LazyLock::new(Pool::random);
/// Base64 of English text.
pub(super) static ENCODED_TEXT: LazyLock<Pool> = LazyLock::new(Pool::encoded_text);

/// Plain text in the manner of a seed.
pub(super) fn text(seed: u64) -> &'static Pool {
    let index = Manner::index_of(seed);
    TEXTS[index].get_or_init(|| Pool::text(index))
}

/// Lines of an HTML page in the manner of a seed.
pub(super) fn page(seed: u64) -> &'static Pool {
    let index = Manner::index_of(seed);
    PAGES[index].get_or_init(|| Pool::page(index))
}

impl Pool {
    fn text(index: usize) -> Self {
        let manner = &MANNERS[index];
        let mut prose = Prose::new(manner.language, [1 + index as u8; 32]);
        Self::fill(TEXT_OCTETS, |out| {
            let line = prose.line(manner.width);
            // An empty line would be 76 characters of base64.
            if !(line.is_empty() && manner.transfer == Transfer::Base64) {
                manner.transfer.encode(manner.charset, &line, out);
            }
        })
    }

    fn page(index: usize) -> Self {
        let manner = &MANNERS[index];
        let mut prose = Prose::new(manner.language, [101 + index as u8; 32]);
        Self::fill(TEXT_OCTETS, |out| {
            let line = element(&mut prose, manner.width);
            manner.transfer.encode(manner.charset, &line, out);
        })
    }

    fn random() -> Self {
        let mut rng = ChaCha8Rng::from_seed([201; 32]);
        let mut raw = [0; BASE64_RAW];
        Self::fill(FILE_OCTETS, |out| {
            rng.fill_bytes(&mut raw);
            base64_lines(&raw, out);
        })
    }

    /// Lines of a text run into each other, as in a file.
    fn encoded_text() -> Self {
        let mut prose = Prose::new(Language::English, [202; 32]);
        let mut raw = String::new();
        Self::fill(TEXT_OCTETS, |out| {
            while raw.len() < BASE64_RAW {
                raw.push_str(&prose.line(76));
                raw.push_str("\r\n");
            }
            base64_lines(&raw.as_bytes()[..BASE64_RAW], out);
            raw.drain(..BASE64_RAW);
        })
    }

    /// Adds lines until the pool is full.
    fn fill(octets: usize, mut add: impl FnMut(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(octets + 1_024);
        let mut cuts = Vec::new();
        while bytes.len() < octets {
            let cut = bytes.len();
            add(&mut bytes);
            if bytes.len() > cut {
                cuts.push(cut as u32);
            }
        }
        Self {
            bytes: Bytes::from(bytes),
            cuts,
        }
    }

    /// A place to begin, by chance.
    pub(super) fn begin(&self, bits: u64) -> usize {
        self.cuts[bits as usize % self.cuts.len()] as usize
    }

    /// The most octets, up to `octets`, after which one may leave off when one began at `begin`.
    pub(super) fn whole(&self, begin: usize, octets: u64) -> u64 {
        let length = self.bytes.len();
        let rounds = octets / length as u64 * length as u64;
        let end = begin + (octets % length as u64) as usize;
        let last_cut = |before: usize| {
            let cuts = self.cuts.partition_point(|cut| *cut as usize <= before);
            cuts.checked_sub(1)
                .and_then(|last| self.cuts.get(last))
                .map_or(0, |cut| *cut as usize)
        };
        let end = if end < length {
            last_cut(end)
        } else {
            length + last_cut(end - length)
        };
        rounds + (end - begin) as u64
    }

    /// At most `octets` from `begin` on, at most to the pool's end.
    pub(super) fn slice(&self, begin: usize, octets: u64, most: usize) -> Bytes {
        let left = self.bytes.len() - begin;
        let length = usize::try_from(octets).unwrap_or(usize::MAX);
        self.bytes.slice(begin..begin + length.min(most).min(left))
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// One line of a page: what newsletters and mail programs write.
fn element(prose: &mut Prose, width: usize) -> String {
    match prose.below(8) {
        0 => {
            let (page, user) = (prose.token_of_link(), prose.token_of_link());
            let words = prose.phrase(3);
            format!("<a href=\"https://www.example.org/{page}?u={user}\">{words}</a><br>")
        }
        1 => {
            let (left, right) = (prose.phrase(2), prose.below(100_000));
            format!("<div><span>{left}</span> <span class=\"n\">{right}</span></div>")
        }
        2 => format!("<p style=\"margin:0 0 12px 0\">{}</p>", prose.line(width)),
        _ => format!("<p>{}</p>", prose.line(width)),
    }
}

/// Text in ASCII of exactly `octets` octets, in lines of at most 78 octets that end in CRLF; less than two give none.
pub(super) fn filler(seed: u64, octets: usize) -> String {
    let topics = Lexicon::of(Language::English).topics();
    let mut text = String::with_capacity(octets);
    let mut next = seed as usize;
    while octets - text.len() >= 2 {
        let left = octets - text.len();
        let line = match left {
            // CRLF alone takes two.
            79 => 77,
            left => left.min(LINE as usize),
        };
        let end = text.len() + line - 2;
        while text.len() < end {
            text.push_str(&topics[next % topics.len()]);
            text.push(' ');
            next = next.wrapping_add(7);
        }
        text.truncate(end);
        if text.ends_with(' ') {
            text.pop();
            text.push('.');
        }
        text.push_str("\r\n");
    }
    text
}

/// The longest base64 body, line ends included, of at most `octets`: whole lines, then a last one of whole groups of four.
pub(super) fn base64_length(octets: u64) -> u64 {
    let rest = octets % LINE;
    octets - rest + if rest >= 6 { (rest - 2) / 4 * 4 + 2 } else { 0 }
}

/// Octets that a base64 body of so many octets stands for, where no padding is needed.
pub(super) fn base64_raw(body: u64) -> u64 {
    (body - 2 * body.div_ceil(LINE)) / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_a_message_may_leave_off_also_around_the_end() {
        let pool = Pool {
            bytes: Bytes::from_static(b"ab\r\ncd\r\nef\r\n"),
            cuts: vec![0, 4, 8],
        };
        for (begin, octets, whole) in [
            (0, 3, 0),
            (0, 4, 4),
            (4, 7, 4),
            (4, 8, 8),
            (8, 4, 4),
            (8, 9, 8),
            (4, 12, 12),
            (4, 29, 28),
        ] {
            assert_eq!(pool.whole(begin, octets), whole, "{octets} from {begin}");
        }
    }

    #[test]
    fn every_pool_is_lines_of_seven_bits_and_is_cut_between_them() {
        let seeds = (0..MANNERS.len() as u64).map(|index| index << 56);
        let pools = seeds.flat_map(|seed| [text(seed), page(seed)]);
        for pool in pools.chain([&*RANDOM, &*ENCODED_TEXT]) {
            for line in pool.bytes.split_inclusive(|octet| *octet == b'\n') {
                assert!(line.ends_with(b"\r\n") && line.len() <= 400, "{line:?}");
                let is_text = |octet: &u8| (b' '..=b'~').contains(octet) || *octet == 0x1b;
                assert!(line[..line.len() - 2].iter().all(is_text), "{line:?}");
            }
            let after_line = |cut: &u32| *cut == 0 || pool.bytes[*cut as usize - 1] == b'\n';
            assert!(pool.cuts.iter().all(after_line));
        }
    }

    #[test]
    fn some_lines_of_text_begin_with_a_dot() {
        let lines = text(0).bytes.split(|octet| *octet == b'\n');
        let dots = lines.filter(|line| line.first() == Some(&b'.')).count();
        assert!(dots > text(0).cuts.len() / 200, "{dots}");
    }

    #[test]
    fn a_filler_is_lines_of_exactly_the_wanted_octets() {
        for octets in 2..400 {
            let text = filler(3, octets);
            assert_eq!(text.len(), octets);
            assert!(text.split("\r\n").all(|line| line.len() <= 76));
        }
    }

    #[test]
    fn a_base64_body_is_whole_lines_and_whole_groups() {
        for (wanted, possible) in [
            (0, 0),
            (5, 0),
            (6, 6),
            (77, 74),
            (78, 78),
            (83, 78),
            (84, 84),
            (160, 156),
        ] {
            assert_eq!(base64_length(wanted), possible, "{wanted}");
            if possible > 0 {
                let mut lines = Vec::new();
                base64_lines(&vec![7; base64_raw(possible) as usize], &mut lines);
                assert_eq!(lines.len() as u64, possible);
            }
        }
    }
}
