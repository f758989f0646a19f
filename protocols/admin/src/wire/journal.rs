//! What became of a command, and what happened last.

use super::{Instant, Operation};
use serde::{Deserialize, Serialize};

/// Asks for the outcome of a command by its svTRID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeQuery {
    pub svtrid: String,
    /// How old the command may be: the journal is searched no further.
    #[serde(default)]
    pub since: Since,
}

/// An instant, or how many days before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    Days(u32),
    At(Instant),
}

impl Default for Since {
    fn default() -> Since {
        Since::Days(7)
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    /// A number of days, a date or an RFC 3339 instant.
    fn from_str(text: &str) -> Result<Since, String> {
        if let Ok(days) = text.parse() {
            return Ok(Since::Days(days));
        }
        text.parse().map(Since::At).map_err(|why| format!("{why}, nor a number of days"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeView {
    /// `None`: up to [`OutcomeView::state_time`] no such command was carried out or refused, of those that were issued
    /// since [`OutcomeView::since`].
    pub row: Option<Row>,
    /// Commands issued before this were not looked for.
    pub since: Instant,
    /// A command issued before this and not found will never be carried out.
    pub settled_before: Instant,
    pub state_time: Instant,
}

/// The last rows of the journal, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalTail {
    /// How many; at most [`JournalTail::ROWS_MAX`].
    pub rows: u16,
    /// Only rows below this log index.
    #[serde(default)]
    pub before: Option<u64>,
}

impl JournalTail {
    pub const ROWS_MAX: u16 = 1000;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalView {
    pub rows: Vec<Placed>,
}

/// A row and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Log index.
    pub index: u64,
    /// Within the log index: due work settled first, then the command.
    pub step: u16,
    #[serde(flatten)]
    pub row: Row,
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub at: Instant,
    /// For due work, the instant from which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Instant>,
    pub issued: Instant,
    pub svtrid: String,
    /// A registrar's clID, `operator (…)`, or `system`.
    pub by: String,
    pub verb: String,
    pub object: String,
    /// `done`, `internal`, `expired`, or the word of the refusal.
    pub outcome: String,
    /// The refusal's sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub changes: Vec<Change>,
}

/// A field that changed, and the value it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub field: String,
    pub old: String,
}

impl Operation for OutcomeQuery {
    const NAME: &'static str = "outcome";
    type Reply = OutcomeView;
}

impl Operation for JournalTail {
    const NAME: &'static str = "journal";
    type Reply = JournalView;
}
