//! Text in display columns: padded, cut and wrapped. Thai upper vowels and tone marks take no column and stay
//! with their consonant; colour codes take none either.

use console::measure_text_width;
use unicode_width::UnicodeWidthChar;

#[derive(Clone, Copy)]
pub(in crate::report) enum Align {
    Left,
    Right,
}

pub(in crate::report) fn pad(text: &str, width: usize, align: Align) -> String {
    let blank = " ".repeat(width.saturating_sub(measure_text_width(text)));
    match align {
        Align::Left => format!("{text}{blank}"),
        Align::Right => format!("{blank}{text}"),
    }
}

/// Cut to so many columns, with an ellipsis where something was cut.
pub(in crate::report) fn fit(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let mut cut = chunk(text, width.saturating_sub(1)).0.to_owned();
    cut.push('…');
    cut
}

/// Lines of at most so many columns, broken at spaces where there are any; combining marks stay with their base.
pub(in crate::report) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let room = |line: &str| {
            width.saturating_sub(measure_text_width(line) + usize::from(!line.is_empty()))
        };
        if measure_text_width(word) > room(&line) && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while measure_text_width(word) > width {
            let (head, tail) = chunk(word, width);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The longest beginning of at most so many columns (at least one character), and the rest.
pub(in crate::report) fn chunk(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let columns = c.width().unwrap_or(0);
        if used + columns > width && at > 0 {
            return text.split_at(at);
        }
        used += columns;
    }
    (text, "")
}
