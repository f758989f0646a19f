//! The program as an operator runs it, against a node without consensus.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../../protocols/admin/tests/support/mod.rs"]
mod support;

use admin::TlsSocket;
use cluster::{Bundle, ClusterFile, layout};
use registry::{Actor, SvTrid, Verb, keys, password, registrar};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use support::{KEYS, Node, secret_of};

const PROGRAM: &str = env!("CARGO_BIN_EXE_namingo-admin");

struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the program off the runtime's threads, which serve the node meanwhile.
async fn run(dir: &Path, input: &str, arguments: &[&str]) -> Ran {
    let (dir, input) = (dir.to_owned(), input.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let mut child = Command::new(PROGRAM)
            .current_dir(dir)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that reads no input may be gone before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    })
    .await
    .unwrap()
}

/// Asks the node by its data directory, which is the working directory.
async fn ask(node: &Node, arguments: &[&str]) -> Ran {
    run(node.data_dir(), "", &[&["--data-dir", "."], arguments].concat()).await
}

async fn done(node: &Node, arguments: &[&str]) -> String {
    let ran = ask(node, arguments).await;
    assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.out, ran.err);
    assert_eq!(ran.err, "");
    ran.out
}

fn svtrid(text: &str) -> &str {
    text.split_once("svTRID ").unwrap().1.split(')').next().unwrap()
}

#[tokio::test]
async fn zones_and_their_names() {
    let node = Node::start().await;
    let out = done(&node, &["tld", "create", "example", "--minimum-data"]).await;
    assert!(out.starts_with("the zone example is served (svTRID 1-"), "{out}");
    done(&node, &["tld", "create", "co.test", "--require", "admin,tech"]).await;
    let out = done(&node, &["tld", "list"]).await;
    let lines: Vec<_> = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["ZONE", "DATA", "REQUIRES", "RESERVED", "BLOCKED", "CREATED"]);
    assert_eq!(lines[1], ["co.test", "maximum", "admin,tech", "0", "0", "2027-01-15T08:00:00.000Z"]);
    assert_eq!(lines[2][..3], ["example", "minimum", "-"]);

    fs::write(node.data_dir().join("names.txt"), "# ours\nnic\n\n  www  \n").unwrap();
    let out = done(&node, &["tld", "reserve", "example", "--file", "names.txt", "--note", "registry"]).await;
    assert_eq!(out, "2 names are reserved in example\n");
    let from_stdin = ["--data-dir", ".", "tld", "block", "example", "--file", "-"];
    let ran = run(node.data_dir(), "bad\nworse\n", &from_stdin).await;
    assert_eq!(ran.out, "2 names are blocked in example\n");
    let ran = ask(&node, &["tld", "block", "example", "no_label"]).await;
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.out,
        "0 names are blocked in example\nrefused: no_label: \"no_label\" is not a label of the zone (label_syntax)\n"
    );
    let ran = ask(&node, &["tld", "block", "example", "www"]).await;
    assert!(
        ran.out.contains("www.example is reserved already; take that back first (marked)"),
        "{}",
        ran.out
    );
    let ran = ask(&node, &["tld", "unblock", "example", "www"]).await;
    assert!(ran.out.contains("www.example is not blocked (not_marked)"), "{}", ran.out);
    let out = done(&node, &["tld", "unreserve", "example", "www"]).await;
    assert_eq!(out, "1 name is no longer reserved in example\n");
    let ran = ask(&node, &["tld", "reserve", "nosuch", "a", "b"]).await;
    assert_eq!((ran.status, ran.err.as_str()), (1, "namingo-admin: nosuch does not exist (not_found)\n"));

    let out = done(&node, &["tld", "show", "example", "--names"]).await;
    for expected in
        ["ROID suffix  EXAMPLE\n", "reserved     1\n", "blocked      2\n", "nic.example", "registry\n"]
    {
        assert!(out.contains(expected), "{out}");
    }
    let out = done(&node, &["tld", "show", "example", "--names", "--json"]).await;
    assert!(out.contains("\"blocked\": 2") && out.contains("\"label\": \"worse\""), "{out}");
}

#[tokio::test]
async fn long_lists_are_sent_in_parts() {
    let node = Node::start().await;
    done(&node, &["tld", "create", "example", "--minimum-data"]).await;
    let labels: String = (0..1203).map(|i| format!("label-{i}\n")).collect();
    fs::write(node.data_dir().join("labels"), labels + "-\n").unwrap();
    let ran = ask(&node, &["tld", "reserve", "example", "--file", "labels", "--json"]).await;
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("\"done\": 1203"), "{}", ran.out);
    assert!(ran.out.contains("\"reason\": \"label_syntax\""), "{}", ran.out);
}

#[tokio::test]
async fn registrars_and_their_passwords() {
    let node = Node::start().await;
    let opens = |password: &str| {
        let stored = registrar::by_handle(&node.solo.store().view(), "alpha").unwrap().unwrap().1.password;
        password::verify(&KEYS, "main", "alpha", &stored, password).unwrap()
    };
    let out =
        done(&node, &["registrar", "create", "alpha", "--name", "Alpha Ltd", "--iana-id", "9995"]).await;
    let generated = out.split("password, shown only now: ").nth(1).unwrap().trim().to_owned();
    assert_eq!(generated.len(), 16);
    assert!(opens(&generated));

    let given = ["--data-dir", ".", "registrar", "set-password", "alpha", "--password-stdin"];
    let ran = run(node.data_dir(), "from-stdin\n", &given).await;
    assert!(ran.out.starts_with("registrar alpha has a new password (svTRID "), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("from-stdin") && opens("from-stdin"));
    done(&node, &["registrar", "set-password", "alpha", "--password", "from-argv"]).await;
    assert!(opens("from-argv"));
    let ran = ask(&node, &["registrar", "set-password", "alpha", "--password", "short"]).await;
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("6 to 16 characters"), "{}", ran.err);
    assert!(ran.err.ends_with("(password_unusable)\n"), "{}", ran.err);
    let json = done(&node, &["registrar", "set-password", "alpha", "--json"]).await;
    assert!(json.contains("\"password\": \"") && json.contains("\"svtrid\": \"1-"), "{json}");

    let out = done(&node, &["registrar", "show", "ALPHA"]).await;
    assert!(out.contains("name         Alpha Ltd\nIANA id      9995\n"), "{out}");
    assert!(out.contains("none is demanded"), "{out}");
    let out = done(&node, &["registrar", "list"]).await;
    assert!(out.lines().nth(1).unwrap().starts_with("alpha      9995     Alpha Ltd  -"), "{out}");

    let ran = ask(&node, &["registrar", "show", "nobody", "--json"]).await;
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("\"reason\": \"not_found\""), "{}", ran.err);
}

#[tokio::test]
async fn domains_and_outcomes() {
    let node = Node::start().await;
    done(&node, &["tld", "create", "example", "--minimum-data"]).await;
    done(&node, &["registrar", "create", "alpha", "--name", "Alpha Ltd"]).await;
    assert_eq!(done(&node, &["tld", "reserve", "example", "nic"]).await, "1 name is reserved in example\n");
    let ds = "12345 13 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4ACD4AC";
    let create = ["domain", "create", "nic.example", "--registrar", "alpha", "--years", "10", "--ds", ds];
    let out = done(&node, &create).await;
    assert!(out.starts_with("nic.example is registered for alpha until 2037-01-15T08:00:00.000Z"), "{out}");
    let registered = svtrid(&out).to_owned();

    let out = done(&node, &["domain", "show", "nic.example"]).await;
    for expected in ["status     inactive", "label is   reserved", "authInfo   unset", ds, "by alpha\n"] {
        assert!(out.contains(expected), "{out}");
    }
    let out = done(&node, &["outcome", &registered]).await;
    assert!(out.contains("outcome      done\ncommand      domain_create nic.example\n"), "{out}");
    let ran = ask(&node, &["outcome", "9-0000000000000001-1"]).await;
    assert_eq!(ran.status, 1);
    assert!(
        ran.out.contains("is not a write, or was not carried out up to 2027-01-15T08:00:00.000Z"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("before 2027-01-15T07:59:00.000Z (60 s earlier)"), "{}", ran.out);
    assert!(ran.out.contains("issued since 2027-01-08T08:00:00.000Z"), "{}", ran.out);
    for (since, looked) in [("1", "2027-01-14T08:00:00.000Z"), ("2027-01-02", "2027-01-02T00:00:00.000Z")] {
        let ran = ask(&node, &["outcome", "9-0000000000000001-1", "--since", since]).await;
        assert!(ran.status == 1 && ran.out.contains(&format!("issued since {looked}")), "{}", ran.out);
    }
    let ran = ask(&node, &["outcome", &registered, "--since", "yesterday"]).await;
    assert!(ran.status == 2 && ran.err.contains("nor a number of days"), "{}", ran.err);

    let out = done(&node, &["journal", "--rows", "1"]).await;
    assert!(out.lines().nth(1).unwrap().contains("operator (socket)"), "{out}");
    assert!(out.contains("domain_create nic.example"), "{out}");
    let out = done(&node, &["tld", "reserve", "example", "nic", "free"]).await;
    assert_eq!(out, "2 names are reserved in example\nregistered, and stays so: nic.example\n");
    let ran = ask(&node, &create).await;
    assert_eq!((ran.status, ran.err.as_str()), (1, "namingo-admin: nic.example exists already (exists)\n"));
}

#[tokio::test]
async fn the_cluster() {
    let node = Node::start().await;
    let out = done(&node, &["cluster", "status"]).await;
    let lines: Vec<_> = out.lines().collect();
    let first = "cluster example (00112233445566778899aabbccddeeff): node 1 leads in term 3";
    assert!(lines[0].starts_with(first), "{out}");
    assert!(lines[2].starts_with("NODE  ROLE   ANSWERS  STATE TIME"), "{out}");
    assert!(lines[3].starts_with("1*    voter  yes      1970-01-01T00:00:00.000Z  -"), "{out}");
    assert!(lines[4].starts_with("2     voter  no       -"), "{out}");
    assert!(out.contains("node 2: raft 127.0.0.2:7001"), "{out}");
    assert_eq!(done(&node, &["cluster", "transfer-leader", "--to", "2"]).await, "node 2 leads\n");
    assert_eq!(done(&node, &["cluster", "transfer-leader", "2"]).await, "node 2 leads\n");
    let ran = ask(&node, &["cluster", "transfer-leader", "--to", "7"]).await;
    assert_eq!(
        (ran.status, ran.err.as_str()),
        (1, "namingo-admin: node 7 is not a voter (not_transferred)\n")
    );
}

/// The example at the top, in a directory of its own.
fn example() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cluster.toml");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster.toml"), &path).unwrap();
    (dir, path)
}

#[tokio::test]
async fn a_cluster_is_founded_and_reached_over_tls() {
    let (dir, path) = example();
    let ran = run(dir.path(), "", &["cluster", "init", "--config", "cluster.toml"]).await;
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.contains("namingo-node run --config cluster.toml --id 3"), "{}", ran.out);
    let again = run(dir.path(), "", &["cluster", "init", "--json"]).await;
    assert_eq!(again.status, 1);
    assert!(again.err.contains("exists already and is never overwritten"), "{}", again.err);

    let file = ClusterFile::load(&path).unwrap();
    let bundle = Bundle::load(&file.node_dir(1), 1).unwrap();
    let node = Node::start().await;
    let config = cluster::tls::server_config(&bundle).unwrap();
    let socket = TlsSocket::bind("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let url = format!("https://{}", socket.address());
    node.serve_tls(socket);
    let admin_dir = layout::admin_dir(&file.data_dir());
    let remote = ["--endpoint", &url, "--admin-cert-dir", admin_dir.to_str().unwrap()];
    let ran = run(dir.path(), "", &[&["tld", "create", "test"], &remote[..]].concat()).await;
    assert_eq!(ran.status, 0, "{}", ran.err);
    let ran = run(dir.path(), "", &["tld", "list", "--data-dir", "data/cluster", "--endpoint", &url]).await;
    assert!(ran.out.contains("test"), "{}{}", ran.out, ran.err);

    let ran = run(dir.path(), "", &["tld", "list", "--endpoint", &url]).await;
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("data/dev/admin/admin.key: is missing"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_wrong_here_is_said_here() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), "", &["tld", "list"]).await;
    assert_eq!(ran.status, 3);
    let expected =
        "namingo-admin: cannot reach the node at ./data/dev/node-1/admin.sock: there is no such socket";
    assert!(ran.err.starts_with(expected), "{}", ran.err);
    let ran = run(dir.path(), "", &["tld", "list", "--node", "2", "--json"]).await;
    assert_eq!(ran.status, 3);
    assert!(ran.err.contains("\"reason\": \"unreachable\""), "{}", ran.err);
    for wrong in [
        &["tld"][..],
        &["tld", "reserve", "example"],
        &["tld", "create", "x", "--minimum-data", "--require", "tech"],
        &["tld", "create", "x", "--require", "owner"],
        &["cluster", "transfer-leader", "2", "--to", "3"],
        &["registrar", "create", "alpha", "--name", "x", "--password", "y", "--password-stdin"],
        &["domain", "create", "x.example", "--registrar", "alpha", "--ds", "nonsense"],
        &["journal", "--rows", "0"],
        &["tld", "list", "--node", "1", "--endpoint", "https://127.0.0.1:7091"],
    ] {
        assert_eq!(run(dir.path(), "", wrong).await.status, 2, "{wrong:?}");
    }
    for unfit in ["xn--mnchen-3ya", "overlonglabel"] {
        let ran = run(dir.path(), "", &["tld", "create", unfit]).await;
        assert_eq!((ran.status, ran.err.contains("give --roid-suffix")), (2, true), "{}", ran.err);
    }
    let ran = run(dir.path(), "", &["tld", "reserve", "example", "--file", "missing"]).await;
    assert_eq!((ran.status, ran.err.contains("missing: No such file")), (2, true), "{}", ran.err);
    fs::write(dir.path().join("cluster.toml"), "[cluster]\nname = 1\n").unwrap();
    let ran = run(dir.path(), "", &["cluster", "init"]).await;
    assert_eq!(ran.status, 1);
    assert!(ran.err.starts_with("namingo-admin: cluster.toml"), "{}", ran.err);
}

#[tokio::test]
async fn help_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), "", &["--help"]).await;
    for expected in ["Exit status:", "cluster", "--data-dir <DIR>", "Print the answer as JSON"] {
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
    let ran = run(dir.path(), "", &["registrar", "create", "--help"]).await;
    assert!(ran.out.contains("other users of this machine can see it"), "{}", ran.out);
    assert_eq!(run(dir.path(), "", &["--version"]).await.status, 0);
}

#[tokio::test]
async fn a_registrar_is_changed() {
    let node = Node::start().await;
    done(&node, &["registrar", "create", "alpha", "--name", "Alpha Ltd", "--max-sessions", "5"]).await;
    let out = done(&node, &["registrar", "show", "alpha"]).await;
    assert!(out.contains("at most 5\n"), "{out}");
    let seat = ["--street", "1 Square", "--city", "Exampleton", "--country", "nl"];
    let change = ["registrar", "update", "ALPHA", "--name", "Alpha and Sons", "--max-sessions", "9"];
    let out = done(&node, &[change.as_slice(), &seat].concat()).await;
    assert!(out.starts_with("registrar ALPHA is changed (svTRID "), "{out}");
    let out = done(&node, &["registrar", "show", "alpha"]).await;
    for expected in ["Alpha and Sons\n", "1 Square, Exampleton, NL\n", "at most 9\n"] {
        assert!(out.contains(expected), "{expected} in {out}");
    }
    let ran = ask(&node, &["registrar", "update", "alpha", "--max-sessions", "0"]).await;
    assert_eq!((ran.status, ran.err.contains("sessions_max: 1 to 10000 sessions")), (1, true), "{}", ran.err);
    assert_eq!(ask(&node, &["registrar", "update", "alpha"]).await.status, 2);
}

#[tokio::test]
async fn a_registrar_is_suspended_and_resumed() {
    let node = Node::start().await;
    done(&node, &["registrar", "create", "alpha", "--name", "Alpha Ltd"]).await;
    let out = done(&node, &["registrar", "suspend", "alpha", "--note", "unpaid"]).await;
    assert!(out.starts_with("registrar alpha is suspended (svTRID "), "{out}");
    let out = done(&node, &["registrar", "show", "alpha"]).await;
    assert!(out.contains("suspended since  2027-01-15T08:00:00.000Z\n"), "{out}");
    assert!(out.contains("note             unpaid\n"), "{out}");
    let out = done(&node, &["registrar", "list"]).await;
    assert!(out.contains("suspended"), "{out}");
    done(&node, &["registrar", "resume", "alpha"]).await;
    let out = done(&node, &["registrar", "list"]).await;
    assert!(out.contains("active") && !out.contains("suspended"), "{out}");
    let ran = ask(&node, &["registrar", "resume", "alpha"]).await;
    assert_eq!((ran.status, ran.err.trim()), (1, "namingo-admin: alpha is not suspended (not_suspended)"));
}

#[tokio::test]
async fn sealing_keys_are_exported_and_imported_without_a_node() {
    let (dir, _) = example();
    assert_eq!(run(dir.path(), "", &["cluster", "init"]).await.status, 0);
    let on = |node: &'static str, verb: &'static str| {
        ["--data-dir", "data/cluster", "--node", node, "keys", verb, "backup"]
    };
    let ran = run(dir.path(), "", &on("1", "export")).await;
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("backup holds now:\n  epoch 1  "), "{}", ran.out);
    let lost = dir.path().join("data/cluster/node-2/keys/epoch-1.key");
    fs::remove_file(&lost).unwrap();
    let ran = run(dir.path(), "", &on("2", "import")).await;
    assert_eq!(ran.out, "node 2 holds the keys of epochs 1 now\n", "{}", ran.err);
    assert!(lost.exists());
    let ran = run(dir.path(), "", &on("2", "import")).await;
    assert_eq!(ran.out, "node 2 holds all of these keys already\n");
    let ran = run(dir.path(), "", &on("1", "export")).await;
    assert_eq!((ran.status, ran.err.contains("backup")), (1, true), "{}", ran.err);
    let ran = run(dir.path(), "", &["keys", "import", "backup", "--endpoint", "https://127.0.0.1:1"]).await;
    assert_eq!(ran.status, 2, "{}", ran.err);
}

#[tokio::test]
async fn key_epochs_are_listed_rotated_and_retired() {
    let node = Node::start().await;
    for (seq, verb) in [
        Verb::KeyPropose(keys::KeyPropose { epoch: 1, fingerprint: secret_of(1) }),
        Verb::KeyActivate(keys::KeyActivate { epoch: 1, fingerprint: secret_of(1) }),
    ]
    .into_iter()
    .enumerate()
    {
        node.solo.run(verb, Actor::System, SvTrid { node: 7, boot: 7, seq: seq as u64 }).unwrap();
    }
    done(&node, &["registrar", "create", "alpha", "--name", "Alpha Ltd"]).await;
    let out = done(&node, &["keys", "rotate"]).await;
    assert!(
        out.starts_with("new records are sealed with epoch 2 (0202020202020202); nodes 1,2 hold"),
        "{out}"
    );
    let out = done(&node, &["keys", "retire", "1", "--at", "2030-01-01"]).await;
    assert!(out.starts_with("authInfo of epoch 1 is unset at 2030-01-01T00:00:00.000Z"), "{out}");
    let ran = ask(&node, &["keys", "retire", "1", "--at", "soon"]).await;
    assert_eq!((ran.status, ran.err.contains("neither a date nor")), (2, true), "{}", ran.err);
    // node 1 holds another key of epoch 2 than the one that was registered
    let ran = ask(&node, &["keys", "list"]).await;
    assert_eq!(ran.status, 1, "{}", ran.err);
    let lines: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..3], ["1", "retiring", "0101010101010101"]);
    assert_eq!(lines[1][5..9], ["0", "1", "0", "1"]);
    assert_eq!(lines[2][..3], ["2*", "active", "0202020202020202"]);
    assert!(ran.out.contains("ANOTHER KEY on 1"), "{}", ran.out);
    assert!(ran.out.contains("node 2 did not tell what it holds: not reachable"), "{}", ran.out);
}
