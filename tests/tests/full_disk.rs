//! A disk without room: nothing is acknowledged that is not on disk, queries are answered as before, another node
//! leads, and all goes on by itself once there is room.
//!
//! The node's files lie on a small file system in memory, which is filled to the last octet. That needs the right to
//! mount one.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};
use tests::{
    epp::Session,
    process::{Registry, das, http, whois},
};

/// Room for a young registry and some thousand names.
const ROOM: &str = "size=48m";

/// A small file system at a folder, which holds what the folder held.
struct Mounted(PathBuf);

impl Mounted {
    fn over(dir: &Path) -> Option<Mounted> {
        let aside = dir.with_extension("aside");
        fs::rename(dir, &aside).unwrap();
        fs::create_dir(dir).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", ROOM, "tmpfs"]).arg(dir).output();
        if !mounted.is_ok_and(|m| m.status.success()) {
            println!("SKIPPED: a full disk: this user may not mount a file system");
            return None;
        }
        for file in fs::read_dir(&aside).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.join(file.file_name())).unwrap();
        }
        Some(Mounted(dir.to_owned()))
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![0_u8; size];
            while match filler.write(&block) {
                Ok(_) => true,
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::StorageFull);
                    false
                }
            } {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // lazily: the node may still have its files open
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

/// Moves the files of a node that is down.
fn on_small_disk(registry: &Registry, node: u64) -> Option<Mounted> {
    Mounted::over(&registry.data_dir.join(format!("node-{node}/main")))
}

fn wait_until(what: &str, registry: &Registry, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(90);
    while !done() {
        assert!(Instant::now() < until, "{what} did not come about; log:\n{}", registry.log());
        sleep(Duration::from_millis(50));
    }
}

fn readiness(registry: &Registry, node: u64) -> String {
    http(registry.at(node, 7090), "GET", "/readyz").map_or_else(|e| e.to_string(), |(_, page)| page)
}

/// Creates names until one is not acknowledged; says which were. Refused as busy, or not known: never 1000.
fn until_refused(session: &mut Session, prefix: &str) -> Vec<String> {
    let mut created = Vec::new();
    for n in 0..100_000 {
        let name = format!("{prefix}{n}.example");
        match session.create(&name) {
            Ok(answer) if answer.code == 1000 => created.push(name),
            Ok(answer) => {
                assert!(matches!(answer.code, 2400 | 2500), "{}", answer.xml);
                return created;
            }
            Err(_) => return created,
        }
    }
    panic!("the disk never filled");
}

#[test]
fn a_full_disk_stops_acknowledging_and_recovers_without_help() {
    let mut registry = Registry::start(1, 0);
    registry.kill_dev();
    let Some(disk) = on_small_disk(&registry, 1) else { return };
    registry.start_by_hand(1);
    let mut session = registry.session(1, "alpha");
    assert_eq!(session.create("before.example").unwrap().code, 1000);
    disk.fill();
    let created = until_refused(&mut session, "full");
    wait_until("a full disk", &registry, || readiness(&registry, 1).contains("the disk is full"));
    assert!(registry.metric(1, "namingo_disk_full") > 0.5);
    // what registrars and the public ask is answered
    let mut reader = registry.session(1, "alpha");
    assert_eq!(reader.info("before.example").unwrap().code, 1000);
    assert_eq!(reader.create("during.example").unwrap().code, 2400);
    assert!(whois(registry.at(1, 7043), "before.example").unwrap().contains("Domain Name: before.example"));
    assert_eq!(das(registry.at(1, 7044), &["before.example".into()]).unwrap(), ["registered"]);
    disk.make_room();
    wait_until("readiness", &registry, || readiness(&registry, 1) == "ready\n");
    assert_eq!(registry.session(1, "beta").create("after.example").unwrap().code, 1000);
    // and nothing that was acknowledged is gone, then and after the next start
    for restarted in [false, true] {
        if restarted {
            registry.kill(1);
            registry.start_by_hand(1);
        }
        let names: Vec<String> =
            created.iter().cloned().chain(["before.example".into(), "after.example".into()]).collect();
        let statuses = das(registry.at(1, 7044), &names).unwrap();
        assert!(statuses.iter().all(|status| status == "registered"), "restarted: {restarted}: {statuses:?}");
    }
}

#[test]
fn a_leader_with_a_full_disk_hands_over_and_catches_up_later() {
    let mut registry = Registry::start(3, 0);
    let full = 2;
    registry.kill(full);
    let Some(disk) = on_small_disk(&registry, full) else { return };
    registry.start_by_hand(full);
    wait_until("leadership", &registry, || {
        registry.admin(1, &["cluster", "transfer-leader", "--to", "2"]).0 && registry.leader() == full
    });
    disk.fill();
    // the full leader commits with the others' disks until it has noticed its own
    let mut created = until_another_leads(&registry, full);
    wait_until("a full disk", &registry, || readiness(&registry, full).contains("the disk is full"));
    let (_, said) = registry.admin(1, &["cluster", "status"]);
    assert!(said.contains("node 2: its disk is full"), "{said}");
    let (done, said) = registry.admin(1, &["cluster", "transfer-leader", "--to", "2"]);
    assert!(!done && said.contains("its clock or its disk is not right"), "{said}");
    // writes go on without it, and it answers the public from what it had
    let mut session = registry.session(1, "beta");
    for n in 0..50 {
        let name = format!("without{n}.example");
        assert_eq!(session.create(&name).unwrap().code, 1000);
        created.push(name);
    }
    assert_eq!(das(registry.at(full, 7044), &["example.test".into()]).unwrap(), ["registered"]);
    disk.make_room();
    wait_until("readiness", &registry, || readiness(&registry, full) == "ready\n");
    let (equal, said) = registry.equal_members(1);
    assert_eq!(equal, 3, "{said}");
    let lost = das(registry.at(full, 7044), &created).unwrap().iter().filter(|s| *s != "registered").count();
    assert_eq!(lost, 0);
}

/// Names created at node 1 while leadership moves away from `full`.
fn until_another_leads(registry: &Registry, full: u64) -> Vec<String> {
    let (mut created, mut n) = (Vec::new(), 0);
    let mut session = registry.session(1, "alpha");
    wait_until("another leader", registry, || {
        for _ in 0..100 {
            let name = format!("moving{n}.example");
            n += 1;
            match session.create(&name) {
                Ok(answer) if answer.code == 1000 => created.push(name),
                Ok(answer) if answer.code == 2400 => {}
                _ => session = registry.session(1, "alpha"),
            }
        }
        registry.leader() != full
    });
    created
}
