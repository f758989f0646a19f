//! The operator's API over a registry without consensus, on a Unix socket and on mutual TLS.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use admin::wire::{self, ClusterQuery, ContactRole, DataModel, Kind, MarkKind, Secret, TldMark};
use admin::{BindError, CallError, Client, TlsSocket, UnixSocket};
use cluster::{Bundle, ClusterFile, Credentials, init, layout};
use registry::{Actor, SvTrid, Verb, keys, password, registrar};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use support::{KEYS, Node, secret_of};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, UnixStream},
    time::timeout,
};

fn failure<T: std::fmt::Debug>(result: Result<T, CallError>) -> wire::Failure {
    match result {
        Err(CallError::Failed(failure)) => failure,
        other => panic!("expected a failure of the operation, got {other:?}"),
    }
}

fn tld(name: &str, model: DataModel) -> wire::TldCreate {
    wire::TldCreate { name: name.into(), model, contacts_required: vec![], roid_suffix: "TEST".into() }
}

fn alpha(password: &str) -> wire::RegistrarCreate {
    wire::RegistrarCreate {
        handle: "alpha".into(),
        name: "Alpha Registrar".into(),
        iana_id: Some(9995),
        url: Some("https://alpha.example".into()),
        whois_server: Some("whois.alpha.example".into()),
        rdap_url: Some("https://rdap.alpha.example/".into()),
        abuse_email: Some("abuse@alpha.example".into()),
        abuse_phone: Some("+31.201234567".into()),
        address: None,
        phone: Some("+31.207654321".into()),
        fax: None,
        email: None,
        certificate: Some("AB:".repeat(31) + "AB"),
        sessions_max: None,
        password: Secret::new(password.into()),
    }
}

#[tokio::test]
async fn zones_are_made_shown_and_marked() {
    let node = Node::start().await;
    let client = &node.client;
    let written = client.call(&tld("example", DataModel::Minimum)).await.unwrap();
    assert!(written.svtrid.starts_with("1-"), "{written:?}");
    let thick = wire::TldCreate {
        contacts_required: vec![ContactRole::Tech, ContactRole::Admin],
        ..tld("test", DataModel::Maximum)
    };
    client.call(&thick).await.unwrap();
    assert_eq!(failure(client.call(&thick).await).reason, "exists");

    let mark = |labels: &[&str], kind| TldMark {
        name: "example".into(),
        kind,
        labels: labels.iter().map(|l| (*l).to_owned()).collect(),
        note: "brand".into(),
    };
    let marked = client.call(&mark(&["one", "TWO", "no_label", "three"], MarkKind::Reserved)).await.unwrap();
    assert_eq!(marked.done, 3);
    assert_eq!(marked.rejected.len(), 1);
    assert_eq!(
        (marked.rejected[0].label.as_str(), marked.rejected[0].failure.reason.as_str()),
        ("no_label", "label_syntax")
    );
    let other = client.call(&mark(&["three"], MarkKind::Blocked)).await.unwrap();
    assert_eq!((other.done, other.rejected[0].failure.reason.as_str()), (0, "marked"));
    let unmark = |labels: &[&str], kind| wire::TldUnmark {
        name: "example".into(),
        kind,
        labels: labels.iter().map(|l| (*l).to_owned()).collect(),
    };
    client.call(&unmark(&["three"], MarkKind::Reserved)).await.unwrap();
    client.call(&mark(&["three"], MarkKind::Blocked)).await.unwrap();

    let shown = client.call(&wire::TldShow { name: "EXAMPLE".into() }).await.unwrap();
    assert_eq!((shown.reserved, shown.blocked, shown.model), (2, 1, DataModel::Minimum));
    let page = client.call(&wire::MarkList { name: "example".into(), after: None }).await.unwrap();
    let labels: Vec<_> = page.marks.iter().map(|m| (m.label.as_str(), m.kind, m.note.as_str())).collect();
    assert_eq!(
        labels,
        [
            ("one", MarkKind::Reserved, "brand"),
            ("three", MarkKind::Blocked, "brand"),
            ("two", MarkKind::Reserved, "brand")
        ]
    );
    assert!(!page.more);
    let rest = wire::MarkList { name: "example".into(), after: Some("three".into()) };
    assert_eq!(client.call(&rest).await.unwrap().marks.len(), 1);

    let unmarked = client.call(&unmark(&["two", "three"], MarkKind::Reserved)).await.unwrap();
    assert_eq!((unmarked.done, unmarked.rejected[0].failure.reason.as_str()), (1, "not_marked"));
    let nowhere = TldMark { name: "nowhere".into(), ..mark(&["a", "b"], MarkKind::Reserved) };
    assert_eq!(failure(client.call(&nowhere).await).reason, "not_found");

    let all = client.call(&wire::TldList {}).await.unwrap();
    let names: Vec<_> = all.iter().map(|tld| tld.name.as_str()).collect();
    assert_eq!(names, ["example", "test"]);
    assert_eq!(all[1].contacts_required, [ContactRole::Admin, ContactRole::Tech]);
    assert_eq!(failure(client.call(&wire::TldShow { name: "nowhere".into() }).await).reason, "not_found");

    let many = mark(&["x"; TldMark::LABELS_MAX + 1], MarkKind::Reserved);
    assert_eq!(failure(client.call(&many).await).reason, "too_many_labels");
}

#[tokio::test]
async fn long_lists_of_marks_come_in_pages() {
    let node = Node::start().await;
    node.client.call(&tld("example", DataModel::Minimum)).await.unwrap();
    for first in [0, 1000] {
        let labels = (first..first + 1000).map(|i| format!("l{i:04}")).collect();
        let mark = TldMark { name: "example".into(), kind: MarkKind::Reserved, labels, note: String::new() };
        assert_eq!(node.client.call(&mark).await.unwrap().done, 1000);
    }
    let first = node.client.call(&wire::MarkList { name: "example".into(), after: None }).await.unwrap();
    assert!(first.more && first.marks.len() == 1000 && first.marks[999].label == "l0999");
    let next = wire::MarkList { name: "example".into(), after: Some("l0999".into()) };
    let second = node.client.call(&next).await.unwrap();
    assert!(!second.more && second.marks.len() == 1000 && second.marks[0].label == "l1000");
}

#[tokio::test]
async fn registrars_can_log_in_with_what_the_operator_set() {
    let node = Node::start().await;
    let client = &node.client;
    client.call(&alpha("alpha-secret")).await.unwrap();
    let shown = client.call(&wire::RegistrarShow { handle: "ALPHA".into() }).await.unwrap();
    assert_eq!(shown.handle, "alpha");
    assert_eq!(shown.iana_id, Some(9995));
    assert_eq!(shown.certificate, Some("ab".repeat(32)));
    assert!(!serde_json::to_string(&shown).unwrap().contains("password"));

    let opens = |password: &str| {
        let stored = registrar::by_handle(&node.solo.store().view(), "alpha").unwrap().unwrap().1.password;
        password::verify(&KEYS, "main", "alpha", &stored, password).unwrap()
    };
    assert!(opens("alpha-secret"));
    let change = |handle: &str, password: &str| wire::RegistrarPassword {
        handle: handle.into(),
        password: Secret::new(password.into()),
    };
    client.call(&change("Alpha", "other-secret")).await.unwrap();
    assert!(opens("other-secret") && !opens("alpha-secret"));

    assert_eq!(failure(client.call(&change("nobody", "other-secret")).await).reason, "not_found");
    assert_eq!(failure(client.call(&change("alpha", "short")).await).reason, "password_unusable");
    assert_eq!(failure(client.call(&alpha("alpha-secret")).await).reason, "exists");
    let bad =
        wire::RegistrarCreate { handle: "beta".into(), url: Some("alpha".into()), ..alpha("beta-secret") };
    let failed = failure(client.call(&bad).await);
    assert_eq!((failed.kind, failed.reason.as_str()), (Kind::Refused, "registrar_invalid"));
    assert!(failed.message.contains("url"), "{failed}");
    let bad = wire::RegistrarCreate { certificate: Some("AB".into()), ..bad };
    assert_eq!(failure(client.call(&bad).await).reason, "fingerprint");
    assert_eq!(client.call(&wire::RegistrarList {}).await.unwrap(), [shown_after(&node).await]);
}

#[tokio::test]
async fn what_is_known_of_a_registrar_is_changed_field_by_field() {
    let node = Node::start().await;
    let client = &node.client;
    client.call(&alpha("alpha-secret")).await.unwrap();
    let before = shown_after(&node).await;
    assert_eq!(before.sessions_max, 100);
    node.advance_ms(1000);
    let update = wire::RegistrarUpdate {
        handle: "Alpha".into(),
        url: Some("https://new.alpha.example".into()),
        email: Some("office@alpha.example".into()),
        sessions_max: Some(7),
        ..wire::RegistrarUpdate::default()
    };
    client.call(&update).await.unwrap();
    let after = shown_after(&node).await;
    let expected = wire::RegistrarView {
        url: Some("https://new.alpha.example".into()),
        email: Some("office@alpha.example".into()),
        sessions_max: 7,
        updated: after.updated,
        ..before
    };
    assert_eq!(after, expected);
    let emptied = wire::RegistrarUpdate {
        handle: "alpha".into(),
        iana_id: Some(0),
        phone: Some(String::new()),
        certificate: Some(String::new()),
        ..wire::RegistrarUpdate::default()
    };
    client.call(&emptied).await.unwrap();
    let after = shown_after(&node).await;
    assert_eq!((after.iana_id, after.phone, after.certificate), (None, None, None));
    let refused = |update: wire::RegistrarUpdate| async move { failure(client.call(&update).await) };
    let bad = wire::RegistrarUpdate { sessions_max: Some(0), ..update.clone() };
    assert!(refused(bad).await.message.contains("sessions_max"));
    let bad = wire::RegistrarUpdate { certificate: Some("AB".into()), ..update.clone() };
    assert_eq!(refused(bad).await.reason, "fingerprint");
    assert_eq!(
        refused(wire::RegistrarUpdate { handle: "nobody".into(), ..update }).await.reason,
        "not_found"
    );
}

async fn shown_after(node: &Node) -> wire::RegistrarView {
    node.client.call(&wire::RegistrarShow { handle: "alpha".into() }).await.unwrap()
}

#[tokio::test]
async fn the_operator_registers_reserved_names_and_nobody_blocked_ones() {
    let node = Node::start().await;
    let client = &node.client;
    client.call(&tld("example", DataModel::Minimum)).await.unwrap();
    client.call(&alpha("alpha-secret")).await.unwrap();
    for (label, kind) in [("kept", MarkKind::Reserved), ("never", MarkKind::Blocked)] {
        let mark = TldMark { name: "example".into(), kind, labels: vec![label.into()], note: String::new() };
        client.call(&mark).await.unwrap();
    }
    let create = |name: &str| wire::DomainCreate {
        name: name.into(),
        sponsor: "alpha".into(),
        years: Some(2),
        registrant: None,
        contacts: vec![],
        name_servers: vec![],
        ds: vec![
            "12345 13 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4ACD4AC".parse().unwrap(),
        ],
        authinfo: Some(Secret::new("aB3$aB3$aB3$aB3$aB3$".into())),
    };
    let created = client.call(&create("Kept.Example")).await.unwrap();
    assert_eq!(created.name, "kept.example");
    assert_eq!(created.expiry.0, created.created.0.plus_years(2));
    assert_eq!(failure(client.call(&create("never.example")).await).reason, "blocked");
    assert_eq!(failure(client.call(&create("kept.example")).await).reason, "exists");
    let unsponsored = wire::DomainCreate { sponsor: "nobody".into(), ..create("free.example") };
    assert_eq!(failure(client.call(&unsponsored).await).reason, "not_found");

    let shown = client.call(&wire::DomainShow { name: "KEPT.example".into() }).await.unwrap();
    assert_eq!(shown.sponsor, "alpha");
    let mark = TldMark {
        name: "example".into(),
        kind: MarkKind::Reserved,
        labels: vec!["KEPT".into(), "free".into()],
        note: "kept".into(),
    };
    assert_eq!(client.call(&mark).await.unwrap().registered, ["KEPT"]);
    assert_eq!(shown.mark, Some(MarkKind::Reserved));
    assert_eq!(shown.statuses, ["inactive"]);
    assert_eq!(shown.ds, create("").ds);
    assert!(shown.authinfo_set);
    assert!(!serde_json::to_string(&shown).unwrap().contains("aB3$"));
    assert_eq!(
        failure(client.call(&wire::DomainShow { name: "free.example".into() }).await).reason,
        "not_found"
    );
}

#[tokio::test]
async fn an_outcome_is_found_or_ruled_out() {
    let node = Node::start().await;
    let client = &node.client;
    let written = client.call(&tld("example", DataModel::Minimum)).await.unwrap();
    let ask_since = |svtrid: &str, since| wire::OutcomeQuery { svtrid: svtrid.into(), since };
    let ask = |svtrid: &str| ask_since(svtrid, wire::Since::default());
    let found = client.call(&ask(&written.svtrid)).await.unwrap().row.unwrap();
    assert_eq!((found.verb.as_str(), found.object.as_str()), ("tld_create", "example"));
    assert_eq!((found.outcome.as_str(), found.by.as_str()), ("done", "operator (socket)"));

    // Refused by the state machine itself, as a command that lost a race is.
    let twice = registry::tld::TldCreate {
        name: "example".into(),
        model: registry::tld::DataModel::Minimum,
        contacts_required: vec![],
        roid_suffix: "TEST".into(),
    };
    let lost = "7-00000000000000aa-1".parse().unwrap();
    node.solo.run(Verb::TldCreate(Box::new(twice)), Actor::Operator("socket".into()), lost).unwrap();
    let refused = client.call(&ask(&lost.to_string())).await.unwrap().row.unwrap();
    assert_eq!(refused.outcome, "exists");
    assert!(refused.message.unwrap().contains("example exists already"));

    // Forgotten, and found by a search through the journal.
    node.advance_ms(600_000);
    for _ in 0..3 {
        client.call(&ask(&written.svtrid)).await.unwrap();
    }
    assert!(registry::journal::remembered(&node.solo.store().view(), &lost).unwrap().is_none());
    assert_eq!(client.call(&ask(&lost.to_string())).await.unwrap().row.unwrap().outcome, "exists");

    // The answer says how far back was looked, and no row from before is found.
    let looked = async |since| client.call(&ask_since("7-00000000000000aa-1", since)).await;
    let recent = looked(wire::Since::At(wire::Instant(node.now()))).await.unwrap();
    assert_eq!((recent.row, recent.since.0), (None, node.now()));
    assert!(looked(wire::Since::Days(1)).await.unwrap().row.is_some());
    node.advance_ms(8 * 86_400_000);
    let week = looked(wire::Since::default()).await.unwrap();
    assert_eq!((week.row, week.since.0), (None, node.now().plus_ms(-7 * 86_400_000)));
    assert!(looked(wire::Since::Days(9)).await.unwrap().row.is_some());

    let never = client.call(&ask("9-0000000000000001-1")).await.unwrap();
    assert_eq!(never.row, None);
    assert_eq!(never.settled_before.0.plus_ms(60_000), never.state_time.0);
    assert_eq!(never.state_time.0, node.now());
    assert_eq!(failure(client.call(&ask("nonsense")).await).reason, "svtrid");

    let tail = client.call(&wire::JournalTail { rows: 2, before: None }).await.unwrap();
    let outcomes: Vec<_> = tail.rows.iter().map(|placed| placed.row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["exists", "done"]);
    let earlier = wire::JournalTail { rows: 1, before: Some(tail.rows[0].index) };
    assert_eq!(client.call(&earlier).await.unwrap().rows[..], tail.rows[1..]);
}

#[tokio::test]
async fn the_cluster_is_shown_and_its_leader_moved() {
    let node = Node::start().await;
    let state = node.client.call(&ClusterQuery {}).await.unwrap();
    assert_eq!((state.node, state.leader, state.members.len()), (1, Some(1), 2));
    let report = node.client.call(&wire::DigestQuery { recompute: true }).await.unwrap();
    assert_eq!((report.index, report.members[0].remark.as_deref()), (7, Some("recomputed: equal")));
    assert_eq!(node.client.call(&wire::ClockAccept {}).await.unwrap().clock, "agrees");
    let moved = node.client.call(&wire::LeaderTransfer { to: Some(2) }).await.unwrap();
    assert_eq!(moved.leader, 2);
    let failed = failure(node.client.call(&wire::LeaderTransfer { to: Some(7) }).await);
    assert_eq!(
        (failed.reason.as_str(), failed.message.as_str()),
        ("not_transferred", "node 7 is not a voter")
    );
}

async fn raw(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn requests_that_make_no_sense_are_told_so() {
    let node = Node::start().await;
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    for (request, status, reason) in [
        ("GET /v1/tld/list HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), 405, "method"),
        (post("/v1/tld/destroy", "{}"), 404, "no_such_operation"),
        (post("/tld/list", "{}"), 404, "no_such_operation"),
        (post("/v1/tld/list", ""), 400, "body"),
        (post("/v1/tld/list", "{\"surprise\":1}"), 400, "body"),
        (post("/v1/tld/show", "{}"), 400, "body"),
        (post("/v1/tld/show", "{\"name\":\"nowhere\"}"), 404, "not_found"),
        (
            format!(
                "POST /v1/tld/list HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                2 << 20
            ),
            413,
            "body_too_large",
        ),
    ] {
        let answer = raw(&node.socket, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request} -> {answer}");
        assert!(answer.contains(&format!("\"reason\":\"{reason}\"")), "{request} -> {answer}");
    }
    assert!(raw(&node.socket, &post("/v1/tld/list", "{}")).await.ends_with("\r\n\r\n[]"));
}

#[tokio::test]
async fn the_socket_is_private_and_taken_once() {
    let node = Node::start().await;
    assert_eq!(fs::metadata(&node.socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(UnixSocket::bind(&node.socket), Err(BindError::InUse { .. })));

    let dir = tempfile::tempdir().unwrap();
    let dead = dir.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert!(dead.exists());
    drop(UnixSocket::bind(&dead).unwrap());
    assert!(!dead.exists());
    fs::write(&dead, "precious").unwrap();
    assert!(UnixSocket::bind(&dead).unwrap_err().to_string().contains("not a socket"));

    let long = dir.path().join("x".repeat(108));
    let error = UnixSocket::bind(&long).unwrap_err().to_string();
    assert!(error.contains("has at most 107 octets and this has"), "{error}");
    let error = Client::socket(&long).call(&ClusterQuery {}).await.unwrap_err().to_string();
    assert!(error.contains("has at most 107 octets and this has"), "{error}");
}

#[tokio::test]
async fn a_stopped_node_is_unreachable() {
    let node = Node::start().await;
    let (client, socket) = (node.client.clone(), node.socket.clone());
    node.stop().await;
    assert!(!socket.exists());
    let Err(CallError::Unreachable { why, .. }) = client.call(&ClusterQuery {}).await else {
        panic!("the node still answers");
    };
    assert!(why.contains("is the node running"), "{why}");
}

struct Certificates {
    _dir: tempfile::TempDir,
    file: ClusterFile,
}

impl Certificates {
    fn new() -> Certificates {
        let dir = tempfile::tempdir().unwrap();
        let text = "[cluster]\nname = \"x\"\ndata_dir = \".\"\n[repository]\nname = \"main\"\nroid_suffix = \"X\"\n\
                    [node.1]\nrole = \"voter\"\nraft = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\nepp = \"127.0.0.1:3\"\n";
        let file = ClusterFile::parse(&dir.path().join("cluster.toml"), text).unwrap();
        init(&file).unwrap();
        Certificates { _dir: dir, file }
    }

    fn node(&self) -> Bundle {
        Bundle::load(&self.file.node_dir(1), 1).unwrap()
    }

    /// Has the node answer over TLS with these, and says where.
    async fn serve(&self, node: &Node) -> std::net::SocketAddr {
        let config = cluster::tls::server_config(&self.node()).unwrap();
        let socket = TlsSocket::bind("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
        let address = socket.address();
        node.serve_tls(socket);
        address
    }

    fn admin(&self) -> Credentials {
        let dir = layout::admin_dir(&self.file.data_dir());
        let files =
            [layout::ADMIN_CERTIFICATE, layout::ADMIN_KEY, layout::CA_CERTIFICATE].map(|name| dir.join(name));
        Credentials::load(&files[0], &files[1], &files[2]).unwrap()
    }
}

#[tokio::test]
async fn administrators_come_over_tls_with_a_certificate_of_the_cluster() {
    let node = Node::start().await;
    let ours = Certificates::new();
    let config = cluster::tls::server_config(&ours.node()).unwrap();
    let socket = TlsSocket::bind("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let url = format!("https://{}", socket.address());
    let taken = TlsSocket::bind(socket.address(), cluster::tls::server_config(&ours.node()).unwrap()).await;
    assert!(matches!(taken, Err(BindError::InUse { .. })));
    node.serve_tls(socket);

    let client = Client::https(&url, &ours.admin()).unwrap();
    let written = client.call(&tld("example", DataModel::Minimum)).await.unwrap();
    let outcome = client
        .call(&wire::OutcomeQuery { svtrid: written.svtrid, since: wire::Since::default() })
        .await
        .unwrap();
    assert_eq!(outcome.row.unwrap().by, "operator (operator)");

    // A node's certificate is genuine and no operator's.
    let as_node = Client::https(&url, &ours.node().credentials).unwrap();
    let failed = failure(as_node.call(&wire::TldList {}).await);
    assert_eq!((failed.kind, failed.reason.as_str()), (Kind::Forbidden, "forbidden"));

    let stranger = Client::https(&url, &Certificates::new().admin()).unwrap();
    assert!(matches!(stranger.call(&wire::TldList {}).await, Err(CallError::Unreachable { .. })));
    for bad in ["http://127.0.0.1:1", "https://127.0.0.1", "https://127.0.0.1:x", "https://:1", "127.0.0.1:1"]
    {
        assert!(Client::https(bad, &ours.admin()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn silent_connections_keep_no_operator_out() {
    let node = Node::start().await;
    let ours = Certificates::new();
    let address = ours.serve(&node).await;
    let mut silent = Vec::new();
    for source in [2, 3, 4] {
        for _ in 0..20 {
            silent.push(come_from(source, address).await);
        }
    }
    let client = Client::https(&format!("https://{address}"), &ours.admin()).unwrap();
    let answer = timeout(Duration::from_secs(5), client.call(&wire::TldList {})).await;
    assert!(answer.expect("an answer before the silent ones are cut").is_ok());
    // one source has 16 at a time, and the others of it were closed at once
    let mut closed = 0;
    for tcp in &mut silent {
        let end = timeout(Duration::from_millis(10), tcp.read(&mut [0])).await;
        closed += usize::from(end.is_ok());
    }
    assert_eq!(closed, 12);
}

/// A connection to the endpoint from another address of this machine.
async fn come_from(source: u8, address: std::net::SocketAddr) -> tokio::net::TcpStream {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.bind(format!("127.0.0.{source}:0").parse().unwrap()).unwrap();
    tcp.connect(address).await.unwrap()
}

#[tokio::test]
async fn nodes_take_no_place_of_an_operator() {
    let node = Node::start().await;
    let ours = Certificates::new();
    let address = ours.serve(&node).await;
    let as_node =
        tokio_rustls::TlsConnector::from(cluster::tls::admin_config(&ours.node().credentials).unwrap());
    let mut nodes = Vec::new();
    for nth in 0..40 {
        let tcp = come_from(2 + nth / 14, address).await;
        nodes.push(as_node.connect(address.ip().into(), tcp).await.unwrap());
    }
    let client = Client::https(&format!("https://{address}"), &ours.admin()).unwrap();
    let answer = timeout(Duration::from_secs(5), client.call(&wire::TldList {})).await;
    assert!(answer.expect("an answer, whatever nodes come with a certificate of theirs").is_ok());
    // each is told once
    let asking = b"POST /v1/tld.list HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
    nodes[0].write_all(asking).await.unwrap();
    let mut told = String::new();
    timeout(Duration::from_secs(5), nodes[0].read_to_string(&mut told)).await.unwrap().unwrap();
    assert!(told.starts_with("HTTP/1.1 403 "), "{told}");
}

#[tokio::test]
async fn keys_are_listed_rotated_and_retired() {
    let node = Node::start().await;
    let early = failure(node.client.call(&wire::KeyRotate {}).await);
    assert_eq!((early.kind, early.reason.as_str()), (Kind::Unavailable, "no_key_epoch"));
    let run = |seq, verb| node.solo.run(verb, Actor::System, SvTrid { node: 7, boot: 7, seq }).unwrap();
    run(1, Verb::KeyPropose(keys::KeyPropose { epoch: 1, fingerprint: secret_of(1) }));
    run(2, Verb::KeyActivate(keys::KeyActivate { epoch: 1, fingerprint: secret_of(1) }));
    let rotated = node.client.call(&wire::KeyRotate {}).await.unwrap();
    assert_eq!((rotated.epoch, rotated.nodes.as_slice()), (2, [1, 2].as_slice()));
    let broken = failure(node.client.call(&wire::KeyRotate {}).await);
    assert_eq!(broken.reason, "key_not_distributed");
    let at = wire::Instant(node.now().plus_ms(1000));
    node.client.call(&wire::KeyRetire { epoch: 1, at }).await.unwrap();
    let refused = failure(node.client.call(&wire::KeyRetire { epoch: 2, at }).await);
    assert_eq!(refused.reason, "key_epoch_invalid");

    let view = node.client.call(&wire::KeysQuery {}).await.unwrap();
    assert_eq!(view.current, Some(2));
    let stages: Vec<_> = view.epochs.iter().map(|e| (e.epoch, e.stage.as_str(), e.ends)).collect();
    assert_eq!(stages, [(1, "retiring", Some(at)), (2, "active", None), (3, "proposed", None)]);
    assert_eq!(
        (view.epochs[0].held_by.as_slice(), view.epochs[1].differs_on.as_slice()),
        ([1].as_slice(), [1].as_slice())
    );
    assert!(view.epochs[2].missing_on.is_empty(), "a proposal is not needed yet");
    assert_eq!(view.silent, [wire::SilentNode { id: 2, why: "not reachable".into() }]);
}
