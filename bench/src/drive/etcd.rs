//! etcd's `Put` over gRPC: HTTP/2 by `h2`, the two messages by hand. A whole gRPC client would add more to the
//! build than to the measurement.

use crate::{
    load::{Answers, Line, Target, Word},
    names,
};
use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Clients that put values of so many octets under keys that nobody had before.
pub struct Etcd {
    addresses: Vec<SocketAddr>,
    value: Bytes,
    put: Arc<AtomicU64>,
}

impl Etcd {
    pub fn new(addresses: Vec<SocketAddr>, value_bytes: usize) -> Etcd {
        let value = (0..value_bytes as u64).map(|n| names::spread(n) as u8).collect();
        Etcd { addresses, value, put: Arc::default() }
    }
}

impl Target for Etcd {
    type Line = EtcdLine;

    async fn connect(&self, number: usize) -> io::Result<EtcdLine> {
        let at = self.addresses[number % self.addresses.len()];
        let stream = super::connect(at).await?;
        let (client, connection) = h2::client::handshake(stream).await.map_err(io::Error::other)?;
        // Ends with the client; its errors come to the client too.
        tokio::task::spawn_local(async move { drop(connection.await) });
        let uri = format!("http://{at}/etcdserverpb.KV/Put");
        Ok(EtcdLine { client, uri, value: self.value.clone(), put: self.put.clone() })
    }
}

pub struct EtcdLine {
    client: SendRequest<Bytes>,
    uri: String,
    value: Bytes,
    put: Arc<AtomicU64>,
}

impl EtcdLine {
    /// The `grpc-status` of a put; 0 is success.
    async fn put(&mut self, message: Bytes) -> Result<u16, h2::Error> {
        let request = Request::post(&self.uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request of constant parts");
        let mut ready = self.client.clone().ready().await?;
        let (response, mut stream) = ready.send_request(request, false)?;
        stream.send_data(message, true)?;
        let response = response.await?;
        if let Some(status) = status(response.headers()) {
            return Ok(status);
        }
        let mut body = response.into_body();
        while let Some(part) = body.data().await {
            body.flow_control().release_capacity(part?.len())?;
        }
        let trailers = body.trailers().await?;
        Ok(trailers.as_ref().and_then(status).unwrap_or(u16::MAX))
    }
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

impl Line for EtcdLine {
    async fn operate(&mut self, answers: &mut Answers) -> io::Result<()> {
        let label = names::label(self.put.fetch_add(1, Ordering::Relaxed));
        let status = self.put(message(&label, &self.value)).await.map_err(io::Error::other)?;
        if status == 0 {
            answers.good(Word::Text("put"), 1);
        } else {
            answers.bad(Word::Code(status), 1);
        }
        Ok(())
    }
}

/// A gRPC message with a `PutRequest { bytes key = 1; bytes value = 2; }`.
fn message(key: &[u8], value: &[u8]) -> Bytes {
    let mut request = BytesMut::with_capacity(key.len() + value.len() + 16);
    request.put_u8(0); // not compressed
    request.put_u32(0);
    for (field, octets) in [(1_u8, key), (2, value)] {
        request.put_u8(field << 3 | 2); // wire type 2: a length, then octets
        put_varint(&mut request, octets.len());
        request.put_slice(octets);
    }
    let length = u32::try_from(request.len() - 5).expect("a short message");
    request[1..5].copy_from_slice(&length.to_be_bytes());
    request.freeze()
}

/// Seven bits to an octet, the lowest first, all but the last with the eighth set.
fn put_varint(out: &mut BytesMut, mut n: usize) {
    while n >= 0x80 {
        out.put_u8(n as u8 | 0x80);
        n >>= 7;
    }
    out.put_u8(n as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_is_encoded_as_protobuf_says() {
        assert_eq!(message(b"k", b"vw").as_ref(), [0, 0, 0, 0, 7, 0x0a, 1, b'k', 0x12, 2, b'v', b'w']);
        let long = message(b"k", &[7; 500]);
        assert_eq!(long[..11], [0, 0, 0, 1, 0xfa, 0x0a, 1, b'k', 0x12, 0xf4, 0x03]);
        assert_eq!(long.len(), 5 + 3 + 3 + 500);
    }
}
