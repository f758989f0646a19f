//! Many lines at once: cuts what has arrived into lines and answers a bounded number of them into one buffer, so
//! that a client that pipelines costs one view and one write for hundreds of names.

use bytes::{Buf, BytesMut};
use memchr::memchr;
use registry::view::DasStatus;

use crate::answer::{self, LINE_MAX};

/// Lines answered on one view and in one write.
pub(crate) const BATCH_MAX: usize = 256;

/// What has arrived and is not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) octets: BytesMut,
    /// The line under way was too long: it is answered, and its rest is to be thrown away.
    skipping: bool,
}

impl Inbox {
    /// Takes note that octets have arrived; without it a line that is too long would gather here.
    pub(crate) fn received(&mut self) {
        if !self.skipping {
            return;
        }
        match self.line_end() {
            Some(end) => {
                self.octets.advance(end + 1);
                self.skipping = false;
            }
            None => self.octets.clear(),
        }
    }

    /// Whether there is a line to answer.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_too_long() || self.line_end().is_some()
    }

    /// Answers up to [`BATCH_MAX`] lines into `out`, asking `status` for each.
    ///
    /// # Errors
    /// The first error of `status`.
    pub(crate) fn answer<E>(
        &mut self,
        out: &mut Vec<u8>,
        mut status: impl FnMut(Option<&[u8]>) -> Result<DasStatus, E>,
    ) -> Result<(), E> {
        let (mut rest, mut lines) = (&*self.octets, 0);
        while lines < BATCH_MAX
            && let Some(end) = memchr(b'\n', rest)
        {
            answer_line(out, &rest[..end], &mut status)?;
            rest = &rest[end + 1..];
            lines += 1;
        }
        let answered = self.octets.len() - rest.len();
        self.octets.advance(answered);
        if lines < BATCH_MAX && self.is_too_long() { self.cut_short(out, status) } else { Ok(()) }
    }

    /// Answers the last line, which the end of the stream ended.
    ///
    /// # Errors
    /// The error of `status`.
    pub(crate) fn finish<E>(
        &mut self,
        out: &mut Vec<u8>,
        mut status: impl FnMut(Option<&[u8]>) -> Result<DasStatus, E>,
    ) -> Result<(), E> {
        let line = self.octets.split();
        if line.is_empty() { Ok(()) } else { answer_line(out, &line, &mut status) }
    }

    /// Answers a line that is too long to wait for its end.
    fn cut_short<E>(
        &mut self,
        out: &mut Vec<u8>,
        mut status: impl FnMut(Option<&[u8]>) -> Result<DasStatus, E>,
    ) -> Result<(), E> {
        self.skipping = true;
        let line = self.octets.split();
        answer_line(out, &line, &mut status)
    }

    fn line_end(&self) -> Option<usize> {
        memchr(b'\n', &self.octets)
    }

    /// Called where there is no line end or it does not matter; one octet more is allowed for the CR that the limit
    /// does not count.
    fn is_too_long(&self) -> bool {
        self.octets.len() > LINE_MAX + 1
    }
}

fn answer_line<E>(
    out: &mut Vec<u8>,
    line: &[u8],
    status: &mut impl FnMut(Option<&[u8]>) -> Result<DasStatus, E>,
) -> Result<(), E> {
    let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii();
    answer::write(out, line, status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// A status that depends on the line, so that mixed-up answers show.
    fn status(name: Option<&[u8]>) -> Result<DasStatus, Infallible> {
        Ok(if name.map_or(0, <[u8]>::len).is_multiple_of(2) {
            DasStatus::Free
        } else {
            DasStatus::Registered
        })
    }

    /// What a client reads that sends `input` in the given pieces and then closes its side.
    fn converse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut inbox, mut out) = (Inbox::default(), Vec::new());
        for piece in pieces {
            inbox.octets.extend_from_slice(piece);
            inbox.received();
            while inbox.is_ready() {
                inbox.answer(&mut out, status).unwrap();
            }
            assert!(inbox.octets.len() <= LINE_MAX + 1);
        }
        inbox.finish(&mut out, status).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_end_with_either_end_or_the_stream() {
        assert_eq!(
            converse([b"aa\r\nb\n\n cc \nd".as_slice()]),
            "aa free\nb registered\n? free\ncc free\nd registered\n"
        );
    }

    #[test]
    fn an_endless_line_is_answered_once() {
        let long = [b'a'; 3 * LINE_MAX];
        let answers = converse([long.as_slice(), &long, b"a\nbb\n"]);
        assert_eq!(answers, format!("{}... free\nbb free\n", "a".repeat(253)));
    }

    #[test]
    fn a_batch_is_bounded() {
        let (mut inbox, mut out) = (Inbox::default(), Vec::new());
        inbox.octets.extend_from_slice(&b"a\n".repeat(BATCH_MAX + 1));
        inbox.answer(&mut out, status).unwrap();
        assert_eq!(out.len(), b"a registered\n".len() * BATCH_MAX);
        assert!(inbox.is_ready());
        inbox.answer(&mut out, status).unwrap();
        assert!(!inbox.is_ready() && inbox.octets.is_empty());
    }

    proptest! {
        #[test]
        fn how_the_octets_are_cut_does_not_matter(
            lines in proptest::collection::vec(("[ -~é]{0,40}", 0..12_usize), 0..40),
            cut in 1..300_usize,
        ) {
            let text: String = lines.iter().map(|(line, times)| line.repeat(*times) + "\n").collect();
            let whole = converse([text.as_bytes()]);
            prop_assert_eq!(whole.lines().count(), lines.len());
            prop_assert_eq!(converse(text.as_bytes().chunks(cut)), whole);
        }
    }
}
