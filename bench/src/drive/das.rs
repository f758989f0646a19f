//! DAS: lines over kept connections, one at a time or many without waiting.

use super::{Public, Request, connect};
use crate::{
    load::{Answers, Line, Target, Word},
    names::Label,
};
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const READ: usize = 64 * 1024;

/// Questions at a time of [`free_ones`].
const CHUNK: usize = 1000;

pub struct Das {
    pub public: Public,
    /// Questions that are sent together.
    pub pipeline: usize,
}

impl Target for Das {
    type Line = DasLine;

    async fn connect(&self, number: usize) -> io::Result<DasLine> {
        let stream = Wire::open(self.public.address(number)).await?;
        let request = self.public.request("", "\n");
        Ok(DasLine { wire: stream, request, pipeline: self.pipeline, batch: Vec::new() })
    }
}

pub struct DasLine {
    wire: Wire,
    request: Request,
    pipeline: usize,
    batch: Vec<u8>,
}

impl Line for DasLine {
    async fn operate(&mut self, answers: &mut Answers) -> io::Result<()> {
        self.batch.clear();
        self.request.fill(self.pipeline, &mut self.batch);
        let mut statuses = Statuses::default();
        self.wire.ask(&self.batch, self.pipeline, |mark| statuses.count(mark)).await?;
        statuses.tell(answers);
        Ok(())
    }
}

/// How many answers said what.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statuses {
    free: u64,
    registered: u64,
    /// Reserved, blocked, invalid: not what a benchmark asks for.
    others: u64,
}

impl Statuses {
    /// Counts an answer by its fourth octet from the end, which differs between all statuses.
    fn count(&mut self, mark: u8) {
        match mark {
            b'f' => self.free += 1,
            b'e' => self.registered += 1,
            _ => self.others += 1,
        }
    }

    fn tell(&self, answers: &mut Answers) {
        for (word, count) in [("free", self.free), ("registered", self.registered)] {
            if count > 0 {
                answers.good(Word::Text(word), count);
            }
        }
        if self.others > 0 {
            answers.bad(Word::Text("something else"), self.others);
        }
    }
}

/// A connection that counts lines.
struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    async fn open(at: SocketAddr) -> io::Result<Wire> {
        Ok(Wire { stream: connect(at).await?, buffer: vec![0; READ] })
    }

    /// Sends questions, reads as many lines, and tells the fourth octet from the end of each.
    async fn ask(&mut self, questions: &[u8], lines: usize, mut tell: impl FnMut(u8)) -> io::Result<()> {
        const MARK: usize = 4;
        self.stream.write_all(questions).await?;
        // The octets before the first are those that a line may have had in the part before.
        let (mut left, mut kept) = (lines, 0);
        while left > 0 {
            let came = self.stream.read(&mut self.buffer[kept..]).await?;
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let filled = kept + came;
            for end in memchr::memchr_iter(b'\n', &self.buffer[kept..filled]) {
                let mark = (kept + end).checked_sub(MARK).map_or(b'?', |at| self.buffer[at]);
                tell(mark);
                left = left.checked_sub(1).ok_or_else(|| io::Error::other("more answers than questions"))?;
            }
            kept = filled.min(MARK);
            self.buffer.copy_within(filled - kept..filled, 0);
        }
        Ok(())
    }
}

/// Which of the labels are free, as numbers of the list's places.
///
/// # Errors
/// The connection.
pub async fn free_ones(at: SocketAddr, zone: &str, labels: &[Label]) -> io::Result<Vec<usize>> {
    let mut wire = Wire::open(at).await?;
    let mut free = Vec::new();
    let mut place = 0;
    for chunk in labels.chunks(CHUNK) {
        let questions: Vec<u8> = chunk
            .iter()
            .flat_map(|label| [label, b".".as_slice(), zone.as_bytes(), b"\n"].concat())
            .collect();
        let answered = wire.ask(&questions, chunk.len(), |mark| {
            if mark == b'f' {
                free.push(place);
            }
            place += 1;
        });
        answered.await?;
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn answers_are_told_apart_however_they_are_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let answers = b"a free\nb registered\nc reserved\nd blocked\ne invalid\nf free\n";
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for part in answers.chunks(3) {
                stream.write_all(part).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut statuses = Statuses::default();
        let mut wire = Wire::open(at).await.unwrap();
        wire.ask(b"", 6, |mark| statuses.count(mark)).await.unwrap();
        assert_eq!(statuses, Statuses { free: 2, registered: 1, others: 3 });
        server.await.unwrap();
    }
}
