//! One text line at a time from a socket, for the query services (WHOIS, DAS).
//!
//! A line ends with LF or CRLF (RFC 3912 says CRLF; people type LF), or with the end of the stream. A client that
//! sends too much or too slowly is told apart from one that left.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// A line reader with a limit in octets and a limit in time.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: BytesMut,
    bytes_max: usize,
    idle: Duration,
}

/// Why there is no further line.
#[derive(Debug)]
pub enum LineError {
    /// More than the given number of octets came without a line end.
    TooLong(usize),
    /// The line was not complete in time.
    Idle,
    /// The socket failed.
    Io(io::Error),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::TooLong(bytes) => write!(f, "a line is longer than {bytes} octets"),
            LineError::Idle => f.write_str("no complete line came in time"),
            LineError::Io(cause) => write!(f, "reading failed: {cause}"),
        }
    }
}

impl std::error::Error for LineError {}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `bytes_max` octets (line end not counted), each complete within `idle`.
    pub fn new(source: R, bytes_max: usize, idle: Duration) -> Lines<R> {
        Lines { source, buffer: BytesMut::with_capacity(256), bytes_max, idle }
    }

    /// The next line without its line end; `None` at the end of the stream. Safe to cancel: octets that arrived
    /// stay in the buffer.
    ///
    /// # Errors
    /// [`LineError`]; the reader is of no further use after one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let idle = self.idle;
        timeout(idle, self.read_line()).await.unwrap_or(Err(LineError::Idle))
    }

    /// The socket again, to write an answer to.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.source
    }

    async fn read_line(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                return self.take(searched + end, 1).map(Some);
            }
            searched = self.buffer.len();
            // One more than the limit, for the CR that the limit does not count.
            if searched > self.bytes_max + 1 {
                return Err(LineError::TooLong(self.bytes_max));
            }
            if self.source.read_buf(&mut self.buffer).await.map_err(LineError::Io)? == 0 {
                return if searched == 0 { Ok(None) } else { self.take(searched, 0).map(Some) };
            }
        }
    }

    /// The first `length` octets less a trailing CR, dropping `ending` octets behind them.
    fn take(&mut self, length: usize, ending: usize) -> Result<Vec<u8>, LineError> {
        let mut line = self.buffer.split_to(length).to_vec();
        self.buffer.advance(ending);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > self.bytes_max { Err(LineError::TooLong(self.bytes_max)) } else { Ok(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    async fn all(input: &[u8], bytes_max: usize) -> Result<Vec<String>, LineError> {
        let mut lines = Lines::new(input, bytes_max, LONG);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await? {
            found.push(String::from_utf8(line).unwrap());
        }
        Ok(found)
    }

    #[tokio::test]
    async fn either_line_end_and_the_end_of_the_stream_end_a_line() {
        assert_eq!(
            all(b"a.test\r\nb.test\n\nc.test", 100).await.unwrap(),
            ["a.test", "b.test", "", "c.test"]
        );
        assert!(all(b"", 100).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_limit_counts_the_line_without_its_end() {
        assert_eq!(all(b"1234\r\n1234\n", 4).await.unwrap(), ["1234", "1234"]);
        assert!(matches!(all(b"12345\n", 4).await, Err(LineError::TooLong(4))));
        assert!(matches!(all(&[b'x'; 5000], 4).await, Err(LineError::TooLong(4))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_dribbles_is_cut_off() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut lines = Lines::new(server, 100, Duration::from_secs(5));
        let dribble = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert!(matches!(lines.next().await, Err(LineError::Idle)));
        dribble.abort();
    }
}
