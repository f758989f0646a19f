//! The clients: registrars that register the same few names, operators that write and read the same few labels.
//! A client that gets no answer sends the identical command again, through whichever node; what it was told and
//! when is the history that `judge` looks at.

use super::{
    mutant::Mutant,
    runtime::Sim,
    world::{NODES, World},
};
use openraft::type_config::TypeConfigExt;
use registry::{
    Actor, Backend, DomainName, Freshness, Outcome, Reply, SvTrid, Unavailable, Verb,
    authinfo::{NewAuthInfo, Strength},
    domain::{DomainCreate, NameServers, SecDns},
    tables::{DOMAIN, MARK},
    tld::{MarkKind, MarkName, UnmarkName},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::{Read, View};

/// Labels that are written again and again.
const LABELS: u64 = 4;
/// A client gives up after this time: well before outcomes are forgotten.
const PATIENCE: Duration = Duration::from_secs(40);

/// A command as a client saw it. Instants count the history's events.
pub struct Sent {
    pub verb: Verb,
    pub by: Actor,
    pub begun: u64,
    pub ended: Option<(u64, Outcome)>,
}

/// A read: where the view stood and what it said.
pub struct Seen {
    pub object: Object,
    pub value: Option<String>,
    pub index: u64,
    pub begun: u64,
    pub ended: u64,
    pub linearizable: bool,
}

/// What clients write and read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A label whose mark has a note.
    Label(String),
    /// A domain, which has a sponsor.
    Domain(String),
}

#[derive(Default)]
pub struct History {
    clock: u64,
    next_seq: BTreeMap<u64, u64>,
    pub sent: BTreeMap<SvTrid, Sent>,
    pub seen: Vec<Seen>,
    pub tld: u64,
    pub registrars: Vec<u64>,
}

impl History {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub fn begin(&mut self, node: u64, boot: u64, by: &Actor, verb: &Verb) -> SvTrid {
        let seq = self.next_seq.entry(node).or_insert(0);
        *seq += 1;
        let svtrid = SvTrid { node, boot, seq: *seq };
        let begun = self.tick();
        self.sent.insert(svtrid, Sent { verb: verb.clone(), by: by.clone(), begun, ended: None });
        svtrid
    }

    fn end(&mut self, svtrid: SvTrid, outcome: Outcome) {
        let ended = self.tick();
        if let Some(sent) = self.sent.get_mut(&svtrid) {
            sent.ended = Some((ended, outcome));
        }
    }
}

/// One attempt through one node; `None` when its outcome is not known.
async fn attempt(world: &World, node: u64, svtrid: SvTrid, by: &Actor, verb: &Verb) -> Option<Outcome> {
    let (backend, group) = world.node(node)?;
    let (by, verb) = (by.clone(), verb.clone());
    let limit = Duration::from_millis(world.lock().rng.between(300, 4000));
    // in the node's group: a node that loses power takes its sessions along. An attempt that took too long goes on
    // beside the next one.
    let asked = group.spawn(async move { backend.submit(verb, by, svtrid).await });
    match Sim::timeout(limit, asked).await {
        Ok(Ok(Ok(outcome))) => Some(outcome),
        Ok(Ok(Err(Unavailable::Fault(why)))) => {
            world.lock().violation(format!("node {node} answered with a fault: {why}"));
            None
        }
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => None,
    }
}

/// Sends a command until its outcome is known. `None`: it never was.
pub async fn submit(world: &World, mut node: u64, by: Actor, verb: Verb) -> Option<Outcome> {
    let boot = world.lock().machines[&node].lives;
    let svtrid = world.lock().history.begin(node, boot, &by, &verb);
    let until = world.elapsed() + PATIENCE;
    let mut again = false;
    while world.elapsed() < until {
        let told = attempt(world, node, svtrid, &by, &verb).await;
        // The command's own node sends it with one date only. Sent again, as here, it has a date each time, and too old
        // by one says nothing about the others.
        let told = told.filter(|told| !again || *told != Outcome::Expired);
        again = true;
        if let Some(outcome) = told {
            let mut inner = world.lock();
            inner.note(format_args!("client has {svtrid} {outcome:?}"));
            inner.history.end(svtrid, outcome.clone());
            if let Outcome::Done(Reply::Marked { index, digest }) = outcome {
                let checked = inner.truth.digest(index, digest);
                inner.check(checked);
            }
            return Some(outcome);
        }
        let pause = {
            let mut inner = world.lock();
            node = inner.rng.pick(&NODES).unwrap();
            inner.rng.between(5, 100)
        };
        Sim::sleep(Duration::from_millis(pause)).await;
    }
    None
}

async fn read(world: &World, node: u64, object: Object, linearizable: bool) {
    let Some((backend, group)) = world.node(node) else { return };
    let (begun, tld) = {
        let mut inner = world.lock();
        (inner.history.tick(), inner.history.tld)
    };
    let honest = linearizable && world.mutant != Mutant::LocalReads;
    let freshness = if honest { Freshness::Linearizable } else { Freshness::Local };
    let wanted = object.clone();
    let looked = group.spawn(async move {
        let view = backend.view(freshness).await.ok()?;
        Some((view.header().index, value(&view, tld, &wanted)))
    });
    let Ok(Some((index, value))) = looked.await else { return };
    let mut inner = world.lock();
    let ended = inner.history.tick();
    inner.note(format_args!("client reads {object:?} at {index} from {node}: {value:?}"));
    inner.history.seen.push(Seen { object, value, index, begun, ended, linearizable });
}

/// The value of an object in a view.
pub fn value(view: &View, tld: u64, object: &Object) -> Option<String> {
    match object {
        Object::Label(label) => view.get(&MARK, &(tld, label.clone())).unwrap().map(|mark| mark.note),
        Object::Domain(name) => {
            let name = DomainName::parse(name).unwrap();
            view.get(&DOMAIN, &name).unwrap().map(|domain| domain.sponsor.to_string())
        }
    }
}

enum Deed {
    Send(Actor, Verb),
    Read(Object, bool),
}

impl World {
    fn draw_deed(&self, number: u64) -> Deed {
        let second = self.elapsed().as_secs();
        let mut inner = self.lock();
        let operator = Actor::Operator("simulation".into());
        let label = format!("label{}", inner.rng.below(LABELS));
        // new names come up as time goes by, and everybody wants them
        let domain = format!("name{}.example", inner.rng.below(4 + 3 * second));
        let registrars = inner.history.registrars.clone();
        match inner.rng.below(100) {
            0..24 => {
                let sponsor = inner.rng.pick(&registrars).unwrap();
                Deed::Send(Actor::Registrar(sponsor), create(&domain))
            }
            24..44 => Deed::Send(operator, mark(&label, format!("note {number}"))),
            44..52 => Deed::Send(operator, unmark(label)),
            52..54 => Deed::Send(operator, Verb::Mark),
            54..75 => Deed::Read(Object::Label(label), true),
            75..85 => Deed::Read(Object::Domain(domain), true),
            _ => Deed::Read(Object::Label(label), false),
        }
    }
}

pub fn create(name: &str) -> Verb {
    Verb::DomainCreate(Box::new(DomainCreate {
        name: name.into(),
        period: None,
        name_servers: NameServers::Objects(Vec::new()),
        registrant: None,
        contacts: Vec::new(),
        authinfo: NewAuthInfo { strength: Strength::Empty, stored: None },
        secdns: SecDns::default(),
        sponsor: None,
    }))
}

fn mark(label: &str, note: String) -> Verb {
    Verb::MarkName(MarkName { tld: "example".into(), label: label.into(), kind: MarkKind::Reserved, note })
}

fn unmark(label: String) -> Verb {
    Verb::UnmarkName(UnmarkName { tld: "example".into(), label, kind: MarkKind::Reserved })
}

/// One client of one node, until it is told to stop. `number` makes its notes its own.
pub async fn run(world: Arc<World>, node: u64, number: u64, stop: Arc<AtomicBool>) {
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let pause = world.lock().rng.between(2, 60);
        Sim::sleep(Duration::from_millis(pause)).await;
        match world.draw_deed(number * 1_000_000 + round) {
            Deed::Send(by, verb) => drop(submit(&world, node, by, verb).await),
            Deed::Read(object, linearizable) => read(&world, node, object, linearizable).await,
        }
    }
}
