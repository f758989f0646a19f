//! Reserved and blocked labels of a zone. A reserved name may be registered by the operator; a blocked one by
//! nobody.

use super::Tld;
use crate::{
    actor::Actor,
    journal::Change,
    name::{self, DomainName, LabelForm},
    outcome::Reply,
    refusal::{Refusal, Stop},
    tables::{MARK, TLD},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
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

/// Takes the mark away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmarkName {
    pub tld: String,
    pub label: String,
}

/// The mark of a registrable name.
///
/// # Errors
/// A storage fault.
pub fn mark_of(db: &impl Read, tld: &Tld, name: &DomainName) -> Result<Option<Mark>, Fault> {
    db.get(&MARK, &(tld.id, name.label().to_owned()))
}

/// # Errors
/// Not the operator, an unknown zone, not a label, or a long note.
pub fn check_mark(db: &impl Read, by: &Actor, c: &MarkName) -> Result<(u64, String), Stop> {
    let key = key(db, by, &c.tld, &c.label)?;
    if c.note.chars().count() > NOTE_MAX {
        let why = format!("at most {NOTE_MAX} characters");
        return Err(Refusal::TldInvalid { field: "note".into(), why }.into());
    }
    Ok(key)
}

/// Replaces an earlier mark of the label.
///
/// # Errors
/// As [`check_mark`].
pub fn apply_mark(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    c: &MarkName,
) -> Result<(Reply, Option<Mark>), Stop> {
    let key = check_mark(tx, by, c)?;
    let mark = Mark { kind: c.kind, since: at, note: c.note.clone() };
    let old = tx.get(&MARK, &key)?;
    match &old {
        Some(old) => tx.replace(&MARK, &key, old, &mark)?,
        None => tx.insert(&MARK, &key, &mark)?,
    }
    Ok((Reply::Ok, old))
}

/// # Errors
/// As [`check_mark`], or the label has no mark.
pub fn check_unmark(db: &impl Read, by: &Actor, c: &UnmarkName) -> Result<((u64, String), Mark), Stop> {
    let key = key(db, by, &c.tld, &c.label)?;
    let missing = || Refusal::NotMarked { name: format!("{}.{}", key.1, c.tld.to_ascii_lowercase()) };
    let mark = db.get(&MARK, &key)?.ok_or_else(missing)?;
    Ok((key, mark))
}

/// # Errors
/// As [`check_unmark`].
pub fn apply_unmark(tx: &mut Tx<'_>, by: &Actor, c: &UnmarkName) -> Result<(Reply, Mark), Stop> {
    let (key, mark) = check_unmark(tx, by, c)?;
    tx.remove(&MARK, &key, &mark)?;
    Ok((Reply::Ok, mark))
}

fn key(db: &impl Read, by: &Actor, tld: &str, label: &str) -> Result<(u64, String), Stop> {
    by.must_operate()?;
    let zone = DomainName::parse(tld).map_err(|fault| Refusal::NameSyntax { name: tld.into(), fault })?;
    let tld = db.get(&TLD, &zone)?.ok_or_else(|| Refusal::NotFound { object: zone.to_string() })?;
    let bad = || Refusal::LabelSyntax { label: label.into() };
    let name = DomainName::parse(&format!("{label}.{zone}")).map_err(|_| bad())?;
    if label.contains('.') || !matches!(name::label_form(name.label()), LabelForm::Plain | LabelForm::ALabel)
    {
        return Err(bad().into());
    }
    Ok((tld.id, name.label().to_owned()))
}
