//! Frames on the wire (RFC 5734 section 4): four octets with the length, themselves included, then the XML.
//!
//! A connection keeps little memory for its frames. A frame that needs more takes it out of a [`Budget`] that all
//! connections of a node share, and of which no registrar has more than a part. It waits where that is spent; one that
//! finds no room in time is passed over, and the connection goes on.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{error::Elapsed, timeout};

use crate::shares::{Here, Shares};

/// Octets of the length field.
const HEADER: usize = 4;
/// Octets of a document that need no part of the budget: nearly all commands have less.
pub const KEPT: usize = 16 * 1024;
/// Octets of the longest frame there is.
pub const FRAME_MAX: usize = 1 << 20;
/// What is read and thrown away of a frame that is refused, in octets and in time, so that the answer is not lost to
/// the reset that closing over unread octets causes.
const DISCARD_MAX: u64 = 2 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Memory for frames of more than [`KEPT`] octets, of all connections together. Clones share it.
#[derive(Clone, Debug)]
pub struct Budget {
    all: Arc<Semaphore>,
    /// What one registrar's connections may take together, in units.
    shares: Shares<u64>,
}

/// A part of the budget, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    _all: OwnedSemaphorePermit,
    _share: Option<OwnedSemaphorePermit>,
}

/// A semaphore counts these many octets as one.
const UNIT: usize = 1024;
/// A registrar has one of so many parts of the budget, and always room for one frame.
const SHARES: usize = 4;

impl Budget {
    /// So many octets; one frame of the greatest length must find room in it.
    pub fn new(octets: usize) -> Budget {
        let share = (octets / SHARES).max(FRAME_MAX).min(octets) / UNIT;
        Budget { all: Arc::new(Semaphore::new(octets / UNIT)), shares: Shares::new(share) }
    }

    /// Waits in the registrar's queue first: in that of all it stands with no more than its share.
    async fn take(&self, share: Option<&Here<u64>>, octets: usize) -> io::Result<Taken> {
        let units = u32::try_from(octets.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let share = match share {
            Some(share) => Some(share.take(units).await.map_err(io::Error::other)?),
            None => None,
        };
        let all = Arc::clone(&self.all).acquire_many_owned(units).await.map_err(io::Error::other)?;
        Ok(Taken { _all: all, _share: share })
    }
}

/// A connection that carries frames.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
    bytes_max: usize,
    /// How long a frame may take from its first octet to its last, in either direction.
    transfer: Duration,
    budget: Budget,
    /// The part of the budget that the buffer takes now.
    taken: Option<Taken>,
    /// In the registrar's share of it, once it is known whose connection this is.
    share: Option<Here<u64>>,
}

/// Why no further frame can be had.
#[derive(Debug)]
pub enum FrameError {
    /// The length field leaves no room for a document.
    TooShort(u32),
    /// The length field asks for more than is allowed.
    TooLong {
        bytes: u32,
        bytes_max: usize,
    },
    /// Nothing came, or a frame did not come to its end in time.
    Idle,
    /// There was no memory for a long frame in time. It was passed over, and the next one can be had.
    NoRoom,
    /// The other end did not take a document in time.
    Stalled,
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooShort(bytes) => {
                write!(f, "the frame's length field says {bytes}; it counts its own 4 octets (RFC 5734)")
            }
            FrameError::TooLong { bytes, bytes_max } => {
                write!(f, "the frame's length field says {bytes}; at most {bytes_max} octets are accepted")
            }
            FrameError::Idle => f.write_str("no complete frame came in time"),
            FrameError::NoRoom => f.write_str(
                "no memory for so long a frame became free in time; nothing was done, send it again",
            ),
            FrameError::Stalled => f.write_str("the answer was not taken in time"),
            FrameError::Io(cause) => write!(f, "the connection failed: {cause}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(cause: io::Error) -> FrameError {
        FrameError::Io(cause)
    }
}

impl From<Elapsed> for FrameError {
    fn from(_: Elapsed) -> FrameError {
        FrameError::Idle
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Frames of at most `bytes_max` octets, header included; the memory for one of them is its own.
    pub fn new(stream: S, bytes_max: usize, transfer: Duration) -> Wire<S> {
        Wire::sharing(stream, bytes_max, transfer, Budget::new(bytes_max + UNIT))
    }

    /// The same with memory that is shared with others.
    pub fn sharing(stream: S, bytes_max: usize, transfer: Duration, budget: Budget) -> Wire<S> {
        Wire { stream, buffer: Vec::new(), bytes_max, transfer, budget, share: None, taken: None }
    }

    /// From now on frames have at most `bytes_max` octets.
    pub fn limit(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// From now on long frames count as this registrar's.
    pub fn belongs_to(&mut self, registrar: u64) {
        if self.share.is_none() {
            self.share = Some(self.budget.shares.enter(registrar));
        }
    }

    /// Gives back the memory of a long document, once it has been read. What comes of it, a command, may hold as much:
    /// the part of the budget is given back when the result is dropped.
    pub fn release(&mut self) -> Option<Taken> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        self.taken.take()
    }

    /// The next document; `None` if the other end closed the connection between two frames. Waits for it to begin for
    /// as long as the caller does.
    ///
    /// # Errors
    /// [`FrameError`]; the connection is of no further use for reading, except after [`FrameError::NoRoom`].
    pub async fn recv(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let mut header = [0; HEADER];
        if self.stream.read(&mut header[..1]).await? == 0 {
            return Ok(None);
        }
        let transfer = self.transfer;
        if let Some(body) = timeout(transfer, self.rest(&mut header)).await?? {
            self.make_room(body).await?;
            timeout(transfer, self.body(body)).await??;
        }
        Ok(Some(&self.buffer))
    }

    /// What follows the first octet of a frame: all of a short one, whose buffer grows with what arrives, not with what
    /// was announced; of a long one the length alone, which is returned.
    async fn rest(&mut self, header: &mut [u8; HEADER]) -> Result<Option<usize>, FrameError> {
        self.stream.read_exact(&mut header[1..]).await?;
        let bytes = u32::from_be_bytes(*header);
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        if length <= HEADER {
            return Err(FrameError::TooShort(bytes));
        }
        if length > self.bytes_max {
            return Err(FrameError::TooLong { bytes, bytes_max: self.bytes_max });
        }
        drop(self.release());
        let body = length - HEADER;
        if body > KEPT {
            return Ok(Some(body));
        }
        self.body(body).await.map(|()| None)
    }

    /// Has room for a long document before its first octet is read. Where none becomes free in time the document is
    /// read and thrown away, so that the next one can be told from it.
    async fn make_room(&mut self, body: usize) -> Result<(), FrameError> {
        let taking = self.budget.take(self.share.as_ref(), body);
        if let Ok(taken) = timeout(self.transfer, taking).await {
            self.taken = Some(taken?);
            self.buffer.reserve_exact(body);
            return Ok(());
        }
        let mut passed_over = (&mut self.stream).take(body as u64);
        let read =
            timeout(self.transfer, tokio::io::copy(&mut passed_over, &mut tokio::io::sink())).await??;
        if read < body as u64 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Err(FrameError::NoRoom)
    }

    async fn body(&mut self, body: usize) -> Result<(), FrameError> {
        let read = (&mut self.stream).take(body as u64).read_to_end(&mut self.buffer).await?;
        if read < body { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) } else { Ok(()) }
    }

    /// Sends a document.
    ///
    /// # Errors
    /// [`FrameError`], also when the other end does not take it in time.
    pub async fn send(&mut self, document: Vec<u8>) -> Result<(), FrameError> {
        let length = u32::try_from(document.len() + HEADER).map_err(io::Error::other)?;
        // in one piece, since over TLS each write is a record, a system call and a packet; and without a second copy
        let mut frame = document;
        frame.splice(0..0, length.to_be_bytes());
        timeout(self.transfer, async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        })
        .await
        .map_err(|_| FrameError::Stalled)??;
        Ok(())
    }

    /// Reads what is still coming of a frame that was refused, for a moment.
    pub async fn discard(&mut self) {
        let mut rest = (&mut self.stream).take(DISCARD_MAX);
        // what does not come in time is not missed
        let _ = timeout(DISCARD_TIME, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    /// Says good-bye where the transport has a word for it (TLS).
    pub async fn close(&mut self) {
        // The other end may be gone already; there is nothing left to tell it.
        let _ = timeout(self.transfer, self.stream.shutdown()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{DuplexStream, duplex};

    const LONG: Duration = Duration::from_secs(3600);

    fn pair() -> (DuplexStream, Wire<DuplexStream>) {
        let (client, server) = duplex(1 << 16);
        (client, Wire::new(server, 100, LONG))
    }

    async fn received(octets: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        let (mut client, mut wire) = pair();
        client.write_all(octets).await.unwrap();
        drop(client);
        let mut documents = Vec::new();
        while let Some(document) = wire.recv().await? {
            documents.push(document.to_vec());
        }
        Ok(documents)
    }

    #[tokio::test]
    async fn frames_follow_each_other() {
        let documents = received(b"\0\0\0\x07abc\0\0\0\x05d").await.unwrap();
        assert_eq!(documents, [b"abc".to_vec(), b"d".to_vec()]);
        assert!(received(b"").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn impossible_lengths_are_refused() {
        for short in 0u32..=4 {
            assert!(matches!(received(&short.to_be_bytes()).await, Err(FrameError::TooShort(_))));
        }
        assert!(matches!(received(&101u32.to_be_bytes()).await, Err(FrameError::TooLong { bytes: 101, .. })));
        assert!(matches!(received(b"GET / HTTP/1.1\r\n").await, Err(FrameError::TooLong { .. })));
    }

    #[tokio::test]
    async fn a_cut_frame_is_an_error_and_not_an_end() {
        for cut in [b"\0".as_slice(), b"\0\0\0\x07", b"\0\0\0\x07ab"] {
            assert!(matches!(received(cut).await, Err(FrameError::Io(_))));
        }
    }

    #[tokio::test]
    async fn what_is_sent_is_received() {
        let (client, mut wire) = pair();
        let mut other = Wire::new(client, 100, LONG);
        wire.send(b"<epp/>".to_vec()).await.unwrap();
        assert_eq!(other.recv().await.unwrap().unwrap(), b"<epp/>");
        wire.close().await;
        assert!(other.recv().await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_frame_waits_for_memory_and_gives_it_back() {
        let budget = Budget::new(2 * KEPT + UNIT);
        let long = |octet: u8| {
            let length = u32::try_from(2 * KEPT + HEADER).unwrap();
            [&length.to_be_bytes()[..], &vec![octet; 2 * KEPT]].concat()
        };
        let open = || {
            let (client, server) = duplex(1 << 20);
            (client, Wire::sharing(server, 1 << 20, Duration::from_secs(5), budget.clone()))
        };
        let ((mut first, mut holds), (mut second, mut waits)) = (open(), open());
        first.write_all(&long(1)).await.unwrap();
        second.write_all(&long(2)).await.unwrap();
        assert_eq!(holds.recv().await.unwrap().unwrap().len(), 2 * KEPT);
        assert!(matches!(waits.recv().await, Err(FrameError::NoRoom)));
        // a short one needs none of it
        let (mut third, mut short) = open();
        third.write_all(b"\0\0\0\x07abc").await.unwrap();
        assert_eq!(short.recv().await.unwrap().unwrap(), b"abc");
        holds.release();
        assert!(holds.buffer.capacity() <= KEPT);
        third.write_all(&long(3)).await.unwrap();
        assert_eq!(short.recv().await.unwrap().unwrap()[0], 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_given_up() {
        let (_client, server) = duplex(64);
        let mut wire = Wire::new(server, 100, Duration::from_secs(5));
        assert!(matches!(wire.send(vec![b'x'; 100]).await, Err(FrameError::Stalled)));
    }

    #[tokio::test(start_paused = true)]
    async fn dribbling_ends_in_time() {
        let (mut client, server) = duplex(64);
        let mut wire = Wire::new(server, 100, Duration::from_secs(5));
        client.write_all(b"\0\0\0\x10abc").await.unwrap();
        assert!(matches!(wire.recv().await, Err(FrameError::Idle)));
    }
}
