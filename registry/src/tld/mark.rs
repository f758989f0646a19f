//! Reserved and blocked labels of a zone. A reserved name may be registered by the operator; a blocked one by
//! nobody. A label has one mark: one of the other kind must be taken back first, so that none is forgotten.

use super::Tld;
use crate::{
    actor::Actor,
    journal::Change,
    name::{self, DomainName, LabelForm},
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    tables::{DOMAIN, MARK, TLD},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Read, Record, Tx};

/// The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkKind {
    Reserved,
    Blocked,
}

impl MarkKind {
    /// The word in answers and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            MarkKind::Reserved => "reserved",
            MarkKind::Blocked => "blocked",
        }
    }
}

impl fmt::Display for MarkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is known of a marked label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub kind: MarkKind,
    pub since: Timestamp,
    /// Free text for the operator, at most [`NOTE_MAX`] characters; not public.
    pub note: String,
}

impl Mark {
    /// The fields of a mark that goes, for the journal.
    pub(crate) fn as_changes(&self) -> Vec<Change> {
        vec![
            Change::new("mark", self.kind.word()),
            Change::new("since", &self.since.to_string()),
            Change::new("note", &self.note),
        ]
    }
}

/// Longest note, in characters.
pub const NOTE_MAX: usize = 255;

impl Record for Mark {}

/// Reserves or blocks a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkName {
    pub tld: String,
    pub label: String,
    pub kind: MarkKind,
    pub note: String,
}

/// Takes the mark of this kind away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmarkName {
    pub tld: String,
    pub label: String,
    pub kind: MarkKind,
}

/// The mark of a registrable name.
///
/// # Errors
/// A storage fault.
pub fn mark_of(db: &impl Read, tld: &Tld, name: &DomainName) -> Result<Option<Mark>, Fault> {
    db.get(&MARK, &(tld.id, name.label().to_owned()))
}

/// # Errors
/// Not the operator, an unknown zone, not a label, a long note, or a label that has the other mark.
pub fn check_mark(db: &impl Read, by: &Actor, c: &MarkName) -> Result<Marking, Stop> {
    let (key, name) = find(db, by, &c.tld, &c.label)?;
    if c.note.chars().count() > NOTE_MAX {
        let why = format!("at most {NOTE_MAX} characters");
        return Err(Refusal::TldInvalid { field: "note".into(), why }.into());
    }
    match db.get(&MARK, &key)? {
        Some(old) if old.kind != c.kind => {
            Err(Refusal::Marked { name: name.to_string(), kind: old.kind }.into())
        }
        old => Ok(Marking { key, name, old }),
    }
}

/// What [`apply_mark`] will write.
#[derive(Debug)]
pub struct Marking {
    key: (u64, String),
    name: DomainName,
    old: Option<Mark>,
}

/// A label that has this mark already keeps its instant and gets the new note. A name may be registered; the reply
/// tells.
///
/// # Errors
/// As [`check_mark`].
pub fn apply_mark(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    c: &MarkName,
) -> Result<(Reply, Option<Mark>), Stop> {
    let Marking { key, name, old } = check_mark(tx, by, c)?;
    let since = old.as_ref().map_or(at, |old| old.since);
    let mark = Mark { kind: c.kind, since, note: c.note.clone() };
    match &old {
        Some(old) => tx.replace(&MARK, &key, old, &mark)?,
        None => tx.insert(&MARK, &key, &mark)?,
    }
    Ok((Reply::NameMarked { registered: tx.has(&DOMAIN, &name)? }, old))
}

/// # Errors
/// As [`check_mark`], or the label has no mark of this kind.
pub fn check_unmark(db: &impl Read, by: &Actor, c: &UnmarkName) -> Result<((u64, String), Mark), Stop> {
    let (key, name) = find(db, by, &c.tld, &c.label)?;
    let missing = || Refusal::NotMarked { name: name.to_string(), kind: c.kind };
    let mark = db.get(&MARK, &key)?.filter(|mark| mark.kind == c.kind).ok_or_else(missing)?;
    Ok((key, mark))
}

/// # Errors
/// As [`check_unmark`].
pub fn apply_unmark(tx: &mut Tx<'_>, by: &Actor, c: &UnmarkName) -> Result<(Reply, Mark), Stop> {
    let (key, mark) = check_unmark(tx, by, c)?;
    tx.remove(&MARK, &key, &mark)?;
    Ok((Reply::Ok, mark))
}

/// The key of a label's mark, and the name that the label makes.
fn find(db: &impl Read, by: &Actor, tld: &str, label: &str) -> Result<((u64, String), DomainName), Stop> {
    by.must_operate()?;
    let zone = DomainName::parse(tld).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: tld.into(),
        fault,
    })?;
    let tld = db
        .get(&TLD, &zone)?
        .ok_or_else(|| Refusal::NotFound { about: About::Object, object: zone.to_string() })?;
    let bad = || Refusal::LabelSyntax { label: label.into() };
    let name = DomainName::parse(&format!("{label}.{zone}")).map_err(|_| bad())?;
    if label.contains('.') || !matches!(name::label_form(name.label()), LabelForm::Plain | LabelForm::ALabel)
    {
        return Err(bad().into());
    }
    Ok(((tld.id, name.label().to_owned()), name))
}
