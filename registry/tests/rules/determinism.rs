//! The same entries give the same state: whatever the batches, the drains, the restarts and the crashes between.

use crate::kit::*;
use proptest::{collection::vec, prelude::*};
use registry::{
    Actor, Command, DomainName, Entry, Outcome, Timestamp, Verb,
    apply::{Step, apply_batch},
    domain::DomainCreate,
    due, journal, poll,
    tables::*,
    tld::MarkKind,
};
use std::collections::BTreeMap;
use storage::{Header, Read, SimDisk, Store, View, digest_of};

/// What happens next in a random history.
#[derive(Clone, Debug)]
enum Event {
    New {
        actor: usize,
        verb: usize,
        object: usize,
    },
    /// An earlier command once more, counted from the newest.
    Again {
        back: usize,
    },
    /// The leader's clock moves, and not always forwards.
    Clock {
        ms: i64,
    },
    Tick {
        limit: u16,
    },
    /// Messages are numbered with objects, so most numbers are none.
    Ack {
        actor: usize,
        message: u64,
    },
    /// An entry of the replication layer.
    Blank,
}

fn event() -> impl Strategy<Value = Event> {
    let jump = prop_oneof![
        4 => -5 * SECOND..20 * SECOND,
        2 => 50 * SECOND..200 * SECOND,
        1 => -3 * DAY..400 * DAY,
        1 => 300 * DAY..1000 * DAY,
    ];
    prop_oneof![
        12 => (0..5usize, 0..10usize, 0..8usize).prop_map(|(actor, verb, object)| Event::New { actor, verb, object }),
        3 => (0..6usize).prop_map(|back| Event::Again { back }),
        3 => jump.prop_map(|ms| Event::Clock { ms }),
        2 => (0..4u16).prop_map(|limit| Event::Tick { limit }),
        2 => (0..3usize, 8..60u64).prop_map(|(actor, message)| Event::Ack { actor, message }),
        1 => Just(Event::Blank),
    ]
}

fn actor(number: usize) -> Actor {
    [ALPHA, BETA, GAMMA, operator(), Actor::System][number].clone()
}

fn verb(number: usize, object: usize) -> Verb {
    let thin =
        ["a.example", "b.example", "held.example", "a_.example", "co.example", "x.invalid", "A.example", ""];
    let hosts =
        ["ns1.a.example", "ns1.b.example", "ns.x.invalid", "ns.y.invalid", "ns1.a.test", "example", "h", "!"];
    let contacts = ["reg-1", "adm-1", "tec-1", "REG-1", "other-1", "x", "more-1", "more-2"];
    let (thin, host, handle) = (thin[object], hosts[object], contacts[object]);
    match number {
        0 => create(domain(thin)),
        1 => create(DomainCreate { name_servers: name_servers(&[hosts[(object + 1) % 4]]), ..domain(thin) }),
        2 => create(thick(
            ["a.test", "b.test", "c.test", "d.test", "test", "a.b.test", "e.test", "f.test"][object],
        )),
        3 => create_host(host, &[]),
        4 => create_host(host, &["208.77.190.196", "2602:800:900e:1257::5"]),
        5 => create_contact(contact(handle)),
        6 => mark(["held", "a", "b", "c", "co", "x_", "d", "e"][object], MarkKind::Reserved),
        7 => unmark(["held", "a", "b", "c", "co", "x_", "d", "e"][object], MarkKind::Reserved),
        8 => create_tld(zone("co.example", registry::tld::DataModel::Minimum, &[], "CO")),
        _ => Verb::Mark,
    }
}

/// The log that a history leaves, the founding included; indexes begin at 1.
fn log_of(events: &[Event]) -> Vec<Step> {
    let (mut now, mut commands, mut seq) = (START, Vec::<Command>::new(), 0);
    let mut entries = Vec::new();
    for (by, verb) in founding() {
        seq += 1;
        entries
            .push(Some(Entry { at: now, command: Command { svtrid: svtrid(seq), issued: now, by, verb } }));
    }
    for event in events {
        seq += 1;
        let new = |by, verb| Command { svtrid: svtrid(seq), issued: now, by, verb };
        let command = match event {
            Event::New { actor: a, verb: v, object } => new(actor(*a), verb(*v, *object)),
            Event::Again { back } => match commands.iter().rev().nth(*back) {
                Some(earlier) => earlier.clone(),
                None => new(Actor::System, Verb::Beat),
            },
            Event::Clock { ms } => {
                now = now.plus_ms(*ms);
                continue;
            }
            Event::Tick { limit } => new(Actor::System, Verb::Tick { limit: *limit }),
            Event::Ack { actor: a, message } => new(actor(*a), ack(*message)),
            Event::Blank => {
                entries.push(None);
                continue;
            }
        };
        commands.push(command.clone());
        entries.push(Some(Entry { at: now, command }));
    }
    let step = |(index, entry): (u64, Option<Entry>)| Step { index, meta: index.to_be_bytes().into(), entry };
    (1..).zip(entries).map(step).collect()
}

/// What a node does between two batches.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Freeze,
    Commit,
    Adopt,
    Drain,
    /// A stop with everything drained, and a start.
    Restart,
    /// A stop without: the log is applied again from what was durable.
    Crash,
}

fn between() -> impl Strategy<Value = Between> {
    use Between::*;
    prop_oneof![
        3 => Just(Nothing),
        3 => Just(Freeze),
        2 => Just(Commit),
        2 => Just(Adopt),
        2 => Just(Drain),
        1 => Just(Restart),
        1 => Just(Crash),
    ]
}

/// One node with a disk of its own.
struct Node {
    disk: SimDisk,
    store: Store,
}

impl Node {
    fn new() -> Node {
        let disk = SimDisk::new();
        let store = open(&disk);
        Node { disk, store }
    }

    fn header(&self) -> Header {
        self.store.view().header().clone()
    }

    fn drain_all(&self) {
        while self.store.freeze() || self.store.stats().draining_rows > 0 || self.store.adopt() {
            self.store.drain(Some(u64::MAX)).unwrap();
        }
    }

    fn start(self) -> Node {
        let Node { disk, store } = self;
        drop(store);
        let store = open(&disk);
        let header = store.view().header().clone();
        let mut tx = store.begin();
        journal::rebuild(&mut tx).unwrap();
        tx.commit(header.index, header.meta.clone());
        assert_eq!(*store.view().header(), header, "a rebuilt memory changes nothing replicated");
        Node { disk, store }
    }

    fn then(self, what: Between) -> Node {
        match what {
            Between::Nothing => {}
            Between::Freeze => drop(self.store.freeze()),
            Between::Commit => drop(self.store.drain_commit(Some(u64::MAX)).unwrap()),
            Between::Adopt => drop(self.store.adopt()),
            Between::Drain => drop(self.store.drain(Some(u64::MAX)).unwrap()),
            Between::Restart => {
                self.drain_all();
                return self.start();
            }
            Between::Crash => {
                self.disk.crash();
                return self.start();
            }
        }
        self
    }
}

/// Applies the log in batches of the given sizes; an outcome that comes twice must come out the same.
fn run(log: &[Step], plan: &[(usize, Between)]) -> (Vec<Option<Outcome>>, Node) {
    let mut node = Node::new();
    let mut outcomes: BTreeMap<u64, Option<Outcome>> = BTreeMap::new();
    let mut plan = plan.iter().copied().chain(std::iter::repeat((64, Between::Nothing)));
    let mut time = i64::MIN;
    loop {
        let done = usize::try_from(node.header().index).unwrap();
        if done == log.len() {
            let outcomes = outcomes.into_values().collect();
            return (outcomes, node);
        }
        let (size, what) = plan.next().unwrap();
        let batch = &log[done..(done + size).min(log.len())];
        let came = apply_batch(&node.store, batch).unwrap();
        assert_eq!(came.len(), batch.len());
        for (step, outcome) in batch.iter().zip(came) {
            let first = outcomes.entry(step.index).or_insert_with(|| outcome.clone());
            assert_eq!(*first, outcome, "entry {}", step.index);
        }
        assert!(node.header().state_time >= time, "state time ran backwards");
        node = node.then(what);
        time = node.header().state_time;
    }
}

/// What must hold of every state.
fn assert_consistent(view: &View) {
    let due: Vec<_> = view.keys(&DUE, ..).map(Result::unwrap).collect();
    let domains: Vec<_> = view.range(&DOMAIN, ..).map(Result::unwrap).collect();
    let mut expiries: Vec<_> =
        domains.iter().map(|(name, d)| (d.expiry.0, due::EXPIRY, name.clone())).collect();
    expiries.sort();
    assert_eq!(due, expiries);
    let count = |n: usize| u64::try_from(n).unwrap();
    let mut links: [Vec<(u64, DomainName)>; 3] = Default::default();
    for (name, d) in &domains {
        links[0].push((d.sponsor, name.clone()));
        let contacts = d.registrant.iter().chain(d.contacts.iter().map(|(_, id)| id));
        links[1].extend(contacts.map(|id| (*id, name.clone())));
        links[2].extend(d.hosts.iter().map(|id| (*id, name.clone())));
    }
    for (index, mut wanted) in [DOMAIN_SPONSOR, DOMAIN_CONTACT, DOMAIN_HOST].into_iter().zip(links) {
        wanted.sort();
        wanted.dedup();
        let rows: Vec<_> = view.keys(&index, ..).map(Result::unwrap).collect();
        assert_eq!(rows, wanted, "{}", index.meta().name);
    }
    for registrar in 3..6 {
        let rows = view.range(&POLL, (registrar, 0)..=(registrar, u64::MAX)).map(Result::unwrap);
        let ids: Vec<u64> = rows.map(|((_, id), _)| id).collect();
        assert_eq!(poll::waiting(view, registrar).unwrap(), count(ids.len()));
        let first = poll::first(view, registrar).unwrap().map(|(id, ..)| id);
        assert_eq!(first, ids.first().copied());
    }
    let times: Vec<Timestamp> = view.range(&JOURNAL, ..).map(|row| row.unwrap().1.at).collect();
    assert!(times.is_sorted());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_drains_and_crashes_change_nothing(
        events in vec(event(), 1..60),
        plan in vec((1..9usize, between()), 0..40),
    ) {
        let log = log_of(&events);
        let singly: Vec<_> = log.iter().map(|_| (1, Between::Nothing)).collect();
        let (expected, reference) = run(&log, &singly);
        let (outcomes, node) = run(&log, &plan);
        prop_assert_eq!(outcomes, expected);
        prop_assert_eq!(node.header(), reference.header());
        prop_assert_eq!(digest_of(&node.store.view()).unwrap(), node.header().digest);
        assert_consistent(&reference.store.view());
        node.drain_all();
        prop_assert_eq!(digest_of(&node.store.view()).unwrap(), reference.header().digest);
    }
}

/// The histories above are worth something only if most commands succeed now and then.
#[test]
fn random_histories_reach_every_verb() {
    let mut events = Vec::new();
    for (actor, verb) in [(0, 5), (0, 0), (0, 2), (0, 3), (0, 4), (3, 6), (3, 7), (3, 8), (0, 9)] {
        events.extend((0..8).map(|object| Event::New { actor, verb, object }));
    }
    events.extend([Event::Clock { ms: 400 * DAY }, Event::Tick { limit: 500 }]);
    events.extend((8..60).map(|message| Event::Ack { actor: 0, message }));
    events.extend((0..8).map(|object| Event::New { actor: 1, verb: 1, object }));
    let log = log_of(&events);
    let (outcomes, node) = run(&log, &[]);
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    for (step, outcome) in log.iter().zip(outcomes) {
        if let (Some(entry), Some(Outcome::Done(_))) = (&step.entry, outcome) {
            *done.entry(entry.command.verb.name()).or_default() += 1;
        }
    }
    for verb in
        ["domain_create", "host_create", "contact_create", "mark_name", "unmark_name", "poll_ack", "tick"]
    {
        assert!(done.contains_key(verb), "{verb} never succeeds: {done:?}");
    }
    assert_consistent(&node.store.view());
}
