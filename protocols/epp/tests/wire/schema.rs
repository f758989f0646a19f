//! The parser against the schemas: golden frames of every verb are accepted, and of thousands of mutations of them
//! parser and xmllint accept the same ones.
//!
//! Known differences are left out where the mutation is made, each with its reason. `NAMINGO_MUTATIONS` and
//! `NAMINGO_SEED` ask for more mutations, or other ones.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use epp::request::{Request, Verb, parse};
use epp::xml::{Limits, Ns, tree};

use crate::mutate::{Node, draws, scramble};
use crate::xmllint;

pub fn golden() -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/frames");
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

/// A number from the environment, or `default`.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn mutations_are_judged_as_the_schemas_judge_them() {
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
