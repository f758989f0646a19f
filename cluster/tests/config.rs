//! `cluster.toml`: the example that is shipped, round trips, and the exact message for each kind of mistake.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cluster::{Addresses, ClusterFile, Limits, NodeSection, Profile, RepositoryPolicy, Role, Terms};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path};

const GOOD: &str = r#"[cluster]
name = "example"
data_dir = "data"
[repository]
name = "main"
roid_suffix = "NAMINGO"
[node.1]
role = "voter"
raft = "127.0.0.1:7001"
admin = "127.0.0.1:7091"
epp = "127.0.0.1:7700"
whois = "0.0.0.0:43"
[node.7]
role = "edge"
raft = "127.0.0.1:7101"
admin = "127.0.0.1:7191"
whois = "0.0.0.0:43"
"#;

fn parse(text: &str) -> Result<ClusterFile, String> {
    ClusterFile::parse(Path::new("etc/cluster.toml"), text).map_err(|e| e.to_string())
}

#[test]
fn the_example_at_the_top_works() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster.toml");
    let file = ClusterFile::load(&path).unwrap();
    assert_eq!(file.nodes.len(), 3);
    assert!(file.nodes.values().all(|node| node.role == Role::Voter));
    for (offset, node) in [0, 100, 200].into_iter().zip(file.nodes.values()) {
        let ports: Vec<u16> = node.addresses.named().map(|(_, address)| address.port() - offset).collect();
        assert_eq!(ports, [7001, 7091, 7090, 7700, 7043, 7044, 7080]);
    }
}

#[test]
fn the_example_shows_the_default_limits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let shown = text.lines().skip_while(|line| *line != "# [limits]").take_while(|line| !line.is_empty());
    let shown: Vec<&str> = shown.map(|line| line.strip_prefix("# ").unwrap()).collect();
    let keys = |line: &&&str| line.contains(" = ");
    assert_eq!(shown.iter().filter(keys).count(), 12, "{shown:?}");
    let own = parse(&format!("{GOOD}{}\n", shown.join("\n"))).unwrap();
    assert_eq!(own.limits, Limits::default());
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let file = parse(GOOD).unwrap();
    assert_eq!(file.profile, Profile::Region);
    assert!(!file.repository.documentation_addresses);
    assert_eq!(file.data_dir(), Path::new("etc/data"));
    assert_eq!(file.node_dir(7), Path::new("etc/data/node-7"));
    let (certificate, key) = file.epp_identity(1).unwrap();
    assert_eq!(certificate, Path::new("etc/data/node-1/epp.crt"));
    assert_eq!(key, Path::new("etc/data/node-1/epp.key"));
    assert_eq!(file.epp_identity(7), None);
    assert_eq!(file.epp_identity(2), None);
}

#[test]
fn a_written_file_reads_back() {
    let addresses = |offset: u16| Addresses {
        raft: ([127, 0, 0, 1], 7001 + offset).into(),
        admin: ([127, 0, 0, 1], 7091 + offset).into(),
        metrics: Some(([127, 0, 0, 1], 7090 + offset).into()),
        epp: Some(([127, 0, 0, 1], 7700 + offset).into()),
        whois: None,
        das: Some("[::1]:7044".parse().unwrap()),
        rdap: None,
        rdap_url: Some("https://rdap.example/base/".into()),
    };
    let own = NodeSection {
        role: Role::Voter,
        addresses: addresses(0),
        epp_certificate: Some("tls/epp.crt".into()),
        epp_key: Some("/etc/tls/\"epp\".key".into()),
    };
    let mut edge =
        NodeSection { role: Role::Edge, addresses: addresses(100), epp_certificate: None, epp_key: None };
    edge.addresses.epp = None;
    edge.addresses.das = None;
    let dir = tempfile::tempdir().unwrap();
    let file = ClusterFile {
        path: dir.path().join("cluster.toml"),
        name: "Ünïted \\ \"names\"".into(),
        data_dir: ".".into(),
        profile: Profile::Continent,
        log_keep_mib: 64,
        das_memory_mib: 0,
        state_cache_mib: 16,
        repository: RepositoryPolicy {
            name: "main-2".into(),
            roid_suffix: "X_1".into(),
            documentation_addresses: true,
        },
        terms: Terms {
            text: Some("For \"you\".\nNot for spam.".into()),
            url: Some("https://registry.example/terms?l=en".into()),
        },
        limits: Limits::default(),
        nodes: BTreeMap::from([(1, own), (12, edge)]),
    };
    file.write().unwrap();
    assert!(!file.to_string().contains("limits"), "the defaults are not repeated");
    assert_eq!(ClusterFile::load(&file.path).unwrap(), file);
    let mut limits = Limits { writes: 100, ..Limits::default() };
    (limits.epp.login_s, limits.epp.service.connections, limits.das.answer_s) = (5, 700, 1);
    limits.epp.service.connections_per_source = 700;
    let file = ClusterFile { limits, ..file };
    file.write().unwrap();
    assert_eq!(ClusterFile::load(&file.path).unwrap(), file);
}

#[test]
fn limits_are_those_of_the_file_and_else_the_defaults() {
    let with = |text: &str| parse(&GOOD.replacen("[node.1]", &format!("{text}[node.1]"), 1)).unwrap().limits;
    let default = Limits::default();
    assert_eq!(parse(GOOD).unwrap().limits, default);
    let own =
        with("[limits]\nwrites = 900\n[limits.whois]\nconnections = 50\n[limits.epp]\nframes_mib = 8\n");
    assert_eq!((own.writes, own.proposals, own.epp.frames_mib), (900, 2048, 8));
    assert_eq!((own.whois.connections, own.whois.connections_per_source), (50, 50));
    assert_eq!((own.epp.service, own.das), (default.epp.service, default.das));
}

/// Replaces `from` in the good file by `to`, and expects exactly this message.
#[test]
fn each_mistake_is_named_by_file_line_and_key() {
    let cases: &[(&str, &str, &str)] = &[
        ("name = \"example\"", "name = example", ":2: string values must be quoted, expected literal string"),
        ("name = \"example\"", "name = \"a\"\nname = \"b\"", ":3: duplicate key"),
        ("name = \"example\"", "name = \" a\"", ":2: cluster.name: a name is 1 to 64 printable characters"),
        ("name = \"example\"", "name = 3", ":2: cluster.name: expected text in quotes, found integer"),
        ("name = \"example\"", "", ":1: cluster.name: missing in [cluster]"),
        ("name = \"example\"", "nmae = \"a\"", ":2: cluster.nmae: unknown key; did you mean name?"),
        (
            "name = \"example\"",
            "colour = \"a\"",
            ":2: cluster.colour: unknown key; known here are name, data_dir, profile, log_keep_mib, das_memory_mib, state_cache_mib",
        ),
        (
            "data_dir = \"data\"",
            "data_dir = \"\"",
            ":3: cluster.data_dir: an empty path; \".\" is the file's own directory",
        ),
        (
            "[repository]",
            "profile = \"world\"\n[repository]",
            ":4: cluster.profile: \"world\": a profile is region or continent",
        ),
        ("[repository]", "[repositories]", ":4: repositories: unknown key; did you mean repository?"),
        (
            "[cluster]\nname = \"example\"\ndata_dir = \"data\"\n",
            "",
            ": cluster: the section [cluster] is missing",
        ),
        (
            "name = \"main\"",
            "name = \"Main\"",
            ":5: repository.name: a name is 1 to 32 lower-case letters, digits and hyphens: it names a directory",
        ),
        (
            "name = \"main\"",
            "name = \"keys\"",
            ":5: repository.name: \"keys\" is the name of another directory of a node",
        ),
        (
            "\"NAMINGO\"",
            "\"NAMINGO-1\"",
            ":6: repository.roid_suffix: a suffix is 1 to 8 letters, digits and underscores (RFC 5730, roidType)",
        ),
        (
            "\"NAMINGO\"",
            "\"X\"\ndocumentation_addresses = \"yes\"",
            ":7: repository.documentation_addresses: expected true or false, found string",
        ),
        (
            "\"NAMINGO\"",
            "\"X\"\nterms = \" \"",
            ":7: repository.terms: the terms are 1 to 4000 printable characters, on one line or several",
        ),
        (
            "\"NAMINGO\"",
            "\"X\"\nterms_url = \"registry.example/terms\"",
            ":7: repository.terms_url: the page with the terms is a URL such as \"https://registry.example/terms\"",
        ),
        ("[node.1]", "[limit]\n[node.1]", ":7: limit: unknown key; did you mean limits?"),
        ("[node.1]", "[limits]\nwrites = 0\n[node.1]", ":8: limits.writes: 0 is not a number from 1 to 1000"),
        (
            "[node.1]",
            "[limits]\nwrites = 100\nproposals = 99\n[node.1]",
            ":9: limits.proposals: the leader takes fewer than the 100 writes of one node",
        ),
        (
            "[node.1]",
            "[limits.epp]\nidle = 5\n[node.1]",
            ":8: limits.epp.idle: unknown key; did you mean idle_s?",
        ),
        (
            "[node.1]",
            "[limits.rdap]\nidle_s = \"5\"\n[node.1]",
            ":8: limits.rdap.idle_s: expected a whole number, found string",
        ),
        (
            "[node.1]",
            "[limits.das]\nconnections = 10\nconnections_per_source = 11\n[node.1]",
            ":9: limits.das.connections_per_source: one source may have more than all together (10)",
        ),
        ("[node.1]", "[node.01]", ":7: node.01: a node id is a whole number from 1, as in [node.1]"),
        ("[node.1]", "[node.0]", ":7: node.0: a node id is a whole number from 1, as in [node.1]"),
        ("role = \"voter\"\n", "", ":7: node.1.role: missing in [node.1]"),
        (
            "role = \"voter\"",
            "role = \"Voter\"",
            ":8: node.1.role: \"Voter\": a role is voter, standby or edge",
        ),
        ("raft = \"127.0.0.1:7001\"\n", "", ":7: node.1.raft: missing in [node.1]"),
        (
            "raft = \"127.0.0.1:7001\"",
            "raft = \"127.0.0.1\"",
            ":9: node.1.raft: \"127.0.0.1\" is not an address with a port",
        ),
        (
            "raft = \"127.0.0.1:7001\"",
            "raft = \"127.0.0.1:0\"",
            ":9: node.1.raft: \"127.0.0.1:0\" has no port that others could know",
        ),
        (
            "raft = \"127.0.0.1:7001\"",
            "raft = \"0.0.0.0:7001\"",
            ":9: node.1.raft: \"0.0.0.0:7001\" is no address that others can connect to; name one interface",
        ),
        (
            "admin = \"127.0.0.1:7191\"",
            "admin = \"127.0.0.1:7001\"",
            ":16: node.7.admin: \"127.0.0.1:7001\" is taken by node.1.raft in line 9",
        ),
        (
            "epp = \"127.0.0.1:7700\"",
            "epp = \"127.0.0.1:43\"",
            ":12: node.1.whois: \"0.0.0.0:43\" is taken by node.1.epp in line 11",
        ),
        (
            "admin = \"127.0.0.1:7191\"",
            "admin = \"127.0.0.1:7191\"\nepp = \"127.0.0.1:700\"",
            ":17: node.7.epp: an edge holds no keys and serves no EPP; remove the line",
        ),
        (
            "epp = \"127.0.0.1:7700\"",
            "epp_certificate = \"a.crt\"",
            ":11: node.1.epp_certificate: needs epp_key beside it",
        ),
        (
            "epp = \"127.0.0.1:7700\"",
            "epp_certificate = \"a.crt\"\nepp_key = \"a.key\"",
            ":11: node.1.epp_certificate: this node has no epp address to use it for",
        ),
        (
            "epp = \"127.0.0.1:7700\"",
            "rdap_url = \"https://rdap.example\"",
            ":11: node.1.rdap_url: \"https://rdap.example\" is not a base URL such as \"https://rdap.example/\", \
             with a slash at its end",
        ),
        (
            "whois = \"0.0.0.0:43\"",
            "whios = \"0.0.0.0:43\"",
            ":12: node.1.whios: unknown key; did you mean whois?",
        ),
    ];
    for (from, to, message) in cases {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from} is not in the good file");
        assert_eq!(parse(&text).unwrap_err(), format!("etc/cluster.toml{message}"), "{from} -> {to}");
    }
    let nodeless = &GOOD[..GOOD.find("[node.1]").unwrap()];
    let message = "etc/cluster.toml: node: no [node.N] section; each node of the cluster needs one";
    assert_eq!(parse(nodeless).unwrap_err(), message);
}

proptest! {
    /// Whatever text stands in a key, it is written so that it reads back, or refused; it never breaks the file.
    #[test]
    fn any_text_survives_the_file(name in "\\PC{1,64}", dir in "[^\\x00]{1,40}") {
        let mut file = parse(GOOD).unwrap();
        file.name = name;
        file.data_dir = dir.into();
        match parse(&file.to_string()) {
            Ok(read) => prop_assert_eq!(read, file),
            Err(why) => prop_assert!(why.contains(": cluster.name: a name is"), "{}", why),
        }
    }

    /// Damage anywhere is an error with a place, or another valid file; never a panic.
    #[test]
    fn damaged_files_are_read_or_refused(at in 0..GOOD.len(), with in "\\PC{0,3}") {
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, &with);
        if let Err(why) = parse(&text) {
            prop_assert!(why.starts_with("etc/cluster.toml:"), "{}", why);
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = ClusterFile::load(Path::new("/nowhere/cluster.toml")).unwrap_err().to_string();
    assert_eq!(error, "/nowhere/cluster.toml: no such file; name one with --config");
}
