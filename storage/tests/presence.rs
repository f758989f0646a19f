//! Fingerprints against the rows themselves: whatever is written, drained, restarted, installed or loaded in whichever
//! order, a look-up by fingerprint says what a look-up says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;

use kit::{BY_NUMBER, NAMES, TABLES, Text, options, text};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Fingerprinted, Held, Key, KeyLike, Loaded, Meta, Options, Read, SimDisk, Store, Table, View};

type Name = (String, u8);

/// A name that is looked up without being given away.
struct Like<'a>(&'a Name);

impl KeyLike<Name> for Like<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
}

const WATCHED: &[Meta] = &[NAMES.meta()];
/// More than any test needs.
const ROOM: usize = 1 << 20;
/// Enough for two chunks and this many keys.
const FEW: usize = 6;
const SCANT: usize = 2 * 32 + 8 * FEW;

fn watching(bytes_max: usize) -> Options {
    Options { fingerprints: Fingerprinted { tables: WATCHED, bytes_max }, ..options() }
}

fn everything() -> impl Iterator<Item = Name> {
    ["", "a", "a\0", "ab", "b"].into_iter().flat_map(|s| (0..3).map(move |n| (s.to_owned(), n)))
}

fn likely(view: &View, name: &Name) -> bool {
    view.presence(&NAMES).unwrap().likely(&Like(name), &mut Vec::new()).unwrap()
}

fn check(store: &Store) {
    let (view, batch) = (store.view(), store.begin());
    for name in everything() {
        let row = view.get(&NAMES, &name).unwrap();
        assert_eq!(likely(&view, &name), row.is_some(), "{name:?}");
        assert_eq!(view.has(&NAMES, &name).unwrap(), row.is_some(), "{name:?}, without the row");
        assert_eq!(batch.get(&NAMES, &name).unwrap(), row, "{name:?}, in a batch");
    }
}

type Rows = BTreeMap<Name, Text>;
type Writes = Vec<(Name, Option<String>)>;

/// One batch; `false` if nothing could be frozen after it.
fn write(store: &Store, rows: &mut Rows, writes: &Writes) {
    let mut tx = store.begin();
    for (name, value) in writes {
        match (rows.get(name), value.as_deref().map(text)) {
            (None, None) => {}
            (None, Some(new)) => tx.insert(&NAMES, name, &new).unwrap(),
            (Some(old), Some(new)) => tx.replace(&NAMES, name, old, &new).unwrap(),
            (Some(old), None) => tx.remove(&NAMES, name, old).unwrap(),
        }
        match value {
            Some(new) => rows.insert(name.clone(), text(new)),
            None => rows.remove(name),
        };
    }
    let index = store.applied() + 1;
    tx.commit(index, index.to_string().into_bytes().into());
}

fn drain(store: &Store) {
    store.freeze();
    store.drain(Some(u64::MAX)).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Write(Writes),
    Freeze,
    DrainCommit,
    Adopt,
    Drain,
    Load,
    /// Writes and drains while loading.
    LoadAmid(Writes),
    GiveUp,
    Restart,
    Install(Writes),
}

fn writes() -> impl Strategy<Value = Writes> {
    let names: Vec<Name> = everything().collect();
    let value = proptest::option::weighted(0.6, "[a-z]{0,3}");
    proptest::collection::vec((proptest::sample::select(names), value), 0..8)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => writes().prop_map(Step::Write),
        2 => Just(Step::Freeze),
        2 => Just(Step::DrainCommit),
        2 => Just(Step::Adopt),
        3 => Just(Step::Drain),
        2 => Just(Step::Load),
        2 => writes().prop_map(Step::LoadAmid),
        1 => Just(Step::GiveUp),
        2 => Just(Step::Restart),
        1 => writes().prop_map(Step::Install),
    ]
}

struct World {
    disk: SimDisk,
    bytes_max: usize,
    store: Store,
    rows: Rows,
}

impl World {
    fn new(bytes_max: usize) -> World {
        let disk = SimDisk::new();
        let store = Store::open(Arc::new(disk.clone()), &TABLES, watching(bytes_max)).unwrap();
        World { disk, bytes_max, store, rows: Rows::new() }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write(writes) => write(&self.store, &mut self.rows, writes),
            Step::Freeze => drop(self.store.freeze()),
            Step::DrainCommit => drop(self.store.drain_commit(Some(u64::MAX)).unwrap()),
            Step::Adopt => drop(self.store.adopt()),
            Step::Drain => drain(&self.store),
            Step::Load => drop(self.store.load_fingerprints(&|| true).unwrap()),
            Step::GiveUp => {
                let before = self.store.stats().fingerprints;
                let loaded = self.store.load_fingerprints(&|| false).unwrap();
                assert!(before.is_none() || loaded == Loaded::Nothing);
            }
            Step::LoadAmid(writes) => {
                let rows = RefCell::new(&mut self.rows);
                let amid = || {
                    write(&self.store, *rows.borrow_mut(), writes);
                    drain(&self.store);
                    true
                };
                self.store.load_fingerprints(&amid).unwrap();
            }
            Step::Restart => self.restart(),
            Step::Install(writes) => self.install(writes),
        }
    }

    fn restart(&mut self) {
        // two drains: what is frozen already, then the rest
        drain(&self.store);
        drain(&self.store);
        self.store = Store::memory(&TABLES);
        self.store = Store::open(Arc::new(self.disk.clone()), &TABLES, watching(self.bytes_max)).unwrap();
    }

    /// A state that another node came to.
    fn install(&mut self, writes: &Writes) {
        let other = Store::memory(&TABLES);
        self.rows.clear();
        other.begin().commit(self.store.applied(), Arc::from(*b"as far"));
        write(&other, &mut self.rows, writes);
        drain(&other);
        let (snapshot, mut stream) = (other.snapshot(), Vec::new());
        snapshot.write(&mut stream).unwrap();
        self.store.import(&mut stream.as_slice(), snapshot.header()).unwrap();
    }

    fn check(&self) {
        check(&self.store);
        let view = self.store.view();
        assert_eq!(view.range(&NAMES, ..).map(Result::unwrap).collect::<Rows>(), self.rows);
        if let Some(Held { bytes, .. }) = self.store.stats().fingerprints {
            assert!(bytes <= self.bytes_max);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_look_up_by_fingerprint_is_a_look_up(
        steps in proptest::collection::vec(step(), 1..40),
        bytes_max in prop_oneof![3 => Just(ROOM), 1 => Just(SCANT), 1 => Just(0)],
    ) {
        let mut world = World::new(bytes_max);
        for step in &steps {
            world.step(step);
            world.check();
        }
        drain(&world.store);
        drain(&world.store);
        let loaded = world.store.load_fingerprints(&|| true).unwrap();
        world.check();
        if bytes_max == ROOM {
            prop_assert!(matches!(loaded, Loaded::Done(_) | Loaded::Nothing), "{:?}", loaded);
            let held = world.store.stats().fingerprints.unwrap();
            prop_assert_eq!(held.keys, world.rows.len());
        }
    }
}

fn grown(store: &Store, n: u8) {
    kit::write_names(store, store.applied() + 1, &format!("n{}", store.applied()), n);
    drain(store);
}

#[test]
fn a_new_store_has_them_and_keeps_them_through_drains() {
    let store = Store::open(Arc::new(SimDisk::new()), &TABLES, watching(ROOM)).unwrap();
    assert_eq!(store.load_fingerprints(&|| true).unwrap(), Loaded::Nothing);
    grown(&store, 200);
    grown(&store, 55);
    let held = store.stats().fingerprints.unwrap();
    assert_eq!(held, Held { keys: 255, bytes: 2 * 32 + 8 * 255 });
}

#[test]
fn beyond_the_limit_the_store_answers_until_there_is_room_again() {
    let disk = SimDisk::new();
    let store = Store::open(Arc::new(disk.clone()), &TABLES, watching(SCANT)).unwrap();
    grown(&store, FEW as u8);
    assert_eq!(store.stats().fingerprints, Some(Held { keys: FEW, bytes: SCANT }));
    grown(&store, 1);
    assert_eq!(store.stats().fingerprints, None);
    let over = Loaded::OverLimit { bytes: SCANT + 8, bytes_max: SCANT };
    assert_eq!(store.load_fingerprints(&|| panic!("nothing is read")).unwrap(), over);
    let mut gone = store.begin();
    for n in 0..3 {
        let name = (String::from("n0"), n);
        let old = store.view().get(&NAMES, &name).unwrap().unwrap();
        gone.remove(&NAMES, &name, &old).unwrap();
    }
    gone.commit(9, Arc::default());
    drain(&store);
    let held = Held { keys: FEW - 2, bytes: SCANT - 16 };
    assert_eq!(store.load_fingerprints(&|| true).unwrap(), Loaded::Done(held));
    assert_eq!(store.load_fingerprints(&|| true).unwrap(), Loaded::Nothing);
}

#[test]
fn a_view_keeps_the_fingerprints_of_its_instant() {
    let store = Store::open(Arc::new(SimDisk::new()), &TABLES, watching(ROOM)).unwrap();
    grown(&store, 1);
    let (before, name) = (store.view(), (String::from("n0"), 0));
    let old = before.get(&NAMES, &name).unwrap().unwrap();
    let mut tx = store.begin();
    tx.remove(&NAMES, &name, &old).unwrap();
    tx.commit(2, Arc::default());
    let between = store.view();
    drain(&store);
    assert!(likely(&before, &name));
    assert!(!likely(&between, &name) && !likely(&store.view(), &name));
}

#[test]
fn an_install_ends_loading() {
    let store = Store::open(Arc::new(SimDisk::new()), &TABLES, watching(ROOM)).unwrap();
    grown(&store, 3);
    let mut world = World { disk: SimDisk::new(), bytes_max: ROOM, store, rows: Rows::new() };
    world.install(&vec![((String::from("b"), 1), Some(String::from("x")))]);
    assert_eq!(world.store.stats().fingerprints, None);
    let world = RefCell::new(world);
    let installed_amid = || {
        let other = Store::memory(&TABLES);
        other.begin().commit(90, Arc::from(*b"as far"));
        drain(&other);
        let (snapshot, mut stream) = (other.snapshot(), Vec::new());
        snapshot.write(&mut stream).unwrap();
        world.borrow().store.import(&mut stream.as_slice(), snapshot.header()).unwrap();
        true
    };
    assert_eq!(world.borrow().store.load_fingerprints(&installed_amid).unwrap(), Loaded::Later);
    let world = world.into_inner();
    check(&world.store);
    assert_eq!(world.store.stats().fingerprints, Some(Held { keys: 0, bytes: 2 * 32 }), "of the empty state");
}

#[test]
fn a_table_without_fingerprints_is_looked_up_and_a_foreign_one_is_refused() {
    const OWN: Table<u64, Text> = kit::OWN;
    const FOREIGN: Table<u64, Text> = Table::new(99, "foreign");
    struct Number(u64);
    impl KeyLike<u64> for Number {
        fn put(&self, out: &mut Vec<u8>) {
            self.0.put(out);
        }
    }
    let store = Store::open(Arc::new(SimDisk::new()), &TABLES, watching(ROOM)).unwrap();
    let mut tx = store.begin();
    tx.insert(&OWN, &7, &text("x")).unwrap();
    tx.commit(1, Arc::default());
    drain(&store);
    let view = store.view();
    let own = view.presence(&OWN).unwrap();
    let has = |n| own.likely(&Number(n), &mut Vec::new()).unwrap();
    assert!(has(7) && !has(8));
    assert!(view.presence(&FOREIGN).is_err());
}

#[test]
fn a_revision_tells_whether_a_table_has_changed() {
    let store = Store::open(Arc::new(SimDisk::new()), &TABLES, watching(0)).unwrap();
    let names = |store: &Store| store.view().revision(NAMES.meta()).unwrap();
    let before = names(&store);
    store.begin().commit(1, Arc::default());
    let mut other = store.begin();
    other.add(&BY_NUMBER, &(1, 1)).unwrap();
    other.commit(2, Arc::default());
    assert_eq!(names(&store), before);
    grown(&store, 1);
    let grew = names(&store);
    assert_ne!(grew, before);
    drain(&store);
    assert_eq!(names(&store), grew, "a drain changes nothing");
    let mut world = World { disk: SimDisk::new(), bytes_max: 0, store, rows: Rows::new() };
    world.install(&Vec::new());
    assert_ne!(names(&world.store), grew, "another state");
}
