//! One small question over HTTP, for what nodes tell of themselves.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(5);
/// Octets of an answer at most.
const ANSWER_MAX: u64 = 4 << 20;

/// GETs a path; the status and the body.
///
/// # Errors
/// The connection, or no answer within five seconds.
pub async fn get(at: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    timeout(LIMIT, ask(at, path)).await?
}

async fn ask(at: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let failed = |cause: io::Error| io::Error::new(cause.kind(), format!("{at}: {cause}"));
    let mut stream = TcpStream::connect(at).await.map_err(failed)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.take(ANSWER_MAX).read_to_string(&mut text).await?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("{at} does not speak HTTP")))?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    Ok((status, body))
}
