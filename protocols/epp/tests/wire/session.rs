//! Whole sessions: what a registrar sends and what comes back, every answer judged by the schemas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::kit::{
    Kit, LONG, OBJECTS, POLL, Pipe, SECDNS, command, contact_create, ds, login, login_with, name, object,
    object_with, thick, thin,
};
use crate::xmllint;
use epp::frame::Wire;
use net::Fingerprint;
use registry::{Actor, Backend, Freshness, Outcome, Solo, SvTrid, Unavailable, Verb};
use storage::View;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

const LOGOUT: &str = "<logout/>";

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
async fn a_registrar_has_its_number_of_sessions_and_others_have_theirs() {
    let kit = Kit::new();
    let mut sessions = [kit.login("beta").await, kit.login("beta").await, kit.login("beta").await];
    let mut fourth = kit.connect().await;
    let answer = fourth.expect(&login("beta", "beta-secret"), 2502).await;
    assert!(answer.contains("at most 3 sessions of this registrar at a time"), "{answer}");
    fourth.must_be_closed().await;
    fourth.judge();
    // whoever does not know the password learns nothing of it
    kit.connect().await.expect(&login("beta", "alpha-secret"), 2200).await;
    kit.login("alpha").await;
    sessions[0].expect(&object("info", "domain", &name("a.example")), 2303).await;
    sessions[2].expect(&command(LOGOUT), 1500).await;
    sessions[2].must_be_closed().await;
    kit.login("beta").await;
}

#[tokio::test]
async fn a_source_that_fails_too_often_is_refused_unseen_and_others_are_not() {
    let kit = Kit::new();
    for _ in 0..5 {
        let mut client = kit.connect().await;
        client.expect(&login("alpha", "beta-secret"), 2200).await;
        client.expect(&login("nobody", "beta-secret"), 2200).await;
    }
    let mut client = kit.connect().await;
    let answer = client.expect(&login("alpha", "alpha-secret"), 2200).await;
    assert!(answer.contains("too many logins from your address failed"), "{answer}");
    client.expect(&login("alpha", "alpha-secret"), 2200).await;
    client.expect(&login("alpha", "alpha-secret"), 2501).await;
    client.must_be_closed().await;
    kit.connect_from("192.0.2.8").await.expect(&login("alpha", "alpha-secret"), 1000).await;
    client.judge();
}

#[tokio::test]
async fn a_refused_source_costs_no_read() {
    let leaderless = Arc::new(AtomicBool::new(false));
    let lost = Arc::clone(&leaderless);
    let kit = Kit::new().behind(|inner| Fragile { inner, leaderless });
    let mut client = kit.connect().await;
    for _ in 0..10 {
        kit.site.attempts.failed("192.0.2.7".parse().unwrap(), "alpha");
    }
    // a read would be answered 2400
    lost.store(true, Ordering::Relaxed);
    client.expect(&login("alpha", "alpha-secret"), 2200).await;
    kit.connect_from("192.0.2.8").await.expect(&login("alpha", "alpha-secret"), 2400).await;
}

#[tokio::test(start_paused = true)]
async fn wrong_authinfos_are_answered_later_and_later_and_end_the_session() {
    let kit = Kit::new();
    kit.login("alpha").await.expect(&thin("a.example"), 1000).await;
    let mut beta = kit.login("beta").await;
    let guess = object("info", "domain", "<name>a.example</name><authInfo><pw>wrong</pw></authInfo>");
    let mut waited = Vec::new();
    for nth in 1..=10 {
        let begun = tokio::time::Instant::now();
        beta.expect(&guess, if nth == 10 { 2501 } else { 2202 }).await;
        waited.push(begun.elapsed().as_secs());
    }
    assert_eq!(waited, [0, 0, 0, 1, 2, 4, 8, 10, 10, 10]);
    beta.must_be_closed().await;
    beta.judge();
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
    client.expect(&login_with("alpha", "wrong-secret", "", ("2.0", "en"), &OBJECTS[..2], &[]), 2200).await;
    client.expect(&of(("2.0", "en"), &OBJECTS[..2], &[]), 2100).await;
    client.expect(&of(("1.0", "fr"), &OBJECTS[..2], &[]), 2102).await;
    client.expect(&of(plain, &OBJECTS, &[]), 2307).await;
    client.expect(&of(plain, &["urn:x"], &[]), 2307).await;
    client.expect(&of(plain, &OBJECTS[..2], &["urn:x"]), 2103).await;
    // an extension of the command is looked at behind the password, too
    let extended = |password| {
        let login = login_with("alpha", password, "", plain, &OBJECTS[..2], &[]);
        login.replace("</login>", "</login><extension><x xmlns=\"urn:x\"/></extension>")
    };
    client.expect(&extended("wrong-secret"), 2200).await;
    client.expect(&extended("alpha-secret"), 2103).await;
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
async fn what_is_no_frame_ends_the_connection() {
    let kit = Kit::new();
    for octets in [b"GET / HTTP/1.1\r\n".as_slice(), b"\0\0\0\x03"] {
        let (mut near, _trigger, served) = kit.pipe(None);
        near.write_all(octets).await.unwrap();
        let mut wire = Wire::new(near, 1 << 20, LONG);
        let mut said = Vec::new();
        while let Some(document) = wire.recv().await.unwrap() {
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

/// A node that has no room for writes, and says so after a while.
#[derive(Clone)]
struct Crowded(Solo);

impl Backend for Crowded {
    async fn view(&self, freshness: Freshness) -> Result<View, Unavailable> {
        self.0.view(freshness).await
    }

    async fn submit(&self, _: Verb, _: Actor, _: SvTrid) -> Result<Outcome, Unavailable> {
        sleep(Duration::from_secs(5)).await;
        Err(Unavailable::Busy)
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_write_waits_for_room_the_next_frame_is_not_read() {
    let kit = Kit::new().behind(Crowded);
    let (near, _trigger, _served) = kit.pipe(None);
    let (mut reads, mut writes) = tokio::io::split(near);
    // more than the pipe between client and server holds
    let hello =
        format!("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/><!--{}--></epp>", "x".repeat(100_000));
    let frames = [login("alpha", "alpha-secret"), thin("a.example"), hello];
    let writing = tokio::spawn(async move {
        for frame in frames {
            writes.write_u32(u32::try_from(frame.len() + 4).unwrap()).await.unwrap();
            writes.write_all(frame.as_bytes()).await.unwrap();
        }
    });
    let mut answer = async || {
        let length = reads.read_u32().await.unwrap() - 4;
        let mut document = vec![0; length as usize];
        reads.read_exact(&mut document).await.unwrap();
        String::from_utf8(document).unwrap()
    };
    assert!(answer().await.contains("<greeting>"));
    assert!(answer().await.contains("code=\"1000\""));
    sleep(Duration::from_secs(4)).await;
    assert!(!writing.is_finished(), "the session reads on while its write waits");
    let refused = answer().await;
    assert!(refused.contains("code=\"2400\"") && refused.contains("the cluster is busy"), "{refused}");
    assert!(answer().await.contains("<greeting>"), "the session goes on");
    writing.await.unwrap();
}

fn hello_of(octets: usize) -> String {
    let comment = "x".repeat(octets);
    format!("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/><!--{comment}--></epp>")
}

/// Logs alpha in, announces a frame of the greatest length, and sends its first octet.
async fn dribble(kit: &Kit<Solo>) -> Pipe {
    let (mut near, trigger, served) = kit.pipe(None);
    let frame = login("alpha", "alpha-secret");
    near.write_u32(u32::try_from(frame.len() + 4).unwrap()).await.unwrap();
    near.write_all(frame.as_bytes()).await.unwrap();
    near.write_u32(1 << 20).await.unwrap();
    near.write_all(b"<").await.unwrap();
    (near, trigger, served)
}

#[tokio::test(start_paused = true)]
async fn one_registrars_long_frames_leave_room_for_those_of_others() {
    let kit = Kit::new();
    let mut beta = kit.login("beta").await;
    // as much as all registrars together may take
    let mut holding = Vec::new();
    for _ in 0..4 {
        holding.push(dribble(&kit).await);
    }
    sleep(Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    assert!(beta.send(&hello_of(100_000)).await.contains("<greeting>"));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    beta.judge();
}

#[tokio::test(start_paused = true)]
async fn a_long_frame_that_finds_no_room_is_answered_and_the_session_goes_on() {
    let kit = Kit::new();
    let mut alpha = kit.login("alpha").await;
    // one has all of alpha's share for 30 s, then the other
    let _first = dribble(&kit).await;
    sleep(Duration::from_secs(20)).await;
    let _second = dribble(&kit).await;
    sleep(Duration::from_secs(1)).await;
    let refused = alpha.expect(&hello_of(100_000), 2400).await;
    assert!(refused.contains("no memory for so long a frame"), "{refused}");
    assert!(alpha.send(&hello_of(10)).await.contains("<greeting>"));
    sleep(Duration::from_secs(40)).await;
    assert!(alpha.send(&hello_of(100_000)).await.contains("<greeting>"));
    alpha.judge();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    let kit = Kit::new();
    let (near, _trigger, served) = kit.pipe(None);
    let (_reads, mut writes) = tokio::io::split(near);
    let frame = "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/></epp>";
    let writing = tokio::spawn(async move {
        while writes.write_u32(u32::try_from(frame.len() + 4).unwrap()).await.is_ok()
            && writes.write_all(frame.as_bytes()).await.is_ok()
        {}
    });
    served.await.unwrap();
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_has_its_time_whatever_it_sends() {
    let kit = Kit::new();
    let (near, _trigger, served) = kit.pipe(None);
    let mut client = Wire::new(near, 1 << 20, LONG);
    let begun = tokio::time::Instant::now();
    let frame = "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><hello/></epp>";
    while client.recv().await.unwrap().is_some() {
        tokio::time::sleep(LONG / 10).await;
        drop(client.send(frame.as_bytes().to_vec()).await);
    }
    served.await.unwrap();
    let took = begun.elapsed();
    assert!(took >= LONG && took < LONG * 2, "{took:?}");
}
