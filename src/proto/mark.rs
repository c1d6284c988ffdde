//! The mark that every message of mailgauge carries, and nothing else does: the value of `X-Mailgauge-Id`.

/// Whether this is a mark, of this or any earlier run: `<run>-<user>-<sequence>`, the run in 8 hexadecimal digits, and
/// `-reply` at the end of an answer, `-sent` at that of other mail that a user wrote. Whatever is not exactly that was not sent by mailgauge.
pub fn is_mark(value: &str) -> bool {
    let value = ["-reply", "-sent"]
        .iter()
        .find_map(|end| value.strip_suffix(end))
        .unwrap_or(value);
    let mut parts = value.split('-');
    let (Some(run), Some(user), Some(sequence), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let number = |text: &str| {
        (1..=10).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<u32>().is_ok()
    };
    run.len() == 8 && run.bytes().all(hexadecimal) && number(user) && number(sequence)
}

#[cfg(test)]
mod tests {
    use super::is_mark;

    #[test]
    fn marks_of_any_run_are_known() {
        for mark in [
            "0000beef-7-2",
            "12345678-0-0",
            "abcdef01-4294967295-12-reply",
            "abcdef01-4294967295-12-sent",
        ] {
            assert!(is_mark(mark), "{mark}");
        }
    }

    #[test]
    fn whatever_is_not_exactly_a_mark_is_foreign() {
        for foreign in [
            "",
            "-",
            "hello",
            "0000beef-7",
            "0000beef-7-2-",
            "0000beef-7-2-3",
            "0000BEEF-7-2",
            "000beef-7-2",
            "0000beef-7-2-reply-reply",
            "0000beef--2",
            "0000beef-+7-2",
            "0000beef-7-4294967296",
            "0000beef-7-00000000002",
            "0000beeg-7-2",
            " 0000beef-7-2",
            "0000beef-7-2\r",
        ] {
            assert!(!is_mark(foreign), "{foreign:?}");
        }
    }
}
