//! What the answers hold: golden documents (`tests/golden`, indented; rewritten by `UPDATE_GOLDEN=1`) and rules that
//! hold for every answer.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod client;

use std::path::Path;

use client::{BASE, server};
use serde_json::Value;

/// Every answer with an object, and every kind of error.
const QUERIES: &[(&str, &str, u16)] = &[
    ("domain-with-contacts", "/domain/example.test", 200),
    ("domain-two-technical", "/domain/team.test", 200),
    ("domain-minimum-data", "/domain/plain.example", 200),
    ("domain-internationalized", "/domain/bier.m%C3%BCnchen", 200),
    ("nameserver", "/nameserver/ns1.example.test", 200),
    ("nameserver-outside", "/nameserver/ns1.provider.net", 200),
    ("registrar", "/entity/9995", 200),
    ("registrar-of-an-accredited-one", "/entity/1234", 200),
    ("registrar-without-iana-id", "/entity/BETA", 200),
    ("help", "/help", 200),
    ("not-found", "/domain/free.test", 404),
    ("not-offered", "/ip/192.0.2.1", 404),
    ("malformed", "/domain/under_score.test", 400),
];

#[tokio::test]
async fn answers_read_as_documented() {
    let server = server().await;
    for (file, path, status) in QUERIES {
        let response = server.get(path).await;
        assert_eq!(response.status, *status, "{path}");
        golden(file, &indent(&response.body));
    }
}

fn golden(name: &str, shown: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&file).unwrap_or_default(), "{}", file.display());
}

/// Indents JSON and keeps the order of members, which the answers promise. Arrays of plain values stay on a line.
fn indent(json: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::new(), 0, false);
    let mut rest = json.chars().peekable();
    let new_line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => out.extend([c, rest.next().unwrap()]),
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            '{' | '[' if !quoted => {
                out.push(c);
                depth += 1;
                if rest.peek().is_some_and(|next| !matches!(next, '}' | ']')) {
                    out += &new_line(depth);
                }
            }
            '}' | ']' if !quoted => {
                depth -= 1;
                if !matches!(out.chars().last(), Some('{' | '[')) {
                    out += &new_line(depth);
                }
                out.push(c);
            }
            ',' if !quoted => out += &format!(",{}", new_line(depth)),
            ':' if !quoted => out += ": ",
            c => out.push(c),
        }
    }
    out + "\n"
}

#[tokio::test]
async fn every_answer_conforms_in_form() {
    let server = server().await;
    for (_, path, status) in QUERIES {
        let response = server.get(path).await;
        assert_eq!(response.header("content-type"), Some("application/rdap+json"));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        let answer = response.json();
        let conformance = answer["rdapConformance"].as_array().unwrap();
        let redacted = answer.get("redacted").is_some();
        assert_eq!(conformance.len(), if redacted { 4 } else { 3 }, "{path}");
        assert_eq!(conformance.contains(&"redacted".into()), redacted, "{path}");
        if *status != 200 {
            assert_eq!(answer["errorCode"], *status, "{path}");
            assert!(answer["title"].is_string() && answer["description"][0].is_string(), "{path}");
        }
        let asked = format!("{BASE}{}", &path[1..]);
        assert_eq!(answer["notices"][0]["links"][0]["rel"], "terms-of-service");
        let mut links = Vec::new();
        visit(&answer, &mut |member, value| {
            assert!(!value.is_null(), "{path}: {member}");
            if member == "links" {
                links.extend(value.as_array().unwrap().clone());
            }
        });
        for link in links {
            // an object inside the answer is its own start, and so is another service that an answer is about
            let own = ["self", "about"].iter().any(|rel| link["rel"] == *rel);
            let inner = own && link["value"] == link["href"];
            assert!(inner || link["value"] == asked, "{path}: {link}");
            for member in ["rel", "href", "type"] {
                assert!(link[member].as_str().is_some_and(|text| !text.is_empty()), "{path}: {link}");
            }
        }
    }
}

fn visit(value: &Value, seen: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            seen(name, value);
            visit(value, seen);
        }),
        Value::Array(items) => items.iter().for_each(|item| visit(item, seen)),
        _ => {}
    }
}

#[tokio::test]
async fn the_same_question_gets_the_same_octets() {
    let server = server().await;
    let expected = server.get("/domain/example.test").await.body;
    assert_eq!(server.get("/domain/example.test").await.body, expected);
    // the query string is no part of the question; the path as asked is the context of links
    assert_eq!(server.get("/domain/example.test?a=b").await.body, expected);
    let other = server.get("/domain/EX%41MPLE.test.").await.body;
    assert_eq!(other.replace("EX%41MPLE.test.", "example.test"), expected);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let server = server().await;
    for path in [
        "/domain/free.test",
        "/domain/reserved.example",
        "/domain/example.com",
        "/domain/test",
        "/domain/ns1.example.test",
        "/nameserver/ns9.example.test",
        "/nameserver/ns1.icann",
        "/nameserver/example.test",
        "/entity/jane",
        "/entity/C6-NAMINGO",
        "/entity/09995",
        "/entity/Alpha%20Names%20Ltd.",
        "/",
        "/domain",
        "/domains?name=example.test",
        "/Domain/example.test",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.get("/entity/alpha").await.json()["handle"], "9995");
}

#[tokio::test]
async fn nothing_undisclosed_is_shown() {
    let server = server().await;
    for (_, path, _) in QUERIES {
        let body = server.get(path).await.body;
        for secret in ["Jane", "John", "a note that", "jane"] {
            assert!(!body.contains(secret), "{secret} in {path}");
        }
    }
}

#[tokio::test]
async fn redactions_point_where_they_say() {
    let server = server().await;
    for path in ["/domain/example.test", "/domain/team.test"] {
        let answer = server.get(path).await.json();
        let redactions = answer["redacted"].as_array().unwrap();
        assert!(redactions.len() > 10, "{path}");
        for redaction in redactions {
            match redaction["method"].as_str().unwrap() {
                "removal" => {
                    let found = select(&answer, redaction["prePath"].as_str().unwrap());
                    assert!(found.is_empty(), "{path}: {redaction} finds {found:?}");
                }
                _ => {
                    let found = select(&answer, redaction["postPath"].as_str().unwrap());
                    assert!(!found.is_empty() && found.iter().all(|v| **v == ""), "{path}: {redaction}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_paths_used_find_what_is_disclosed() {
    let server = server().await;
    let answer = server.get("/domain/example.test").await.json();
    let technical = "$.entities[?(@.roles[0]=='technical')]";
    for (path, found) in [
        (format!("{technical}.vcardArray[1][?(@[0]=='fn')][3]"), "Help Desk"),
        (format!("{technical}.vcardArray[1][?(@[0]=='adr')][3][3]"), "Amsterdam"),
        (format!("{technical}.handle"), "C7-NAMINGO"),
        ("$.entities[0].handle".into(), "9995"),
    ] {
        assert_eq!(select(&answer, &path), [found], "{path}");
    }
    let voice = format!("{technical}.vcardArray[1][?(@[1].type=='voice')]");
    assert_eq!(select(&answer, &voice).len(), 1);
}

/// The part of JSONPath (RFC 9535) that redactions use: members, indexes, `[:n]` and `[?(@…=='text')]`.
fn select<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![document];
    let mut rest = path.strip_prefix('$').unwrap();
    while !rest.is_empty() {
        let (step, after) = next_step(rest);
        found = found.into_iter().flat_map(|value| apply(value, step)).collect();
        rest = after;
    }
    found
}

/// `.name`, or `[…]` up to its own closing bracket.
fn next_step(path: &str) -> (&str, &str) {
    let mut depth = 0;
    let end = path.char_indices().skip(1).find(|(_, c)| match c {
        '[' if path.starts_with('[') => {
            depth += 1;
            false
        }
        ']' if depth > 0 => {
            depth -= 1;
            false
        }
        ']' => true,
        c => path.starts_with('.') && matches!(c, '.' | '['),
    });
    let end = end.map_or(path.len(), |(at, c)| if c == ']' { at + 1 } else { at });
    path.split_at(end)
}

fn apply<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    if let Some(name) = step.strip_prefix('.') {
        return value.get(name).into_iter().collect();
    }
    let inside = step.strip_prefix('[').and_then(|s| s.strip_suffix(']')).unwrap();
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(filter) = inside.strip_prefix("?(@").and_then(|f| f.strip_suffix("')")) {
        let (path, wanted) = filter.split_once("=='").unwrap();
        let path = format!("${path}");
        return items.iter().filter(|item| select(item, &path).iter().any(|v| **v == wanted)).collect();
    }
    if let Some(end) = inside.strip_prefix(':') {
        return items.iter().take(end.parse().unwrap()).collect();
    }
    items.get(inside.parse::<usize>().unwrap()).into_iter().collect()
}
