//! Frames that are no XML, or XML that EPP does without: each is refused at the first gate, and the client's
//! identifier is found where it can be.

use epp::request::parse;
use epp::xml::{Gate, Limits, tree};

const EPP: &str = "urn:ietf:params:xml:ns:epp-1.0";

fn command(inside: &str) -> String {
    format!("<epp xmlns=\"{EPP}\"><command>{inside}<clTRID>ABC-1</clTRID></command></epp>")
}

fn gate(frame: &str) -> Option<Gate> {
    parse(frame.as_bytes()).request.err().map(|syntax| syntax.gate)
}

/// The fourteen that the event reader lets pass.
#[test]
fn each_trap_of_the_event_reader_is_closed() {
    let logout = command("<logout/>");
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{logout}");
    assert_eq!(gate(&logout), None);
    assert_eq!(gate(&declared), None);
    let traps = [
        ("two roots", format!("{logout}{logout}")),
        ("text after the root", format!("{logout}text")),
        ("undefined entity", command("<logout>&nbsp;</logout>")),
        ("character reference to NUL", command("<logout>&#0;</logout>")),
        ("control character", command("<logout>\u{1}</logout>")),
        ("'<' in an attribute", command("<logout a=\"<\"/>")),
        ("no space between attributes", command("<logout a=\"1\"b=\"2\"/>")),
        ("']]>' in text", command("<logout>]]></logout>")),
        ("second declaration", format!("<?xml version=\"1.0\"?>{declared}")),
        ("white space before the declaration", format!(" {declared}")),
        ("illegal name", command("<1logout/>")),
        ("name with two colons", command("<a:b:c xmlns:a=\"urn:a\"/>")),
        ("unknown encoding", format!("<?xml version=\"1.0\" encoding=\"EBCDIC\"?>{logout}")),
        ("undeclared prefix", command("<x:logout/>")),
    ];
    for (trap, frame) in traps {
        assert_eq!(gate(&frame), Some(Gate::WellFormed), "{trap}");
    }
}

#[test]
fn other_malformed_documents_are_refused() {
    let logout = command("<logout/>");
    for frame in [
        String::new(),
        "   ".to_owned(),
        "text".to_owned(),
        "<!-- nothing -->".to_owned(),
        "<epp".to_owned(),
        "<epp>".to_owned(),
        "<epp></EPP>".to_owned(),
        "<epp></epp></epp>".to_owned(),
        "</epp>".to_owned(),
        "<epp/ >".to_owned(),
        "< epp/>".to_owned(),
        "<epp a=\"1\" a=\"2\"/>".to_owned(),
        "<epp xmlns:a=\"u\" xmlns:b=\"u\" a:x=\"1\" b:x=\"2\"/>".to_owned(),
        "<epp xmlns:a=\"u\" xmlns:a=\"u\"/>".to_owned(),
        "<epp xmlns:a=\"\"/>".to_owned(),
        "<epp xmlns:=\"u\"/>".to_owned(),
        "<epp><!-- a--b --></epp>".to_owned(),
        "<epp><!-- a---></epp>".to_owned(),
        "<epp><!--></epp>".to_owned(),
        "<epp><?xml version=\"1.0\"?></epp>".to_owned(),
        "<epp><?a:b c?></epp>".to_owned(),
        "<epp>&amp</epp>".to_owned(),
        "<epp>& </epp>".to_owned(),
        "<epp><![CDATA[</epp>".to_owned(),
        format!("{logout}&amp;"),
        format!("{logout}<![CDATA[]]>"),
        format!("<!DOCTYPE epp>{logout}"),
        format!("<!DOCTYPE epp [<!ENTITY a \"b\">]>{logout}"),
        format!("<?xml version=\"1.1\"?>{logout}"),
        format!("<?xml encoding=\"UTF-8\"?>{logout}"),
        format!("<?xml version=\"1.0\" standalone=\"maybe\"?>{logout}"),
        format!("<?xml version=\"1.0\" standalone=\"yes\" encoding=\"UTF-8\"?>{logout}"),
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{logout}"),
        format!(
            "<epp xmlns=\"{EPP}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"/>"
        ),
    ] {
        assert_eq!(gate(&frame), Some(Gate::WellFormed), "{frame}");
    }
    assert_eq!(parse(b"<epp>\xff</epp>").request.unwrap_err().gate, Gate::WellFormed);
    let utf16: Vec<u8> = logout.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(parse(&utf16).request.unwrap_err().gate, Gate::WellFormed);
}

#[test]
fn what_is_unusual_and_well_formed_is_accepted() {
    for frame in [
        format!("\u{FEFF}{}", command("<logout/>")),
        format!("<?xml version='1.0' encoding='utf-8' standalone='no' ?>\r\n{}\r\n", command("<logout/>")),
        format!("<!-- a - b --><?pi x?>{}<!-- c --><?pi?>", command("<logout />")),
        command("<logout/><!---->"),
        command("<logout><![CDATA[<&]]>]]&gt;</logout >"),
        format!(
            "<e:epp xmlns:e=\"{EPP}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"{EPP} epp-1.0.xsd\"><e:command><e:logout/></e:command></e:epp>"
        ),
    ] {
        assert_eq!(gate(&frame), None, "{frame}");
    }
}

#[test]
fn a_document_over_a_limit_is_refused() {
    let limits = Limits { depth: 3, elements: 5, attributes: 2, namespaces: 1 };
    let read = |text: &str| tree(text.as_bytes(), &limits).is_ok();
    assert!(read("<a><b><c/></b></a>") && !read("<a><b><c><d/></c></b></a>"));
    assert!(read("<a><b/><b/><b/><b/></a>") && !read("<a><b/><b/><b/><b/><b/></a>"));
    assert!(read("<a b='' c=''/>") && !read("<a b='' c='' d=''/>"));
    let declaring = |count: usize, inside: &str| {
        let most = 32.min(count);
        let names =
            |range: std::ops::Range<usize>| range.map(|n| format!(" xmlns:n{n}='u'")).collect::<String>();
        let frame = format!("<a{}><a{}>{inside}</a></a>", names(0..most), names(most..count));
        tree(frame.as_bytes(), &Limits::default()).map(drop).map_err(|refused| refused.to_string())
    };
    assert_eq!(declaring(64, ""), Ok(()));
    // those of an element that has ended are not in force any more
    assert_eq!(declaring(63, "<a xmlns='u'/><a xmlns='u'/>"), Ok(()));
    let refused = declaring(64, "<a xmlns='u'/>").unwrap_err();
    assert_eq!(refused, "more than 64 namespace declarations are in force at once");
}

#[test]
fn text_is_joined_and_line_ends_are_normalized() {
    let root = tree(b"<a>1\r\n2\r3&#13;&lt;<![CDATA[&\r\n]]><!-- x -->4</a>", &Limits::default()).unwrap();
    assert_eq!(root.text, "1\n2\n3\r<&\n4");
}

#[test]
fn the_clients_identifier_is_found_in_broken_frames() {
    let found = |frame: &str| parse(frame.as_bytes()).cltrid;
    assert_eq!(found(&command("<logout>&nbsp;</logout>")).as_deref(), Some("ABC-1"));
    assert_eq!(found(&command("<foo/>")).as_deref(), Some("ABC-1"));
    assert_eq!(found(&command("<clTRID>DEF-2</clTRID>")).as_deref(), Some("DEF-2"));
    assert_eq!(found("<e:command><e:clTRID> ABC\n-1 </e:clTRID><").as_deref(), Some("ABC -1"));
    for hopeless in [
        "<clTRID>ABC-1",
        "<clTRID>AB</clTRID><",
        "<clTRID>A&amp;B</clTRID><",
        "<clTRID>A<b/>BC</clTRID><",
        "<clTRID>ABC-1</clTRID><clTRID>ABC-2</clTRID><",
        "</clTRID>ABC-1</clTRID><",
        "<clTRID>ABC\u{1}-1</clTRID><",
    ] {
        assert_eq!(found(hopeless), None, "{hopeless}");
    }
}

#[test]
fn a_verb_that_epp_does_not_have_is_told_apart_from_a_malformed_one() {
    for unknown in [
        command("<foo/>"),
        command("<foo:check xmlns:foo=\"urn:foo\"/>"),
        format!("<epp xmlns=\"{EPP}\"><greeting/></epp>"),
        format!("<epp xmlns=\"{EPP}\"><response/></epp>"),
        format!("<epp xmlns=\"{EPP}\"><extension/></epp>"),
    ] {
        assert_eq!(gate(&unknown), Some(Gate::KnownVerb), "{unknown}");
    }
    for malformed in [
        "<epp/>".to_owned(),
        format!("<epp xmlns=\"{EPP}\"/>"),
        format!("<epp xmlns=\"{EPP}\"><foo/></epp>"),
        format!("<epp xmlns=\"{EPP}\"><command/></epp>"),
        command(""),
        command("<check/>"),
        command("<check><check/></check>"),
        command("<poll/>"),
        command("<poll op=\"req\"> </poll>"),
        command("<logout/><logout/>"),
        command("<logout/><extension/>"),
        command("<renew><contact:renew xmlns:contact=\"urn:ietf:params:xml:ns:contact-1.0\"/></renew>"),
        command("<info><host:check xmlns:host=\"urn:ietf:params:xml:ns:host-1.0\"/></info>"),
    ] {
        assert_eq!(gate(&malformed), Some(Gate::Schema), "{malformed}");
    }
}

#[test]
fn a_password_is_never_part_of_a_refusal() {
    let frame = command("<login><clID>alpha</clID><pw>hush</pw></login>");
    let refusal = parse(frame.as_bytes()).request.unwrap_err();
    assert!(!format!("{refusal:?}").contains("hush"), "{refusal:?}");
    assert_eq!(refusal.offender.unwrap().local, "pw");
}
