//! The server over a socket: statuses, pipelining, limits.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

// The repository that the golden answers of WHOIS document.
#[path = "../../whois/tests/seed/mod.rs"]
mod seed;

use std::net::SocketAddr;
use std::time::Duration;

use net::{Limits, Listener, Metrics, Patience, Service, Trigger, metrics::exposition, shutdown};
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

struct Server {
    address: SocketAddr,
    registry: Registry,
    trigger: Trigger,
    task: JoinHandle<()>,
}

async fn server() -> Server {
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
    let listener = Listener::bind(any, Service::Das, limits, metrics.clone()).await.unwrap();
    let address = listener.address();
    let (trigger, shutdown) = shutdown();
    let task = tokio::spawn(das::serve(listener, seed::repository(), metrics, shutdown));
    Server { address, registry, trigger, task }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back for the octets, after which the client has nothing more to say.
    async fn answers(&self, sent: &[u8]) -> String {
        let (mut read, mut write) = self.connect().await.into_split();
        let sent = sent.to_vec();
        let writer = tokio::spawn(async move {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let mut octets = Vec::new();
        read.read_to_end(&mut octets).await.unwrap();
        writer.await.unwrap();
        String::from_utf8(octets).unwrap()
    }
}

/// Sends a line and reads its answer on a connection that stays open.
async fn ask(client: &mut TcpStream, line: &str) -> String {
    client.write_all(line.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while answer.last() != Some(&b'\n') {
        answer.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn each_status_has_its_word() {
    let server = server().await;
    let queries = [
        ("Example.TEST", "example.test registered"),
        ("plain.example", "plain.example registered"),
        ("bier.münchen", "bier.münchen registered"),
        ("free.test", "free.test free"),
        ("EXAMPLE.test.", "example.test registered"),
        ("reserved.example", "reserved.example reserved"),
        ("blocked.example", "blocked.example blocked"),
        ("reserved.test", "reserved.test free"),
        // in a foreign zone, a zone itself, too deep, hyphens that are reserved, not a name
        ("example.com", "example.com invalid"),
        ("test", "test invalid"),
        ("a.example.test", "a.example.test invalid"),
        ("ab--c.test", "ab--c.test invalid"),
        ("under_score.test", "under_score.test invalid"),
        ("a b.test", "a?b.test invalid"),
        ("", "? invalid"),
    ];
    let sent: String = queries.iter().map(|(query, _)| format!("{query}\n")).collect();
    let expected: String = queries.iter().map(|(_, answer)| format!("{answer}\n")).collect();
    assert_eq!(server.answers(sent.as_bytes()).await, expected);
}

#[tokio::test]
async fn a_connection_is_kept() {
    let server = server().await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert_eq!(ask(&mut client, "example.test\r\n").await, "example.test registered\n");
        assert_eq!(ask(&mut client, "free.test\n").await, "free.test free\n");
    }
    drop(client);
    let text = exposition(&server.registry).unwrap();
    assert!(text.contains(r#"namingo_queries_total{service="das",answer="registered"} 3"#), "{text}");
}

#[tokio::test]
async fn ten_thousand_lines_at_once_are_answered_in_order() {
    let server = server().await;
    let names = |i: usize| if i.is_multiple_of(7) { "example.test".into() } else { format!("n{i}.test") };
    let sent: String = (0..10_000).map(|i| names(i) + "\r\n").collect();
    let answers = server.answers(sent.as_bytes()).await;
    assert_eq!(answers.lines().count(), 10_000);
    for (i, answer) in answers.lines().enumerate() {
        let status = if i.is_multiple_of(7) { "registered" } else { "free" };
        assert_eq!(answer, format!("{} {status}", names(i)));
    }
}

#[tokio::test]
async fn a_line_without_end_is_answered_and_the_next_one_too() {
    let server = server().await;
    let sent = [[b'a'; 500_000].as_slice(), b"\nexample.test"].concat();
    let expected = format!("{}... invalid\nexample.test registered\n", "a".repeat(253));
    assert_eq!(server.answers(&sent).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_line_is_closed() {
    let server = server().await;
    let mut client = server.connect().await;
    client.write_all(b"example.te").await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_shutdown_closes_connections_between_lines() {
    let server = server().await;
    let mut client = server.connect().await;
    assert_eq!(ask(&mut client, "example.test\n").await, "example.test registered\n");
    server.trigger.request();
    server.task.await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}
