//! The one door through which state changes: the same entries on the same state give the same outcomes, on every
//! node, whatever the batches.
//!
//! A batch is one transaction. A panic inside a verb drops the batch; its entries are then done one by one, and
//! the offender gets [`Outcome::Internal`]: a poisonous command costs itself and never a node. A panic inside a
//! storage call is a fault, and the node stops.

use crate::{
    Command, Entry, Outcome, Refusal, Reply, Stop, Timestamp, Verb, contact, domain, due, host,
    journal::{self, Change, Pen},
    keys, node, poll, registrar, repository, tld,
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use storage::{Fault, Read, Store, Tx};

/// One log entry as consensus hands it over.
#[derive(Clone, Debug)]
pub struct Step {
    pub index: u64,
    /// What the replication layer wants committed with this entry, opaque here.
    pub meta: Arc<[u8]>,
    /// `None`: an entry of the replication layer itself.
    pub entry: Option<Entry>,
}

/// Outcomes forgotten with each command at most: more than it adds, so that their number falls.
const FORGET_MAX: usize = 4;
/// The same of an entry that no client waits for, and that also comes when nobody commands anything.
const FORGET_AT_LEISURE: usize = 2000;

thread_local! {
    static IN_VERB: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a verb: a panic hook leaves such panics to [`apply_batch`].
pub fn inside_verb() -> bool {
    IN_VERB.get()
}

/// Applies a batch and publishes it. The outcomes are in the order of the steps; `None` for the replication
/// layer's own entries.
///
/// # Errors
/// A storage fault: the node must stop. Of the batch nothing is published, or, where a verb had panicked, the
/// steps before the fault.
pub fn apply_batch(store: &Store, steps: &[Step]) -> Result<Vec<Option<Outcome>>, Fault> {
    Door { store, carry_out }.batch(steps)
}

/// Carries one command out; a value, so that a test can put a verb there that panics.
type CarryOut = fn(&mut Tx<'_>, u64, Timestamp, &Command, &mut Pen) -> Result<Done, Stop>;

struct Door<'s> {
    store: &'s Store,
    carry_out: CarryOut,
}

enum Attempt {
    Came(Option<Outcome>),
    Panicked,
}

impl Door<'_> {
    fn batch(&self, steps: &[Step]) -> Result<Vec<Option<Outcome>>, Fault> {
        let Some(last) = steps.last() else { return Ok(Vec::new()) };
        let mut tx = self.store.begin();
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            match self.attempt(&mut tx, step)? {
                Attempt::Came(outcome) => outcomes.push(outcome),
                Attempt::Panicked => {
                    drop(tx);
                    return steps.iter().map(|step| self.single(step)).collect();
                }
            }
        }
        tx.commit(last.index, last.meta.clone());
        Ok(outcomes)
    }

    fn single(&self, step: &Step) -> Result<Option<Outcome>, Fault> {
        let mut tx = self.store.begin();
        let outcome = match self.attempt(&mut tx, step)? {
            Attempt::Came(outcome) => outcome,
            Attempt::Panicked => {
                drop(tx);
                tx = self.store.begin();
                step.entry.as_ref().map(|entry| poisoned(&mut tx, step.index, entry)).transpose()?
            }
        };
        tx.commit(step.index, step.meta.clone());
        Ok(outcome)
    }

    fn attempt(&self, tx: &mut Tx<'_>, step: &Step) -> Result<Attempt, Fault> {
        let Some(entry) = &step.entry else { return Ok(Attempt::Came(None)) };
        match guarded(|| apply(tx, step.index, entry, self.carry_out)) {
            Ok(outcome) => Ok(Attempt::Came(Some(outcome?))),
            Err(panic) if tx.was_inside_storage() => Err(Fault::panicked(&*panic)),
            Err(_) => Ok(Attempt::Panicked),
        }
    }
}

/// Runs a rule so that its panic is a value, and so that a panic hook knows it for one.
fn guarded<T>(rule: impl FnOnce() -> T) -> std::thread::Result<T> {
    IN_VERB.set(true);
    let result = catch_unwind(AssertUnwindSafe(rule));
    IN_VERB.set(false);
    result
}

/// The trace of a command whose verb panicked: its journal row and nothing else. A tick that did a single item has
/// that item put off, so that time gets past it.
fn poisoned(tx: &mut Tx<'_>, index: u64, entry: &Entry) -> Result<Outcome, Fault> {
    tracing::error!(command = %entry, "a verb panicked; the command was answered as an internal error");
    let mut pen = Pen::new(index, advance(tx, entry));
    let c = &entry.command;
    if matches!(c.verb, Verb::Tick { limit: 0 | 1 }) {
        due::put_off(tx, c, &mut pen)?;
    }
    if c.verb.is_journalled() {
        pen.command(tx, c, Outcome::Internal, Vec::new())?;
    }
    Ok(Outcome::Internal)
}

/// State time never runs backwards.
fn advance(tx: &mut Tx<'_>, entry: &Entry) -> Timestamp {
    let at = entry.at.max(Timestamp(tx.header().state_time));
    tx.set_state_time(at.0);
    at
}

fn apply(tx: &mut Tx<'_>, index: u64, entry: &Entry, carry_out: CarryOut) -> Result<Outcome, Fault> {
    let c = &entry.command;
    let at = advance(tx, entry);
    if let Some(outcome) = journal::remembered(tx, &c.svtrid)? {
        return Ok(outcome);
    }
    let at_leisure = matches!(c.verb, Verb::Beat | Verb::Tick { .. });
    journal::forget(tx, if at_leisure { FORGET_AT_LEISURE } else { FORGET_MAX })?;
    if c.verb.is_journalled() && !journal::is_timely(c.issued, at) {
        return Ok(Outcome::Expired);
    }
    let mut pen = Pen::new(index, at);
    let result = due::settle_touched(tx, c, &mut pen)
        .and_then(|()| admit(tx, &c.by, &c.verb))
        .and_then(|()| carry_out(tx, index, at, c, &mut pen));
    let (outcome, changes) = match result {
        Ok((reply, changes)) => (Outcome::Done(reply), changes),
        Err(Stop::Refused(no)) => (Outcome::Refused(no), Vec::new()),
        Err(Stop::Superseded) => return Ok(Outcome::Superseded),
        Err(Stop::Fault(fault)) => return Err(fault),
    };
    if c.verb.is_journalled() {
        pen.command(tx, c, outcome.clone(), changes)?;
    }
    Ok(outcome)
}

type Done = (Reply, Vec<Change>);

fn carry_out(tx: &mut Tx<'_>, index: u64, at: Timestamp, c: &Command, pen: &mut Pen) -> Result<Done, Stop> {
    let by = &c.by;
    let none = |reply| (reply, Vec::new());
    match &c.verb {
        Verb::Beat => Ok(none(Reply::Ok)),
        Verb::Tick { limit } => due::tick(tx, c, *limit, pen).map(none),
        Verb::Mark => Ok(none(Reply::Marked { index, digest: tx.header().digest })),
        Verb::RepositoryFound(v) => repository::apply(tx, by, v).map(none),
        Verb::RegistrarCreate(v) => registrar::apply_create(tx, by, at, v).map(none),
        Verb::RegistrarPassword(v) => {
            let reply = registrar::apply_password(tx, by, at, v)?;
            Ok((reply, vec![Change::new("password", "(sealed)")]))
        }
        Verb::TldCreate(v) => tld::apply_create(tx, by, at, v).map(none),
        Verb::MarkName(v) => {
            let (reply, old) = tld::apply_mark(tx, by, at, v)?;
            Ok((reply, old.map_or_else(Vec::new, |old| old.as_changes())))
        }
        Verb::UnmarkName(v) => {
            let (reply, old) = tld::apply_unmark(tx, by, v)?;
            Ok((reply, old.as_changes()))
        }
        Verb::DomainCreate(v) => domain::apply_create(tx, by, at, v).map(none),
        Verb::HostCreate(v) => host::apply_create(tx, by, at, v).map(none),
        Verb::ContactCreate(v) => contact::apply_create(tx, by, at, index, v).map(none),
        Verb::PollAck(v) => poll::apply(tx, by, v).map(none),
        Verb::RegistrarSuspend(v) => registrar::apply_suspend(tx, by, at, v).map(suspension_before),
        Verb::RegistrarResume(v) => registrar::apply_resume(tx, by, at, v).map(suspension_before),
        Verb::KeyPropose(v) => keys::apply_propose(tx, by, v).map(none),
        Verb::KeyActivate(v) => keys::apply_activate(tx, by, at, v).map(none),
        Verb::Reseal(v) => keys::apply_reseal(tx, by, v).map(none),
        Verb::KeyRetire(v) => {
            let (reply, before) = keys::apply_retire(tx, by, v)?;
            let before = before.map_or_else(|| "none".to_owned(), |at| at.to_string());
            Ok((reply, vec![Change::new("announced end", &before)]))
        }
        Verb::AuthInfoUnset(v) => keys::apply_unset(tx, by, v),
        Verb::KeyRetired(v) => keys::apply_retired(tx, by, at, v).map(none),
        Verb::NodeAllocate(v) => node::apply_allocate(tx, by, v).map(none),
        Verb::NodeRemove(v) => node::apply_remove(tx, by, v).map(none),
        Verb::RegistrarUpdate(v) => registrar::apply_update(tx, by, at, v),
    }
}

/// What holds for every verb: its author may act at all, and what it carries was sealed with keys that are in use.
fn admit(db: &impl Read, by: &crate::Actor, verb: &Verb) -> Result<(), Stop> {
    registrar::may_act(db, by)?;
    verb.epochs().try_for_each(|epoch| keys::accepts(db, epoch))
}

fn suspension_before((reply, old): (Reply, Option<registrar::Suspension>)) -> Done {
    let old = old.map_or_else(|| "no".to_owned(), |s| format!("since {}: {}", s.since, s.note));
    (reply, vec![Change::new("suspended", &old)])
}

/// The check of a verb alone, on whatever can be read: what an accepting node does before it sends a command on.
///
/// # Errors
/// The refusal that [`apply_batch`] would come to on this state, or a storage fault.
pub fn check(db: &impl Read, by: &crate::Actor, verb: &Verb) -> Result<(), Stop> {
    admit(db, by, verb)?;
    match verb {
        Verb::Beat | Verb::Tick { .. } | Verb::Mark => Ok(()),
        Verb::RepositoryFound(v) => repository::check(db, by, v).map(drop),
        Verb::RegistrarCreate(v) => registrar::check_create(db, by, v).map(drop),
        Verb::RegistrarPassword(v) => registrar::check_password(db, by, v).map(drop),
        Verb::TldCreate(v) => tld::check_create(db, by, v).map(drop),
        Verb::MarkName(v) => tld::check_mark(db, by, v).map(drop),
        Verb::UnmarkName(v) => tld::check_unmark(db, by, v).map(drop),
        Verb::DomainCreate(v) => domain::check_create(db, by, v).map(drop),
        Verb::HostCreate(v) => host::check_create(db, by, v).map(drop),
        Verb::ContactCreate(v) => contact::check_create(db, by, v).map(drop),
        Verb::PollAck(v) => poll::check(db, by, v).map(drop),
        Verb::RegistrarSuspend(v) => registrar::check_suspend(db, by, v).map(drop),
        Verb::RegistrarResume(v) => registrar::check_resume(db, by, v).map(drop),
        Verb::KeyPropose(v) => keys::check_propose(db, by, v).map(drop),
        Verb::KeyActivate(v) => keys::check_activate(db, by, v).map(drop),
        Verb::Reseal(v) => keys::check_reseal(db, by, v),
        Verb::KeyRetire(v) => keys::check_retire(db, by, v).map(drop),
        Verb::AuthInfoUnset(v) => keys::check_unset(db, by, v),
        Verb::KeyRetired(v) => keys::check_retired(db, by, v).map(drop),
        Verb::NodeAllocate(v) => node::check_allocate(db, by, v).map(drop),
        Verb::NodeRemove(v) => node::check_remove(db, by, v).map(drop),
        Verb::RegistrarUpdate(v) => registrar::check_update(db, by, v).map(drop),
    }
}

/// [`check`] for the accepting node: `None` where it found nothing, and also where it can't tell. A panic or a
/// stale premise is left to [`apply_batch`], which answers for it.
///
/// # Errors
/// A storage fault.
pub fn early_refusal(db: &impl Read, by: &crate::Actor, verb: &Verb) -> Result<Option<Refusal>, Fault> {
    match guarded(|| check(db, by, verb)) {
        Ok(Err(Stop::Refused(no))) => Ok(Some(no)),
        Ok(Err(Stop::Fault(fault))) => Err(fault),
        Ok(Ok(()) | Err(Stop::Superseded)) | Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod poison;
