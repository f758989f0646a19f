//! A server with the seeded repository on a free port, and a client that sees raw HTTP.

#![allow(dead_code, reason = "each test file uses its part")]

// The repository that the golden answers of WHOIS document.
#[path = "../../../whois/tests/seed/mod.rs"]
pub mod seed;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::{Limits, Listener, Metrics, Patience, Plain, Service, Trigger, shutdown};
use prometheus_client::registry::Registry;
use rdap::Site;
use registry::Solo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub const BASE: &str = "https://rdap.nic.example/";

pub struct Server {
    pub address: SocketAddr,
    pub registry: Registry,
    pub trigger: Trigger,
    pub task: JoinHandle<()>,
}

pub async fn server() -> Server {
    server_of(seed::repository()).await
}

/// A server of a repository that others may write to.
pub async fn server_of(repository: Solo) -> Server {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let limits = Limits {
        connections: 64,
        connections_per_source: 64,
        handshake: Duration::from_secs(60),
        drain: Duration::from_secs(60),
        patience: Patience { idle: Duration::from_secs(60), answer: Duration::from_secs(60) },
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, Service::Rdap, limits, metrics.clone()).await.unwrap();
    let address = listener.address();
    let (trigger, shutdown) = shutdown();
    let terms = "Use of this data is subject to the terms of service.";
    let site = Site::new(BASE, "https://nic.example/terms", terms, metrics).unwrap();
    let task = tokio::spawn(rdap::serve(listener, Plain, repository, Arc::new(site), shutdown));
    Server { address, registry, trigger, task }
}

/// A response as it came.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Headers without the date, which changes.
    pub fn lasting_headers(&self) -> Vec<(String, String)> {
        self.headers.iter().filter(|(name, _)| name != "date").cloned().collect()
    }
}

impl Server {
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back for the octets.
    pub async fn raw(&self, sent: &[u8]) -> Vec<u8> {
        let (mut read, mut write) = self.connect().await.into_split();
        let sent = sent.to_vec();
        // the server may answer and close before it has read everything
        let writer = tokio::spawn(async move { write.write_all(&sent).await.is_ok() });
        let mut octets = Vec::new();
        let _ = read.read_to_end(&mut octets).await;
        writer.await.unwrap();
        octets
    }

    pub async fn request(&self, method: &str, path: &str) -> Response {
        let sent = format!("{method} {path} HTTP/1.1\r\nHost: rdap.nic.example\r\nConnection: close\r\n\r\n");
        parse(&self.raw(sent.as_bytes()).await)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path).await
    }
}

pub fn parse(octets: &[u8]) -> Response {
    let text = std::str::from_utf8(octets).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response in {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    Response { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
}
