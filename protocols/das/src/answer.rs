//! One answer line: the name in a form that is safe to print, and its status.

use registry::view::{self, DasStatus};

/// Octets of a line, its end not counted. The longest name takes 253, as U-labels up to four times as many.
pub(crate) const LINE_MAX: usize = 1024;
/// Characters of a name that an answer repeats; the longest name has 253 (RFC 1035).
const ECHO_MAX: usize = 253;

/// Appends `NAME STATUS` and LF for a line as it came, without its line end; `status` is asked for the name in
/// lower case, or for `None` where the line is none. The dot that may end a name is not repeated: one name has one answer.
///
/// # Errors
/// Those of `status`.
pub(crate) fn write<E>(
    out: &mut Vec<u8>,
    line: &[u8],
    status: &mut impl FnMut(Option<&[u8]>) -> Result<DasStatus, E>,
) -> Result<(), E> {
    let name = line.strip_suffix(b".").filter(|rest| !rest.is_empty()).unwrap_or(line);
    let status = if (1..=ECHO_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic) {
        let begin = out.len();
        out.extend_from_slice(name);
        out[begin..].make_ascii_lowercase();
        status(Some(&out[begin..]))?
    } else {
        write_safe(out, name);
        status(spelled(line).as_deref().map(str::as_bytes))?
    };
    out.push(b' ');
    out.extend_from_slice(status.word().as_bytes());
    out.push(b'\n');
    Ok(())
}

/// The name that a line spells with U-labels, in lower case.
fn spelled(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok().filter(|text| text.len() <= LINE_MAX)?;
    Some(view::ascii(text).ok()?.to_ascii_lowercase())
}

/// The beginning of the line with `?` for what could be taken for another field, another line or nothing at all.
fn write_safe(out: &mut Vec<u8>, line: &[u8]) {
    if line.is_empty() {
        out.push(b'?');
    }
    // four octets are the longest character of UTF-8
    let beginning = String::from_utf8_lossy(&line[..line.len().min(4 * (ECHO_MAX + 1))]);
    let mut characters = beginning.chars();
    for c in characters.by_ref().take(ECHO_MAX) {
        let mut octets = [0; 4];
        match c {
            c if is_unsafe(c) => out.push(b'?'),
            c => c.to_lowercase().for_each(|c| out.extend_from_slice(c.encode_utf8(&mut octets).as_bytes())),
        }
    }
    if characters.next().is_some() {
        out.extend_from_slice(b"...");
    }
}

/// White space, controls, and the format characters that hide or reorder text.
fn is_unsafe(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &[u8]) -> String {
        let mut out = Vec::new();
        let mut invalid = |_: Option<&[u8]>| Ok::<_, std::convert::Infallible>(DasStatus::Invalid);
        write(&mut out, line, &mut invalid).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_name_is_repeated_without_its_last_dot() {
        assert_eq!(shown(b"Example.TEST"), "example.test invalid\n");
        assert_eq!(shown("MÜNCHEN.test".as_bytes()), "münchen.test invalid\n");
        assert_eq!(shown(b"a_b!.test"), "a_b!.test invalid\n");
        assert_eq!(shown(b"Example.test."), "example.test invalid\n");
        assert_eq!(shown(b"."), ". invalid\n");
        assert_eq!(shown(b"a.."), "a. invalid\n");
    }

    #[test]
    fn what_is_unsafe_is_replaced() {
        assert_eq!(shown(b""), "? invalid\n");
        assert_eq!(shown(b"a b\tc\x1b[0m\x00"), "a?b?c?[0m? invalid\n");
        assert_eq!(shown(b"\xff.test"), "?.test invalid\n");
        assert_eq!(shown("a\u{202e}b\u{200b}.test".as_bytes()), "a?b?.test invalid\n");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(shown(&[b'a'; 253]), format!("{} invalid\n", "a".repeat(253)));
        assert_eq!(shown(&[b'a'; 254]), format!("{}... invalid\n", "a".repeat(253)));
        assert_eq!(shown("ü".repeat(2000).as_bytes()), format!("{}... invalid\n", "ü".repeat(253)));
    }
}
