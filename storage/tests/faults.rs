//! Power lost after every single step of every operation, and a disk that fills up. Afterwards there is the old state
//! or the new one, what was acknowledged is there, and the files open.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;

use kit::{BY_NUMBER, NAMES, TABLES, options, text, write_names};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::time::Duration;
use storage::{
    Disk, Done, Drained, Header, Log, LogOptions, MetaKey, Options, Pressure, Read, SimDisk, Snapshot, Space,
    Store, verify_digest,
};

/// How the power goes: what was not synced is lost, or a part of it chosen by a seed.
const TEARS: [Option<u64>; 4] = [None, Some(1), Some(2), Some(3)];

/// More steps than any operation here takes.
const STEPS_MAX: u64 = 400;

fn lose_power(disk: &SimDisk, tear: Option<u64>) {
    match tear {
        None => disk.crash(),
        Some(seed) => disk.crash_torn(seed),
    }
}

/// Calls `scene` with a disk on which the `n`th step fails, for every n, until it says that nothing failed.
fn at_every_step(scene: impl Fn(u64, Option<u64>) -> bool) {
    for tear in TEARS {
        let steps = (0..STEPS_MAX).find(|n| scene(*n, tear)).expect("the operation comes to its end");
        assert!(steps > 1, "an operation of {steps} steps tests nothing");
    }
}

fn bytes(s: &str) -> Arc<[u8]> {
    s.as_bytes().into()
}

/// Segments so small that nearly every write begins one, or one for all.
const SEGMENTS: [u64; 2] = [1, 1 << 20];

fn open_log(disk: &SimDisk, segment_bytes: u64) -> Log {
    Log::open_with(Arc::new(disk.clone()), LogOptions { segment_bytes, ..LogOptions::default() }).unwrap()
}

/// What a log says, in one line.
fn told(log: &Log) -> String {
    let entries = log.read(0..99).unwrap();
    let entries: Vec<_> = entries.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    let (purged, last) = log.bounds().unwrap();
    let last = last.map(|(index, _)| index);
    let meta = [MetaKey::Vote, MetaKey::Committed].map(|key| log.get_meta(key));
    format!("{entries:?} {purged:?} {last:?} {meta:?}")
}

/// A log with six entries and a vote.
fn some_log(disk: &SimDisk, segment_bytes: u64) -> Log {
    let log = open_log(disk, segment_bytes);
    let entries = (0..6).map(|i| (i, bytes(&format!("entry {i}")))).collect();
    log.append(entries, Box::new(|r| r.unwrap()));
    log.put_meta(MetaKey::Vote, bytes("old vote"), true, Box::new(|r| r.unwrap()));
    log.flush().unwrap();
    log
}

fn every_step_of(operation: impl Fn(&Log, Done)) {
    for segment_bytes in SEGMENTS {
        at_every_step(|n, tear| {
            let disk = SimDisk::new();
            let log = some_log(&disk, segment_bytes);
            let old = told(&log);
            disk.fail_steps_after(n);
            let acknowledged = Arc::new(AtomicBool::new(false));
            let heard = acknowledged.clone();
            operation(&log, Box::new(move |r| heard.store(r.is_ok(), Ordering::Relaxed)));
            let new = told(&log);
            assert_ne!(old, new, "the operation changes something");
            let ended = log.flush().is_ok();
            lose_power(&disk, tear);
            drop(log);
            let found = told(&open_log(&disk, segment_bytes));
            let acknowledged = acknowledged.load(Ordering::Relaxed);
            assert_eq!(acknowledged, ended);
            let allowed = if acknowledged { found == new } else { found == old || found == new };
            assert!(allowed, "step {n}, {tear:?}: {found}\nold {old}\nnew {new}");
            ended
        });
    }
}

#[test]
fn an_append_is_there_or_not() {
    every_step_of(|log, done| log.append((6..9).map(|i| (i, bytes("more"))).collect(), done));
}

#[test]
fn a_vote_is_the_old_or_the_new() {
    every_step_of(|log, done| log.put_meta(MetaKey::Vote, bytes("new vote"), true, done));
}

#[test]
fn a_truncation_happens_or_not_and_with_it_what_follows() {
    every_step_of(|log, done| {
        log.truncate_after(Some(2), Box::new(drop));
        log.put_meta(MetaKey::Committed, bytes("commit"), false, Box::new(drop));
        log.append(vec![(3, bytes("another branch"))], done);
    });
}

#[test]
fn a_purge_happens_or_not() {
    every_step_of(|log, done| log.purge(3, bytes("purged"), done));
}

#[test]
fn a_log_that_is_being_made_can_be_made_again() {
    at_every_step(|n, tear| {
        let disk = SimDisk::new();
        disk.fail_steps_after(n);
        let made = Log::open(Arc::new(disk.clone())).is_ok();
        lose_power(&disk, tear);
        assert_eq!(
            told(&some_log(&disk, SEGMENTS[0])),
            told(&some_log(&SimDisk::new(), SEGMENTS[0])),
            "step {n}, {tear:?}"
        );
        made
    });
}

fn open_store(disk: &SimDisk) -> Store {
    Store::open(Arc::new(disk.clone()), &TABLES, options()).unwrap()
}

fn drain_all(store: &Store) {
    store.freeze();
    while store.drain(Some(u64::MAX)).unwrap() != Drained::Nothing {}
}

/// The header of a sound state.
fn sound(store: &Store) -> Header {
    let view = store.view();
    verify_digest(&view).unwrap();
    assert_eq!(view.range(&NAMES, ..).count(), view.keys(&BY_NUMBER, ..).count());
    view.header().clone()
}

#[test]
fn a_drain_leaves_the_old_or_the_new_state() {
    at_every_step(|n, tear| {
        let disk = SimDisk::new();
        let store = open_store(&disk);
        write_names(&store, 1, "a", 30);
        drain_all(&store);
        let old = sound(&store);
        write_names(&store, 2, "b", 60);
        let new = sound(&store);
        assert!(store.freeze());
        // rows of the next generation are the log's business
        write_names(&store, 3, "c", 5);
        disk.fail_steps_after(n);
        let committed = store.drain_commit(Some(2)).is_ok();
        // power goes between commit and adoption, or after it
        let adopted = committed && n % 2 == 0 && store.adopt();
        assert_eq!(store.drained_index(), if adopted { 2 } else { 1 });
        assert_eq!(sound(&store).index, 3, "readers see what is applied, whatever the disk does");
        lose_power(&disk, tear);
        drop(store);
        let found = sound(&open_store(&disk));
        let allowed = if committed { found == new } else { found == old || found == new };
        assert!(allowed, "step {n}, {tear:?}: {found:?}");
        committed
    });
}

fn exported(index: u64) -> (Header, Vec<u8>) {
    let store = Store::memory(&TABLES);
    write_names(&store, index, "sent", 40);
    drain_all(&store);
    let snapshot: Snapshot = store.snapshot();
    let mut stream = Vec::new();
    snapshot.write(&mut stream).unwrap();
    (snapshot.header().clone(), stream)
}

#[test]
fn an_install_leaves_the_old_or_the_new_state() {
    let (new, stream) = exported(9);
    at_every_step(|n, tear| {
        let disk = SimDisk::new();
        let store = open_store(&disk);
        write_names(&store, 1, "own", 30);
        drain_all(&store);
        let old = sound(&store);
        disk.fail_steps_after(n);
        let installed = store.import(&mut stream.as_slice(), &new).is_ok();
        lose_power(&disk, tear);
        drop(store);
        let found = sound(&open_store(&disk));
        let allowed = if installed { found == new } else { found == old || found == new };
        assert!(allowed, "step {n}, {tear:?}: {found:?}");
        assert_eq!(disk.list().unwrap(), ["state.redb"], "nothing unfinished is left");
        installed
    });
}

#[test]
fn a_state_that_is_being_made_can_be_made_again() {
    at_every_step(|n, tear| {
        let disk = SimDisk::new();
        disk.fail_steps_after(n);
        let made = Store::open(Arc::new(disk.clone()), &TABLES, options()).is_ok();
        lose_power(&disk, tear);
        let store = open_store(&disk);
        assert!(sound(&store).is_new(), "step {n}, {tear:?}");
        write_names(&store, 1, "a", 3);
        drain_all(&store);
        made
    });
}

/// Waits for another thread; a test that hangs is ended from outside.
fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_full_disk_holds_acknowledgements_back_and_needs_no_restart() {
    let disk = SimDisk::new();
    let space = Space::default();
    // the reads below go to the file
    let small = LogOptions { tail_bytes: 0, space: space.clone(), ..LogOptions::default() };
    let log = Arc::new(Log::open_with(Arc::new(disk.clone()), small.clone()).unwrap());
    log.append((0..50).map(|i| (i, bytes("kept"))).collect(), Box::new(|r| r.unwrap()));
    log.flush().unwrap();
    let writer = log.spawn_writer().unwrap();
    disk.full_after(100);
    let acknowledged = Arc::new(AtomicUsize::new(0));
    for i in 50..60 {
        let heard = acknowledged.clone();
        let done: Done = Box::new(move |r| {
            heard.fetch_add(usize::from(r.is_ok()), Ordering::Relaxed);
        });
        log.append(vec![(i, bytes("waits"))], done);
    }
    until(|| space.is_full());
    assert_eq!((acknowledged.load(Ordering::Relaxed), log.synced()), (0, Some(49)));
    assert_eq!(log.read(0..99).unwrap().len(), 60, "reads go on, from the file and from memory");
    disk.heal();
    until(|| acknowledged.load(Ordering::Relaxed) == 10);
    assert_eq!((log.synced(), space.is_full()), (Some(59), false));
    writer.stop().unwrap();
    disk.crash();
    drop(log);
    assert_eq!(Log::open(Arc::new(disk.clone())).unwrap().read(0..99).unwrap().len(), 60);
}

#[test]
fn a_writer_that_stops_on_a_full_disk_fails_what_it_could_not_write() {
    let disk = SimDisk::new();
    let log = Arc::new(Log::open(Arc::new(disk.clone())).unwrap());
    log.append(vec![(0, bytes("kept"))], Box::new(|r| r.unwrap()));
    log.flush().unwrap();
    let writer = log.spawn_writer().unwrap();
    disk.full_after(0);
    let failed = Arc::new(AtomicBool::new(false));
    let heard = failed.clone();
    log.append(vec![(1, bytes("lost"))], Box::new(move |r| heard.store(r.is_err(), Ordering::Relaxed)));
    assert!(writer.stop().is_err());
    assert!(failed.load(Ordering::Relaxed), "never acknowledged");
    disk.crash();
    drop(log);
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    assert_eq!(log.synced(), Some(0));
}

#[test]
fn a_drain_waits_for_room_while_readers_go_on() {
    let disk = SimDisk::new();
    let space = Space::default();
    let options = Options { cache_bytes: 0, space: space.clone(), ..options() };
    let store = Arc::new(Store::open(Arc::new(disk.clone()), &TABLES, options).unwrap());
    write_names(&store, 1, "a", 200);
    drain_all(&store);
    write_names(&store, 2, "b", 200);
    assert_eq!(store.pressure(), Pressure::Free);
    assert!(store.freeze());
    disk.full_after(4096);
    let draining = store.clone();
    let drain = std::thread::spawn(move || draining.drain(Some(2)));
    until(|| space.is_full());
    assert_eq!(store.pressure(), Pressure::StopProposing, "the leader takes nothing that can't be kept");
    // the first from the file, the second from memory; and apply goes on
    let view = store.view();
    for prefix in ["a", "b"] {
        let row = view.get(&NAMES, &(prefix.to_owned(), 7)).unwrap();
        assert_eq!(row, Some(text(&format!("{prefix}7"))));
    }
    write_names(&store, 3, "c", 10);
    assert_eq!(sound(&store).index, 3);
    disk.heal();
    assert!(matches!(drain.join().unwrap().unwrap(), Drained::Done { rows: 400, .. }));
    assert_eq!((store.drained_index(), store.pressure()), (2, Pressure::Free));
    drain_all(&store);
    disk.crash();
    drop(store);
    assert_eq!(sound(&open_store(&disk)).index, 3);
}
