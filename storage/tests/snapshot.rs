//! Export and install: equality, refusals, readers beside it, every crash point.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;

use kit::{BY_NUMBER, CACHE, NAMES, OWN, TABLES, options, text, write_names};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use storage::{
    Disk, Drained, Header, Meta, Options, Read, SimDisk, Store, Table, TransferError, View, digest_of,
    verify_digest,
};

fn open(disk: &SimDisk) -> Store {
    Store::open(Arc::new(disk.clone()), &TABLES, options()).unwrap()
}

fn drain_all(store: &Store) {
    store.freeze();
    while store.drain(Some(u64::MAX)).unwrap() != Drained::Nothing {}
}

/// A store with rows of every kind, drained at `index`, and some rows above that.
fn source(index: u64) -> Store {
    let store = Store::memory(&TABLES);
    write_names(&store, 1, "a", 50);
    let mut tx = store.begin();
    tx.insert(&OWN, &1, &text("the sender's own")).unwrap();
    tx.insert(&CACHE, &1, &text("the sender's cache")).unwrap();
    tx.next_id();
    tx.set_state_time(77);
    tx.commit(2, Arc::default());
    write_names(&store, index, "b", 100);
    drain_all(&store);
    write_names(&store, index + 1, "later", 3);
    store
}

fn export(store: &Store) -> (Header, Vec<u8>) {
    let snapshot = store.snapshot();
    let mut stream = Vec::new();
    snapshot.write(&mut stream).unwrap();
    (snapshot.header().clone(), stream)
}

type Replicated = (Vec<((String, u8), kit::Text)>, Vec<(u16, u64)>);

fn replicated(db: &View) -> Replicated {
    (
        db.range(&NAMES, ..).map(Result::unwrap).collect(),
        db.keys(&BY_NUMBER, ..).map(Result::unwrap).collect(),
    )
}

#[test]
fn an_install_gives_the_sender_s_rows_digest_and_header() {
    let from = source(10);
    let (header, stream) = export(&from);
    assert_eq!((header.index, header.state_time, header.next_id), (10, 77, 2));
    let disk = SimDisk::new();
    let to = open(&disk);
    let mut tx = to.begin();
    tx.insert(&NAMES, &("stale".to_owned(), 1), &text("x")).unwrap();
    tx.insert(&OWN, &5, &text("the receiver's own")).unwrap();
    tx.insert(&CACHE, &5, &text("the receiver's cache")).unwrap();
    tx.commit(3, Arc::default());
    to.freeze();
    to.import(&mut stream.as_slice(), &header).unwrap();
    let check = |to: &Store| {
        let view = to.view();
        assert_eq!(view.header(), &header);
        assert_eq!(digest_of(&view).unwrap(), header.digest);
        let (names, numbers) = replicated(&view);
        assert_eq!((names.len(), numbers.len()), (150, 150));
        assert!(names.iter().all(|((p, _), _)| p == "a" || p == "b"));
        assert_eq!(view.range(&OWN, ..).map(|r| r.unwrap().0).collect::<Vec<_>>(), [5]);
        assert_eq!(view.range(&CACHE, ..).count(), 0);
    };
    check(&to);
    assert_eq!(to.drain(Some(u64::MAX)).unwrap(), Drained::Nothing, "what was frozen is gone");
    assert_eq!((to.applied(), to.drained_index()), (10, 10));
    disk.crash();
    let to = open(&disk);
    check(&to);
    write_names(&to, 11, "later", 3);
    drain_all(&to);
    assert_eq!(replicated(&to.view()), replicated(&from.view()));
    assert_eq!(to.view().header().digest, from.view().header().digest);
    assert_eq!(export(&to).1.len(), {
        drain_all(&from);
        export(&from).1.len()
    });
}

#[test]
fn a_drain_committed_before_an_install_is_not_adopted_after_it() {
    let (header, stream) = export(&source(10));
    let store = Store::memory(&TABLES);
    write_names(&store, 1, "old", 7);
    store.freeze();
    assert!(matches!(store.drain_commit(Some(1)).unwrap(), Drained::Done { .. }));
    store.import(&mut stream.as_slice(), &header).unwrap();
    assert!(!store.adopt());
    assert_eq!((store.drained_index(), store.view().range(&NAMES, ..).count()), (10, 150));
}

#[test]
fn a_snapshot_does_not_change_and_shows_its_age() {
    let now = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let clock = now.clone();
    let clock = move || Duration::from_secs(clock.load(std::sync::atomic::Ordering::Relaxed));
    let store =
        Store::open(Arc::new(SimDisk::new()), &TABLES, Options { clock: Arc::new(clock), ..options() })
            .unwrap();
    write_names(&store, 1, "a", 5);
    drain_all(&store);
    assert_eq!(store.stats().oldest_snapshot, None);
    let snapshot = store.snapshot();
    let mut before = Vec::new();
    snapshot.write(&mut before).unwrap();
    write_names(&store, 2, "b", 5);
    drain_all(&store);
    now.store(9, std::sync::atomic::Ordering::Relaxed);
    let mut after = Vec::new();
    snapshot.write(&mut after).unwrap();
    assert_eq!(before, after);
    let second = store.snapshot();
    assert_eq!(store.stats().oldest_snapshot, Some(Duration::from_secs(9)));
    drop(snapshot);
    assert_eq!(store.stats().oldest_snapshot, Some(Duration::ZERO));
    assert_eq!(second.header().index, 2);
}

#[test]
fn one_export_at_a_time() {
    struct Nested<'a>(&'a Store, bool);
    impl io::Write for Nested<'_> {
        fn write(&mut self, b: &[u8]) -> io::Result<usize> {
            self.1 |= matches!(self.0.snapshot().write(&mut io::sink()), Err(TransferError::Busy { .. }));
            Ok(b.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let store = source(5);
    let mut nested = Nested(&store, false);
    store.snapshot().write(&mut nested).unwrap();
    assert!(nested.1);
    store.snapshot().write(&mut io::sink()).unwrap();
}

#[test]
fn a_view_of_before_reads_the_old_file_during_and_after_an_install() {
    struct Watched<'a> {
        stream: &'a [u8],
        old: &'a View,
        store: &'a Store,
    }
    impl io::Read for Watched<'_> {
        fn read(&mut self, b: &mut [u8]) -> io::Result<usize> {
            assert_eq!(self.old.range(&NAMES, ..).count(), 7);
            assert_eq!(self.store.view().header().index, 1, "nothing changes before the end");
            let n = b.len().min(512);
            self.stream.read(&mut b[..n])
        }
    }
    let (header, stream) = export(&source(10));
    let disk = SimDisk::new();
    let store = open(&disk);
    write_names(&store, 1, "old", 7);
    drain_all(&store);
    let old = store.view();
    store.import(&mut Watched { stream: &stream, old: &old, store: &store }, &header).unwrap();
    assert_eq!(store.view().range(&NAMES, ..).count(), 150);
    assert_eq!(old.range(&NAMES, ..).count(), 7);
    verify_digest(&old).unwrap();
    drop(old);
    verify_digest(&store.view()).unwrap();
    assert_eq!(disk.list().unwrap(), ["state.redb"]);
}

fn refused(store: &Store, stream: &[u8], header: &Header) -> String {
    let before = (store.view().header().clone(), replicated(&store.view()));
    let e = store.import(&mut &*stream, header).unwrap_err();
    assert_eq!((store.view().header().clone(), replicated(&store.view())), before);
    assert!(matches!(e, TransferError::Refused(_) | TransferError::Stream(_)), "{e}");
    e.to_string()
}

#[test]
fn only_a_newer_and_announced_snapshot_is_taken() {
    let (header, stream) = export(&source(10));
    let store = Store::memory(&TABLES);
    write_names(&store, 10, "x", 2);
    assert!(refused(&store, &stream, &header).contains("index is 10, applied is 10"));
    let other = Header { digest: 1, ..header.clone() };
    assert!(refused(&Store::memory(&TABLES), &stream, &other).contains("announced"));
    let tables: Vec<Meta> = [&TABLES[..], &[Table::<u8, kit::Text>::new(77, "more").meta()]].concat();
    let store = Store::memory(&tables);
    let e = store.import(&mut stream.as_slice(), &header).unwrap_err();
    assert!(e.to_string().contains("other tables"), "{e}");
    let batch = store.begin();
    assert!(matches!(store.import(&mut stream.as_slice(), &header), Err(TransferError::Fault(_))));
    drop(batch);
}

#[test]
fn rows_that_do_not_fit_the_digest_are_found() {
    let trusting = Options { assert_fresh: false, ..options() };
    let from = Store::open(Arc::new(SimDisk::new()), &TABLES, trusting).unwrap();
    write_names(&from, 1, "a", 2);
    let mut tx = from.begin();
    tx.replace(&NAMES, &("a".to_owned(), 0), &text("not what is there"), &text("new")).unwrap();
    tx.commit(2, Arc::default());
    let e = verify_digest(&from.view()).unwrap_err();
    assert!(e.to_string().contains("the header says"), "{e}");
    drain_all(&from);
    let (header, stream) = export(&from);
    assert!(refused(&Store::memory(&TABLES), &stream, &header).contains("its rows hash to"));
}

#[test]
fn a_damaged_stream_is_refused_wherever_it_is_damaged() {
    let (header, stream) = export(&source(10));
    let store = Store::memory(&TABLES);
    for at in (0..stream.len()).step_by(37).chain(stream.len() - 40..stream.len()) {
        let mut bad = stream.clone();
        bad[at] ^= 0x20;
        refused(&store, &bad, &header);
    }
    for len in (0..stream.len()).step_by(211) {
        refused(&store, &stream[..len], &header);
    }
    store.import(&mut stream.as_slice(), &header).unwrap();
    verify_digest(&store.view()).unwrap();
}

#[test]
fn every_crash_point_of_an_install_leaves_the_old_or_the_new_state() {
    let (header, stream) = export(&source(10));
    let (mut old, mut new) = (0, 0);
    for syncs in 0..60 {
        for writes in [None, Some(syncs * 3)] {
            let disk = SimDisk::new();
            let store = open(&disk);
            write_names(&store, 1, "old", 7);
            drain_all(&store);
            match writes {
                None => disk.fail_syncs_after(syncs),
                Some(n) => disk.fail_writes_after(n),
            }
            let done = store.import(&mut stream.as_slice(), &header);
            disk.crash();
            drop(store);
            let store = open(&disk);
            verify_digest(&store.view()).unwrap();
            match store.applied() {
                1 => {
                    assert!(done.is_err(), "an acknowledged install is durable");
                    assert_eq!(store.view().range(&NAMES, ..).count(), 7);
                    old += 1;
                }
                10 => new += 1,
                other => panic!("index {other}"),
            }
            assert_eq!(disk.list().unwrap(), ["state.redb"], "nothing unfinished stays");
        }
    }
    assert!(old > 3 && new > 3, "{old} {new}");
}

/// Runs `work` on a thread and waits for it: on a full disk it may wait for ever.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(work()));
    told.recv_timeout(limit).ok()
}

#[test]
fn a_snapshot_that_finds_no_room_is_refused_at_once_and_leaves_nothing_behind() {
    const LIMIT: Duration = Duration::from_secs(5);
    let (header, stream) = export(&source(10));
    let disk = SimDisk::new();
    let store = Arc::new(open(&disk));
    for room in [40_000, 1_000, 0] {
        disk.full_after(room);
        let (receiver, stream, header) = (store.clone(), stream.clone(), header.clone());
        let staged = within(LIMIT, move || receiver.stage(&mut stream.as_slice(), &header).map(drop));
        let why = staged.expect("it waits for room that it takes itself").unwrap_err();
        assert!(matches!(&why, TransferError::Refused(w) if w.contains("no room")), "{room}: {why}");
        assert!(!disk.exists("state.new").unwrap() && !store.space().is_full(), "{room}");
    }
    // with room it is taken, and from then on the file waits for room as the one before did
    disk.heal();
    store.import(&mut stream.as_slice(), &header).unwrap();
    write_names(&store, 11, "later", 200);
    store.freeze();
    disk.full_after(0);
    let draining = store.clone();
    let drain = std::thread::spawn(move || draining.drain(Some(u64::MAX)).unwrap());
    let until = std::time::Instant::now() + LIMIT;
    while !store.space().is_full() {
        assert!(std::time::Instant::now() < until && !drain.is_finished(), "the drain does not wait");
        std::thread::yield_now();
    }
    disk.heal();
    assert!(matches!(drain.join().unwrap(), Drained::Done { .. }));
}
