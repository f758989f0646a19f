//! Random batches, freezes, drains (in halves too), crashes and restarts against a plain map.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;

use kit::{BY_NUMBER, CACHE, MARKS, NAMES, OWN, TABLES, Text, options};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use storage::{Drained, Read, SimDisk, Store, Tx, View, digest_of};

type Name = (String, u8);

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    names: BTreeMap<Name, Text>,
    by_number: BTreeSet<(u16, u64)>,
    own: BTreeMap<u64, Text>,
    cache: BTreeMap<u64, Text>,
    marks: BTreeSet<u8>,
    index: u64,
    state_time: i64,
    next_id: u64,
}

#[derive(Debug, Clone)]
enum Write {
    Name(Name, Option<String>),
    Number((u16, u64)),
    Own(u64, Option<String>),
    Cache(u64, Option<String>),
    Mark(u8),
    TakeId,
    Time(i64),
}

#[derive(Debug, Clone)]
enum Step {
    Batch(Vec<Write>, bool),
    Freeze,
    Drain,
    DrainCommit,
    Adopt,
    Restart { crash: bool },
    HoldView,
    CheckRange(Bound<Name>, Bound<Name>),
}

fn name() -> impl Strategy<Value = Name> {
    (prop_oneof![Just(""), Just("a"), Just("a\0"), Just("ab"), Just("b")].prop_map(str::to_owned), 0..3u8)
}

fn value() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.7, "[a-z]{0,6}")
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => (name(), value()).prop_map(|(k, v)| Write::Name(k, v)),
        3 => (0..4u16, 0..3u64).prop_map(Write::Number),
        1 => (0..3u64, value()).prop_map(|(k, v)| Write::Own(k, v)),
        2 => (0..3u64, value()).prop_map(|(k, v)| Write::Cache(k, v)),
        1 => (0..3u8).prop_map(Write::Mark),
        1 => Just(Write::TakeId),
        1 => (0..50i64).prop_map(Write::Time),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Name>> {
    prop_oneof![Just(Bound::Unbounded), name().prop_map(Bound::Included), name().prop_map(Bound::Excluded)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (proptest::collection::vec(write(), 0..8), prop::bool::weighted(0.8)).prop_map(|(w, c)| Step::Batch(w, c)),
        3 => Just(Step::Freeze),
        2 => Just(Step::Drain),
        1 => Just(Step::DrainCommit),
        1 => Just(Step::Adopt),
        1 => any::<bool>().prop_map(|crash| Step::Restart { crash }),
        1 => Just(Step::HoldView),
        3 => (bound(), bound()).prop_map(|(a, b)| Step::CheckRange(a, b)),
    ]
}

fn set(tx: &mut Tx<'_>, m: &mut Model, w: &Write) {
    match w {
        Write::Name(k, v) => {
            let new = v.clone().map(Text);
            match (m.names.get(k), &new) {
                (None, None) => {}
                (None, Some(n)) => tx.insert(&NAMES, k, n).unwrap(),
                (Some(o), Some(n)) => tx.replace(&NAMES, k, o, n).unwrap(),
                (Some(o), None) => tx.remove(&NAMES, k, o).unwrap(),
            }
            put(&mut m.names, k.clone(), new);
        }
        Write::Number(k) if m.by_number.remove(k) => tx.drop_key(&BY_NUMBER, k).unwrap(),
        Write::Number(k) => {
            m.by_number.insert(*k);
            tx.add(&BY_NUMBER, k).unwrap();
        }
        Write::Own(k, v) => set_local(tx, &OWN, &mut m.own, *k, v.clone()),
        Write::Cache(k, v) => set_local(tx, &CACHE, &mut m.cache, *k, v.clone()),
        Write::Mark(k) if m.marks.remove(k) => tx.drop_key(&MARKS, k).unwrap(),
        Write::Mark(k) => {
            m.marks.insert(*k);
            tx.add(&MARKS, k).unwrap();
        }
        Write::TakeId => {
            assert_eq!(tx.next_id(), m.next_id);
            m.next_id += 1;
        }
        Write::Time(t) => {
            tx.set_state_time(*t);
            m.state_time = m.state_time.max(*t);
        }
    }
}

fn set_local(
    tx: &mut Tx<'_>,
    t: &storage::Table<u64, Text>,
    m: &mut BTreeMap<u64, Text>,
    k: u64,
    v: Option<String>,
) {
    let new = v.map(Text);
    match (m.get(&k), &new) {
        (None, None) => {}
        (None, Some(n)) => tx.insert(t, &k, n).unwrap(),
        (Some(o), Some(n)) => tx.replace(t, &k, o, n).unwrap(),
        (Some(o), None) => tx.remove(t, &k, o).unwrap(),
    }
    put(m, k, new);
}

fn put<K: Ord>(m: &mut BTreeMap<K, Text>, k: K, v: Option<Text>) {
    match v {
        Some(v) => m.insert(k, v),
        None => m.remove(&k),
    };
}

/// Everything a reader can see, read in several ways that must agree.
fn seen(db: &impl Read) -> Model {
    let names: Vec<(Name, Text)> = db.range(&NAMES, ..).map(Result::unwrap).collect();
    let mut back: Vec<(Name, Text)> = db.range_rev(&NAMES, ..).map(Result::unwrap).collect();
    back.reverse();
    assert_eq!(names, back);
    for (k, v) in &names {
        assert_eq!(db.get(&NAMES, k).unwrap().as_ref(), Some(v));
        assert!(db.has(&NAMES, k).unwrap());
    }
    let numbers: Vec<(u16, u64)> = db.keys(&BY_NUMBER, ..).map(Result::unwrap).collect();
    let mut back: Vec<(u16, u64)> = db.keys_rev(&BY_NUMBER, ..).map(Result::unwrap).collect();
    back.reverse();
    assert_eq!(numbers, back);
    assert!(numbers.iter().all(|k| db.contains(&BY_NUMBER, k).unwrap()));
    assert!(!db.contains(&BY_NUMBER, &(9, 9)).unwrap());
    assert!(db.get(&NAMES, &("zz".to_owned(), 0)).unwrap().is_none());
    let h = db.header();
    Model {
        names: names.into_iter().collect(),
        by_number: numbers.into_iter().collect(),
        own: db.range(&OWN, ..).map(Result::unwrap).collect(),
        cache: db.range(&CACHE, ..).map(Result::unwrap).collect(),
        marks: db.keys(&MARKS, ..).map(Result::unwrap).collect(),
        index: h.index,
        state_time: h.state_time,
        next_id: h.next_id,
    }
}

/// The store beside what it must hold: now, frozen, and in the file.
struct World {
    disk: SimDisk,
    store: Store,
    now: Model,
    frozen: Option<Model>,
    /// The frozen model is committed and not adopted.
    committed: bool,
    durable: Model,
    held: Vec<(View, Model)>,
    fresh_batches: usize,
}

impl World {
    fn new() -> World {
        let disk = SimDisk::new();
        let store = Store::open(Arc::new(disk.clone()), &TABLES, options()).unwrap();
        let now = Model { next_id: 1, ..Model::default() };
        World {
            disk,
            store,
            durable: now.clone(),
            now,
            frozen: None,
            committed: false,
            held: Vec::new(),
            fresh_batches: 0,
        }
    }

    fn batch(&mut self, writes: &[Write], commit: bool) {
        let mut m = self.now.clone();
        let mut tx = self.store.begin();
        for w in writes {
            set(&mut tx, &mut m, w);
        }
        assert_eq!(seen(&tx), m, "a batch sees its own writes");
        if commit {
            m.index += 1;
            tx.commit(m.index, format!("{}", m.index).into_bytes().into());
            self.now = m;
            self.fresh_batches += 1;
        }
    }

    fn drain_commit(&mut self) {
        if let Some(m) = &self.frozen
            && m.index > 0
        {
            assert_eq!(
                self.store.drain_commit(m.index.checked_sub(1)).unwrap(),
                if self.committed { Drained::Nothing } else { Drained::LogBehind { needs: m.index } }
            );
        }
        match self.store.drain_commit(Some(self.now.index)).unwrap() {
            Drained::Done { header, .. } => {
                let frozen = self.frozen.as_ref().expect("something was frozen");
                assert!(!self.committed);
                assert_eq!(header.index, frozen.index);
                self.durable = Model { cache: BTreeMap::new(), marks: BTreeSet::new(), ..frozen.clone() };
                self.committed = true;
            }
            other => {
                assert_eq!(other, Drained::Nothing);
                assert!(self.frozen.is_none() || self.committed);
            }
        }
    }

    fn adopt(&mut self) {
        assert_eq!(self.store.adopt(), self.committed);
        if self.committed {
            (self.committed, self.frozen) = (false, None);
            assert_eq!(self.store.drained_index(), self.durable.index);
        }
    }

    fn restart(&mut self, crash: bool) {
        self.held.clear();
        if crash {
            self.disk.crash();
        }
        // A file is open once: the store to be has to wait until the one that was is gone.
        self.store = Store::memory(&TABLES);
        self.store = Store::open(Arc::new(self.disk.clone()), &TABLES, options()).unwrap();
        (self.now, self.frozen, self.committed) = (self.durable.clone(), None, false);
        self.fresh_batches = 0;
    }

    fn step(&mut self, s: &Step) {
        match s {
            Step::Batch(writes, commit) => self.batch(writes, *commit),
            Step::Freeze => {
                let expected = self.frozen.is_none() && self.fresh_batches > 0;
                assert_eq!(self.store.freeze(), expected);
                if expected {
                    (self.frozen, self.fresh_batches) = (Some(self.now.clone()), 0);
                }
            }
            Step::Drain => {
                self.drain_commit();
                self.adopt();
            }
            Step::DrainCommit => self.drain_commit(),
            Step::Adopt => self.adopt(),
            Step::Restart { crash } => self.restart(*crash),
            Step::HoldView => self.held.push((self.store.view(), self.now.clone())),
            Step::CheckRange(a, b) => check_range(&self.store.view(), &self.now, a, b),
        }
    }

    fn check(&self) {
        let view = self.store.view();
        assert_eq!(seen(&view), self.now);
        assert_eq!(digest_of(&view).unwrap(), view.header().digest);
    }
}

fn check_range(view: &View, m: &Model, a: &Bound<Name>, b: &Bound<Name>) {
    let within = |k: &Name| {
        let above = match a {
            Bound::Included(x) => k >= x,
            Bound::Excluded(x) => k > x,
            Bound::Unbounded => true,
        };
        let below = match b {
            Bound::Included(x) => k <= x,
            Bound::Excluded(x) => k < x,
            Bound::Unbounded => true,
        };
        above && below
    };
    let wanted: Vec<Name> = m.names.keys().filter(|k| within(k)).cloned().collect();
    let range = (a.clone(), b.clone());
    let found: Vec<Name> = view.range(&NAMES, range.clone()).map(|r| r.unwrap().0).collect();
    assert_eq!(found, wanted);
    let mut found: Vec<Name> = view.range_rev(&NAMES, range).map(|r| r.unwrap().0).collect();
    found.reverse();
    assert_eq!(found, wanted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for s in &steps {
            world.step(s);
            world.check();
        }
        for (view, model) in &world.held {
            prop_assert_eq!(&seen(view), model, "a view never changes");
        }
    }
}
