//! One line in, one answer out, and the end (RFC 3912).

use super::padded;
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub async fn serve(listener: TcpListener, bytes: usize) -> io::Result<()> {
    let answer: Arc<[u8]> = padded("Domain Name: ", bytes, "\r\n").into();
    loop {
        let (stream, _) = listener.accept().await?;
        let answer = answer.clone();
        // a client that leaves early is its own affair
        tokio::spawn(async move { drop(one(stream, &answer).await) });
    }
}

async fn one(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let (mut line, mut filled) = ([0; 1024], 0);
    while !line[..filled].contains(&b'\n') && filled < line.len() {
        match stream.read(&mut line[filled..]).await? {
            0 => return Ok(()),
            came => filled += came,
        }
    }
    stream.write_all(answer).await?;
    stream.shutdown().await
}
