//! A three-node cluster as real processes: what one node was told, every node answers.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use std::{
    net::{SocketAddr, TcpListener},
    thread::sleep,
    time::{Duration, Instant},
};
use tests::process::{Registry, das, http, whois};

/// Rounds of create, check and info over three voters with no wait between. `NAMINGO_ROUNDS` sets more.
fn rounds() -> usize {
    std::env::var("NAMINGO_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000)
}

#[test]
fn a_name_registered_at_one_node_is_answered_by_all_and_at_once() {
    let registry = Registry::start(3, 1);
    let mut session = registry.session(2, "alpha");
    let created = session.create("walks.example").unwrap();
    assert_eq!(created.code, 1000, "{}", created.xml);
    let acknowledged = Instant::now();
    for node in registry.nodes() {
        while !whois(registry.at(node, 7043), "walks.example")
            .unwrap()
            .starts_with("Domain Name: walks.example")
        {
            assert!(acknowledged.elapsed() < Duration::from_secs(10), "node {node} does not answer the name");
            sleep(Duration::from_millis(1));
        }
        let (status, body) = http(registry.at(node, 7080), "GET", "/domain/walks.example").unwrap();
        assert!(
            status == 200 && body.contains("\"ldhName\":\"walks.example\""),
            "node {node}: {status} {body}"
        );
        assert_eq!(das(registry.at(node, 7044), &["walks.example".into()]).unwrap(), ["registered"]);
    }
    println!("answered by every node {} ms after the acknowledgement", acknowledged.elapsed().as_millis());
}

#[test]
fn every_read_sees_every_earlier_create_whatever_the_node() {
    let registry = Registry::start(3, 0);
    let mut sessions: Vec<_> = (1..=3).map(|node| registry.session(node, "alpha")).collect();
    for round in 0..rounds() {
        let name = format!("round-{round}.example");
        let created = sessions[round % 3].create(&name).unwrap();
        assert_eq!(created.code, 1000, "{}", created.xml);
        let other = &mut sessions[(round + 1) % 3];
        assert!(!other.is_free(&name).unwrap(), "{name} was still free in round {round}");
        let info = sessions[(round + 2) % 3].info(&name).unwrap();
        assert_eq!(info.code, 1000, "{}", info.xml);
        assert_eq!(info.text("exDate"), created.text("exDate"), "round {round}");
    }
}

#[test]
fn a_second_start_finds_the_data_and_another_shape_is_refused() {
    let mut registry = Registry::start(1, 0);
    assert_eq!(registry.session(1, "beta").create("kept.example").unwrap().code, 1000);
    assert!(registry.stop(), "a clean stop ends with success; log:\n{}", registry.log());
    let log = registry.log();
    let (_, end) = log.split_once("stopping").expect("nodes say that they stop");
    assert!(!end.contains(" WARN ") && !end.contains("ERROR"), "a clean stop alarms nobody; log:\n{log}");
    registry.restart(1, 0);
    assert_eq!(registry.session(1, "beta").info("kept.example").unwrap().code, 1000);
    registry.stop();
    let refused = std::process::Command::new(tests::process::program("namingo-node"))
        .args(["dev", "--nodes", "3", "--port-offset", &registry.ports.offset.to_string(), "--data-dir"])
        .arg(&registry.data_dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    assert!(said.contains("1 voters") && said.contains("--data-dir"), "{said}");
}

#[test]
fn children_of_dev_do_not_outlive_it() {
    let mut registry = Registry::start(3, 0);
    let listens = |at: SocketAddr| TcpListener::bind(at).is_err();
    let raft: Vec<SocketAddr> = registry.nodes().map(|node| registry.at(node, 7001)).collect();
    assert!(raft.iter().all(|at| listens(*at)), "those are their ports: {raft:?}");
    // waits until none of their processes holds anything
    registry.kill_dev();
    assert!(!raft.iter().any(|at| listens(*at)), "a node outlived the dev command");
}

#[test]
fn leadership_moves_on_request_and_writes_go_on() {
    let registry = Registry::start(3, 0);
    let mut session = registry.session(1, "alpha");
    for round in 0..3 {
        let old = registry.leader();
        let (done, said) = registry.admin(1, &["cluster", "transfer-leader"]);
        assert!(done, "{said}");
        assert_ne!(registry.leader(), old, "{said}");
        assert_eq!(session.create(&format!("moved-{round}.example")).unwrap().code, 1000);
    }
}

#[test]
fn a_node_opens_its_listeners_only_when_it_has_caught_up() {
    let mut registry = Registry::start(3, 0);
    let mut session = registry.session(1, "alpha");
    assert_eq!(session.create("before.example").unwrap().code, 1000);
    registry.kill_all();
    // alone it can't know what the others have acknowledged since
    registry.spawn_by_hand(1);
    let until = Instant::now() + Duration::from_secs(30);
    while !registry.admin(1, &["cluster", "status"]).0 {
        assert!(Instant::now() < until, "the node does not run; log:\n{}", registry.log());
        sleep(Duration::from_millis(50));
    }
    for _ in 0..20 {
        for service in [7043, 7044, 7080, 7700] {
            let opened = std::net::TcpStream::connect(registry.at(1, service));
            assert!(opened.is_err(), "port {service} is open before the node has caught up");
        }
        sleep(Duration::from_millis(100));
    }
    registry.spawn_by_hand(2);
    registry.wait_node(1);
    assert_eq!(das(registry.at(1, 7044), &["before.example".into()]).unwrap(), ["registered"]);
}
