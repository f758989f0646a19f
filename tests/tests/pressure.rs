//! A node under attack: too many connections, sessions and logins, hostile octets on every port, clients that do not
//! read. Each ends in a clear error or a closed connection, a counter moves, memory stays bounded, nothing is lost and
//! others are served meanwhile.
//!
//! The numbers are small by default; `NAMINGO_IDLE` and `NAMINGO_SESSIONS` make them those of an attack.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use rustix::{
    net::sockopt::set_socket_recv_buffer_size,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use std::{
    env,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tests::{
    epp::Session,
    process::{Registry, connect, das, http, whois},
};

const MIB: u64 = 1 << 20;
/// The ports of the query services.
const QUERIES: [(&str, u16); 3] = [("whois", 7043), ("das", 7044), ("rdap", 7080)];

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// Every connection is a file of this process, too.
fn allow_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// A single node with other limits than those of `dev`: each section gets lines of its own.
fn with_limits(sections: &[(&str, &str)]) -> Registry {
    let mut registry = Registry::start(1, 0);
    assert!(registry.stop());
    for (section, lines) in sections {
        let header = format!("[limits.{section}]\n");
        registry.configure(&header, &format!("{header}{lines}\n"));
    }
    registry.restart(1, 0);
    registry
}

/// Somebody who has nothing to do with an attack does what a registrar and the public do.
fn is_served(registry: &Registry, session: &mut Session, label: &str) {
    let name = format!("{label}.example");
    let created = session.create(&name).unwrap();
    assert_eq!(created.code, 1000, "{}", created.xml);
    assert_eq!(session.info(&name).unwrap().code, 1000);
    let told = whois(registry.at(1, 7043), &name).unwrap();
    assert!(told.contains(&format!("Domain Name: {name}")), "{told}");
    assert_eq!(das(registry.at(1, 7044), std::slice::from_ref(&name)).unwrap(), ["registered"]);
    assert_eq!(http(registry.at(1, 7080), "GET", &format!("/domain/{name}")).unwrap().0, 200);
    assert_eq!(http(registry.at(1, 7090), "GET", "/readyz").unwrap().0, 200);
}

/// Registered from now on and still there at the end.
fn still_there(session: &mut Session, labels: &[&str]) {
    for label in labels {
        assert_eq!(session.info(&format!("{label}.example")).unwrap().code, 1000, "{label}");
    }
}

#[test]
fn idle_connections_take_little_and_others_are_served() {
    allow_files();
    let all = number("NAMINGO_IDLE", 2000);
    let patient = "login_s = 3600\nidle_s = 3600";
    let silent = "idle_s = 3600";
    let registry = with_limits(&[("epp", patient), ("whois", silent), ("das", silent), ("rdap", silent)]);
    let mut beta = registry.session(1, "beta");
    is_served(&registry, &mut beta, "before");
    let resident = registry.resident();
    let queries: Vec<TcpStream> =
        (0..all / 4 * 3).map(|n| connect(registry.at(1, QUERIES[n % 3].1)).unwrap()).collect();
    let sessions: Vec<Session> = (0..all / 4).map(|_| Session::open(registry.at(1, 7700))).collect();
    is_served(&registry, &mut beta, "during");
    let mut fresh = registry.session(1, "gamma");
    is_served(&registry, &mut fresh, "fresh");
    let open: f64 = ["epp", "whois", "das", "rdap"]
        .iter()
        .map(|service| registry.count(1, &format!("namingo_connections{{service=\"{service}\"}}")))
        .sum();
    let held = queries.len() + sessions.len();
    assert!(open >= held as f64, "{open} of {held} are open");
    let grown = registry.resident().saturating_sub(resident);
    println!(
        "{held} idle connections, a quarter of them EPP over TLS: {} KiB each",
        grown / 1024 / held as u64
    );
    assert!(grown < 128 * MIB + held as u64 * 64 * 1024, "{} MiB for {held} connections", grown / MIB);
    drop((queries, sessions));
    still_there(&mut beta, &["before", "during", "fresh"]);
}

#[test]
fn beyond_its_number_of_sessions_a_registrar_is_told_2502_and_others_are_served() {
    allow_files();
    let asked = number("NAMINGO_SESSIONS", 60);
    let most = asked * 2 / 5;
    let registry = Registry::start(1, 0);
    let mut beta = registry.session(1, "beta");
    is_served(&registry, &mut beta, "before");
    let limit = ["registrar", "update", "alpha", "--max-sessions", &most.to_string()];
    let (fine, said) = registry.admin(1, &limit);
    assert!(fine, "{said}");
    let left = AtomicUsize::new(asked);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
    let open = || {
        let mut sessions = Vec::new();
        while take() {
            let mut session = Session::open(registry.at(1, 7700));
            let answer = session.try_login("alpha", "alpha-secret").unwrap();
            sessions.push((session, answer));
        }
        sessions
    };
    let mut sessions: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        is_served(&registry, &mut beta, "during");
        threads.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let (entered, refused): (Vec<_>, Vec<_>) =
        sessions.iter_mut().partition(|(_, answer)| answer.code == 1000);
    assert_eq!((entered.len(), refused.len()), (most, asked - most));
    for (session, answer) in refused {
        assert_eq!(answer.code, 2502, "{}", answer.xml);
        assert!(session.receive().is_err(), "a refused session goes on");
    }
    assert!(registry.count(1, "namingo_epp_refusals_total{reason=\"too_many_sessions\"}") >= 1.0);
    // who is in stays in, and a place that is given back can be taken
    let mut entered = entered;
    let (first, _) = entered.pop().unwrap();
    assert_eq!(first.create("by-alpha.example").unwrap().code, 1000);
    assert_eq!(first.command("<logout/>").unwrap().code, 1500);
    registry.session(1, "alpha");
    is_served(&registry, &mut registry.session(1, "gamma"), "after");
    still_there(&mut beta, &["before", "during", "after", "by-alpha"]);
}

#[test]
fn a_flood_of_wrong_passwords_is_refused_and_others_are_served() {
    const SOMEBODY_ELSE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
    allow_files();
    let asked = number("NAMINGO_SESSIONS", 60);
    let registry = Registry::start(1, 0);
    let mut beta = registry.session(1, "beta");
    is_served(&registry, &mut beta, "before");
    let resident = registry.resident();
    let unseen = AtomicUsize::new(0);
    let guess = |thread: usize| {
        for n in 0..asked.div_ceil(8) {
            let mut session = Session::try_open_from(SOMEBODY_ELSE, registry.at(1, 7700)).unwrap();
            for try_ in 1..=3 {
                let answer = session.try_login("alpha", &format!("guess-{thread}-{n}-{try_}")).unwrap();
                let expected = if try_ == 3 { 2501 } else { 2200 };
                assert_eq!(answer.code, expected, "{}", answer.xml);
                if answer.xml.contains("too many logins from your address failed") {
                    unseen.fetch_add(1, Ordering::Relaxed);
                }
            }
            assert!(session.receive().is_err(), "a third failure did not end the session");
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || guess(thread))).collect();
        is_served(&registry, &mut beta, "during");
        // whose password is guessed comes in from where it is
        is_served(&registry, &mut registry.session(1, "alpha"), "guessed");
        threads.into_iter().for_each(|one| one.join().unwrap());
    });
    assert!(unseen.load(Ordering::Relaxed) > 0, "no guess was refused unseen");
    let failed = registry.count(1, "namingo_epp_refusals_total{reason=\"authentication_failed\"}");
    assert!(failed >= (3 * asked) as f64, "{failed} failures were counted");
    let grown = registry.resident().saturating_sub(resident);
    assert!(grown < 256 * MIB, "{} MiB for guesses", grown / MIB);
    still_there(&mut beta, &["before", "during", "guessed"]);
}

/// Sends octets and reads whatever comes until the server ends the connection.
fn thrown_at(at: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = connect(at).unwrap();
    let mut answer = Vec::new();
    // a server that closes early may reset what is still on its way; a time-out is no end
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    if let Err(e) = stream.read_to_end(&mut answer) {
        assert!(!is_late(&e), "{at} keeps the connection after {} octets", octets.len());
    }
    answer
}

fn is_late(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Octets without meaning, the same in every run.
fn garbage(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// What an EPP server must not be taken in by, with the code that it answers.
fn hostile_frames() -> Vec<(&'static str, Vec<u8>, u16)> {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE epp [<!ENTITY l0 \"lol\">{laughs}]><epp>&l9;</epp>");
    let external = "<!DOCTYPE epp [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><epp>&x;</epp>".to_owned();
    let epp = |inside: &str| format!("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\">{inside}</epp>");
    let attributes: String = (0..5000).map(|n| format!(" a{n}=\"{n}\"")).collect();
    let text = "x".repeat(900_000);
    vec![
        ("a billion laughs", bomb.into_bytes(), 2001),
        ("an external entity", external.into_bytes(), 2001),
        ("an entity that is not declared", epp("<command>&x;</command>").into_bytes(), 2001),
        ("deep nesting", epp(&"<a>".repeat(300_000)).into_bytes(), 2001),
        ("many elements", epp(&"<a/>".repeat(200_000)).into_bytes(), 2001),
        ("many attributes", epp(&format!("<command{attributes}/>")).into_bytes(), 2001),
        ("a long text", epp(&format!("<command>{text}</command>")).into_bytes(), 2001),
        ("a long comment", epp(&format!("<!--{text}-->")).into_bytes(), 2001),
        ("no UTF-8", vec![0xff; 10_000], 2001),
        ("garbage", garbage(500_000), 2001),
    ]
}

#[test]
fn hostile_octets_on_every_port_end_and_nothing_is_lost() {
    let registry = Registry::start(1, 0);
    let mut beta = registry.session(1, "beta");
    is_served(&registry, &mut beta, "before");
    let resident = registry.resident();
    let rounds = number("NAMINGO_ROUNDS_OF_GARBAGE", 3);
    thread::scope(|scope| {
        let attacks: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        frames(&registry);
                        ports(&registry);
                    }
                })
            })
            .collect();
        is_served(&registry, &mut beta, "during");
        attacks.into_iter().for_each(|one| one.join().unwrap());
    });
    let grown = registry.resident().saturating_sub(resident);
    println!("{} MiB more than before {} rounds of garbage", grown / MIB, 4 * rounds);
    assert!(grown < 256 * MIB, "{} MiB for garbage", grown / MIB);
    for counter in [
        "namingo_epp_commands_total{verb=\"invalid\",code=\"2001\"}",
        "namingo_connections_cut_total{service=\"epp\",reason=\"handshake\"}",
        "namingo_connections_cut_total{service=\"epp\",reason=\"malformed\"}",
        "namingo_queries_total{service=\"whois\",answer=\"invalid\"}",
        "namingo_queries_total{service=\"das\",answer=\"invalid\"}",
        "namingo_connections_cut_total{service=\"rdap\",reason=\"malformed\"}",
        "namingo_connections_cut_total{service=\"metrics\",reason=\"malformed\"}",
        "namingo_connections_cut_total{service=\"admin\",reason=\"handshake\"}",
        "namingo_connections_cut_total{service=\"peers\",reason=\"handshake\"}",
    ] {
        assert!(registry.count(1, counter) >= 1.0, "{counter} did not move");
    }
    is_served(&registry, &mut registry.session(1, "gamma"), "after");
    still_there(&mut beta, &["before", "during", "after"]);
}

fn frames(registry: &Registry) {
    let mut session = registry.session(1, "alpha");
    for (what, frame, code) in hostile_frames() {
        session.send(&frame).unwrap();
        let answer = session.receive().unwrap();
        assert!(answer.contains(&format!("code=\"{code}\"")), "{what}: {answer}");
    }
    // before login a frame is short, and after it not endless
    for (mut session, length) in
        [(registry.session(1, "alpha"), 0x7fff_ffff_u32), (Session::open(registry.at(1, 7700)), 20_000)]
    {
        session.send_raw(&length.to_be_bytes()).unwrap();
        session.send_raw(&[b' '; 10_000]).unwrap();
        let answer = session.receive().unwrap();
        assert!(answer.contains("code=\"2500\""), "{answer}");
        assert!(session.receive().is_err(), "the connection goes on");
    }
}

fn ports(registry: &Registry) {
    let noise = garbage(200_000);
    for port in [7001, 7043, 7044, 7080, 7090, 7091, 7700] {
        thrown_at(registry.at(1, port), &noise);
        thrown_at(registry.at(1, port), &[0; 50_000]);
        thrown_at(registry.at(1, port), b"");
    }
    let long = thrown_at(registry.at(1, 7043), &[b'a'; 100_000]);
    assert!(long.starts_with(b"Error: "), "{}", String::from_utf8_lossy(&long));
    let lines = thrown_at(registry.at(1, 7044), "a.b.c.d \u{1F600}\n".repeat(20_000).as_bytes());
    assert_eq!(lines.iter().filter(|octet| **octet == b'\n').count(), 20_000);
    for port in [7080, 7090] {
        let text = String::from_utf8(thrown_at(registry.at(1, port), b"GARBAGE\r\n\r\n")).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(60_000));
        let text = String::from_utf8_lossy(&thrown_at(registry.at(1, port), head.as_bytes())).into_owned();
        // what is not read of it may be answered by a reset
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 431 "), "{text}");
    }
}

/// Asks again and again and reads nothing, until the server has had enough.
fn never_reads(at: SocketAddr, question: &[u8]) {
    let mut stream = connect(at).unwrap();
    set_socket_recv_buffer_size(&stream, 64 * 1024).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(120))).unwrap();
    let many = question.repeat(64 * 1024 / question.len());
    loop {
        match stream.write_all(&many) {
            Ok(()) => {}
            Err(e) => return assert!(!is_late(&e), "{at} waits for a client that does not read"),
        }
    }
}

#[test]
fn clients_that_do_not_read_are_cut_and_others_are_served() {
    let soon = "answer_s = 3";
    let registry = with_limits(&[("epp", soon), ("das", soon), ("rdap", soon)]);
    let mut beta = registry.session(1, "beta");
    is_served(&registry, &mut beta, "before");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    let questions = [
        (7044, b"before.example\n".to_vec()),
        (7080, get("/domain/before.example")),
        (7090, get("/metrics")),
    ];
    thread::scope(|scope| {
        for (port, question) in &questions {
            scope.spawn(|| never_reads(registry.at(1, *port), question));
        }
        scope.spawn(|| {
            let mut session = registry.session(1, "alpha");
            let names: String = (0..500).map(|n| format!("<name>name-{n}.example</name>")).collect();
            let check = format!(
                "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><check>\
                 <check xmlns=\"urn:ietf:params:xml:ns:domain-1.0\">{names}</check></check></command></epp>"
            );
            while session.send(check.as_bytes()).is_ok() {}
        });
        is_served(&registry, &mut beta, "during");
    });
    for service in ["epp", "das", "rdap", "metrics"] {
        // where the kernel of a client that does not read drops what it should send, the node finds it silent
        let cut = ["stalled", "idle"].map(|reason| {
            let labels = format!("{{service=\"{service}\",reason=\"{reason}\"}}");
            registry.count(1, &format!("namingo_connections_cut_total{labels}"))
        });
        assert!(cut.iter().sum::<f64>() >= 1.0, "{service}: nobody was cut");
    }
    still_there(&mut beta, &["before", "during"]);
}

/// A session of a registrar; where too many log in at a time it tries again, as a client does.
fn enter(registry: &Registry, node: u64, registrar: &str) -> Session {
    for _ in 0..60 {
        let mut session = Session::open(registry.at(node, 7700));
        let answer = session.try_login(registrar, &format!("{registrar}-secret")).unwrap();
        match answer.code {
            1000 => return session,
            2400 => thread::sleep(Duration::from_millis(500)),
            _ => panic!("{}", answer.xml),
        }
    }
    panic!("{registrar} was not let in");
}

#[test]
fn twenty_sessions_of_one_registrar_and_128_of_32_create_in_parallel_without_a_failure() {
    const REGISTRARS: usize = 32;
    const SESSIONS: usize = 4;
    const NAMES: usize = 6;
    let registry = Registry::start(3, 0);
    let handles: Vec<String> = (0..REGISTRARS).map(|n| format!("many-{n}")).collect();
    for handle in &handles {
        let password = format!("{handle}-secret");
        let create = ["registrar", "create", handle, "--name", handle, "--password", &password];
        let (fine, said) = registry.admin(1, &create);
        assert!(fine, "{said}");
    }
    let several = handles.iter().flat_map(|handle| vec![handle.as_str(); SESSIONS]);
    let all: Vec<&str> = vec!["alpha"; 20].into_iter().chain(several).collect();
    let begin = Arc::new(AtomicBool::new(false));
    let ready = AtomicUsize::new(0);
    let failures: Vec<String> = thread::scope(|scope| {
        let (registry, ready) = (&registry, &ready);
        let threads: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(n, registrar)| {
                let begin = begin.clone();
                scope.spawn(move || {
                    let mut session = enter(registry, n as u64 % 3 + 1, registrar);
                    ready.fetch_add(1, Ordering::SeqCst);
                    while !begin.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(5));
                    }
                    let create = |k| session.create(&format!("s{n}-{k}.example")).unwrap();
                    let answers: Vec<_> = (0..NAMES).map(create).collect();
                    answers.into_iter().filter(|a| a.code != 1000).map(|a| a.xml).collect::<Vec<_>>()
                })
            })
            .collect();
        while ready.load(Ordering::SeqCst) < all.len() && !threads.iter().any(|t| t.is_finished()) {
            thread::sleep(Duration::from_millis(20));
        }
        begin.store(true, Ordering::SeqCst);
        threads.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {} failed: {}", failures.len(), all.len() * NAMES, failures[0]);
    let names: Vec<String> =
        (0..all.len()).flat_map(|n| (0..NAMES).map(move |k| format!("s{n}-{k}.example"))).collect();
    let mut reader = registry.session(2, "beta");
    assert_eq!(reader.info(&names[0]).unwrap().code, 1000);
    let registered = das(registry.at(2, 7044), &names).unwrap();
    assert!(registered.iter().all(|status| status == "registered"));
}
