//! Frames over TLS (RFC 5734): whatever is asked, the same document is answered, also as greeting and to a login.

use super::padded;
use net::tls::Identity;
use std::{error::Error, fs, io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const READ: usize = 16 * 1024;
const HEADER: usize = 4;

pub async fn serve(listener: TcpListener, bytes: usize) -> Result<(), Box<dyn Error>> {
    let tls = TlsAcceptor::from(identity()?.server_config()?);
    let document = padded(
        "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><response><result code=\"1000\"><msg>",
        bytes,
        "</msg></result></response></epp>",
    );
    let length = u32::try_from(document.len() + HEADER)?;
    let answer: Arc<[u8]> = [&length.to_be_bytes(), document.as_slice()].concat().into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, answer) = (tls.clone(), answer.clone());
        // a client that leaves early is its own affair
        tokio::spawn(async move { drop(converse(tls, stream, &answer).await) });
    }
}

/// A certificate of the kind that the product makes for itself, loaded as the product loads it.
fn identity() -> Result<Identity, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (chain, key) = (dir.path().join("epp.crt"), dir.path().join("epp.key"));
    fs::write(&chain, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    Ok(Identity::load(&chain, &key)?)
}

async fn converse(tls: TlsAcceptor, stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    stream.write_all(answer).await?;
    let (mut buffer, mut filled) = (vec![0; READ], 0);
    loop {
        let came = stream.read(&mut buffer[filled..]).await?;
        if came == 0 {
            return Ok(());
        }
        filled += came;
        filled = answer_frames(&mut stream, &mut buffer, filled, answer).await?;
        if filled == buffer.len() {
            return Err(io::Error::other("a frame that is longer than any of a benchmark"));
        }
    }
}

/// Answers the complete frames in the buffer and moves what is left to its beginning; how much that is.
async fn answer_frames(
    stream: &mut TlsStream<TcpStream>,
    buffer: &mut [u8],
    filled: usize,
    answer: &[u8],
) -> io::Result<usize> {
    let mut at = 0;
    while let Some(header) = buffer[at..filled].first_chunk::<HEADER>() {
        let length = (u32::from_be_bytes(*header) as usize).max(HEADER);
        if filled - at < length {
            break;
        }
        at += length;
        stream.write_all(answer).await?;
    }
    buffer.copy_within(at..filled, 0);
    Ok(filled - at)
}
