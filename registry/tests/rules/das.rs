//! DAS from memory says what the rules say: in any history of creates, marks, zones, drains, starts and snapshots, and
//! for any text that a client may send.

use crate::kit::*;
use proptest::prelude::*;
use registry::{
    Timestamp, tables,
    tld::{DataModel, MarkKind},
    view::{Das, DasStatus, Kept, das},
};
use std::sync::Arc;
use storage::{Fingerprinted, Options, SimDisk, Store, View};

/// Room for all names of the test, for a few, for none.
const ROOMS: [usize; 3] = [1 << 20, 4 * 32 + 8 * 3, 0];
const LABELS: [&str; 6] = ["a", "b", "held", "co", "x--y", "ab--c"];
/// What a name may end with, zones that are there only later among them.
const ABOVE: [&str; 7] = ["example", "co.example", "deep.co.example", "shop", "test", "invalid", ""];
const ZONES: [&str; 3] = ["co.example", "deep.co.example", "shop"];

fn store(disk: &SimDisk, bytes_max: usize) -> Store {
    let fingerprints = Fingerprinted { tables: tables::FINGERPRINTED, bytes_max };
    let options = Options { assert_fresh: true, cache_bytes: 4 << 20, fingerprints, ..Options::default() };
    Store::open(Arc::new(disk.clone()), tables::ALL, options).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Mark(&'static str, MarkKind),
    Unmark(&'static str, MarkKind),
    Zone(&'static str),
    Freeze,
    Drain,
    Load,
    Restart,
    Install,
}

fn name() -> impl Strategy<Value = String> {
    let labels = proptest::collection::vec(proptest::sample::select(&LABELS), 0..3);
    (labels, proptest::sample::select(&ABOVE)).prop_map(|(labels, zone)| {
        let parts: Vec<&str> = labels.into_iter().chain([zone]).collect();
        parts.join(".")
    })
}

fn step() -> impl Strategy<Value = Step> {
    let label = || proptest::sample::select(&LABELS);
    let kind = || prop_oneof![Just(MarkKind::Reserved), Just(MarkKind::Blocked)];
    prop_oneof![
        6 => name().prop_map(Step::Create),
        3 => (label(), kind()).prop_map(|(l, k)| Step::Mark(l, k)),
        2 => (label(), kind()).prop_map(|(l, k)| Step::Unmark(l, k)),
        1 => proptest::sample::select(&ZONES).prop_map(Step::Zone),
        2 => Just(Step::Freeze),
        3 => Just(Step::Drain),
        2 => Just(Step::Load),
        1 => Just(Step::Restart),
        1 => Just(Step::Install),
    ]
}

fn drain(kit: &Kit) {
    kit.solo.store().freeze();
    kit.solo.store().drain(Some(u64::MAX)).unwrap();
}

/// Everything that is applied is in the file.
fn drain_all(kit: &Kit) {
    drain(kit);
    drain(kit);
}

struct World {
    disk: SimDisk,
    bytes_max: usize,
    kit: Kit,
    kept: Kept,
}

impl World {
    fn new(bytes_max: usize) -> World {
        let disk = SimDisk::new();
        let kit = Kit::over(store(&disk, bytes_max), START);
        for (by, verb) in founding() {
            kit.done(&by, verb);
        }
        World { disk, bytes_max, kit, kept: Kept::default() }
    }

    /// Whether a verb is refused does not matter here.
    fn step(&mut self, step: &Step) {
        let kit = &self.kit;
        match step {
            Step::Create(name) => drop(kit.run(&ALPHA, create(domain(name)))),
            Step::Mark(label, kind) => drop(kit.run(&operator(), mark(label, *kind))),
            Step::Unmark(label, kind) => drop(kit.run(&operator(), unmark(label, *kind))),
            Step::Zone(zone_name) => {
                drop(kit.run(&operator(), create_tld(zone(zone_name, DataModel::Minimum, &[], "ZONE"))));
            }
            Step::Freeze => drop(kit.solo.store().freeze()),
            Step::Drain => drain(kit),
            Step::Load => drop(kit.solo.store().load_fingerprints(&|| true).unwrap()),
            Step::Restart => self.restart(),
            Step::Install => self.install(),
        }
    }

    fn restart(&mut self) {
        drain_all(&self.kit);
        self.kit = Kit::empty();
        self.kit = Kit::over(store(&self.disk, self.bytes_max), START);
        self.kept = Kept::default();
    }

    /// The same state with one name more, as another node sends it.
    fn install(&mut self) {
        let copy = Kit::over(Store::memory(tables::ALL), Timestamp(START.0));
        for (by, verb) in founding() {
            copy.done(&by, verb);
        }
        while copy.solo.store().applied() <= self.kit.solo.store().applied() {
            copy.run(&ALPHA, create(domain("b.example")));
        }
        drain_all(&copy);
        let (snapshot, mut stream) = (copy.solo.store().snapshot(), Vec::new());
        snapshot.write(&mut stream).unwrap();
        self.kit.solo.store().import(&mut stream.as_slice(), snapshot.header()).unwrap();
    }

    fn check(&self, texts: &[String]) {
        let view = self.kit.view();
        for text in texts {
            assert_eq!(word(&view, &self.kept, text), das(&view, text).unwrap(), "{text:?}");
        }
    }
}

fn word(view: &View, kept: &Kept, text: &str) -> DasStatus {
    Das::new(view, kept).unwrap().status(text.as_bytes(), &mut Vec::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn in_memory_it_says_what_the_rules_say(
        steps in proptest::collection::vec(step(), 1..30),
        more in proptest::collection::vec(prop_oneof![name(), "[a-z.0-9_-]{0,12}", "[ -`{-~é]{0,6}"], 8),
        bytes_max in proptest::sample::select(&ROOMS),
    ) {
        let mut texts = more;
        for above in ABOVE {
            texts.extend(LABELS.map(|label| format!("{label}.{above}")));
            texts.push(above.to_owned());
        }
        let mut world = World::new(bytes_max);
        for step in &steps {
            world.step(step);
            world.check(&texts);
        }
    }
}

#[test]
fn upper_case_is_for_the_caller_to_fold() {
    let kit = Kit::new();
    let view = kit.view();
    let kept = Kept::default();
    assert_eq!(word(&view, &kept, "free.example"), DasStatus::Free);
    assert_eq!(word(&view, &kept, "Free.example"), DasStatus::Invalid);
}

#[test]
fn the_numbers_of_the_statuses_are_their_places() {
    for (place, status) in DasStatus::ALL.into_iter().enumerate() {
        assert_eq!(status as usize, place);
    }
}
