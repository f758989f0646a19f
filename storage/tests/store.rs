//! What the model does not reach: pressure, panics, misuse, formats, faults of the disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;

use kit::{BY_NUMBER, CACHE, NAMES, TABLES, Text, options, text, write_names};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::{
    DirDisk, Disk, Drained, Fault, Log, Meta, Options, Pressure, Read, SimDisk, Snapshot, Store, Table, Tx,
    View, verify_digest,
};

fn open(disk: &SimDisk, options: Options) -> Result<Store, Fault> {
    Store::open(Arc::new(disk.clone()), &TABLES, options)
}

fn drain_all(store: &Store) {
    store.freeze();
    while store.drain(Some(u64::MAX)).unwrap() != Drained::Nothing {}
}

#[test]
fn handles_go_to_any_thread() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Store>();
    shared::<View>();
    shared::<Snapshot>();
    shared::<Log>();
    sent::<Tx<'static>>();
}

#[test]
fn freeze_by_rows_bytes_and_age() {
    let now = Arc::new(AtomicU64::new(0));
    let clock = now.clone();
    let store = open(
        &SimDisk::new(),
        Options {
            freeze_rows: 8,
            freeze_age: Duration::from_secs(10),
            clock: Arc::new(move || Duration::from_secs(clock.load(Ordering::Relaxed))),
            ..options()
        },
    )
    .unwrap();
    now.store(100, Ordering::Relaxed);
    assert!(!store.should_freeze(), "an empty generation has no age");
    write_names(&store, 1, "a", 3);
    now.store(109, Ordering::Relaxed);
    assert!(!store.should_freeze());
    now.store(110, Ordering::Relaxed);
    assert!(store.should_freeze());
    drain_all(&store);
    write_names(&store, 2, "b", 4);
    assert!(store.should_freeze(), "four names and four index rows");
    drain_all(&store);
    assert!(!store.should_freeze());
    let store = open(&SimDisk::new(), Options { freeze_bytes: 600, ..options() }).unwrap();
    write_names(&store, 1, "a", 1);
    assert!(!store.should_freeze());
    write_names(&store, 2, "b", 2);
    assert!(store.should_freeze());
}

#[test]
fn pressure_rises_only_beside_a_drain() {
    // time is a part of a drain's progress, and none passes here
    let still = Options { clock: Arc::new(|| Duration::ZERO), ..options() };
    let store = open(&SimDisk::new(), Options { freeze_rows: 8, ..still }).unwrap();
    write_names(&store, 1, "a", 4);
    assert_eq!(store.pressure(), Pressure::Free, "nothing drains: a freeze is the answer");
    assert!(store.freeze());
    write_names(&store, 2, "b", 1);
    assert_eq!(store.pressure(), Pressure::Free);
    write_names(&store, 3, "c", 1);
    assert_eq!(store.pressure(), Pressure::StopProposing, "half full, and the drain has not begun");
    write_names(&store, 4, "d", 2);
    assert_eq!(store.pressure(), Pressure::Full);
    assert!(!store.should_freeze(), "one generation drains at a time");
    store.drain(Some(1)).unwrap();
    assert_eq!(store.pressure(), Pressure::Free);
}

#[test]
fn a_drain_rests_while_memory_has_room() {
    // by this clock every look at it takes a second
    let (now, rested) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (clock, slept) = (now.clone(), rested.clone());
    let store = open(
        &SimDisk::new(),
        Options {
            freeze_rows: 8,
            clock: Arc::new(move || Duration::from_secs(clock.fetch_add(1, Ordering::Relaxed))),
            rest: Some(Arc::new(move |time| {
                slept.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
            })),
            ..options()
        },
    )
    .unwrap();
    write_names(&store, 1, "a", 4);
    store.freeze();
    store.drain(Some(1)).unwrap();
    let once = rested.load(Ordering::Relaxed);
    assert!(once > 0);
    write_names(&store, 2, "b", 4);
    store.freeze();
    write_names(&store, 3, "c", 2);
    store.drain(Some(2)).unwrap();
    assert_eq!(rested.load(Ordering::Relaxed), once, "half full: there is no time to rest");
}

#[test]
fn a_generation_waits_for_the_log() {
    let store = Store::memory(&TABLES);
    write_names(&store, 5, "a", 1);
    store.freeze();
    write_names(&store, 6, "b", 1);
    assert_eq!(store.drain(None).unwrap(), Drained::LogBehind { needs: 5 });
    assert_eq!(store.drain(Some(4)).unwrap(), Drained::LogBehind { needs: 5 });
    assert_eq!(store.drained_index(), 0);
    let Drained::Done { header, rows } = store.drain(Some(5)).unwrap() else { panic!("not drained") };
    assert_eq!((header.index, rows, &*header.meta), (5, 2, &b"log 5"[..]), "the header it was frozen with");
    assert_eq!((store.drained_index(), store.applied()), (5, 6));
    assert_eq!(store.drained_header(), header);
}

#[test]
fn a_panic_drops_the_batch_and_tells_where_it_came_from() {
    let store = Store::memory(&TABLES);
    write_names(&store, 1, "a", 1);
    let mut tx = store.begin();
    tx.insert(&CACHE, &1, &text("x")).unwrap();
    tx.insert(&NAMES, &("b".to_owned(), 1), &text("x")).unwrap();
    assert_ne!(tx.next_id(), 0);
    let rule = catch_unwind(AssertUnwindSafe(|| {
        let names = tx.range(&NAMES, ..).count();
        assert_eq!(names, 0, "a rule of the caller breaks");
    }));
    assert!(rule.is_err() && !tx.was_inside_storage());
    let stale = catch_unwind(AssertUnwindSafe(|| {
        tx.insert(&NAMES, &("a".to_owned(), 0), &text("again")).unwrap();
    }));
    assert!(stale.is_err() && tx.was_inside_storage());
    drop(tx);
    let view = store.view();
    assert!(!view.has(&CACHE, &1).unwrap() && !view.has(&NAMES, &("b".to_owned(), 1)).unwrap());
    assert_eq!(view.header().next_id, 1);
    verify_digest(&view).unwrap();
    drop(store.begin());
}

/// A record that can be written and refuses to be read, and one that panics.
mod bad {
    use serde::{Deserialize, Deserializer, Serialize};

    #[derive(Serialize)]
    pub struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("while decoding")
        }
    }
    impl storage::Record for Panics {}
}

#[test]
fn bytes_of_another_type_are_a_fault_with_its_place() {
    let store = Store::memory(&TABLES);
    write_names(&store, 1, "a", 1);
    let other: Table<(String, u8), u64> = Table::new(1, "names");
    let key = ("a".to_owned(), 0);
    let e = store.view().get(&other, &key).unwrap_err();
    assert!(matches!(&e, Fault::Corrupt { table: "names", key, .. } if !key.is_empty()), "{e}");
    let e = store.view().range(&other, ..).next().unwrap().unwrap_err();
    assert!(matches!(&e, Fault::Corrupt { table: "names", .. }), "{e}");
    let panics: Table<(String, u8), bad::Panics> = Table::new(1, "names");
    let tx = store.begin();
    assert!(catch_unwind(AssertUnwindSafe(|| tx.get(&panics, &key).is_ok())).is_err());
    assert!(tx.was_inside_storage());
    drop(tx);
    let tx = store.begin();
    assert!(catch_unwind(AssertUnwindSafe(|| tx.range(&panics, ..).count())).is_err());
    assert!(tx.was_inside_storage());
}

#[test]
fn unlisted_tables_and_nested_batches_are_misuse() {
    let store = Store::memory(&TABLES);
    let unknown: Table<u8, Text> = Table::new(99, "unknown");
    assert!(matches!(store.view().get(&unknown, &1), Err(Fault::Misuse(_))));
    assert!(matches!(store.view().range(&unknown, ..).next(), Some(Err(Fault::Misuse(_)))));
    let mut tx = store.begin();
    assert!(matches!(tx.insert(&unknown, &1, &text("")), Err(Fault::Misuse(_))));
    assert!(catch_unwind(AssertUnwindSafe(|| store.begin())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| store.freeze())).is_err());
    tx.commit(1, Arc::default());
    assert!(store.freeze());
}

#[test]
fn assertions_catch_a_wrong_old_value() {
    let store = Store::memory(&TABLES);
    write_names(&store, 1, "a", 1);
    let key = ("a".to_owned(), 0);
    let mut tx = store.begin();
    assert!(catch_unwind(AssertUnwindSafe(|| tx.replace(&NAMES, &key, &text("?"), &text("n")))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.remove(&NAMES, &key, &text("?")))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.add(&BY_NUMBER, &(0, 1)))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.drop_key(&BY_NUMBER, &(0, 2)))).is_err());
}

#[test]
fn another_table_list_is_refused_by_name() {
    let disk = SimDisk::new();
    drop(open(&disk, options()).unwrap());
    for (tables, word) in [
        (vec![NAMES.meta()], "own"),
        ([&TABLES[..], &[Meta { id: 9, name: "more", ..NAMES.meta() }]].concat(), "more"),
        (vec![Meta { name: "titles", ..NAMES.meta() }], "titles"),
    ] {
        let e = Store::open(Arc::new(disk.clone()), &tables, options()).map(|_| ()).unwrap_err();
        assert!(matches!(e, Fault::Format { .. }), "{e}");
        assert!(e.to_string().contains(word), "{e}");
    }
    open(&disk, options()).unwrap();
}

#[test]
fn a_file_that_is_no_state_is_refused() {
    let disk = SimDisk::new();
    disk.open("state.redb").unwrap().write(0, &[7; 9000]).unwrap();
    let e = open(&disk, options()).map(|_| ()).unwrap_err();
    assert!(e.to_string().contains("state.redb"), "{e}");
}

#[test]
fn a_crash_while_the_file_is_made_leaves_a_usable_directory() {
    for syncs in 0.. {
        let disk = SimDisk::new();
        disk.fail_syncs_after(syncs);
        let opened = open(&disk, options()).is_ok();
        disk.crash();
        let store = open(&disk, options()).unwrap();
        assert!(store.view().header().is_new());
        if opened {
            assert!(syncs > 1, "making a file needs syncs");
            break;
        }
    }
}

#[test]
fn every_crash_point_of_a_drain_leaves_the_old_or_the_new_header() {
    let (mut old, mut new) = (0, 0);
    for writes in 0..200 {
        let disk = SimDisk::new();
        let store = open(&disk, Options { sync_every_bytes: 4096, ..options() }).unwrap();
        write_names(&store, 1, "a", 30);
        drain_all(&store);
        write_names(&store, 2, "b", 30);
        let digest = store.view().header().digest;
        store.freeze();
        disk.fail_writes_after(writes);
        let drained = store.drain(Some(2));
        disk.crash_torn(writes);
        drop(store);
        let store = open(&disk, options()).unwrap();
        let view = store.view();
        verify_digest(&view).unwrap();
        match view.header().index {
            1 => {
                assert!(drained.is_err(), "an acknowledged drain is durable");
                old += 1;
            }
            2 => {
                assert_eq!(view.header().digest, digest);
                new += 1;
            }
            other => panic!("index {other}"),
        }
        if drained.is_ok() {
            break;
        }
    }
    assert!(old > 3 && new >= 1, "{old} {new}");
}

#[test]
fn a_failed_drain_is_a_fault_and_readers_go_on() {
    let disk = SimDisk::new();
    let store = open(&disk, options()).unwrap();
    write_names(&store, 1, "a", 3);
    store.freeze();
    disk.fail_syncs_after(0);
    assert!(matches!(store.drain(Some(1)), Err(Fault::Io(_))));
    assert_eq!(store.view().range(&NAMES, ..).count(), 3);
    assert_eq!(store.drained_index(), 0);
}

#[test]
fn a_directory_belongs_to_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/node-1");
    let disk = DirDisk::open(&path).unwrap();
    let e = DirDisk::open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(&e, Fault::Locked { directory } if *directory == path));
    assert!(e.to_string().contains("locked by another process"));
    drop(disk);
    let disk = Arc::new(DirDisk::open(&path).unwrap());
    let store = Store::open(disk.clone(), &TABLES, options()).unwrap();
    let e = Store::open(disk.clone(), &TABLES, options()).map(|_| ()).unwrap_err();
    assert!(e.to_string().contains("state.redb is open already"), "{e}");
    drop(store);
    Store::open(disk, &TABLES, options()).unwrap();
}

#[test]
fn a_real_directory_keeps_its_state() {
    let dir = tempfile::tempdir().unwrap();
    {
        let disk = Arc::new(DirDisk::open(dir.path()).unwrap());
        let store = Store::open(disk, &TABLES, options()).unwrap();
        write_names(&store, 1, "a", 20);
        drain_all(&store);
        write_names(&store, 2, "b", 20);
    }
    let disk = Arc::new(DirDisk::open(dir.path()).unwrap());
    assert_eq!(disk.list().unwrap(), ["lock", "state.redb"]);
    let store = Store::open(disk, &TABLES, options()).unwrap();
    assert_eq!(store.applied(), 1);
    assert_eq!(store.view().range(&NAMES, ..).count(), 20);
    verify_digest(&store.view()).unwrap();
}

#[test]
fn readers_and_drains_run_beside_the_writer() {
    let store = Arc::new(open(&SimDisk::new(), Options { freeze_rows: 64, ..options() }).unwrap());
    std::thread::scope(|scope| {
        let drainer = store.clone();
        let reader = store.clone();
        scope.spawn(move || {
            while drainer.drained_index() < 150 {
                drainer.drain(Some(u64::MAX)).unwrap();
                std::thread::yield_now();
            }
        });
        scope.spawn(move || {
            let mut seen = 0;
            while seen < 150 {
                let view = reader.view();
                assert!(view.header().index >= seen);
                seen = view.header().index;
                assert_eq!(view.range(&NAMES, ..).count() as u64, seen * 2, "whole batches only");
                verify_digest(&view).unwrap();
            }
        });
        for index in 1..=150 {
            write_names(&store, index, &format!("n{index:03}"), 2);
            if store.should_freeze() || index == 150 {
                while !store.freeze() {
                    std::thread::yield_now();
                }
            }
        }
    });
    assert_eq!(store.drain(Some(u64::MAX)).unwrap(), Drained::Nothing);
    assert_eq!(store.stats().retired_generations, 0, "the drain frees what no reader holds");
}
