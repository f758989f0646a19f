//! Sealing keys as files: exported, imported, replaced, and every way in which a file of keys can be wrong.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cluster::{ClusterFile, Imported, SealingKeys, export_keys, fingerprint, import_keys, init, layout};
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
[node.2]
role = "edge"
raft = "127.0.0.1:7201"
admin = "127.0.0.1:7291"
"#;

fn made() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cluster.toml");
    fs::write(&path, TEXT).unwrap();
    let file = ClusterFile::load(&path).unwrap();
    init(&file).unwrap();
    (dir, file.node_dir(1), file.node_dir(2))
}

fn refused(imported: Result<Imported, cluster::BundleError>, expected: &str) {
    let why = imported.unwrap_err().to_string();
    assert!(why.contains(expected), "{why}");
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_was_exported_comes_back() {
    let (dir, node, _) = made();
    SealingKeys::store(&node, 2, &[2; 64]).unwrap();
    let before = SealingKeys::of_node(&node).unwrap();
    let file = dir.path().join("backup");
    let exported = export_keys(&node, &file).unwrap();
    assert_eq!(exported, before.fingerprints());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(export_keys(&node, &file).is_err(), "nothing is overwritten");
    assert_eq!(import_keys(&node, 1, &file).unwrap(), Imported { added: vec![], present: vec![1, 2] });
    fs::remove_file(node.join("keys/epoch-1.key")).unwrap();
    assert_eq!(import_keys(&node, 1, &file).unwrap(), Imported { added: vec![1], present: vec![2] });
    fs::remove_dir_all(node.join("keys")).unwrap();
    assert_eq!(import_keys(&node, 1, &file).unwrap().added, [1, 2]);
    assert_eq!(SealingKeys::of_node(&node).unwrap(), before);
    let mode = |path: &str| fs::metadata(node.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys"), mode("keys/epoch-2.key")), (0o700, 0o600));
}

#[test]
fn a_stored_key_replaces_the_one_before_and_leaves_no_draft() {
    let (_dir, node, _) = made();
    for octet in [1, 2] {
        fs::write(node.join(".epoch-7.key"), "left by a crash").unwrap();
        SealingKeys::store(&node, 7, &[octet; 64]).unwrap();
        let keys = SealingKeys::of_node(&node).unwrap();
        assert_eq!(keys.fingerprints()[&7], fingerprint(&[octet; 64]));
    }
    assert!(!node.join(".epoch-7.key").exists());
}

#[test]
fn files_of_keys_that_do_not_fit_are_refused_and_change_nothing() {
    let (dir, node, edge) = made();
    let file = dir.path().join("backup");
    export_keys(&node, &file).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let secret = text.split("secret = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let other = dir.path().join("other");
    let before = SealingKeys::of_node(&node).unwrap();

    refused(import_keys(&edge, 2, &file), "must hold no sealing keys");
    refused(import_keys(&node, 1, &dir.path().join("missing")), "missing");
    write_private(&other, &text.replace("cluster_id = \"", "cluster_id = \"0"));
    refused(import_keys(&node, 1, &other), "holds keys of cluster 0");
    write_private(&other, &text.replacen(&secret[..4], "zzzz", 1));
    refused(import_keys(&node, 1, &other), "epoch 1 is damaged");
    let flipped = if secret.starts_with('0') { "1" } else { "0" };
    write_private(&other, &text.replacen(&secret, &format!("{flipped}{}", &secret[1..]), 1));
    refused(import_keys(&node, 1, &other), "epoch 1 is damaged");
    write_private(&other, &format!("secret = {secret}"));
    let why = import_keys(&node, 1, &other).unwrap_err().to_string();
    assert!(why.ends_with("is not a file that `keys export` wrote") && !why.contains(&secret[..8]), "{why}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    refused(import_keys(&node, 1, &file), "chmod 600");
    assert_eq!(SealingKeys::of_node(&node).unwrap(), before);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    SealingKeys::store(&node, 1, &[9; 64]).unwrap();
    refused(import_keys(&node, 1, &file), "has another key of epoch 1");
    assert!(node.join(layout::KEYS).join(layout::epoch_file(1)).exists());
}

#[test]
fn a_secret_is_never_shown() {
    let (dir, node, _) = made();
    SealingKeys::store(&node, 2, &[0xAB; 64]).unwrap();
    export_keys(&node, &dir.path().join("backup")).unwrap();
    let shown = format!("{:?}", SealingKeys::of_node(&node).unwrap());
    assert_eq!(shown, "SealingKeys(epochs [1, 2])");
}
