//! `add-node`: a bundle that a node can start from, a section more in the file, and nothing where it can't be.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cluster::{Addresses, Admission, Bundle, ClusterFile, Role, SealingKeys, export_keys, init, layout};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Without a line end at its end, and with an operator's own comment.
const TEXT: &str = r#"# ours
[cluster]
name = "example"
data_dir = "data"
[repository]
name = "main"
roid_suffix = "NAMINGO"
[node.1]
role = "voter" # the first
raft = "127.0.0.1:7001"
admin = "127.0.0.1:7091"
[node.2]
role = "edge"
raft = "127.0.0.1:7101"
admin = "127.0.0.1:7191""#;

struct Made {
    dir: TempDir,
    config: PathBuf,
}

impl Made {
    fn new(text: &str) -> Made {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("cluster.toml");
        fs::write(&config, text).unwrap();
        Made { dir, config }
    }

    fn founded() -> Made {
        let made = Made::new(TEXT);
        init(&ClusterFile::load(&made.config).unwrap()).unwrap();
        made
    }

    fn prepare(&self, role: Role, addresses: Addresses, keys: Option<&Path>) -> Result<Admission, String> {
        let base = format!("{}/", self.dir.path().display());
        Admission::prepare(&self.config, role, addresses, keys).map_err(|e| e.to_string().replace(&base, ""))
    }

    fn node(&self, id: u64) -> PathBuf {
        layout::node_dir(&self.dir.path().join("data"), id)
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn addresses(port: u16) -> Addresses {
    Addresses {
        raft: ([127, 0, 0, 1], port).into(),
        admin: ([127, 0, 0, 1], port + 90).into(),
        metrics: None,
        epp: None,
        whois: None,
        das: Some(([127, 0, 0, 1], port + 43).into()),
        rdap: None,
        rdap_url: None,
    }
}

fn contacts() -> BTreeMap<u64, SocketAddr> {
    BTreeMap::from([(1, at("127.0.0.1:7001"))])
}

#[test]
fn a_voter_gets_a_bundle_with_the_keys_and_the_file_a_section() {
    let made = Made::founded();
    let with_epp = Addresses { epp: Some(at("0.0.0.0:700")), ..addresses(7201) };
    let admission = made.prepare(Role::Voter, with_epp.clone(), None).unwrap();
    assert_eq!(admission.highest(), 2);
    let admitted = admission.complete(7, contacts()).unwrap();
    assert_eq!(admitted.written, made.node(7));
    assert!(admitted.to_string().contains(&format!("run --config {} --id 7", made.config.display())));

    let bundle = Bundle::load(&made.node(7), 7).unwrap();
    let first = Bundle::load(&made.node(1), 1).unwrap();
    assert_eq!((bundle.own.role, &bundle.own.addresses), (Role::Voter, &with_epp));
    assert_eq!(bundle.joining.unwrap().contact, contacts());
    assert_eq!(bundle.founding, first.founding);
    assert_eq!(bundle.keys, first.keys);
    assert!(made.node(7).join(layout::EPP_KEY).is_file());

    let text = fs::read_to_string(&made.config).unwrap();
    assert!(text.starts_with(&format!("{TEXT}\n\n# Added by ")), "what was there stays:\n{text}");
    let file = ClusterFile::load(&made.config).unwrap();
    assert_eq!((file.nodes[&7].role, &file.nodes[&7].addresses), (Role::Voter, &with_epp));
    assert_eq!(file.nodes.len(), 3);
}

#[test]
fn an_edge_gets_no_keys() {
    let made = Made::founded();
    made.prepare(Role::Edge, addresses(7201), None).unwrap().complete(3, contacts()).unwrap();
    assert!(Bundle::load(&made.node(3), 3).unwrap().keys.is_empty());
    assert!(!made.node(3).join(layout::KEYS).exists());
}

#[test]
fn keys_come_from_an_exported_file_where_no_node_is_here() {
    let made = Made::founded();
    let exported = made.dir.path().join("keys.export");
    export_keys(&made.node(1), &exported).unwrap();
    let keys = SealingKeys::of_node(&made.node(1)).unwrap();
    fs::remove_dir_all(made.node(1)).unwrap();
    let refused = made.prepare(Role::Voter, addresses(7201), None).err().unwrap();
    assert!(
        refused.starts_with("data: holds no node with sealing keys") && refused.contains("--keys"),
        "{refused}"
    );
    made.prepare(Role::Voter, addresses(7201), Some(&exported)).unwrap().complete(3, contacts()).unwrap();
    assert_eq!(SealingKeys::of_node(&made.node(3)).unwrap(), keys);
}

#[test]
fn what_can_be_wrong_is_said_before_a_number_is_used_up() {
    let made = Made::new(TEXT);
    let no_authority = made.prepare(Role::Edge, addresses(7201), None).err().unwrap();
    assert!(no_authority.starts_with("data/ca/founding.toml: is missing"), "{no_authority}");
    let made = Made::founded();
    let taken = made.prepare(Role::Edge, addresses(7001), None).err().unwrap();
    assert!(taken.contains("\"127.0.0.1:7001\" is taken by node.1.raft in line 10"), "{taken}");
    let epp = Addresses { epp: Some(at("0.0.0.0:700")), ..addresses(7201) };
    let edge = made.prepare(Role::Edge, epp, None).err().unwrap();
    assert!(edge.contains("an edge holds no keys and serves no EPP"), "{edge}");
    let key = made.dir.path().join("data/ca/ca.key");
    fs::write(&key, "nonsense").unwrap();
    let damaged = made.prepare(Role::Edge, addresses(7201), None).err().unwrap();
    assert!(damaged.starts_with("data/ca/ca.key: is not the key of an authority"), "{damaged}");
    assert_eq!(fs::read_to_string(&made.config).unwrap(), TEXT);
}

#[test]
fn a_key_that_is_not_the_clusters_is_found_out_and_leaves_nothing() {
    let (made, other) = (Made::founded(), Made::founded());
    let key = |made: &Made| made.dir.path().join("data/ca/ca.key");
    fs::copy(key(&other), key(&made)).unwrap();
    let admission = made.prepare(Role::Edge, addresses(7201), None).unwrap();
    let refused = admission.complete(3, contacts()).unwrap_err().to_string();
    assert!(refused.contains("was not issued by the authority"), "{refused}");
    assert!(!made.node(3).exists());
    assert_eq!(fs::read_to_string(&made.config).unwrap(), TEXT);
}

#[test]
fn an_existing_directory_is_not_overwritten() {
    let made = Made::founded();
    let admission = made.prepare(Role::Edge, addresses(7201), None).unwrap();
    fs::create_dir(made.node(3)).unwrap();
    let refused = admission.complete(3, contacts()).unwrap_err().to_string();
    assert!(refused.contains("never overwritten"), "{refused}");
}

#[test]
fn an_even_number_of_voters_founds_nothing() {
    let made = Made::new(&TEXT.replace("\"edge\"", "\"voter\""));
    let refused = init(&ClusterFile::load(&made.config).unwrap()).unwrap_err().to_string();
    assert!(refused.contains("the number of founding voters is 1, 3 or 5, not 2"), "{refused}");
    assert!(!made.dir.path().join("data").exists());
}
