//! An EPP session that is logged in.

use super::{super::tls::Connector, frames};
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// Octets of the length field.
const HEADER: usize = 4;
/// What is read at a time; answers are shorter as a rule.
const READ: usize = 16 * 1024;
/// Octets of an answer at most.
const ANSWER_MAX: usize = 1 << 20;

/// A registrar and its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub registrar: String,
    pub password: String,
}

pub struct Session {
    stream: TlsStream<TcpStream>,
    /// Its length is the room that there is, not what came.
    buffer: Vec<u8>,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The connection, or a refusal of the login.
    pub async fn open(tls: &Connector, at: SocketAddr, account: &Account) -> io::Result<Session> {
        let stream = tls.open(at).await?;
        let mut session = Session { stream, buffer: vec![0; READ] };
        session.receive().await?;
        let code = session.command(&frames::login(&account.registrar, &account.password)).await?;
        if code == 1000 {
            Ok(session)
        } else {
            Err(io::Error::other(format!("the login of {} at {at} was answered {code}", account.registrar)))
        }
    }

    /// Sends a frame and waits for the answer: its result code.
    ///
    /// # Errors
    /// The connection: the outcome may be unknown.
    pub async fn command(&mut self, frame: &[u8]) -> io::Result<u16> {
        self.stream.write_all(frame).await?;
        Ok(frames::code(self.receive().await?))
    }

    /// Sends a frame and waits for the answer: its document.
    ///
    /// # Errors
    /// The connection.
    pub async fn ask(&mut self, frame: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(frame).await?;
        self.receive().await
    }

    /// The document of the next frame. Nothing comes after it: one command is under way at a time.
    async fn receive(&mut self) -> io::Result<&[u8]> {
        let mut filled = 0;
        loop {
            let came = self.stream.read(&mut self.buffer[filled..]).await?;
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += came;
            let Some(header) = self.buffer[..filled].first_chunk::<HEADER>() else { continue };
            let length = u32::from_be_bytes(*header) as usize;
            if length > ANSWER_MAX {
                return Err(io::Error::other(format!("a frame of {length} octets")));
            }
            if filled >= length.max(HEADER) {
                return Ok(&self.buffer[HEADER..length.max(HEADER)]);
            }
            if self.buffer.len() < length {
                self.buffer.resize(length, 0);
            }
        }
    }
}
