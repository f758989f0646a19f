//! A listener's limits and its end.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use net::{Limits, Listener, Metrics, Patience, Peer, Plain, Service, Shutdown, Trigger, shutdown};
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const LONG: Duration = Duration::from_secs(3600);

fn limits() -> Limits {
    let patience = Patience { idle: LONG, answer: LONG };
    Limits { connections: 8, connections_per_source: 8, handshake: LONG, drain: LONG, patience }
}

async fn bind(limits: Limits) -> Listener {
    let metrics = Metrics::register(&mut Registry::default());
    Listener::bind("127.0.0.1:0".parse().unwrap(), Service::Das, limits, metrics).await.unwrap()
}

/// Echoes octets until the client closes; between two octets it heeds the shutdown.
async fn echo(mut wire: TcpStream, _: Peer, mut shutdown: Shutdown) {
    let mut byte = [0];
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => return,
            read = wire.read(&mut byte) => match read {
                Ok(1) => wire.write_all(&byte).await.unwrap(),
                _ => return,
            },
        }
    }
}

async fn serve(limits: Limits) -> (std::net::SocketAddr, Trigger, JoinHandle<()>) {
    let listener = bind(limits).await;
    let address = listener.address();
    let (trigger, shutdown) = shutdown();
    (address, trigger, tokio::spawn(listener.serve(Plain, shutdown, echo)))
}

async fn echoes(client: &mut TcpStream) -> bool {
    let mut byte = [0];
    client.write_all(b"x").await.is_ok() && client.read(&mut byte).await.is_ok_and(|read| read == 1)
}

#[tokio::test]
async fn a_shutdown_ends_the_listener_and_its_connections() {
    let (address, trigger, server) = serve(limits()).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut client).await);
    trigger.request();
    server.await.unwrap();
    assert!(!echoes(&mut client).await);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_connection_that_ignores_the_shutdown_is_cut() {
    let listener = bind(Limits { drain: Duration::from_millis(1), ..limits() }).await;
    let address = listener.address();
    let (trigger, shutdown) = shutdown();
    let begun = Arc::new(tokio::sync::Notify::new());
    let note = Arc::clone(&begun);
    let deaf = move |wire: TcpStream, _: Peer, _: Shutdown| {
        let note = Arc::clone(&note);
        async move {
            note.notify_one();
            std::future::pending::<()>().await;
            drop(wire);
        }
    };
    let server = tokio::spawn(listener.serve(Plain, shutdown, deaf));
    let _client = TcpStream::connect(address).await.unwrap();
    begun.notified().await;
    trigger.request();
    server.await.unwrap();
}

#[tokio::test]
async fn a_source_over_its_limit_is_closed_and_the_others_go_on() {
    let (address, _trigger, _server) = serve(Limits { connections_per_source: 1, ..limits() }).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut first).await);
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(!echoes(&mut second).await);
    assert!(echoes(&mut first).await);
}

#[tokio::test]
async fn a_connection_beyond_the_cap_waits_for_a_seat() {
    let (address, _trigger, _server) = serve(Limits { connections: 1, ..limits() }).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut first).await);
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"x").await.unwrap();
    drop(first);
    let mut byte = [0];
    assert_eq!(second.read(&mut byte).await.unwrap(), 1);
}

#[tokio::test]
async fn who_had_to_wait_for_a_seat_is_counted() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let one = Limits { connections: 1, ..limits() };
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Service::Das, one, metrics).await.unwrap();
    let (address, (_trigger, shutdown)) = (listener.address(), shutdown());
    tokio::spawn(listener.serve(Plain, shutdown, echo));
    let waited = |registry: &Registry| {
        let text = net::metrics::exposition(registry).unwrap();
        let line = text.lines().find_map(|line| {
            line.strip_prefix("namingo_connections_waited_total{service=\"das\"} ").map(str::to_owned)
        });
        line.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut first).await);
    assert_eq!(waited(&registry), 0);
    let mut second = TcpStream::connect(address).await.unwrap();
    drop(first);
    assert!(echoes(&mut second).await);
    drop(second);
    assert_eq!(waited(&registry), 1);
}

#[tokio::test]
async fn a_panicking_handler_takes_only_its_connection_along() {
    let listener = bind(limits()).await;
    let address = listener.address();
    let (_trigger, shutdown) = shutdown();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let brittle = move |wire: TcpStream, peer: Peer, shutdown: Shutdown| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(nth > 0, "the first connection meets a bug");
            echo(wire, peer, shutdown).await;
        }
    };
    tokio::spawn(listener.serve(Plain, shutdown, brittle));
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(!echoes(&mut first).await);
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(echoes(&mut second).await);
}

#[tokio::test]
async fn a_port_in_use_is_reported_with_service_and_address() {
    let taken = bind(limits()).await;
    let metrics = Metrics::register(&mut Registry::default());
    let Err(error) = Listener::bind(taken.address(), Service::Whois, limits(), metrics).await else {
        panic!("two listeners on one port");
    };
    let expected =
        format!("whois cannot listen on {}: another process already uses that port", taken.address());
    assert_eq!(error.to_string(), expected);
}
