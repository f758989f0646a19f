//! Mutations of documents: of the tree and of the text. Random numbers come from proptest's generator with a seed,
//! so that a failure can be had again.

use std::fmt::Write;

use epp::xml::El;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

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

/// Damages the text itself: markup characters appear, disappear or change places. Not in the declaration, where
/// xmllint lets pass what XML does not (`version="1."`).
pub fn scramble(text: &str, draw: &mut Draw) -> String {
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

/// A document that can be changed and written again.
pub struct Node {
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
    pub fn of(el: &El<'_>) -> Node {
        Node {
            uri: el.ns.uri().to_owned(),
            local: el.local.to_owned(),
            attrs: el.attrs.iter().map(|attr| (attr.local.to_owned(), attr.value.to_string())).collect(),
            children: el.children.iter().map(Node::of).collect(),
            text: el.text.to_string(),
        }
    }

    /// One change somewhere in the tree.
    pub fn mutate(&mut self, draw: &mut Draw) {
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

    pub fn xml(&self) -> String {
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
