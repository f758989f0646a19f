//! Whole sessions: what a registrar sends and what comes back, every answer judged by the schemas.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod kit;
mod xmllint;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use epp::frame::Wire;
use kit::{DAY, Kit, LONG, OBJECTS, SECDNS, command, login, login_with, object, object_with};
use net::Fingerprint;
use registry::{Actor, Backend, Freshness, Outcome, Solo, SvTrid, Unavailable, Verb};
use storage::View;
use tokio::io::AsyncWriteExt;

const LOGOUT: &str = "<logout/>";
const POLL: &str = "<poll op=\"req\"/>";

fn contact_create(handle: &str) -> String {
    object(
        "create",
        "contact",
        &format!(
            "<id>{handle}</id><postalInfo type=\"loc\"><name>Jürgen &amp; Søn</name><org>Ö &lt;AB&gt;</org><addr>\
             <street>Allé 1</street><street/><city>Malmö</city><sp>Skåne</sp><pc>211 20</pc><cc>SE</cc></addr>\
             </postalInfo><voice x=\"12\">+46.401234</voice><email>j@example.com</email>\
             <authInfo><pw>contact-pass</pw></authInfo><disclose flag=\"1\"><name type=\"loc\"/><email/></disclose>"
        ),
    )
}

fn thick(name: &str, more: &str) -> String {
    format!(
        "<name>{name}</name><period unit=\"y\">2</period>{more}<registrant>reg-1</registrant>\
         <contact type=\"admin\">adm-1</contact><contact type=\"tech\">adm-1</contact>\
         <authInfo><pw>domain-pass</pw></authInfo>"
    )
}

fn ds() -> String {
    format!(
        "<extension><create xmlns=\"{SECDNS}\"><dsData><keyTag>12345</keyTag><alg>13</alg><digestType>2</digestType>\
         <digest>{}</digest></dsData></create></extension>",
        "ab".repeat(32)
    )
}

fn thin(name: &str) -> String {
    object("create", "domain", &format!("<name>{name}</name><authInfo><pw/></authInfo>"))
}

fn name(name: &str) -> String {
    format!("<name>{name}</name>")
}

#[tokio::test]
async fn the_greeting_tells_what_exists() {
    let kit = Kit::new();
    let mut client = kit.connect().await;
    let greeting = client.send("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/></epp>").await;
    for part in ["<svID>Namingo test</svID>", "<svDate>2026-01-01T00:00:00.000Z</svDate>", OBJECTS[2], SECDNS]
    {
        assert!(greeting.contains(part), "{part} in {greeting}");
    }
    client.judge();
    let mut client = Kit::minimum().connect().await;
    let greeting = client.send("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/></epp>").await;
    assert!(greeting.contains(OBJECTS[1]) && !greeting.contains(OBJECTS[2]), "{greeting}");
    client.judge();
}

#[tokio::test]
async fn a_session_begins_with_login_and_ends_with_logout() {
    let kit = Kit::new();
    let mut client = kit.connect().await;
    client.expect(&command(LOGOUT), 2002).await;
    client.expect(&command(POLL), 2002).await;
    let answer = client.expect(&login("ALPHA", "alpha-secret"), 1000).await;
    assert!(answer.contains("<trID><clTRID>CL-1</clTRID><svTRID>1-000000000000b007-"), "{answer}");
    client.expect(&login("alpha", "alpha-secret"), 2002).await;
    client.expect(&command(LOGOUT), 1500).await;
    client.must_be_closed().await;
    client.judge();
}

#[tokio::test]
async fn three_failed_logins_close_the_connection_and_tell_nothing() {
    let kit = Kit::new();
    let mut client = kit.connect().await;
    let wrong = client.expect(&login("alpha", "beta-secret"), 2200).await;
    let unknown = client.expect(&login("nobody", "beta-secret"), 2200).await;
    let message = |answer: &str| answer.split("</msg>").next().unwrap().to_owned();
    assert_eq!(message(&wrong), message(&unknown));
    client.expect(&login("pinned", "pinned-secret"), 2501).await;
    client.must_be_closed().await;
    client.judge();
}

#[tokio::test]
async fn a_pinned_certificate_must_be_shown() {
    let kit = Kit::new();
    let mut right = kit.connect_with(Some(Fingerprint([5; 32]))).await;
    right.expect(&login("pinned", "pinned-secret"), 1000).await;
    let mut wrong = kit.connect_with(Some(Fingerprint([6; 32]))).await;
    wrong.expect(&login("pinned", "pinned-secret"), 2200).await;
    wrong.expect(&login("alpha", "alpha-secret"), 1000).await;
}

#[tokio::test]
async fn login_options_must_be_those_of_the_greeting() {
    let kit = Kit::minimum();
    let mut client = kit.connect().await;
    let plain = ("1.0", "en");
    let of = |options, objects: &[&str], extensions: &[&str]| {
        login_with("alpha", "alpha-secret", "", options, objects, extensions)
    };
    client.expect(&of(("2.0", "en"), &OBJECTS[..2], &[]), 2100).await;
    client.expect(&of(("1.0", "fr"), &OBJECTS[..2], &[]), 2102).await;
    client.expect(&of(plain, &OBJECTS, &[]), 2307).await;
    client.expect(&of(plain, &["urn:x"], &[]), 2307).await;
    client.expect(&of(plain, &OBJECTS[..2], &["urn:x"]), 2103).await;
    client.expect(&of(plain, &OBJECTS[..2], &[]), 1000).await;
    client.judge();
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let kit = Kit::new();
    let change = login_with("alpha", "alpha-secret", "new-secret", ("1.0", "en"), &OBJECTS, &[]);
    kit.connect().await.expect(&change, 1000).await;
    let mut client = kit.connect().await;
    client.expect(&login("alpha", "alpha-secret"), 2200).await;
    client.expect(&login("alpha", "new-secret"), 1000).await;
}

#[tokio::test]
async fn the_gates_come_in_their_order() {
    let kit = Kit::new();
    let mut client = kit.connect().await;
    let renew = |inside: &str| object("renew", "domain", inside);
    let foreign = command("<info><x:info xmlns:x=\"urn:x\"/></info>");
    let unknown = "<extension><x xmlns=\"urn:x\"/></extension>";
    client.expect("<epp", 2001).await;
    client.expect(&command("<frobnicate/>"), 2000).await;
    client.expect(&renew("<name>a.test</name><curExpDate>2026-01-01</curExpDate>"), 2101).await;
    let answer = client.expect(&renew("<name>a.test</name><curExpDate>soon</curExpDate>"), 2001).await;
    let value = "<value><curExpDate xmlns=\"urn:ietf:params:xml:ns:domain-1.0\">soon</curExpDate></value>";
    assert!(answer.contains(value), "{answer}");
    client.expect(&foreign, 2002).await;
    client.expect(&object("info", "domain", &name("a.test")), 2002).await;
    let only_domains = login_with("alpha", "alpha-secret", "", ("1.0", "en"), &OBJECTS[..1], &[]);
    client.expect(&only_domains, 1000).await;
    client.expect(&foreign, 2307).await;
    client.expect(&object_with("info", "host", &name("ns1.a.test"), unknown), 2307).await;
    client.expect(&object_with("info", "domain", &name("a.test"), unknown), 2103).await;
    client.expect(&object_with("create", "domain", &thick("a.test", ""), &ds()), 2103).await;
    client.expect(&object("info", "domain", &name("a.test")), 2303).await;
    client.judge();
}

#[tokio::test]
async fn objects_are_created_and_read_back() {
    let kit = Kit::new();
    let mut alpha = kit.login("alpha").await;
    for handle in ["reg-1", "adm-1"] {
        let answer = alpha.expect(&contact_create(handle), 1000).await;
        assert!(answer.contains(&format!("<contact:id>{handle}</contact:id>")), "{answer}");
    }
    let outside = object("create", "host", &name("ns1.example.com"));
    alpha.expect(&outside, 1000).await;
    alpha.expect(&outside, 2302).await;
    let ns = "<ns><hostObj>ns1.example.com</hostObj></ns>";
    let answer = alpha.expect(&object_with("create", "domain", &thick("Shop.test", ns), &ds()), 1000).await;
    for part in
        ["<domain:name>shop.test</domain:name>", "<domain:exDate>2028-01-01T00:00:00.000Z</domain:exDate>"]
    {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let glue = "<name>ns1.shop.test</name><addr>192.0.2.5</addr><addr ip=\"v6\">2001:db8::5</addr>";
    alpha.expect(&object("create", "host", glue), 1000).await;

    let info = alpha.expect(&object("info", "domain", &name("shop.test")), 1000).await;
    for part in [
        "-TEST</domain:roid><domain:status s=\"ok\"/><domain:registrant>reg-1</domain:registrant>",
        "<domain:contact type=\"admin\">adm-1</domain:contact><domain:contact type=\"tech\">adm-1</domain:contact>",
        "<domain:ns><domain:hostObj>ns1.example.com</domain:hostObj></domain:ns>",
        "<domain:host>ns1.shop.test</domain:host><domain:clID>alpha</domain:clID><domain:crID>alpha</domain:crID>",
        "<secDNS:keyTag>12345</secDNS:keyTag><secDNS:alg>13</secDNS:alg>",
    ] {
        assert!(info.contains(part), "{part} in {info}");
    }
    assert!(!info.contains("pass"), "{info}");
    let none = alpha.expect(&object("info", "domain", "<name hosts=\"none\">shop.test</name>"), 1000).await;
    assert!(!none.contains("domain:ns>") && !none.contains("domain:host>"), "{none}");

    let host = alpha.expect(&object("info", "host", &name("NS1.shop.test")), 1000).await;
    for part in [
        "<host:addr ip=\"v4\">192.0.2.5</host:addr><host:addr ip=\"v6\">2001:db8::5</host:addr>",
        "<host:status s=\"ok\"/>",
    ] {
        assert!(host.contains(part), "{part} in {host}");
    }
    let contact = alpha.expect(&object("info", "contact", "<id>REG-1</id>"), 1000).await;
    for part in [
        "<contact:id>reg-1</contact:id>",
        "<contact:status s=\"ok\"/><contact:status s=\"linked\"/>",
        "<contact:name>Jürgen &amp; Søn</contact:name><contact:org>Ö &lt;AB&gt;</contact:org>",
        "<contact:street>Allé 1</contact:street><contact:street></contact:street><contact:city>Malmö</contact:city>",
        "<contact:voice x=\"12\">+46.401234</contact:voice>",
        "<contact:disclose flag=\"1\"><contact:name type=\"loc\"/><contact:email/></contact:disclose>",
    ] {
        assert!(contact.contains(part), "{part} in {contact}");
    }
    alpha.judge();
}

#[tokio::test]
async fn what_others_may_see_depends_on_the_authinfo() {
    let kit = Kit::new();
    let mut alpha = kit.login("alpha").await;
    alpha.expect(&contact_create("reg-1"), 1000).await;
    alpha.expect(&contact_create("adm-1"), 1000).await;
    alpha.expect(&object("create", "domain", &thick("shop.test", "")), 1000).await;
    let mut beta = kit.login("beta").await;
    let domain = |pw: &str| object("info", "domain", &format!("<name>shop.test</name>{pw}"));
    let contact = |pw: &str| object("info", "contact", &format!("<id>reg-1</id>{pw}"));
    let pw = |text: &str| format!("<authInfo><pw>{text}</pw></authInfo>");

    let shown = beta.expect(&domain(""), 1000).await;
    assert!(!shown.contains("registrant") && shown.contains("<domain:clID>alpha</domain:clID>"), "{shown}");
    assert!(beta.expect(&domain(&pw("domain-pass")), 1000).await.contains("registrant"));
    beta.expect(&domain(&pw("wrong")), 2202).await;
    beta.expect(&domain("<authInfo><ext><x xmlns=\"urn:x\"/></ext></authInfo>"), 2102).await;
    let roid = alpha.expect(&contact(""), 1000).await;
    let roid = roid.split("<contact:roid>").nth(1).unwrap().split('<').next().unwrap();
    let by_roid = |text: &str| format!("<authInfo><pw roid=\"{roid}\">{text}</pw></authInfo>");
    assert!(beta.expect(&domain(&by_roid("contact-pass")), 1000).await.contains("registrant"));
    beta.expect(&domain(&by_roid("domain-pass")), 2202).await;

    beta.expect(&contact(""), 2201).await;
    beta.expect(&contact(&pw("")), 2201).await;
    beta.expect(&contact(&pw("wrong")), 2202).await;
    assert!(beta.expect(&contact(&pw("contact-pass")), 1000).await.contains("Malmö"));
    alpha.judge();
    beta.judge();
}

#[tokio::test]
async fn a_check_answers_each_object_with_a_reason() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&thin("taken.example"), 1000).await;
    let names = ["Free.example", "TAKEN.example", "bad_.example", "a.b.example", "x.org"].map(name).concat();
    let answer = client.expect(&object("check", "domain", &names), 1000).await;
    for part in [
        "<domain:name avail=\"1\">Free.example</domain:name></domain:cd>",
        "<domain:name avail=\"0\">TAKEN.example</domain:name><domain:reason>In use</domain:reason>",
        "<domain:name avail=\"0\">bad_.example</domain:name><domain:reason>Invalid name</domain:reason>",
        "<domain:reason>Not one label below a zone</domain:reason>",
        "<domain:reason>Not in a zone served here</domain:reason>",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    client.expect(&object("check", "host", &[name("ns1.example.com"), name("!")].concat()), 1000).await;
    client.expect(&object("check", "contact", "<id>abc</id><id>a b</id>"), 1000).await;
    client.expect(&object("check", "domain", &name("a.example").repeat(6)), 2306).await;
    client.judge();
}

#[tokio::test]
async fn refusals_name_the_element_at_fault() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&contact_create("adm-1"), 1000).await;
    let create = |inside: &str| object("create", "domain", inside);
    for (frame, code, value) in [
        (create(&thick("a.test", "")), 2303, ">reg-1</registrant>"),
        (thin("a.org"), 2306, ">a.org</name>"),
        (thin("a_.example"), 2005, ">a_.example</name>"),
        (
            create("<name>a.example</name><period unit=\"y\">11</period><authInfo><pw/></authInfo>"),
            2004,
            ">11</period>",
        ),
        (
            create("<name>a.example</name><registrant>adm-1</registrant><authInfo><pw/></authInfo>"),
            2306,
            ">a.example<",
        ),
        (
            create("<name>a.example</name><ns><hostObj>ns1.a.org</hostObj></ns><authInfo><pw/></authInfo>"),
            2303,
            ">ns1.a.org</hostObj>",
        ),
        (
            create("<name>a.test</name><contact>adm-1</contact><authInfo><pw/></authInfo>"),
            2003,
            ">adm-1</contact>",
        ),
        (object("create", "host", "<name>ns1.a.example</name><addr>1.2.3</addr>"), 2005, ">1.2.3</addr>"),
        (object("create", "host", "<name>ns1.a.example</name><addr>::1</addr>"), 2005, ">::1</addr>"),
        (object("create", "host", &name("ns1.a.example")), 2303, ">ns1.a.example</name>"),
        (object("info", "host", &name("ns9.example.com")), 2303, ">ns9.example.com</name>"),
        (object("info", "contact", "<id>nobody</id>"), 2303, ">nobody</id>"),
        (contact_create("a b"), 2005, ">a b</id>"),
    ] {
        let answer = client.expect(&frame, code).await;
        assert!(answer.contains(value), "{value} in {answer}");
    }
    client.judge();
}

#[tokio::test]
async fn messages_wait_until_they_are_acknowledged() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&thin("old.example"), 1000).await;
    client.expect(&command(POLL), 1300).await;
    kit.pass(366 * DAY);
    let other = client.expect(&object("check", "domain", &name("new.example")), 1000).await;
    assert!(other.contains("<msgQ count=\"1\" id=\""), "{other}");
    let message = client.expect(&command(POLL), 1301).await;
    for part in
        ["<qDate>2027-01-01T00:00:00.000Z</qDate>", "<domain:exDate>2028-01-01T00:00:00.000Z</domain:exDate>"]
    {
        assert!(message.contains(part), "{part} in {message}");
    }
    let id = message.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
    client.expect(&command("<poll op=\"ack\"/>"), 2003).await;
    client.expect(&command("<poll op=\"ack\" msgID=\"x\"/>"), 2303).await;
    client.expect(&command("<poll op=\"ack\" msgID=\"999999\"/>"), 2303).await;
    let left = client.expect(&command(&format!("<poll op=\"ack\" msgID=\"{id}\"/>")), 1000).await;
    assert!(!left.contains("msgQ"), "{left}");
    client.expect(&command(POLL), 1300).await;
    client.judge();
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection() {
    let kit = Kit::new();
    for octets in [b"GET / HTTP/1.1\r\n".as_slice(), b"\0\0\0\x03"] {
        let (mut near, _trigger, served) = kit.pipe(None);
        near.write_all(octets).await.unwrap();
        let mut wire = Wire::new(near, 1 << 20, LONG);
        let mut said = Vec::new();
        while let Some(document) = wire.recv(LONG).await.unwrap() {
            said.push(document.to_vec());
        }
        served.await.unwrap();
        assert!(String::from_utf8_lossy(&said[1]).contains("code=\"2500\""), "{said:?}");
        xmllint::must_be_valid(&said);
    }
}

#[tokio::test]
async fn secrets_do_not_show_in_a_debug_print() {
    for frame in
        [login("alpha", "hush-hush"), object("create", "domain", &thick("a.test", "")), contact_create("abc")]
    {
        let read = format!("{:?}", epp::request::parse(frame.as_bytes()));
        assert!(read.contains("Ok("), "{read}");
        for secret in ["hush", "-pass", "Malmö", "example.com"] {
            assert!(!read.contains(secret), "{secret} in {read}");
        }
    }
}

#[tokio::test]
async fn a_shutdown_ends_an_idle_session() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.trigger.request();
    client.must_be_closed().await;
    client.served.await.unwrap();
}

/// A registry whose leader can be lost.
#[derive(Clone)]
struct Fragile {
    inner: Solo,
    leaderless: Arc<AtomicBool>,
}

impl Backend for Fragile {
    async fn view(&self, freshness: Freshness) -> Result<View, Unavailable> {
        if freshness == Freshness::Linearizable && self.leaderless.load(Ordering::Relaxed) {
            return Err(Unavailable::NoLeader);
        }
        self.inner.view(freshness).await
    }

    async fn submit(&self, verb: Verb, by: Actor, svtrid: SvTrid) -> Result<Outcome, Unavailable> {
        if self.leaderless.load(Ordering::Relaxed) {
            return Err(Unavailable::Unknown { svtrid });
        }
        self.inner.submit(verb, by, svtrid).await
    }
}

#[tokio::test]
async fn without_a_leader_reads_fail_and_unknown_outcomes_end_the_session() {
    let leaderless = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&leaderless);
    let kit = Kit::new().behind(|inner| Fragile { inner, leaderless });
    let mut client = kit.login("alpha").await;
    lost.store(true, Ordering::Relaxed);
    client.expect(&object("info", "domain", &name("a.example")), 2400).await;
    let mut other = kit.connect().await;
    other.expect(&login("alpha", "alpha-secret"), 2400).await;
    lost.store(false, Ordering::Relaxed);
    client.expect(&object("info", "domain", &name("a.example")), 2303).await;
    lost.store(true, Ordering::Relaxed);
    let answer = client.expect(&thin("a.example"), 2500).await;
    let svtrid = answer.split("<svTRID>").nth(1).unwrap().split('<').next().unwrap();
    assert!(answer.split("</msg>").next().unwrap().contains(svtrid), "{answer}");
    client.must_be_closed().await;
    client.judge();
}

/// Without a leader for long, a read gives up instead of holding the session.
#[derive(Clone)]
struct Silent(Solo);

impl Backend for Silent {
    async fn view(&self, freshness: Freshness) -> Result<View, Unavailable> {
        match freshness {
            Freshness::Local => self.0.view(freshness).await,
            Freshness::Linearizable => std::future::pending().await,
        }
    }

    async fn submit(&self, _: Verb, _: Actor, svtrid: SvTrid) -> Result<Outcome, Unavailable> {
        Err(Unavailable::Unknown { svtrid })
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_waits_for_a_leader_and_gives_up() {
    let kit = Kit::new().behind(Silent);
    let mut client = kit.connect().await;
    client.expect(&login("alpha", "alpha-secret"), 2400).await;
}
