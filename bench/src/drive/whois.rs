//! WHOIS: a connection for each query (RFC 3912).

use super::{Public, Request, connect};
use crate::load::{Answers, Line, Target, Word};
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Room for an answer; what is longer is read in parts and only its beginning is looked at.
const READ: usize = 16 * 1024;

pub struct Whois(pub Public);

impl Whois {
    /// A whole answer.
    ///
    /// # Errors
    /// The connection.
    pub async fn sample(&self) -> io::Result<Vec<u8>> {
        let mut line = self.connect(0).await?;
        let octets = line.ask().await?;
        Ok(line.buffer[..octets].to_vec())
    }
}

impl Target for Whois {
    type Line = WhoisLine;

    async fn connect(&self, number: usize) -> io::Result<WhoisLine> {
        let (at, request) = (self.0.address(number), self.0.request("", "\r\n"));
        // Each query has a connection of its own; this one only finds out whether somebody listens.
        drop(connect(at).await?);
        Ok(WhoisLine { at, request, buffer: vec![0; READ] })
    }
}

pub struct WhoisLine {
    at: SocketAddr,
    request: Request,
    buffer: Vec<u8>,
}

impl WhoisLine {
    /// The octets of the answer that fit into the buffer.
    async fn ask(&mut self) -> io::Result<usize> {
        let mut stream = TcpStream::connect(self.at).await?;
        stream.write_all(self.request.next()).await?;
        let mut filled = 0;
        loop {
            let at = if filled == READ { READ / 2 } else { filled };
            match stream.read(&mut self.buffer[at..]).await? {
                0 => return Ok(filled),
                came => filled = (at + came).max(filled),
            }
        }
    }
}

impl Line for WhoisLine {
    async fn operate(&mut self, answers: &mut Answers) -> io::Result<()> {
        let filled = self.ask().await?;
        let answer = &self.buffer[..filled];
        if answer.starts_with(b"Domain Name: ") {
            answers.good(Word::Text("found"), 1);
        } else if answer.starts_with(b"No match") {
            answers.good(Word::Text("not found"), 1);
        } else {
            answers.bad(Word::Text("something else"), 1);
        }
        Ok(())
    }
}
