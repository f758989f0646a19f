//! RDAP: `GET /domain/NAME` over kept connections (RFC 7480). The answer's head is searched for its status and its
//! length; the body is read and not looked at.

use super::{Public, Request, connect};
use crate::load::{Answers, Line, Target, Word};
use memchr::memmem;
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Room for an answer, head and body.
const READ: usize = 64 * 1024;

pub struct Rdap(pub Public);

impl Rdap {
    /// The body of an answer.
    ///
    /// # Errors
    /// The connection, or an answer that is not HTTP.
    pub async fn sample(&self) -> io::Result<Vec<u8>> {
        let mut line = self.connect(0).await?;
        let head = line.ask().await?;
        Ok(line.buffer[head.octets..head.octets + head.body].to_vec())
    }
}

impl Target for Rdap {
    type Line = RdapLine;

    async fn connect(&self, number: usize) -> io::Result<RdapLine> {
        let stream = connect(self.0.address(number)).await?;
        let request = self.0.request("GET /domain/", " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Ok(RdapLine { stream, request, buffer: vec![0; READ] })
    }
}

pub struct RdapLine {
    stream: TcpStream,
    request: Request,
    buffer: Vec<u8>,
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of the head.
    octets: usize,
    /// Of the body.
    body: usize,
}

impl RdapLine {
    /// Sends the next request and reads its answer to the end.
    async fn ask(&mut self) -> io::Result<Head> {
        self.stream.write_all(self.request.next()).await?;
        let (mut filled, mut head) = (0, None);
        loop {
            let came = self.stream.read(&mut self.buffer[filled..]).await?;
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += came;
            if head.is_none() {
                head = Head::find(&self.buffer[..filled])?;
            }
            if let Some(head) = head.take_if(|head| filled >= head.octets + head.body) {
                return Ok(head);
            }
        }
    }
}

impl Head {
    /// `None` until the head is complete.
    fn find(octets: &[u8]) -> io::Result<Option<Head>> {
        let Some(end) = memmem::find(octets, b"\r\n\r\n") else { return Ok(None) };
        let strange = || io::Error::other("an answer without status or length");
        let head = std::str::from_utf8(&octets[..end]).map_err(|_| strange())?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(strange)?;
        let length = |line: &str| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
        };
        let body = head.lines().find_map(length).ok_or_else(strange)?;
        if end + 4 + body > READ {
            return Err(io::Error::other(format!("a body of {body} octets, expected are at most {READ}")));
        }
        Ok(Some(Head { status, octets: end + 4, body }))
    }
}

impl Line for RdapLine {
    async fn operate(&mut self, answers: &mut Answers) -> io::Result<()> {
        match self.ask().await?.status {
            status @ (200 | 404) => answers.good(Word::Code(status), 1),
            status => answers.bad(Word::Code(status), 1),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_once_they_are_complete() {
        let answer = b"HTTP/1.1 200 OK\r\nx: y\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(Head::find(answer).unwrap(), Some(Head { status: 200, octets: 44, body: 5 }));
        assert_eq!(Head::find(&answer[..40]).unwrap(), None);
        assert!(Head::find(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::find(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n").is_err());
    }
}
