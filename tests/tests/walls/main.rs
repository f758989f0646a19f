//! The walls of the house, as the source has them: who may name what, and what may not be there at all.
//!
//! Words in comments do not count where a wall is about code; this folder itself, which must name what it
//! forbids, is not searched.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod documents;
mod source;

use source::{files, functions, lines_with, root, rust};

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
    process::Command,
};

/// Lines of a file at most.
const FILE_LINES: usize = 600;
/// Lines of a function at most.
const FUNCTION_LINES: usize = 90;
/// Files and functions that are longer, and why: `path` or `path: function`.
const LONGER: [(&str, &str); 2] = [
    (
        "cluster/tests/config.rs: each_mistake_is_named_by_file_line_and_key",
        "a table of mistakes, one after the other",
    ),
    (
        "registry/src/refusal.rs: fmt",
        "one sentence for each refusal, in one match that the compiler completes",
    ),
];

/// Crates of other people that one crate keeps to itself.
const KEPT: [(&str, &[&str]); 4] = [
    ("openraft", &["raft"]),
    ("openraft_rt_tokio", &["raft"]),
    // bench compares the log with other stores and calls one of them by its name
    ("redb", &["storage", "bench"]),
    ("bincode", &["storage"]),
];

/// Which crates of this workspace a crate may use. `tests` and `bench` are users of all, `node` joins everything.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("storage", &[]),
    ("registry", &["storage"]),
    ("cluster", &[]),
    ("raft", &["storage", "registry"]),
    ("net", &[]),
    ("epp", &["net", "registry", "storage"]),
    ("whois", &["net", "registry", "storage"]),
    ("rdap", &["net", "registry", "storage"]),
    ("das", &["net", "registry", "storage"]),
    ("admin", &["cluster", "net", "registry", "storage"]),
    ("namingo-admin", &["admin", "cluster", "net", "registry"]),
];

/// What `registry` may use of other people's crates: no runtime, no generator of random numbers.
const REGISTRY_USES: [&str; 6] = ["argon2", "idna", "jiff", "ring", "serde", "tracing"];

/// What makes two nodes differ, and what waits. Words are found as whole paths or identifiers.
const NOT_IN_REGISTRY: [&str; 18] = [
    "SystemTime",
    "Instant",
    "SystemRandom",
    "SecureRandom",
    "RandomState",
    "HashMap",
    "HashSet",
    "f32",
    "f64",
    "tokio",
    "futures",
    "futures_util",
    "spawn",
    "sleep",
    "File",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
];

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Crate → what its manifest names, by kind (`None` is an ordinary dependency).
fn manifests() -> BTreeMap<String, Vec<(String, Option<String>)>> {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let crates = metadata["packages"].as_array().expect("packages").iter().map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let dependencies = dependencies.map(|d| (word(&d["name"]).expect("a name"), word(&d["kind"])));
        (word(&package["name"]).expect("a name"), dependencies.collect())
    });
    crates.collect()
}

#[test]
fn foreign_crates_are_named_where_they_are_wrapped() {
    let manifests = manifests();
    for (foreign, homes) in KEPT {
        let package = foreign.replace('_', "-");
        for (name, dependencies) in &manifests {
            let named = dependencies.iter().any(|(dependency, _)| *dependency == package);
            assert!(
                !named || homes.contains(&name.as_str()),
                "{name} depends on {package}, which is kept in {homes:?}"
            );
        }
        let outside = rust().into_iter().filter(|source| !homes.iter().any(|home| source.in_crate(home)));
        let found = outside.flat_map(|source| {
            lines_with(&source.code(), foreign).into_iter().map(move |line| format!("{}:{line}", source.path))
        });
        none(&found.collect::<Vec<_>>(), &format!("{foreign} is named only in {homes:?}"));
    }
}

#[test]
fn crates_use_only_what_is_below_them() {
    let manifests = manifests();
    let ours: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    for (name, allowed) in MAY_USE {
        let dependencies = manifests.get(name).unwrap_or_else(|| panic!("there is no crate {name}"));
        for (dependency, _) in dependencies {
            let fine = !ours.contains(dependency.as_str()) || allowed.contains(&dependency.as_str());
            assert!(fine, "{name} uses {dependency}; it may use {allowed:?}");
        }
    }
    let ruled = MAY_USE.iter().map(|(name, _)| *name).chain(["namingo-node", "tests", "bench"]);
    assert_eq!(ruled.collect::<BTreeSet<_>>(), ours, "every crate has a rule here");
}

#[test]
fn registry_has_no_clock_randomness_hash_map_or_runtime() {
    let mut found = Vec::new();
    for source in rust().iter().filter(|source| source.in_crate("registry/src")) {
        let code = source.code();
        for word in NOT_IN_REGISTRY {
            found
                .extend(lines_with(&code, word).iter().map(|line| format!("{}:{line}: {word}", source.path)));
        }
        let clocks = code.lines().enumerate().filter(|(_, line)| line.contains("::now("));
        found.extend(clocks.map(|(at, _)| format!("{}:{}: a clock", source.path, at + 1)));
        // the port to consensus is the one place that may wait
        if source.path != "registry/src/backend.rs" {
            for word in ["async", "await", "Future", "Mutex"] {
                found.extend(
                    lines_with(&code, word).iter().map(|line| format!("{}:{line}: {word}", source.path)),
                );
            }
        }
    }
    none(&found, "registry is deterministic and synchronous");
    let manifests = manifests();
    let foreign =
        manifests["registry"].iter().filter(|(name, kind)| kind.is_none() && name != "storage").cloned();
    assert_eq!(
        foreign.map(|(name, _)| name).collect::<Vec<_>>(),
        REGISTRY_USES,
        "the list of registry's crates"
    );
}

#[test]
fn nothing_is_unsafe_or_unfinished() {
    let marks = ["TODO", "FIXME", "XXX", "HACK"];
    let mut found = Vec::new();
    for source in rust() {
        let code = source.code();
        for word in ["unsafe", "todo", "unimplemented", "dbg"] {
            found
                .extend(lines_with(&code, word).iter().map(|line| format!("{}:{line}: {word}", source.path)));
        }
        for mark in marks {
            found.extend(
                lines_with(&source.text, mark).iter().map(|line| format!("{}:{line}: {mark}", source.path)),
            );
        }
    }
    for source in files(".md").into_iter().chain(files(".toml")) {
        for mark in marks {
            found.extend(
                lines_with(&source.text, mark).iter().map(|line| format!("{}:{line}: {mark}", source.path)),
            );
        }
    }
    none(&found, "finished, safe code");
}

#[test]
fn files_and_functions_stay_short() {
    let mut found = Vec::new();
    let mut excused = BTreeSet::new();
    let mut too_long = |what: String, lines: usize, limit: usize| {
        if LONGER.iter().any(|(known, _)| *known == what) {
            excused.insert(what);
        } else {
            found.push(format!("{what}: {lines} lines, at most {limit}"));
        }
    };
    for source in rust() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            too_long(source.path.clone(), lines, FILE_LINES);
        }
        for (name, lines) in functions(&source.code()) {
            if lines > FUNCTION_LINES {
                too_long(format!("{}: {name}", source.path), lines, FUNCTION_LINES);
            }
        }
    }
    none(&found, "split them, or list them with a reason");
    assert_eq!(excused.len(), LONGER.len(), "the list of longer ones holds what is not long any more");
}
