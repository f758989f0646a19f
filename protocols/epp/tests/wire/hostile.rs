//! Whatever octets come, the parser answers: it never panics, and no frame takes it long.
//!
//! `NAMINGO_MUTATIONS` and `NAMINGO_SEED` ask for more of them, or other ones.

use std::fmt::Write;
use std::time::{Duration, Instant};

use epp::denial::Denial;
use epp::request::parse;
use epp::response::Response;
use epp::xml::{Gate, Limits, tree};
use registry::{Refusal, SvTrid};

use crate::mutate::{Draw, draws};
use crate::schema::{golden, number};

/// What markup is made of, whole and broken.
const TOKENS: [&str; 56] = [
    "\u{FEFF}",
    "\u{FFFE}",
    "\0",
    "\r",
    "\n",
    "\t",
    " ",
    "<",
    ">",
    "</",
    "/>",
    "<>",
    "</>",
    "<a",
    "<a>",
    "</a>",
    "<a/>",
    "<é>",
    "</é>",
    "=",
    "\"",
    "'",
    " a=\"1\"",
    " xmlns=\"u\"",
    " xmlns:a=\"u\"",
    " xmlns:=''",
    "<a:b",
    ":",
    "/",
    "&",
    ";",
    "&#",
    "&#x",
    "&#65;",
    "&amp;",
    "&\u{FEFF};",
    "<!",
    "<!-",
    "<!--",
    "--",
    "-->",
    "--->",
    "<![CDATA[",
    "<![",
    "]",
    "]]>",
    "<?",
    "?>",
    "<??>",
    "<?>",
    "<?xml",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE",
    "<!DOCTYPE a [",
    "😀",
    "text",
];

/// A valid frame with some octets changed, cut, doubled or put elsewhere.
fn damaged(frame: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut octets = frame.to_vec();
    for _ in 0..=draw.below(4) {
        let at = draw.below(octets.len() + 1);
        let end = (at + draw.below(9)).min(octets.len());
        match draw.below(5) {
            0 => drop(octets.splice(at..end, draw.one(&TOKENS).bytes())),
            1 => drop(octets.splice(at..at, draw.one(&TOKENS).bytes())),
            2 => octets.truncate(at.max(1)),
            3 => drop(octets.splice(at..end, [u8::try_from(draw.below(256)).unwrap()])),
            _ => drop(octets.splice(0..0, draw.one(&TOKENS).bytes())),
        }
    }
    octets
}

#[test]
fn no_octets_make_the_parser_panic() {
    let (count, mut draw) = (number("NAMINGO_MUTATIONS", 20_000), draws(number("NAMINGO_SEED", 1)));
    let golden = golden();
    for nth in 0..count {
        let octets = match nth % 2 {
            0 => (0..draw.below(12)).flat_map(|_| draw.one(&TOKENS).bytes()).collect(),
            _ => damaged(&draw.one(&golden).1, &mut draw),
        };
        let read = std::panic::catch_unwind(|| parse(&octets).cltrid);
        assert!(read.is_ok(), "{:?}", String::from_utf8_lossy(&octets));
    }
}

#[test]
fn a_second_byte_order_mark_is_refused() {
    let root = "<a/>";
    let read = |marks: usize| {
        tree(format!("{}{root}", "\u{FEFF}".repeat(marks)).as_bytes(), &Limits::default()).is_ok()
    };
    assert!(read(0) && read(1));
    assert!(!read(2) && !read(3));
}

/// A frame of 1 MiB whose attributes are each looked up among all declarations of `depth` elements around them, of
/// which theirs is the outermost.
fn bomb(depth: usize) -> String {
    let mut frame = String::new();
    for level in 0..depth {
        frame.push_str("<a");
        for nth in 0..32 {
            write!(frame, " xmlns:n{:04}='u'", level * 32 + nth).unwrap();
        }
        frame.push('>');
    }
    let attributes: String = (10..42).map(|nth| format!(" n0000:a{nth}=''")).collect();
    let end = "</a>".repeat(depth);
    while frame.len() + attributes.len() + 4 + end.len() < 1 << 20 {
        write!(frame, "<a{attributes}/>").unwrap();
    }
    frame.push_str(&end);
    frame
}

#[test]
fn a_frame_of_too_many_namespaces_is_refused_at_once() {
    // a frame at the limit is read, and refused as no EPP
    assert_eq!(parse(bomb(2).as_bytes()).request.unwrap_err().gate, Gate::Schema);
    let frame = bomb(31);
    let begun = Instant::now();
    let refused = parse(frame.as_bytes()).request.unwrap_err();
    let took = begun.elapsed();
    assert_eq!(refused.gate, Gate::WellFormed, "{refused}");
    assert!(took < Duration::from_millis(100), "it took {took:?}");
}

/// A frame may have a mebibyte. Its refusal has not, however much of what it shows is escaped.
#[test]
fn a_refusal_is_short_whatever_the_frame() {
    let answer = |refused: Denial| {
        let svtrid = SvTrid { node: 1, boot: 1, seq: 1 };
        Response { result: Err(refused), cltrid: None, svtrid }.to_xml().len()
    };
    let much = |text: &str| text.repeat((1 << 20) / text.len());
    for frame in [
        format!("<x xmlns='{}'/>", much("\"")),
        format!("<{}/>", much("x")),
        format!("<x a='{}'/>", much("&")),
        format!("<x></{}>", much("&")),
        format!("<x>&{};</x>", much(">")),
        format!(
            "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><poll op='{}'/></command></epp>",
            much(">")
        ),
    ] {
        let octets = answer(parse(frame.as_bytes()).request.unwrap_err().into());
        assert!(octets < 16 << 10, "{octets} octets for {}", &frame[..20]);
    }
    let octets = answer(Denial::refused(&Refusal::MessageNotFound { id: much("&") }));
    assert!(octets < 16 << 10, "{octets} octets for a message that is not there");
}
