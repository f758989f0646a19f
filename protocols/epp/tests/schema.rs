//! The parser against the schemas: golden frames of every verb are accepted, and of thousands of mutations of them
//! parser and xmllint accept the same ones.
//!
//! Known differences are left out where the mutation is made, each with its reason. `NAMINGO_MUTATIONS` and
//! `NAMINGO_SEED` ask for more mutations, or other ones.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod xmllint;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use epp::request::{Request, Verb, parse};
use epp::xml::{El, Limits, Ns, tree};
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::{Draw, draws};

/// Random numbers from proptest's generator, seeded, so that a failure can be had again.
mod rand {
    use super::{RngAlgorithm, TestRng};
    use proptest::prelude::Rng;

    pub struct Draw(TestRng);

    pub fn draws(seed: u64) -> Draw {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Draw(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    impl Draw {
        pub fn below(&mut self, end: usize) -> usize {
            (self.0.next_u64() % end as u64) as usize
        }

        pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
            &of[self.below(of.len())]
        }
    }
}

fn golden() -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let mut frames: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    frames.sort();
    frames
}

/// What the parser makes of a frame; `None` where it defers to a later gate about which schemas say nothing.
fn accepts(frame: &[u8]) -> Option<bool> {
    match parse(frame).request {
        // Repeated extensions pass the schema, whose `extension` takes any elements.
        Err(syntax) if syntax.reason == "secDNS is given twice" => None,
        // libxml2 skips what is not base64 instead of refusing it.
        Err(syntax) if syntax.reason == "'pubKey' is not base64" => None,
        Err(_) => Some(false),
        Ok(Request::Hello) => Some(true),
        Ok(Request::Command(command)) => match &command.verb {
            Verb::Foreign { .. } => None,
            // The schema knows version 1.0 only; the parser leaves others to result 2100.
            Verb::Login(login) if login.version != "1.0" => None,
            // Any text is a URI to XML Schema; libxml2 has a narrower view.
            Verb::Login(login) if login.objects.iter().chain(&login.extensions).any(|uri| !is_known(uri)) => {
                None
            }
            _ if command.extension.unknown.is_some() => None,
            _ => Some(true),
        },
    }
}

fn is_known(uri: &str) -> bool {
    !matches!(Ns::of(uri), Ns::Other(_))
}

#[test]
fn golden_frames_are_read_as_what_they_are() {
    let expect = |name: &str| match name {
        "poll-req" => "poll:req".to_owned(),
        "poll-ack" => "poll:ack".to_owned(),
        name => name.replace("-attributes", "").replacen('-', ":", 1),
    };
    let frames = golden();
    assert_eq!(frames.len(), 24);
    for (name, frame) in frames {
        let read = parse(&frame);
        match read.request {
            Ok(Request::Hello) => assert_eq!(name, "hello"),
            Ok(Request::Command(command)) => {
                assert_eq!(command.verb.name(), expect(&name));
                assert_eq!(command.extension.unknown.is_some(), name == "domain-update", "{name}");
                assert_eq!(read.cltrid.as_deref(), Some("ABC-12345"), "{name}");
            }
            Err(syntax) => panic!("{name}: {syntax}"),
        }
    }
}

#[test]
fn mutations_are_judged_as_the_schemas_judge_them() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (count, seed) = (number("NAMINGO_MUTATIONS", 3_000), number("NAMINGO_SEED", 1));
    let golden = golden();
    let mut draw = draws(seed);
    let mut frames = Vec::new();
    while frames.len() < usize::try_from(count).unwrap() {
        let (_, frame) = draw.one(&golden);
        let mut root = Node::of(&tree(frame, &Limits::default()).unwrap());
        for _ in 0..=draw.below(2) {
            root.mutate(&mut draw);
        }
        let mutant = match draw.below(4) {
            0 => scramble(&String::from_utf8_lossy(frame), &mut draw),
            _ => root.xml(),
        };
        if let Some(verdict) = accepts(mutant.as_bytes()) {
            frames.push((verdict, mutant.into_bytes()));
        }
    }
    let (ours, documents): (Vec<bool>, Vec<Vec<u8>>) = frames.into_iter().unzip();
    let Some(theirs) = xmllint::valid(&documents) else { return };
    assert!(
        theirs.iter().filter(|valid| **valid).count() > documents.len() / 10,
        "the mutations are too wild"
    );
    let mut differ = String::new();
    for ((ours, theirs), document) in ours.iter().zip(&theirs).zip(&documents) {
        if ours != theirs {
            let said = parse(document).request.err().map(|syntax| syntax.to_string());
            let text = String::from_utf8_lossy(document);
            writeln!(differ, "parser {ours} ({said:?}), xmllint {theirs}:\n{text}\n").unwrap();
        }
    }
    assert!(differ.is_empty(), "{differ}");
}

/// Damages the text itself: markup characters appear, disappear or change places. Not in the declaration, where
/// xmllint lets pass what XML does not (`version="1."`).
fn scramble(text: &str, draw: &mut Draw) -> String {
    const PIECES: [&str; 27] = [
        "<",
        ">",
        "/",
        "&",
        ";",
        "\"",
        "'",
        "=",
        "!",
        "?",
        "-",
        "[",
        "]",
        ":",
        "&amp;",
        "&#65;",
        "&#0;",
        "&x;",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- x -->",
        "<?x y?>",
        "xmlns=\"\"",
        "<a/>",
        "\u{7f}",
        "é",
        "&#xD800;",
    ];
    let (declaration, document) = text.split_once('\n').unwrap();
    let mut chars: Vec<char> = document.chars().collect();
    for _ in 0..=draw.below(2) {
        let at = draw.below(chars.len());
        match draw.below(3) {
            0 => drop(chars.remove(at)),
            1 => {
                let next = (at + 1) % chars.len();
                chars.swap(at, next);
            }
            _ => drop(chars.splice(at..at, draw.one(&PIECES).chars())),
        }
    }
    format!("{declaration}\n{}", chars.into_iter().collect::<String>())
}

struct Node {
    uri: String,
    local: String,
    attrs: Vec<(String, String)>,
    children: Vec<Node>,
    text: String,
}

const NAMES: [&str; 14] = [
    "name",
    "addr",
    "id",
    "pw",
    "ext",
    "status",
    "period",
    "extension",
    "hostObj",
    "contact",
    "x",
    "null",
    "keyTag",
    "org",
];
const ATTRIBUTES: [&str; 9] = ["op", "type", "unit", "s", "flag", "lang", "ip", "hosts", "x"];
const VALUES: [&str; 40] = [
    "",
    "a",
    "ab",
    "abc",
    "  abc  ",
    "a\tb",
    "y",
    "m",
    "v4",
    "v6",
    "int",
    "loc",
    "admin",
    "true",
    "false",
    "0",
    "1",
    "2",
    "99",
    "100",
    "255",
    "256",
    "65535",
    "65536",
    "-1",
    "1.5",
    "2026-02-29",
    "2024-02-29",
    "2026-12-31Z",
    "en",
    "en-GB",
    "e1",
    "+1.123",
    "+1234.1",
    "AQ==",
    "AR==",
    "abcd",
    "abcde",
    "C1-TEST",
    "clientHold",
];

impl Node {
    fn of(el: &El<'_>) -> Node {
        Node {
            uri: el.ns.uri().to_owned(),
            local: el.local.to_owned(),
            attrs: el.attrs.iter().map(|attr| (attr.local.to_owned(), attr.value.clone())).collect(),
            children: el.children.iter().map(Node::of).collect(),
            text: el.text.clone(),
        }
    }

    /// One change somewhere in the tree.
    fn mutate(&mut self, draw: &mut Draw) {
        let size = self.children.len();
        if size > 0 && draw.below(6) > 0 {
            let at = draw.below(size);
            self.children[at].mutate(draw);
            return;
        }
        let at = draw.below(size + 1);
        let other = draw.below(size + 1);
        match draw.below(12) {
            0 if at < size => drop(self.children.remove(at)),
            1 if at < size => self.children.insert(other, self.children[at].clone()),
            2 if at < size && other < size => self.children.swap(at, other),
            3 => self.children.insert(at, Node::leaf(&self.uri, draw)),
            4 => self.local = (*draw.one(&NAMES)).to_owned(),
            5 => self.attrs.push(((*draw.one(&ATTRIBUTES)).to_owned(), (*draw.one(&VALUES)).to_owned())),
            6 if !self.attrs.is_empty() => drop(self.attrs.remove(draw.below(self.attrs.len()))),
            7 if !self.attrs.is_empty() => {
                let at = draw.below(self.attrs.len());
                self.attrs[at].1 = (*draw.one(&VALUES)).to_owned();
            }
            8 => self.text = "x".repeat(*draw.one(&[1, 2, 3, 16, 17, 64, 65, 255, 256])),
            9 => self.uri = (*draw.one(&["", "urn:ietf:params:xml:ns:host-1.0"])).to_owned(),
            _ if size == 0 => self.text = (*draw.one(&VALUES)).to_owned(),
            _ => self.text = (*draw.one(&["", "\n", "text"])).to_owned(),
        }
    }

    fn leaf(uri: &str, draw: &mut Draw) -> Node {
        Node {
            uri: uri.to_owned(),
            local: (*draw.one(&NAMES)).to_owned(),
            attrs: Vec::new(),
            children: Vec::new(),
            text: (*draw.one(&VALUES)).to_owned(),
        }
    }

    fn clone(&self) -> Node {
        Node {
            uri: self.uri.clone(),
            local: self.local.clone(),
            attrs: self.attrs.clone(),
            children: self.children.iter().map(Node::clone).collect(),
            text: self.text.clone(),
        }
    }

    fn xml(&self) -> String {
        let mut out = format!("<{} xmlns=\"{}\"", self.local, self.uri);
        let mut seen = Vec::new();
        for (name, value) in &self.attrs {
            if !seen.contains(&name) {
                write!(out, " {name}=\"{}\"", value.replace('\t', "&#9;")).unwrap();
                seen.push(name);
            }
        }
        write!(out, ">{}", self.text).unwrap();
        self.children.iter().for_each(|child| out.push_str(&child.xml()));
        write!(out, "</{}>", self.local).unwrap();
        out
    }
}
