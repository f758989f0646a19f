//! Whether the clients' history could have happened on one machine that never fails.
//!
//! The journal is the witness: the order in which it has the commands must be an order that every client could have
//! seen (strict serializability). Any other order that explains the history would do, too, but the product promises
//! this one.

use super::client::{History, Object, Seen, Sent};
use registry::{Outcome, SvTrid, Verb, tables};
use std::collections::BTreeMap;
use storage::{Read, View};

/// Where each command stands in the journal.
type Journal = BTreeMap<SvTrid, (u64, Outcome)>;

/// What each object was, by log index.
type Values = BTreeMap<Object, BTreeMap<u64, Option<String>>>;

/// # Errors
/// The first promise that was broken.
pub fn judge(history: &History, view: &View) -> Result<(), String> {
    let journal = journal(view)?;
    outcomes(history, &journal)?;
    one_owner(history, &journal)?;
    order(history, &journal)?;
    let values = values(history, &journal);
    history.seen.iter().try_for_each(|seen| value(seen, &values))
}

/// Every command at most once.
fn journal(view: &View) -> Result<Journal, String> {
    let mut journal = Journal::new();
    let mut last = i64::MIN;
    for row in view.range(&tables::JOURNAL, ..) {
        let ((index, _), row) = row.map_err(|fault| fault.to_string())?;
        if row.at.0 < last {
            return Err(format!("the journal's time runs backwards at index {index}"));
        }
        last = row.at.0;
        if row.due.is_none()
            && let Some((before, _)) = journal.insert(row.svtrid, (index, row.outcome))
        {
            return Err(format!("{} was carried out twice: at index {before} and at {index}", row.svtrid));
        }
    }
    Ok(journal)
}

/// What a client was told is what the journal says, and what the journal says was sent.
fn outcomes(history: &History, journal: &Journal) -> Result<(), String> {
    for (svtrid, sent) in history.sent.iter().filter(|(_, sent)| sent.verb.is_journalled()) {
        match (&sent.ended, journal.get(svtrid)) {
            (Some((_, Outcome::Expired)), None) | (None, _) => {}
            (Some((_, told)), Some((_, is))) if told == is => {}
            (Some((_, told)), found) => {
                return Err(format!("{svtrid} was acknowledged with {told:?}, the journal has {found:?}"));
            }
        }
    }
    match journal.keys().find(|svtrid| !history.sent.contains_key(svtrid)) {
        Some(svtrid) => Err(format!("{svtrid} is in the journal, and nobody sent it")),
        None => Ok(()),
    }
}

fn one_owner(history: &History, journal: &Journal) -> Result<(), String> {
    let mut owners = BTreeMap::new();
    for (svtrid, (index, outcome)) in journal {
        if let (Some(Sent { verb: Verb::DomainCreate(create), by, .. }), Outcome::Done(_)) =
            (history.sent.get(svtrid), outcome)
            && let Some((other, _)) = owners.insert(create.name.clone(), (by.clone(), *index))
        {
            return Err(format!("{} was registered by {other:?} and by {by:?}", create.name));
        }
    }
    Ok(())
}

/// Real time: what ended before something else began stands before it, and is seen by it.
fn order(history: &History, journal: &Journal) -> Result<(), String> {
    // (instant of the end, index) of what is known to have happened
    let mut ends: Vec<(u64, u64, String)> = Vec::new();
    let mut begins: Vec<(u64, u64, String)> = Vec::new();
    for (svtrid, (index, _)) in journal {
        let Some(sent) = history.sent.get(svtrid) else { continue };
        begins.push((sent.begun, *index, format!("{svtrid} ({})", sent.verb.name())));
        if let Some((ended, _)) = sent.ended {
            ends.push((ended, *index, svtrid.to_string()));
        }
    }
    for seen in history.seen.iter().filter(|seen| seen.linearizable) {
        let name = format!("a read of {:?}", seen.object);
        begins.push((seen.begun, seen.index, name.clone()));
        ends.push((seen.ended, seen.index, name));
    }
    ends.sort();
    begins.sort();
    let (mut ended, mut highest) = (ends.into_iter().peekable(), None::<(u64, String)>);
    for (begun, index, what) in begins {
        while let Some((_, i, name)) = ended.next_if(|(at, ..)| *at < begun) {
            if highest.as_ref().is_none_or(|(h, _)| *h < i) {
                highest = Some((i, name));
            }
        }
        if let Some((h, name)) = highest.as_ref().filter(|(h, _)| *h > index) {
            return Err(format!("{what} stands at index {index}, but {name} was over before, at index {h}"));
        }
    }
    Ok(())
}

fn values(history: &History, journal: &Journal) -> Values {
    let mut values = Values::new();
    for (svtrid, (index, outcome)) in journal {
        let (Some(sent), Outcome::Done(_)) = (history.sent.get(svtrid), outcome) else { continue };
        let (object, value) = match &sent.verb {
            Verb::MarkName(m) => (Object::Label(m.label.clone()), Some(m.note.clone())),
            Verb::UnmarkName(m) => (Object::Label(m.label.clone()), None),
            Verb::DomainCreate(c) => {
                (Object::Domain(c.name.clone()), sent.by.registrar().map(|id| id.to_string()))
            }
            _ => continue,
        };
        values.entry(object).or_default().insert(*index, value);
    }
    values
}

/// A view is the state at its index, whole.
fn value(seen: &Seen, values: &Values) -> Result<(), String> {
    let changes = values.get(&seen.object);
    let is = changes.and_then(|c| c.range(..=seen.index).next_back()).and_then(|(_, value)| value.clone());
    if is == seen.value {
        return Ok(());
    }
    Err(format!("{:?} at index {} was {is:?}, a reader saw {:?}", seen.object, seen.index, seen.value))
}
