//! A voter loses its disk and is replaced, with the programs and commands of an operator.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tests::process::{Registry, das, program};

fn names() -> Vec<String> {
    (0..300).map(|n| format!("kept-{n}.example")).collect()
}

/// What a node says when it does not start.
fn refusal(registry: &Registry, node: u64) -> String {
    let ended = Command::new(program("namingo-node"))
        .arg("run")
        .arg("--config")
        .arg(registry.data_dir.join("cluster.toml"))
        .args(["--id", &node.to_string()])
        .env("RUST_LOG", "off")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!ended.status.success(), "node {node} started");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    said
}

#[test]
fn a_voter_that_lost_its_disk_is_replaced_by_two_commands() {
    let mut registry = Registry::start(3, 0);
    let (names, lost) = (names(), 2);
    let mut session = registry.session(1, "alpha");
    for name in &names {
        assert_eq!(session.create(name).unwrap().code, 1000, "{name}");
    }
    registry.kill(lost);
    fs::remove_dir_all(registry.data_dir.join(format!("node-{lost}/main"))).unwrap();
    let said = refusal(&registry, lost);
    for command in ["`namingo-admin cluster remove-node 2`", "`namingo-admin cluster add-node "] {
        assert!(said.contains(command), "{said}");
    }

    let until = Instant::now() + Duration::from_secs(30);
    let (done, why) = loop {
        let answer = registry.admin(1, &["cluster", "remove-node", "2"]);
        // it may have led, and node 1 may not know yet who does now
        if !answer.1.contains("node_leads") || Instant::now() > until {
            break answer;
        }
        sleep(Duration::from_millis(100));
    };
    assert!(!done && why.contains("2 voters") && why.contains("--yes"), "{why}");
    let (done, said) = registry.admin(1, &["cluster", "remove-node", "2", "--yes"]);
    assert!(done && said.contains("nodes that vote now: 1, 3"), "{said}");
    let said = refusal(&registry, lost);
    assert!(said.contains("was removed from the cluster for ever"), "{said}");

    let config = registry.data_dir.join("cluster.toml");
    let at = |base: u16| format!("127.0.0.1:{}", base + 300 + registry.ports.offset);
    let (raft, admin, metrics, epp, answers) = (at(7001), at(7091), at(7090), at(7700), at(7044));
    let add = ["cluster", "add-node", "--role", "voter", "--config", config.to_str().unwrap()];
    let services =
        ["--raft", &raft, "--admin", &admin, "--metrics", &metrics, "--epp", &epp, "--das", &answers];
    let (done, said) = registry.admin(1, &[&add[..], &services[..]].concat());
    assert!(done && said.contains("--id 4"), "{said}");
    registry.added();
    registry.start_by_hand(4);

    let told = das(registry.at(4, 7044), &names).unwrap();
    assert!(told.iter().all(|status| status == "registered"), "{told:?}");
    let (_, status) = registry.admin(4, &["cluster", "status", "--json"]);
    assert!(status.contains("\"id\": 4") && !status.contains("\"id\": 2"), "{status}");
    // it votes: with it the cluster does without another one
    let third = if registry.leader() == 3 { 3 } else { 1 };
    registry.kill(third);
    let mut session = registry.session(4, "beta");
    let created = session.create("carried-on.example").unwrap();
    assert_eq!(created.code, 1000, "{}", created.xml);
    assert_eq!(session.info(&names[0]).unwrap().code, 1000);
}
