//! What loads are made of: one client for each protocol, each as thin as it can be, because it shares the machine
//! with the server.

pub mod das;
pub mod epp;
pub mod etcd;
pub mod rdap;
mod tls;
pub mod whois;

use crate::names::{Draw, LABEL_LEN, Labels, Population};
use std::{io, net::SocketAddr};
use tokio::net::TcpStream;

/// A connection whose small requests do not wait for Nagle's timer; the error names the address.
async fn connect(at: SocketAddr) -> io::Result<TcpStream> {
    let failed = |cause: io::Error| io::Error::new(cause.kind(), format!("{at}: {cause}"));
    let stream = TcpStream::connect(at).await.map_err(failed)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Who is asked about which names, for the protocols that anybody may speak.
#[derive(Clone, Debug)]
pub struct Public {
    addresses: Vec<SocketAddr>,
    draw: Draw,
    zone: &'static str,
}

impl Public {
    /// Names of `zone`, asked for at all the addresses alike.
    pub fn new(addresses: Vec<SocketAddr>, population: &Population, zone: &'static str) -> Public {
        Public { addresses, draw: Draw::new(population), zone }
    }

    fn address(&self, number: usize) -> SocketAddr {
        self.addresses[number % self.addresses.len()]
    }

    /// A request with a place for a label between the two texts.
    fn request(&self, before: &str, after: &str) -> Request {
        let octets = format!("{before}{}.{}{after}", "x".repeat(LABEL_LEN), self.zone).into_bytes();
        Request { octets, at: before.len(), labels: self.draw.source() }
    }
}

/// The same request again and again, each time about the next name.
#[derive(Debug)]
struct Request {
    octets: Vec<u8>,
    at: usize,
    labels: Labels,
}

impl Request {
    fn next(&mut self) -> &[u8] {
        self.octets[self.at..self.at + LABEL_LEN].copy_from_slice(&self.labels.next());
        &self.octets
    }

    /// Adds several requests to `batch`.
    fn fill(&mut self, count: usize, batch: &mut Vec<u8>) {
        for _ in 0..count {
            batch.extend_from_slice(self.next());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::label;

    #[test]
    fn requests_are_about_one_name_after_the_other() {
        let population = Population { names: 1, zipf: None, free: 0.0 };
        let mut request = Public::new(Vec::new(), &population, "example").request("GET /", " HTTP");
        let name = String::from_utf8(label(0).to_vec()).unwrap();
        assert_eq!(request.next(), format!("GET /{name}.example HTTP").as_bytes());
        let mut batch = Vec::new();
        request.fill(3, &mut batch);
        assert_eq!(batch.len(), 3 * request.octets.len());
    }
}
