//! `init` and what nodes read back: round trip, modes, and every way in which a bundle can be wrong.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cluster::{Bundle, ClusterFile, Credentials, Identity, Role, init, layout};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const TEXT: &str = r#"[cluster]
name = "example"
data_dir = "data"
[repository]
name = "main"
roid_suffix = "NAMINGO"
documentation_addresses = true
[node.1]
role = "voter"
raft = "127.0.0.1:7001"
admin = "127.0.0.1:7091"
epp = "127.0.0.1:7700"
rdap_url = "https://rdap.example/"
[node.2]
role = "standby"
raft = "[::1]:7101"
admin = "127.0.0.1:7191"
[node.3]
role = "edge"
raft = "127.0.0.1:7201"
admin = "127.0.0.1:7291"
"#;

struct Made {
    dir: TempDir,
    file: ClusterFile,
}

impl Made {
    fn new() -> Made {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster.toml");
        fs::write(&path, TEXT).unwrap();
        let file = ClusterFile::load(&path).unwrap();
        init(&file).unwrap();
        Made { dir, file }
    }

    fn node(&self, id: u64) -> PathBuf {
        self.file.node_dir(id)
    }

    fn load(&self, id: u64) -> Result<Bundle, String> {
        let base = format!("{}/", self.dir.path().display());
        Bundle::load(&self.node(id), id).map_err(|e| e.to_string().replace(&base, ""))
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn every_node_reads_back_its_bundle() {
    let made = Made::new();
    let bundles: Vec<Bundle> = (1..=3).map(|id| made.load(id).unwrap()).collect();
    for (bundle, id) in bundles.iter().zip(1..) {
        assert_eq!(bundle.founding, bundles[0].founding);
        assert_eq!(bundle.credentials.subject().identity, Identity::Node(id));
        assert_eq!(bundle.credentials.subject().cluster_id, bundle.cluster_id());
    }
    let founding = &bundles[0].founding;
    assert_eq!(founding.cluster_id.len(), 32);
    assert_eq!(founding.cluster_name, "example");
    assert_eq!(founding.repository, made.file.repository);
    assert_eq!(founding.voters().collect::<Vec<_>>(), [1]);
    for (id, node) in &made.file.nodes {
        assert_eq!(founding.node[id].role, node.role);
        assert_eq!(founding.node[id].addresses, node.addresses);
    }
    assert_eq!(bundles[0].keys.by_epoch().keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(bundles[0].keys, bundles[1].keys);
    assert!(bundles[2].keys.is_empty());
    assert!(!made.node(3).join(layout::KEYS).exists());
    assert!(made.node(1).join(layout::EPP_KEY).exists() && !made.node(3).join(layout::EPP_KEY).exists());
}

#[test]
fn the_administrator_has_a_certificate_of_its_own() {
    let made = Made::new();
    let dir = layout::admin_dir(&made.file.data_dir());
    let credentials = Credentials::load(
        &dir.join(layout::ADMIN_CERTIFICATE),
        &dir.join(layout::ADMIN_KEY),
        &dir.join(layout::CA_CERTIFICATE),
    )
    .unwrap();
    assert_eq!(credentials.subject().identity, Identity::Admin("operator".into()));
}

#[test]
fn secrets_are_for_the_owner_alone() {
    let made = Made::new();
    let data = made.file.data_dir();
    let (ca, admin) = (layout::ca_dir(&data), layout::admin_dir(&data));
    for dir in [&data, &ca, &admin, &made.node(1), &made.node(1).join(layout::KEYS)] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    let node = made.node(1);
    for key in [
        ca.join(layout::CA_KEY),
        admin.join(layout::ADMIN_KEY),
        node.join(layout::NODE_KEY),
        node.join(layout::EPP_KEY),
        node.join(layout::KEYS).join("epoch-1.key"),
    ] {
        assert_eq!(mode(&key), 0o600, "{}", key.display());
    }
    let bundle = made.load(1).unwrap();
    let shown = format!("{bundle:?}");
    let secret = bundle.keys.by_epoch()[&1];
    assert!(shown.contains("SealingKeys(epochs [1])"), "{shown}");
    assert!(!shown.contains(&format!("{}, {}, {}", secret[0], secret[1], secret[2])), "{shown}");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_behind() {
    let made = Made::new();
    let before = fs::read(made.node(2).join(layout::NODE_KEY)).unwrap();
    let data = made.file.data_dir();
    for left in ["ca", "admin", "node-1"] {
        let error = init(&made.file).unwrap_err().to_string();
        let expected = format!(
            "{} exists already and is never overwritten; name another data_dir, or move it away",
            data.join(left).display()
        );
        assert_eq!(error, expected);
        fs::remove_dir_all(data.join(left)).unwrap();
    }
    assert!(init(&made.file).unwrap_err().to_string().contains("node-2 exists already"));
    assert_eq!(fs::read(made.node(2).join(layout::NODE_KEY)).unwrap(), before);
    let mut left: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["node-2", "node-3"]);
}

#[test]
fn what_was_made_says_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cluster.toml");
    let file = ClusterFile::parse(&path, TEXT).unwrap();
    let made = init(&file).unwrap();
    assert_eq!(made.nodes, [1, 2, 3]);
    assert_eq!(made.written.len(), 5);
    assert!(made.written.iter().all(|dir| dir.is_dir()));
    let said = made.to_string();
    for expected in [made.cluster_id.as_str(), "node-3/", "namingo-node run --config cluster.toml --id 2"] {
        assert!(said.contains(expected), "{said}");
    }
}

type Damage = fn(&Made);

#[test]
fn a_damaged_bundle_is_refused_with_the_file_and_the_remedy() {
    let cases: &[(u64, Damage, &str)] = &[
        (
            4,
            |_| (),
            "data/node-4: node 4 has no directory; run `namingo-admin cluster init --config cluster.toml`, or copy \
             the directory from the machine where it ran",
        ),
        (
            4,
            |m| fs::rename(m.node(1), m.node(4)).unwrap(),
            "data/node-4/founding.toml: lists no node 4; check --id",
        ),
        (
            2,
            |m| {
                fs::remove_dir_all(m.node(2)).unwrap();
                fs::rename(m.node(1), m.node(2)).unwrap();
            },
            "data/node-2/node.crt: is the certificate of node 1, not of node 2; check --id",
        ),
        (
            1,
            |m| fs::remove_file(m.node(1).join("node.crt")).unwrap(),
            "data/node-1/node.crt: is missing; copy the node's directory again from where cluster init ran",
        ),
        (
            1,
            |m| fs::write(m.node(1).join("node.key"), "").unwrap(),
            "data/node-1/node.key: holds no PEM private key",
        ),
        (
            1,
            |m| fs::write(m.node(1).join("founding.toml"), "x").unwrap(),
            "data/node-1/founding.toml: key with no value, expected `=`; copy it again from where cluster init ran",
        ),
        (
            1,
            |m| {
                let file = m.node(1).join("founding.toml");
                let text = fs::read_to_string(&file).unwrap().replace("cluster_id = \"", "cluster_id = \"Z");
                fs::write(file, text).unwrap();
            },
            "data/node-1/founding.toml: cluster_id is not 32 lower-case hexadecimal digits",
        ),
        (
            1,
            |m| fs::set_permissions(m.node(1).join("node.key"), fs::Permissions::from_mode(0o640)).unwrap(),
            "data/node-1/node.key: holds a secret and other users may open it (mode 0640); run chmod 600 on it",
        ),
        (
            1,
            |m| fs::remove_file(m.node(1).join("keys/epoch-1.key")).unwrap(),
            "data/node-1/keys: holds no sealing keys, and a voter needs them; run `namingo-admin keys import`",
        ),
        (
            1,
            |m| fs::write(m.node(1).join("keys/epoch-1.key"), [1; 63]).unwrap(),
            "data/node-1/keys/epoch-1.key: a sealing key is 64 octets long, this is 63; remove it and run `namingo-admin keys import`",
        ),
        (
            1,
            |m| fs::write(m.node(1).join("keys/epoch-1.key.old"), [1; 64]).unwrap(),
            "data/node-1/keys/epoch-1.key.old: this directory holds files named epoch-N.key only; move the file \
             elsewhere",
        ),
        (
            3,
            |m| fs::rename(m.node(1).join("keys"), m.node(3).join("keys")).unwrap(),
            "data/node-3/keys: an edge must hold no sealing keys; remove this directory from it",
        ),
    ];
    for (id, damage, message) in cases {
        let made = Made::new();
        damage(&made);
        assert_eq!(made.load(*id).unwrap_err(), *message);
    }
}

#[test]
fn files_of_two_clusters_do_not_mix() {
    let (ours, theirs) = (Made::new(), Made::new());
    let take = |name: &str| {
        fs::copy(theirs.node(1).join(name), ours.node(1).join(name)).unwrap();
    };
    take("ca.crt");
    let error = ours.load(1).unwrap_err();
    assert!(error.starts_with("data/node-1/node.crt: was not issued by the authority in "), "{error}");
    take("node.crt");
    let error = ours.load(1).unwrap_err();
    assert!(error.starts_with("data/node-1/node.crt: does not belong to the key in "), "{error}");
    take("node.key");
    let (our_id, their_id) = (ours.load(2).unwrap(), theirs.load(2).unwrap());
    let expected = format!(
        "data/node-1/node.crt: belongs to cluster {}, not to {}",
        their_id.cluster_id(),
        our_id.cluster_id()
    );
    assert_eq!(ours.load(1).unwrap_err(), expected);
    assert_eq!(our_id.founding.node[&2].role, Role::Standby);
}
