//! A node whose machine has the wrong time, as processes: libfaketime (Debian's `faketime`) tells it another one.
//! `tests/run` installs that; where it is missing the test says SKIPPED.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use registry::Timestamp;
use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tests::process::{Registry, http};

/// The library that tells the wrong time.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|library| library.exists())
}

/// The time here as EPP writes it, which sorts as time does.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap()).to_string()
}

fn wait_for(what: &str, registry: &Registry, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < until, "{what} does not come about; log:\n{}", registry.log());
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_node_a_year_ahead_is_not_ready_does_not_lead_and_dates_nothing() {
    let Some(library) = faketime() else {
        println!("SKIPPED: libfaketime is missing");
        return;
    };
    let mut registry = Registry::start(3, 0);
    let leader = registry.leader();
    let wrong = leader % 3 + 1;
    let right = 6 - leader - wrong;
    registry.kill(wrong);
    let library = library.to_str().unwrap();
    let ahead = [("LD_PRELOAD", library), ("FAKETIME", "+365d"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    registry.spawn_with(wrong, &ahead);
    wait_for("that it says that its clock is wrong", &registry, || {
        let ready = http(registry.at(wrong, 7090), "GET", "/readyz");
        ready.is_ok_and(|(code, said)| {
            code == 503 && said.contains("the clock: more than 2 s from a majority")
        })
    });
    let (handed, said) = registry.admin(right, &["cluster", "transfer-leader", &wrong.to_string()]);
    assert!(!handed && said.contains("can't lead"), "{said}");
    // only the one with the wrong clock is left to follow: it votes, and does not lead
    registry.kill(leader);
    wait_for("another leader", &registry, || registry.metric(right, "namingo_raft_is_leader") > 0.0);
    let mut session = registry.session(right, "alpha");
    let before = now();
    let created = session.create("dated.example").unwrap();
    assert_eq!(created.code, 1000, "{}", created.xml);
    let dated = created.text("crDate").unwrap();
    assert!(
        before.as_str() <= dated && dated <= now().as_str(),
        "{dated} is not between {before} and {}",
        now()
    );
    // nor does what it accepts itself get its date
    let mut session = registry.session(wrong, "alpha");
    let answer = session.create("misdated.example").unwrap();
    assert_eq!(answer.code, 2400, "{}", answer.xml);
    registry.start_by_hand(leader);
    assert_ne!(registry.leader(), wrong);
    // with the right time it is one of them again
    registry.kill(wrong);
    registry.start_by_hand(wrong);
    let (equal, said) = registry.equal_members(right);
    assert_eq!(equal, 3, "{said}");
}
