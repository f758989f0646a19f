//! Metrics and logs of a running node: what they must tell, and what they must never tell.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};
use tests::process::{Registry, das, http, whois};

/// What a session leaves behind must hold none of these.
const SECRETS: [&str; 9] = [
    "alpha-secret",
    "Wrong-Pass-77",
    "Contact-Auth-55",
    "Domain-Auth-66",
    "Zacharias Ünterberg",
    "Unterberg Holding",
    "77 Hidden Lane",
    "zacharias@hidden.invalid",
    "+358.407777777",
];

fn exposition(registry: &Registry) -> String {
    let (status, text) = http(registry.at(1, 7090), "GET", "/metrics").unwrap();
    assert_eq!(status, 200, "{text}");
    text
}

/// Everything a client may do that has something to hide, and everything that is counted.
fn use_it(registry: &Registry) -> Vec<(String, String)> {
    let mut session = tests::epp::Session::open(registry.at(1, 7700));
    assert_eq!(session.try_login("alpha", "Wrong-Pass-77").unwrap().code, 2200);
    session.login("alpha", "alpha-secret");
    let contact = "xmlns:contact=\"urn:ietf:params:xml:ns:contact-1.0\"";
    let domain = "xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"";
    let create = |handle: &str, voice: &str| {
        format!(
            "<create><contact:create {contact}><contact:id>{handle}</contact:id><contact:postalInfo type=\"loc\">\
             <contact:name>Zacharias Ünterberg</contact:name><contact:org>Unterberg Holding</contact:org>\
             <contact:addr><contact:street>77 Hidden Lane</contact:street><contact:city>Turku</contact:city>\
             <contact:cc>FI</contact:cc></contact:addr></contact:postalInfo><contact:voice>{voice}</contact:voice>\
             <contact:email>zacharias@hidden.invalid</contact:email><contact:authInfo><contact:pw>Contact-Auth-55\
             </contact:pw></contact:authInfo></contact:create></create>"
        )
    };
    let commands = [
        ("contact:create", 1000, create("hidden-1", "+358.407777777")),
        ("contact:create", 2302, create("hidden-1", "+358.407777777")),
        // refused by the schema: the offending value goes back to the client, and nowhere else
        ("invalid", 2001, create("hidden-2", "call +358.407777777")),
        (
            "contact:info",
            1000,
            format!(
                "<info><contact:info {contact}><contact:id>hidden-1</contact:id><contact:authInfo><contact:pw>\
                 Contact-Auth-55</contact:pw></contact:authInfo></contact:info></info>"
            ),
        ),
        (
            "domain:create",
            1000,
            format!(
                "<create><domain:create {domain}><domain:name>hidden.test</domain:name><domain:registrant>hidden-1\
                 </domain:registrant><domain:contact type=\"admin\">hidden-1</domain:contact><domain:contact \
                 type=\"tech\">hidden-1</domain:contact><domain:authInfo><domain:pw>Domain-Auth-66</domain:pw>\
                 </domain:authInfo></domain:create></create>"
            ),
        ),
        (
            "domain:info",
            2202,
            format!(
                "<info><domain:info {domain}><domain:name>hidden.test</domain:name><domain:authInfo><domain:pw>\
                 Contact-Auth-55</domain:pw></domain:authInfo></domain:info></info>"
            ),
        ),
    ];
    let mut answered = Vec::new();
    for (verb, code, command) in commands {
        let answer = session.command(&command).unwrap();
        assert_eq!(answer.code, code, "{verb}: {}", answer.xml);
        answered.push((verb.to_owned(), answer.text("svTRID").expect("an svTRID").to_owned()));
    }
    assert_eq!(session.command("<logout/>").unwrap().code, 1500);
    assert!(whois(registry.at(1, 7043), "hidden.test").unwrap().contains("Domain Name: hidden.test"));
    assert!(whois(registry.at(1, 7043), "zacharias@hidden.invalid").unwrap().len() > 10);
    assert_eq!(http(registry.at(1, 7080), "GET", "/domain/hidden.test").unwrap().0, 200);
    assert_eq!(http(registry.at(1, 7080), "GET", "/domain/none.test").unwrap().0, 404);
    assert_eq!(das(registry.at(1, 7044), &["hidden.test".into()]).unwrap(), ["registered"]);
    answered
}

#[test]
fn metrics_and_logs_tell_what_happened_and_nothing_personal() {
    // everything that can be logged, consensus included
    let mut registry = Registry::start_logging(1, 0, "debug");
    let answered = use_it(&registry);
    let metrics = exposition(&registry);
    // lines are written by a thread of their own, and the last ones at the end
    assert!(registry.stop(), "{}", registry.log());
    let log = registry.log();
    for secret in SECRETS {
        // two digits may stand in any figure
        for part in secret.split(' ').filter(|part| part.len() > 2) {
            assert!(!metrics.contains(part), "{part} in the metrics:\n{metrics}");
        }
        let told = log.lines().find(|line| line.contains(secret));
        assert!(told.is_none(), "{secret} in the log: {}", told.unwrap_or_default());
    }
    for (verb, svtrid) in answered {
        let line =
            log.lines().find(|line| line.contains("answered") && line.contains(&format!("svtrid={svtrid} ")));
        let line = line.unwrap_or_else(|| panic!("{svtrid} ({verb}) is not in the log:\n{log}"));
        assert!(line.contains(&format!("verb=\"{verb}\"")), "{line}");
        // by default writes are told, and guesses at a secret; other reads are not
        let quiet = verb.ends_with("info") && !line.contains("authinfo_wrong");
        assert!(line.contains(if quiet { " DEBUG " } else { " INFO " }), "{line}");
    }
}

#[test]
fn metrics_have_the_promised_names_and_labels() {
    let registry = Registry::start(1, 0);
    use_it(&registry);
    let metrics = exposition(&registry);
    for sample in [
        "namingo_raft_is_leader 1",
        "namingo_raft_term ",
        "namingo_raft_commit_index ",
        "namingo_raft_applied_index ",
        "namingo_raft_drained_index ",
        "namingo_log_fsync_seconds_count ",
        "namingo_apply_seconds_count ",
        "namingo_epp_commands_total{verb=\"login\",code=\"2200\"} 1",
        "namingo_epp_commands_total{verb=\"contact:create\",code=\"1000\"} 1",
        "namingo_epp_commands_total{verb=\"invalid\",code=\"2001\"} 1",
        "namingo_epp_commands_total{verb=\"logout\",code=\"1500\"} 1",
        "namingo_epp_command_seconds_count{verb=\"domain:create\"} 1",
        "namingo_queries_total{service=\"whois\",answer=\"found\"} 1",
        "namingo_queries_total{service=\"whois\",answer=\"invalid\"} 1",
        "namingo_queries_total{service=\"rdap\",answer=\"found\"} 1",
        "namingo_queries_total{service=\"rdap\",answer=\"not_found\"} 1",
        "namingo_queries_total{service=\"das\",answer=\"registered\"} 1",
        "namingo_connections{service=\"epp\"} ",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(sample)), "{sample} in\n{metrics}");
    }
    let applied = registry.metric(1, "namingo_raft_applied_index");
    assert!(applied > 0.0 && registry.metric(1, "namingo_raft_commit_index") >= applied);
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("namingo_"), "a name of ours: {line}");
    }
    // the values of labels are words of ours: nothing that a client sent, nothing that grows without bound
    let values: BTreeSet<&str> = metrics.lines().filter(|l| !l.starts_with('#')).flat_map(labels).collect();
    let plain = |value: &&str| value.chars().all(|c| c.is_ascii_alphanumeric() || "_:.+-".contains(c));
    assert!(values.iter().all(plain) && values.len() < 100, "{values:?}");
    for word in ["alpha", "hidden", "127.0.0.1", "secret", "password"] {
        assert!(!values.iter().any(|value| value.contains(word)), "{word} in {values:?}");
    }
}

/// The values of the labels of a sample, bucket limits aside.
fn labels(line: &str) -> Vec<&str> {
    let inside =
        line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(inside, _)| inside);
    let pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| *name != "le").map(|(_, value)| value.trim_matches('"')).collect()
}

#[test]
fn promtool_has_nothing_to_say() {
    let registry = Registry::start(1, 0);
    use_it(&registry);
    let metrics = exposition(&registry);
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("SKIPPED: promtool is not installed, so the metrics were not judged; run tests/run");
        return;
    };
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let verdict = promtool.wait_with_output().unwrap();
    let said = [verdict.stdout, verdict.stderr].concat();
    assert!(verdict.status.success() && said.is_empty(), "{}\n{metrics}", String::from_utf8_lossy(&said));
}

#[test]
fn the_status_port_serves_three_pages_and_no_more() {
    let registry = Registry::start(1, 0);
    let at = registry.at(1, 7090);
    assert_eq!(http(at, "GET", "/healthz").unwrap(), (200, "alive\n".to_owned()));
    assert_eq!(http(at, "GET", "/readyz").unwrap(), (200, "ready\n".to_owned()));
    assert_eq!(http(at, "GET", "/").unwrap().0, 404);
    assert_eq!(http(at, "POST", "/metrics").unwrap().0, 405);
    assert_eq!(http(at, "HEAD", "/metrics").unwrap(), (200, String::new()));
}
