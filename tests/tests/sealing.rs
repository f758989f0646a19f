//! Keys, credentials and sessions across a cluster: what a stolen edge gives away, a rotation of the sealing keys, a
//! suspension that reaches every node, a certificate that changes under open sessions.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use registry::Timestamp;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tests::{
    epp::{Answer, Session},
    process::{Registry, das, http, program, whois},
};

/// How long a busy machine may take for what is done in the background.
const PATIENCE: Duration = Duration::from_secs(60);

/// Personal data, by no accident found anywhere else.
const PERSONAL: [&str; 8] = [
    "Zdenka Quimbyova",
    "Hidden Org Qx7",
    "Unlisted Lane 77",
    "Nowheretown-Q",
    "QX-90210",
    "+420.777888999",
    "+420.777111222",
    "zdenka@quimby.example",
];
const CONTACT_SECRET: &str = "Ctct#Scrt9Qx";
const DOMAIN_SECRET: &str = "Dmn#Auth7Qx!";
const PASSWORD: &str = "sekrit-Qx-pass";
const NEW_PASSWORD: &str = "newer-Qx-pass";

fn contact(session: &mut Session, handle: &str) {
    let [name, org, street, city, code, voice, fax, email] = PERSONAL;
    let answer = session.command(&format!(
        "<create><contact:create xmlns:contact=\"urn:ietf:params:xml:ns:contact-1.0\"><contact:id>{handle}</contact:id>\
         <contact:postalInfo type=\"int\"><contact:name>{name}</contact:name><contact:org>{org}</contact:org>\
         <contact:addr><contact:street>{street}</contact:street><contact:city>{city}</contact:city>\
         <contact:pc>{code}</contact:pc><contact:cc>CZ</contact:cc></contact:addr></contact:postalInfo>\
         <contact:voice>{voice}</contact:voice><contact:fax>{fax}</contact:fax><contact:email>{email}</contact:email>\
         <contact:authInfo><contact:pw>{CONTACT_SECRET}</contact:pw></contact:authInfo></contact:create></create>"
    ));
    expect(&answer.unwrap(), 1000);
}

fn domain(session: &mut Session, name: &str, handle: &str) {
    let answer = session.command(&format!(
        "<create><domain:create xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>{name}</domain:name>\
         <domain:registrant>{handle}</domain:registrant><domain:contact type=\"admin\">{handle}</domain:contact>\
         <domain:contact type=\"tech\">{handle}</domain:contact>\
         <domain:authInfo><domain:pw>{DOMAIN_SECRET}</domain:pw></domain:authInfo></domain:create></create>"
    ));
    expect(&answer.unwrap(), 1000);
}

/// Asks for a domain with its authInfo.
fn info_with_authinfo(session: &mut Session, name: &str) -> Answer {
    let answer = session.command(&format!(
        "<info><domain:info xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>{name}</domain:name>\
         <domain:authInfo><domain:pw>{DOMAIN_SECRET}</domain:pw></domain:authInfo></domain:info></info>"
    ));
    answer.unwrap()
}

fn contact_name(session: &mut Session, handle: &str) -> Option<String> {
    let answer = session.command(&format!(
        "<info><contact:info xmlns:contact=\"urn:ietf:params:xml:ns:contact-1.0\"><contact:id>{handle}</contact:id>\
         </contact:info></info>"
    ));
    answer.unwrap().text("contact:name").map(str::to_owned)
}

fn expect(answer: &Answer, code: u16) {
    assert_eq!(answer.code, code, "{}", answer.xml);
}

fn done(registry: &Registry, arguments: &[&str]) -> String {
    let (done, said) = registry.admin(1, arguments);
    assert!(done, "{arguments:?}: {said}\n{}", registry.log());
    said
}

/// Waits for what happens in the background; how long it took.
fn until(what: &str, registry: &Registry, mut happened: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen; log:\n{}", registry.log());
        sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

/// Every file below a directory with its octets.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match fs::symlink_metadata(&path).unwrap().file_type() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push((path.clone(), fs::read(&path).unwrap())),
            _ => {}
        }
    }
    found
}

fn holds(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_files_of_an_edge_hold_no_personal_datum_and_no_credential() {
    let mut registry = Registry::start(3, 1);
    done(&registry, &["registrar", "create", "quimby", "--name", "Quimby Names", "--password", PASSWORD]);
    let mut session = Session::open(registry.at(2, 7700));
    session.login("quimby", PASSWORD);
    contact(&mut session, "zq-1");
    domain(&mut session, "sealed-proof.test", "zq-1");
    done(&registry, &["registrar", "set-password", "quimby", "--password", NEW_PASSWORD]);
    Session::open(registry.at(3, 7700)).login("quimby", NEW_PASSWORD);

    let edge = 4;
    let answered = |text: &str| text.starts_with("Domain Name: sealed-proof.test");
    until("the edge's answer", &registry, || {
        answered(&whois(registry.at(edge, 7043), "sealed-proof.test").unwrap())
    });
    for query in ["registrar Quimby Names", "nameserver ns1.demo-dns.example"] {
        let text = whois(registry.at(edge, 7043), query).unwrap();
        assert!(text.contains("Quimby Names") || text.contains("ns1.demo-dns.example"), "{query}: {text}");
    }
    for path in ["/domain/sealed-proof.test", "/nameserver/ns1.demo-dns.example", "/entity/9995", "/help"] {
        let (status, body) = http(registry.at(edge, 7080), "GET", path).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        assert!(!PERSONAL.iter().any(|secret| body.contains(secret)), "{path}: {body}");
    }
    let asked = ["sealed-proof.test".to_owned(), "free-proof.test".to_owned()];
    assert_eq!(das(registry.at(edge, 7044), &asked).unwrap(), ["registered", "free"]);
    assert!(Session::try_open(registry.at(edge, 7700)).is_err(), "an edge has no EPP");

    // stopped, so that everything is in files
    assert!(registry.stop(), "{}", registry.log());
    let dir = |node: u64| registry.data_dir.join(format!("node-{node}"));
    assert!(!dir(edge).join("keys").exists());
    let secrets = PERSONAL.into_iter().chain([
        CONTACT_SECRET,
        DOMAIN_SECRET,
        PASSWORD,
        NEW_PASSWORD,
        "alpha-secret",
        "$argon2id$",
    ]);
    let secrets: Vec<&str> = secrets.collect();
    let keys: Vec<Vec<u8>> = files(&dir(1).join("keys")).into_iter().map(|(_, octets)| octets).collect();
    assert_eq!((keys.len(), keys[0].len()), (1, 64));
    // sealed before it enters the log: not even a voter's files hold it in the clear
    for node in 1..=edge {
        let all = files(&dir(node));
        let public = all.iter().filter(|(_, octets)| holds(octets, "sealed-proof.test")).count();
        assert!(
            public >= 2,
            "the search finds what must be there: in the log and in the state of node {node}"
        );
        for (path, octets) in all {
            for secret in &secrets {
                assert!(!holds(&octets, secret), "{} holds {secret:?}", path.display());
            }
            let is_edge = node == edge;
            assert!(!(is_edge && octets.windows(32).any(|w| w == &keys[0][..32])), "{}", path.display());
        }
    }
}

/// The figures of an epoch: contacts, passwords and authInfo that are of it, and its stage.
fn epoch(registry: &Registry, number: usize) -> (u64, u64, u64, String) {
    let (_, text) = registry.admin(1, &["keys", "list", "--json"]);
    let view: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let epoch = &view["epochs"][number - 1];
    let figure = |name: &str| epoch[name].as_u64().unwrap_or(u64::MAX);
    let stage = epoch["stage"].as_str().unwrap_or_default().to_owned();
    (figure("contacts"), figure("passwords"), figure("authinfo"), stage)
}

#[test]
fn after_a_rotation_everything_opens_and_the_old_key_can_go() {
    let mut registry = Registry::start(3, 1);
    let mut session = registry.session(2, "alpha");
    for n in 0..20 {
        contact(&mut session, &format!("rot-{n}"));
    }
    domain(&mut session, "rotated.test", "rot-0");
    until("the first epoch", &registry, || epoch(&registry, 1).3 == "active");
    let said = done(&registry, &["keys", "rotate"]);
    assert!(said.contains("epoch 2") && said.contains("nodes 1,2,3 hold its key"), "{said}");
    let took = until("resealing", &registry, || epoch(&registry, 1).0 + epoch(&registry, 1).1 == 0);
    println!("resealed after {} ms", took.as_millis());
    assert_eq!(epoch(&registry, 2).3, "active");

    for node in 1..=3 {
        let mut session = registry.session(node, "alpha");
        assert_eq!(contact_name(&mut session, "rot-7").as_deref(), Some(PERSONAL[0]), "node {node}");
        let mut other = registry.session(node, "beta");
        let shown = info_with_authinfo(&mut other, "rotated.test");
        assert!(shown.code == 1000 && shown.xml.contains("rot-0"), "{}", shown.xml);
    }
    contact(&mut session, "new-1");
    domain(&mut session, "after.test", "new-1");

    // nobody can leave out what authInfo still needs, and at its end that is unset
    let backup = registry.data_dir.join("backup");
    done(&registry, &["keys", "export", backup.to_str().unwrap()]);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    done(&registry, &["keys", "retire", "1", "--at", &Timestamp(now + 2000).to_string()]);
    until("the end of epoch 1", &registry, || epoch(&registry, 1).3 == "retired");
    assert_eq!(epoch(&registry, 1).2, 0);
    let mut other = registry.session(3, "beta");
    expect(&info_with_authinfo(&mut other, "rotated.test"), 2202);
    expect(&info_with_authinfo(&mut other, "after.test"), 1000);

    // the retired key is not needed any more, the other one is
    let key = |epoch: u32| registry.data_dir.join(format!("node-3/keys/epoch-{epoch}.key"));
    let (old, new) = (key(1), key(2));
    registry.kill(3);
    fs::remove_file(old).unwrap();
    registry.start_by_hand(3);
    assert_eq!(contact_name(&mut registry.session(3, "alpha"), "rot-7").as_deref(), Some(PERSONAL[0]));
    registry.kill(3);
    fs::rename(&new, registry.data_dir.join("node-3/keys/epoch-1.key")).unwrap();
    let refused = start(&registry, 3);
    assert_eq!(refused.lines().count(), 1, "one line: {refused}");
    assert!(refused.contains("epoch 2") && refused.contains("keys import"), "{refused}");
    fs::remove_file(registry.data_dir.join("node-3/keys/epoch-1.key")).unwrap();
    let (imported, said) = registry.admin(3, &["keys", "import", backup.to_str().unwrap()]);
    assert!(imported, "{said}");
    registry.start_by_hand(3);
    assert_eq!(contact_name(&mut registry.session(3, "alpha"), "new-1").as_deref(), Some(PERSONAL[0]));
}

#[test]
fn a_rotation_waits_for_every_node_that_seals() {
    let mut registry = Registry::start(3, 0);
    until("the first epoch", &registry, || epoch(&registry, 1).3 == "active");
    registry.kill(3);
    let (rotated, said) = registry.admin(1, &["keys", "rotate"]);
    assert!(!rotated && said.contains("node 3") && said.contains("rotate again"), "{said}");
    assert_eq!(epoch(&registry, 2).3, "proposed");
    let mut session = registry.session(2, "alpha");
    contact(&mut session, "still-1");
    assert_eq!((epoch(&registry, 2).0, epoch(&registry, 2).1), (0, 0), "nothing is sealed with a proposal");
    registry.start_by_hand(3);
    let said = done(&registry, &["keys", "rotate"]);
    assert!(said.contains("nodes 1,2,3 hold its key"), "{said}");
    contact(&mut registry.session(3, "alpha"), "new-1");
    for node in 1..=3 {
        assert_eq!(contact_name(&mut registry.session(node, "alpha"), "new-1").as_deref(), Some(PERSONAL[0]));
    }
    let (sound, said) = registry.admin(3, &["keys", "list"]);
    assert!(sound && said.contains("1,2,3") && !said.contains("did not tell"), "{said}");
}

/// Starts a node that must refuse; the lines that are not of its log.
fn start(registry: &Registry, node: u64) -> String {
    let output = Command::new(program("namingo-node"))
        .env("RUST_LOG", "off")
        .arg("run")
        .arg("--config")
        .arg(registry.data_dir.join("cluster.toml"))
        .args(["--id", &node.to_string()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until the server has closed the connection.
fn must_be_closed(session: &mut Session) {
    let error = session.receive().expect_err("nothing was asked, so nothing is said");
    assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "still open: {error}");
}

#[test]
fn a_suspension_ends_the_sessions_on_every_node() {
    let registry = Registry::start(3, 0);
    let mut idle: Vec<Session> = (1..=3).map(|node| registry.session(node, "alpha")).collect();
    let mut busy = registry.session(3, "alpha");
    let mut other = registry.session(2, "beta");
    expect(&busy.create("before.example").unwrap(), 1000);
    let said = done(&registry, &["registrar", "suspend", "alpha", "--note", "unpaid"]);
    let begun = Instant::now();
    // a command that races with the suspension is refused, whichever comes first
    if let Ok(answer) = busy.create("too-late.example") {
        expect(&answer, 2501);
    }
    idle.iter_mut().for_each(must_be_closed);
    println!(
        "idle sessions on three nodes closed {} ms after the answer: {said}",
        begun.elapsed().as_millis()
    );
    for node in 1..=3 {
        let mut session = Session::open(registry.at(node, 7700));
        let refused = session.try_login("alpha", "alpha-secret").unwrap();
        expect(&refused, 2200);
        assert!(refused.xml.contains("suspended"), "{}", refused.xml);
    }
    assert!(other.is_free("too-late.example").unwrap());
    let text = whois(registry.at(1, 7043), "before.example").unwrap();
    assert!(text.starts_with("Domain Name: before.example"), "the public sees its names as before: {text}");
    done(&registry, &["registrar", "resume", "alpha"]);
    expect(&registry.session(1, "alpha").create("again.example").unwrap(), 1000);
}

#[test]
fn a_new_certificate_is_shown_after_sighup_while_sessions_go_on() {
    let registry = Registry::start(3, 0);
    let mut open = registry.session(2, "alpha");
    let before = open.certificate();
    let node = registry.data_dir.join("node-2");
    let (certificate, key) = (node.join("epp.crt"), node.join("epp.key"));
    let sound = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());

    // a certificate without its key: the one in use stays
    let foreign = registry.data_dir.join("node-1");
    fs::copy(foreign.join("epp.crt"), &certificate).unwrap();
    hang_up(&registry, 2);
    registry.wait_logged("the EPP certificate in use stays");
    assert_eq!(Session::open(registry.at(2, 7700)).certificate(), before);

    fs::copy(foreign.join("epp.key"), &key).unwrap();
    hang_up(&registry, 2);
    until("the new certificate", &registry, || Session::open(registry.at(2, 7700)).certificate() != before);
    let new = Session::open(registry.at(2, 7700)).certificate();
    assert_eq!(new, Session::open(registry.at(1, 7700)).certificate());
    expect(&open.create("still-here.example").unwrap(), 1000);
    registry.session(2, "beta");

    fs::write(&certificate, &sound.0).unwrap();
    fs::write(&key, &sound.1).unwrap();
    hang_up(&registry, 2);
    until("the old certificate", &registry, || Session::open(registry.at(2, 7700)).certificate() == before);
    expect(&open.create("even-now.example").unwrap(), 1000);
}

fn hang_up(registry: &Registry, node: u64) {
    let pid = rustix::process::Pid::from_raw(registry.pid(node)).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
}
