//! The frame of the peer protocol.

use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter},
    sync::mpsc,
};

/// Payload of one frame at most: twice what a codec decodes, so that a message that is too long gets an answer.
pub(super) const FRAME_MAX: usize = 32 << 20;

/// A numbered payload.
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) payload: Vec<u8>,
}

/// The head of a frame.
pub(super) struct Head {
    pub(super) number: u64,
    /// Octets of the payload that follows.
    pub(super) length: usize,
}

/// Reads the head of a frame; `None` when the peer closed between frames.
pub(super) async fn read_head<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Option<Head>> {
    let length = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    if length > FRAME_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} octets")));
    }
    Ok(Some(Head { number: from.read_u64().await?, length }))
}

/// Reads the payload behind a head.
pub(super) async fn read_payload<R: AsyncRead + Unpin>(from: &mut R, head: Head) -> io::Result<Frame> {
    let mut payload = vec![0; head.length];
    from.read_exact(&mut payload).await?;
    Ok(Frame { number: head.number, payload })
}

/// Reads a frame; `None` when the peer closed between frames.
pub(super) async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Option<Frame>> {
    match read_head(from).await? {
        Some(head) => read_payload(from, head).await.map(Some),
        None => Ok(None),
    }
}

/// Writes a frame without flushing.
pub(super) async fn write<W: AsyncWrite + Unpin>(to: &mut W, frame: &Frame) -> io::Result<()> {
    let length = u32::try_from(frame.payload.len())
        .ok()
        .filter(|n| *n as usize <= FRAME_MAX)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the frame is too long"))?;
    to.write_u32(length).await?;
    to.write_u64(frame.number).await?;
    to.write_all(&frame.payload).await
}

/// Writes what is queued, and flushes when the queue is empty; ends with the queue or with the connection.
pub(super) async fn write_all<W: AsyncWrite + Unpin>(to: W, mut queue: mpsc::Receiver<Frame>) {
    let mut to = BufWriter::new(to);
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        while let Some(frame) = next {
            if write(&mut to, &frame).await.is_err() {
                return;
            }
            next = queue.try_recv().ok();
        }
        if to.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_travel_and_limits_hold() {
        let (mut a, mut b) = tokio::io::duplex(1 << 16);
        write(&mut a, &Frame { number: 7, payload: b"hello".to_vec() }).await.unwrap();
        let frame = read(&mut b).await.unwrap().unwrap();
        assert_eq!((frame.number, frame.payload.as_slice()), (7, b"hello".as_slice()));
        a.write_u32(u32::MAX).await.unwrap();
        assert!(read(&mut b).await.is_err());
        drop(a);
        assert!(read(&mut b).await.unwrap().is_none());
    }
}
