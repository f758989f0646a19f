//! The server over a socket: golden answers (`tests/golden`, rewritten by `UPDATE_GOLDEN=1`) and the limits of a
//! connection.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod seed;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use net::{Limits, Listener, Metrics, Patience, Service, Trigger, metrics::exposition, shutdown};
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use whois::Site;

const TERMS: &str = "Use of this data is subject to the terms of use.\nIt is refused for advertising.";

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
    let listener = Listener::bind(any, Service::Whois, limits, metrics.clone()).await.unwrap();
    let address = listener.address();
    let (trigger, shutdown) = shutdown();
    let site = Arc::new(Site::new(TERMS, metrics));
    let task = tokio::spawn(whois::serve(listener, seed::repository(), site, shutdown));
    Server { address, registry, trigger, task }
}

impl Server {
    /// Everything that comes back for the octets.
    async fn answer(&self, sent: &[u8]) -> String {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(sent).await.unwrap();
        read_all(&mut client).await
    }

    fn counted(&self, answer: &str) -> bool {
        let sample = format!("namingo_queries_total{{service=\"whois\",answer=\"{answer}\"}}");
        let text = exposition(&self.registry).unwrap();
        text.lines().any(|line| line.starts_with(&sample) && !line.ends_with(" 0"))
    }
}

async fn read_all(client: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    client.read_to_end(&mut octets).await.unwrap();
    String::from_utf8(octets).unwrap()
}

/// Compares with `tests/golden/NAME.txt`, whose lines end with LF.
fn golden(name: &str, answer: &str) {
    assert_eq!(answer.matches('\n').count(), answer.matches("\r\n").count(), "a line end is not CRLF");
    let shown = answer.replace("\r\n", "\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&file).unwrap_or_default(), "{}", file.display());
}

#[tokio::test]
async fn answers_read_as_documented() {
    let server = server().await;
    for (file, query) in [
        ("domain-with-contacts", "example.test"),
        ("domain-with-glue", "domain TEAM.test"),
        ("domain-minimum-data", "plain.example"),
        ("domain-internationalized", "bier.münchen"),
        ("name-server", "nameserver ns1.example.test"),
        ("name-server-outside", "ns1.provider.net"),
        ("registrar", "registrar 9995"),
        ("registrar-by-name", "registrar beta & söhne"),
        ("registrars-of-one-name", "registrar TWIN names"),
        ("no-match", "free.test"),
        ("no-match-registrar", "registrar Gamma Ñame"),
        ("reserved", "reserved.example"),
        ("invalid", "not_a_name.test"),
    ] {
        golden(file, &server.answer(format!("{query}\r\n").as_bytes()).await);
    }
}

#[tokio::test]
async fn one_query_has_many_spellings() {
    let server = server().await;
    let expected = server.answer(b"example.test\r\n").await;
    for spelling in
        ["example.test\n", "EXAMPLE.TEST.\r\n", "domain example.test\r\n", "-T dn example.test\r\n"]
    {
        assert_eq!(server.answer(spelling.as_bytes()).await, expected, "{spelling:?}");
    }
    assert_eq!(
        server.answer("bier.münchen\n".as_bytes()).await,
        server.answer(b"bier.xn--mnchen-3ya\n").await
    );
    assert_eq!(server.answer(b"registrar ALPHA\n").await, server.answer(b"registrar 9995\n").await);
}

#[tokio::test]
async fn nothing_undisclosed_is_shown() {
    let server = server().await;
    for query in ["example.test\n", "team.test\n"] {
        let answer = server.answer(query.as_bytes()).await;
        for secret in ["Jane", "John", "a note that"] {
            assert!(!answer.contains(secret), "{secret} in {answer}");
        }
    }
}

#[tokio::test]
async fn names_that_are_not_served_have_no_match() {
    let server = server().await;
    for name in
        ["example.com", "test", "deep.example.test", "nameserver free.test", "domain ns1.example.test"]
    {
        let answer = server.answer(format!("{name}\n").as_bytes()).await;
        assert!(answer.starts_with("No match for \""), "{answer}");
        assert!(answer.contains("\r\n>>> Last update of WHOIS database: 2026-11-24T17:"), "{answer}");
    }
    assert!(server.answer(b"blocked.example\n").await.starts_with("\"blocked.example\" is blocked"));
}

#[tokio::test]
async fn bad_queries_get_one_error_line_and_no_echo() {
    let server = server().await;
    let long = [b'a'; 1026];
    let flood = vec![b'a'; 40_000];
    for query in [b"\n".as_slice(), b"a\x1b[2J.test\n", b"\xff\xfe\n", b"a b c\n", &long, &flood] {
        let answer = server.answer(query).await;
        assert!(answer.starts_with("Error: ") && answer.ends_with("\r\n"), "{answer:?}");
        assert_eq!(answer.lines().count(), 1, "{answer:?}");
        assert!(!answer.contains('\x1b'));
    }
    assert!(server.counted("invalid"));
}

#[tokio::test]
async fn a_line_of_the_full_length_is_read() {
    let server = server().await;
    let query = format!("example.test{}\r\n", " ".repeat(1024 - "example.test".len()));
    assert!(server.answer(query.as_bytes()).await.starts_with("Domain Name: example.test\r\n"));
}

#[tokio::test]
async fn answers_are_counted_by_kind() {
    let server = server().await;
    assert!(!server.counted("found"));
    server.answer(b"example.test\n").await;
    server.answer(b"free.test\n").await;
    server.answer(b"reserved.example\n").await;
    for kind in ["found", "not_found", "reserved"] {
        assert!(server.counted(kind), "{kind}");
    }
}

#[tokio::test]
async fn a_connection_without_an_octet_is_no_query() {
    let server = server().await;
    let mut probe = TcpStream::connect(server.address).await.unwrap();
    probe.shutdown().await.unwrap();
    assert_eq!(read_all(&mut probe).await, "");
    let text = exposition(&server.registry).unwrap();
    let mut counted = text.lines().filter(|line| line.starts_with("namingo_queries_total{"));
    assert!(counted.all(|line| line.ends_with(" 0")), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_told_and_closed() {
    let server = server().await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client.write_all(b"example.te").await.unwrap();
    assert_eq!(read_all(&mut client).await, "Error: no complete query line came in time\r\n");
}

#[tokio::test]
async fn a_client_that_leaves_or_waits_does_not_hold_up_the_end() {
    let server = server().await;
    drop(TcpStream::connect(server.address).await.unwrap());
    let mut waiting = TcpStream::connect(server.address).await.unwrap();
    server.answer(b"example.test\n").await;
    server.trigger.request();
    server.task.await.unwrap();
    assert_eq!(read_all(&mut waiting).await, "");
}
