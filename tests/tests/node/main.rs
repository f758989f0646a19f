//! A node as its operator meets it: one line for each mistake, a graceful stop, the example configuration.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod example;

use example::{Example, Node, moved, refusal};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::TcpListener,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};
use tests::{
    epp::Session,
    process::{Ports, Registry, http, program},
};

#[test]
fn a_mistake_in_the_configuration_is_named_by_file_line_and_key() {
    let example = Example::new();
    let lines = fs::read_to_string(example.config()).unwrap();
    let line_of = |text: &str| lines.lines().position(|line| line.starts_with(text)).unwrap() + 1;
    for (from, to, line, says) in [
        ("role = \"voter\"", "role = \"boss\"", line_of("role"), "node.1.role: \"boss\": a role is"),
        ("whois = \"127.0.0.1:", "whois = \"127.0.0.1/", line_of("whois"), "node.1.whois: "),
        ("whois = ", "wois = ", line_of("whois"), "node.1.wois: unknown key; did you mean whois?"),
        ("profile = \"region\"", "profile = \"moon\"", line_of("profile"), "cluster.profile: "),
        ("[node.1]", "[node.1", line_of("[node.1]"), ""),
    ] {
        let config = example.variant(|text| text.replacen(from, to, 1));
        let said = refusal(&config, 1);
        assert!(said.starts_with(&format!("{}:{line}: {says}", config.display())), "{to}: {said}");
    }
    let absent = example.dir.path().join("absent.toml");
    assert!(refusal(&absent, 1).contains("absent.toml: no such file"));
}

#[test]
fn an_unknown_node_and_a_missing_bundle_are_named() {
    let example = Example::bare();
    let said = refusal(&example.config(), 1);
    assert!(said.contains("data/cluster/node-1") && said.contains("cluster init"), "{said}");
    example.init();
    let said = refusal(&example.config(), 9);
    assert!(said.contains("cluster.toml: there is no [node.9]; known are 1, 2, 3"), "{said}");
    fs::remove_file(example.node_dir(2).join("founding.toml")).unwrap();
    let said = refusal(&example.config(), 2);
    assert!(said.contains("node-2/founding.toml: is missing"), "{said}");
    fs::remove_dir_all(example.node_dir(3).join("keys")).unwrap();
    let said = refusal(&example.config(), 3);
    assert!(said.contains("node-3/keys"), "{said}");
}

#[test]
fn a_port_in_use_is_named_with_its_service() {
    let example = Example::new();
    for (service, base) in [
        ("peers", 7001),
        ("admin", 7091),
        ("metrics", 7090),
        ("epp", 7700),
        ("whois", 7043),
        ("das", 7044),
        ("rdap", 7080),
    ] {
        let address = example.at(1, base);
        let _held = TcpListener::bind(address).unwrap();
        let said = refusal(&example.config(), 1);
        assert_eq!(
            said,
            format!("{service} cannot listen on {address}: another process already uses that port")
        );
    }
}

#[test]
fn a_directory_in_use_is_not_opened_twice() {
    let example = Example::new();
    let _running = example.start(1);
    // the same directory on other ports, or the port would be in the way
    let elsewhere = Ports::take();
    let config = example.variant(|text| moved(text, elsewhere.offset));
    let said = refusal(&config, 1);
    assert!(said.contains("node-1/main is locked by another process"), "{said}");
}

#[test]
fn a_foreign_directory_is_refused() {
    let (example, other) = (Example::new(), Example::bare());
    let text = fs::read_to_string(other.config()).unwrap();
    fs::write(other.config(), text.replacen("\"example\"", "\"other\"", 1)).unwrap();
    other.init();

    // the directory of another node
    fs::rename(example.node_dir(3), example.node_dir(2).with_extension("3")).unwrap();
    fs::rename(example.node_dir(2), example.node_dir(3)).unwrap();
    let said = refusal(&example.config(), 3);
    assert!(said.contains("node-3/node.crt: is the certificate of node 2, not of node 3"), "{said}");

    // a directory of another cluster
    fs::rename(other.node_dir(2), example.node_dir(2)).unwrap();
    let said = refusal(&example.config(), 2);
    assert!(
        said.contains("belongs to the cluster \"other\"") && said.contains("describes \"example\""),
        "{said}"
    );

    // the data of another cluster beside this one's certificate
    drop(other.start(1));
    fs::rename(other.node_dir(1).join("main"), example.node_dir(1).join("main")).unwrap();
    let said = refusal(&example.config(), 1);
    assert!(said.contains("node-1/main: holds the data of cluster "), "{said}");
}

#[test]
fn a_certificate_that_does_not_fit_its_key_is_named() {
    let (example, other) = (Example::new(), Example::new());
    for (id, key, certificate) in [(1, "epp.key", "epp.crt"), (2, "node.key", "node.crt")] {
        fs::copy(other.node_dir(id).join(key), example.node_dir(id).join(key)).unwrap();
        let said = refusal(&example.config(), id);
        assert!(said.contains(certificate) && said.contains(key), "{said}");
    }
}

#[test]
fn a_socket_path_that_is_too_long_is_named() {
    let example = Example::new();
    let deep = example.dir.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();
    fs::rename(example.dir.path().join("data"), deep.join("data")).unwrap();
    let config = deep.join("cluster.toml");
    fs::copy(example.config(), &config).unwrap();
    let said = refusal(&config, 1);
    assert!(said.contains("admin.sock: a socket's path has at most 107 octets"), "{said}");
}

#[test]
fn a_node_that_waits_for_its_founders_stops_on_request() {
    let example = Example::new();
    let mut alone = example.start(1);
    let ready = http(example.at(1, 7090), "GET", "/readyz").unwrap();
    assert_eq!(ready, (503, "not serving yet\n".to_owned()));
    assert_eq!(http(example.at(1, 7090), "GET", "/healthz").unwrap().0, 200);
    alone.until("says whom it waits for", || alone.log().contains("founding waits for a voter"));
    let status = alone.stop();
    assert!(status.success(), "{status}; {}", alone.log());
}

#[test]
fn the_example_configuration_works() {
    let example = Example::new();
    let mut nodes: Vec<Node> = (1..=3).map(|id| example.start(id)).collect();
    for (id, node) in (1..).zip(&nodes) {
        node.until("becomes ready", || {
            http(example.at(id, 7090), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
        });
        assert!(
            Session::open(example.at(id, 7700)).greeting.contains(&format!("<svID>example node {id}</svID>"))
        );
    }
    let status = Command::new(program("namingo-admin"))
        .arg("--data-dir")
        .arg(example.data_dir())
        .args(["--node", "2", "--json", "cluster", "status"])
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&status.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&status.stderr)));
    assert_eq!(said["cluster_name"], "example");
    assert!(said["leader"].is_u64(), "{said}");
    let members = said["members"].as_array().unwrap();
    assert!(
        members.len() == 3 && members.iter().all(|m| m["role"] == "voter" && m["reachable"] == true),
        "{said}"
    );
    for node in &mut nodes {
        let status = node.stop();
        assert!(status.success(), "{status}; {}", node.log());
    }
    // what was founded is found again
    let again: Vec<Node> = (1..=3).map(|id| example.start(id)).collect();
    again[2].until("becomes ready again", || {
        http(example.at(3, 7090), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
    });
}

#[test]
fn a_stop_lets_the_command_under_way_have_its_answer() {
    let registry = Registry::start(3, 0);
    let leader = registry.leader();
    let mut session = registry.session(leader, "alpha");
    let signal =
        |node: u64, signal| kill_process(Pid::from_raw(registry.pid(node)).unwrap(), signal).unwrap();
    let others: Vec<u64> = registry.nodes().filter(|node| *node != leader).collect();
    // without the others the create can't be committed: it is under way when the node is told to stop
    others.iter().for_each(|node| signal(*node, Signal::STOP));
    let create = "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><create><domain:create \
        xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>last.example</domain:name><domain:authInfo>\
        <domain:pw/></domain:authInfo></domain:create></create><clTRID>last</clTRID></command></epp>";
    session.send(create.as_bytes()).unwrap();
    // long enough for a frame to be read on the busiest machine, shorter than what a command may take
    sleep(Duration::from_secs(1));
    signal(leader, Signal::TERM);
    sleep(Duration::from_millis(200));
    others.iter().for_each(|node| signal(*node, Signal::CONT));
    let answer = session.receive().unwrap_or_else(|e| panic!("{e}; log:\n{}", registry.log()));
    assert!(answer.contains("code=\"1000\"") && answer.contains("<clTRID>last</clTRID>"), "{answer}");
    assert!(session.receive().is_err(), "then the connection ends");
    registry.wait_logged(&format!("node {leader} ended (exit status: 0)"));
    let info = registry.session(others[0], "alpha").info("last.example").unwrap();
    assert_eq!(info.code, 1000, "{}", info.xml);
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_what_is_lost_of_it_is_counted() {
    let mut registry = Registry::start(1, 0);
    registry.kill_dev();
    registry.spawn_unread(1);
    registry.wait_node(1);
    let (mut session, until) = (registry.session(1, "alpha"), Instant::now() + Duration::from_secs(60));
    for n in 0.. {
        let created = session.create(&format!("unread{n}.example")).unwrap();
        assert_eq!(created.code, 1000, "{}", created.xml);
        if registry.metric(1, "namingo_log_lines_lost_total") > 0.0 {
            break;
        }
        assert!(Instant::now() < until, "no line was lost: nothing is proved");
    }
}

#[test]
fn help_names_what_can_be_set() {
    for (arguments, words) in [
        (&["--help"][..], &["dev", "run", "RUST_LOG"][..]),
        (&["run", "--help"], &["--config", "--id", "cluster.toml", "Example: namingo-node run"]),
        (&["dev", "--help"], &["--nodes", "--edges", "--data-dir", "--port-offset", "7700", "data/dev"]),
    ] {
        let help = Command::new(program("namingo-node")).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&help.stdout);
        assert!(help.status.success() && help.stderr.is_empty());
        for word in words {
            assert!(text.contains(word), "{word} in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 120), "fits a terminal:\n{text}");
    }
    let wrong = Command::new(program("namingo-node")).args(["dev", "--nodes", "2"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("1, 3 or 5 voters"));
}
