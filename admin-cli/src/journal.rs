//! `namingo-admin outcome` and `namingo-admin journal`

use crate::{
    answer::{Answer, Stop},
    table::{Sheet, columns},
    target::Target,
};
use admin::wire::{JournalTail, OutcomeQuery, OutcomeView, Row, Since};
use clap::Args;

/// What became of a command whose answer was lost.
///
/// A command that is not found may still be on its way for 60 seconds after it was issued; after that the answer "not
/// found" is final. Exit status 1 means "not found". The journal is searched as far back as --since says; a node searches
/// for one operator at a time.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    namingo-admin outcome 1-00c0ffee00c0ffee-42\n  \
    namingo-admin outcome 1-00c0ffee00c0ffee-42 --since 2026-11-24")]
pub struct Outcome {
    /// The svTRID that the message of the lost answer named
    svtrid: String,
    /// How old the command may be: a number of days, a date, or an instant as 2026-11-24T12:00:00Z
    #[arg(long, value_name = "TIME", default_value = "7")]
    since: Since,
}

/// The last commands, the newest first.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    namingo-admin journal\n  \
    namingo-admin journal --rows 100 --before 51234 --json")]
pub struct Journal {
    /// How many rows, at most 1000
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rows: u16,
    /// Only rows below this log index
    #[arg(long, value_name = "INDEX")]
    before: Option<u64>,
}

impl Outcome {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let view =
            target.client()?.call(&OutcomeQuery { svtrid: self.svtrid.clone(), since: self.since }).await?;
        let found = view.row.is_some();
        Ok(Answer::new(&view, text(&self.svtrid, &view))?.complete(found))
    }
}

fn text(svtrid: &str, view: &OutcomeView) -> String {
    let Some(row) = &view.row else {
        return format!(
            "{svtrid} is not a write, or was not carried out up to {}.\nA write that was issued before {} (60 s earlier) \
             never will be; otherwise ask again in a minute.\nThe journal was searched for writes issued since {}; for \
             an older one say --since.",
            view.state_time, view.settled_before, view.since
        );
    };
    Sheet::default()
        .with("outcome", &said(row))
        .with("command", &format!("{} {}", row.verb, row.object))
        .with("by", &row.by)
        .with("issued", &row.issued)
        .with("carried out", &row.at)
        .with("svTRID", &row.svtrid)
        .with_each("before", row.changes.iter().map(|change| format!("{}: {}", change.field, change.old)))
        .text()
}

fn said(row: &Row) -> String {
    match &row.message {
        Some(message) => format!("{}: {message}", row.outcome),
        None => row.outcome.clone(),
    }
}

impl Journal {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let view = target.client()?.call(&JournalTail { rows: self.rows, before: self.before }).await?;
        let rows: Vec<_> = view
            .rows
            .iter()
            .map(|placed| {
                let row = &placed.row;
                [
                    placed.index.to_string(),
                    row.at.to_string(),
                    row.by.clone(),
                    format!("{} {}", row.verb, row.object),
                    row.outcome.clone(),
                    row.svtrid.clone(),
                ]
            })
            .collect();
        Answer::new(&view, columns(["INDEX", "AT", "BY", "COMMAND", "OUTCOME", "SVTRID"], &rows))
    }
}
