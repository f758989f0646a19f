//! HTTP itself: methods, keep-alive, limits, the end.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod client;

use client::{Server, parse, server};
use net::metrics::exposition;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn counted(server: &Server, answer: &str) -> bool {
    let sample = format!("namingo_queries_total{{service=\"rdap\",answer=\"{answer}\"}}");
    let text = exposition(&server.registry).unwrap();
    text.lines().any(|line| line.starts_with(&sample) && !line.ends_with(" 0"))
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = server().await;
    for path in
        ["/domain/example.test", "/nameserver/ns1.example.test", "/entity/9995", "/help", "/domain/free.test"]
    {
        let (head, get) = (server.request("HEAD", path).await, server.get(path).await);
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.lasting_headers(), get.lasting_headers(), "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_the_list() {
    let server = server().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "ODD"] {
        let response = server.request(method, "/domain/example.test").await;
        assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")), "{method}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.json()["errorCode"], 405);
    }
    assert!(counted(&server, "invalid") && !counted(&server, "found"));
}

#[tokio::test]
async fn answers_are_counted_by_kind() {
    let server = server().await;
    server.get("/domain/example.test").await;
    server.get("/domain/free.test").await;
    assert!(counted(&server, "found") && counted(&server, "not_found") && !counted(&server, "invalid"));
}

#[tokio::test]
async fn a_connection_is_kept_and_requests_may_be_sent_at_once() {
    let server = server().await;
    let once = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
    let sent = once("/domain/example.test", "")
        + &once("/domain/free.test", "")
        + &once("/help", "Connection: close\r\n");
    let text = String::from_utf8(server.raw(sent.as_bytes()).await).unwrap();
    let statuses: Vec<&str> = text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "404", "200"]);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = server().await;
    let long = format!("/domain/{}", "a".repeat(2000));
    let response = server.get(&long).await;
    assert_eq!((response.status, &response.json()["errorCode"]), (414, &414.into()));
    let many = "X-Filler: a\r\n".repeat(100);
    let large = format!("X-Filler: {}\r\n", "a".repeat(20_000));
    for headers in [many, large] {
        let sent = format!("GET /help HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        assert_eq!(parse(&server.raw(sent.as_bytes()).await).status, 431);
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = server().await;
    assert_eq!(parse(&server.raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").await).status, 400);
    assert_eq!(parse(&server.raw(b"GET /a b c HTTP/1.1\r\n\r\n").await).status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_is_given_up() {
    let server = server().await;
    let mut client = server.connect().await;
    client.write_all(b"GET /help HTT").await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(!rest.contains("200 OK"), "{rest}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = server().await;
    let mut client = server.connect().await;
    client.write_all(b"GET /help HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'H');
    // from here on time passes whenever nothing else happens
    tokio::time::pause();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("TTP/1.1 200 OK\r\n"), "{rest}");
}

#[tokio::test]
async fn a_shutdown_closes_idle_connections() {
    let server = server().await;
    let mut client = server.connect().await;
    client.write_all(b"GET /help HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'H');
    server.trigger.request();
    server.task.await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.starts_with(b"TTP/1.1 200 OK"));
}
