//! The journal: what became of one command, and what happened last.

use super::{Context, Control, Handle, scan};
use crate::wire::{self, Failure, Instant, JournalTail, JournalView, OutcomeQuery, OutcomeView, Placed, Row};
use registry::{
    Actor, Backend, Outcome, SvTrid, Timestamp, Verb,
    journal::{EXPIRES_MS, JournalRow, search},
    registrar, tables,
};
use std::ops::Bound;
use storage::{Read, View};

impl<B: Backend, C: Control> Handle<B, C> for OutcomeQuery {
    /// State time is moved first, so that a command which is not found and old enough can never come.
    async fn handle(self, context: &Context<B, C>) -> Result<OutcomeView, Failure> {
        let svtrid: SvTrid = self.svtrid.parse().map_err(|form| Failure::bad_request("svtrid", form))?;
        context.write(Verb::Beat).await?;
        scan(context.view().await?, move |view| {
            let state_time = Timestamp(view.header().state_time);
            Ok(OutcomeView {
                row: find(view, &svtrid)?.map(|row| shown(view, row)).transpose()?,
                settled_before: Instant(state_time.plus_ms(-EXPIRES_MS)),
                state_time: Instant(state_time),
            })
        })
        .await
    }
}

/// From the outcomes that are still remembered, else by a search through the whole journal.
fn find(view: &View, svtrid: &SvTrid) -> Result<Option<JournalRow>, Failure> {
    if let Some(key) = view.get(&tables::OUTCOME, svtrid)? {
        return Ok(view.get(&tables::JOURNAL, &key)?);
    }
    Ok(search(view, svtrid)?)
}

impl<B: Backend, C: Control> Handle<B, C> for JournalTail {
    async fn handle(self, context: &Context<B, C>) -> Result<JournalView, Failure> {
        if self.rows > JournalTail::ROWS_MAX {
            let most = JournalTail::ROWS_MAX;
            return Err(Failure::bad_request("too_many_rows", format!("at most {most} rows at a time")));
        }
        scan(context.view().await?, move |view| {
            let end = self.before.map_or(Bound::Unbounded, |index| Bound::Excluded((index, 0)));
            let mut rows = Vec::new();
            for item in view.range_rev(&tables::JOURNAL, (Bound::Unbounded, end)).take(self.rows.into()) {
                let ((index, step), row) = item?;
                rows.push(Placed { index, step, row: shown(view, row)? });
            }
            Ok(JournalView { rows })
        })
        .await
    }
}

fn shown(view: &View, row: JournalRow) -> Result<Row, Failure> {
    let by = match row.by {
        Actor::Registrar(id) => registrar::handle_of(view, id)?,
        Actor::Operator(name) => format!("operator ({name})"),
        Actor::System => "system".to_owned(),
    };
    let (outcome, message) = match &row.outcome {
        Outcome::Done(_) => ("done", None),
        Outcome::Refused(refusal) => (refusal.reason(), Some(refusal.to_string())),
        Outcome::Internal => ("internal", None),
        Outcome::Expired => ("expired", None),
        Outcome::Superseded => ("superseded", None),
    };
    Ok(Row {
        at: Instant(row.at),
        due: row.due.map(Instant),
        issued: Instant(row.issued),
        svtrid: row.svtrid.to_string(),
        by,
        verb: row.verb.into(),
        object: row.object.into(),
        outcome: outcome.to_owned(),
        message,
        changes: row
            .changes
            .into_iter()
            .map(|change| wire::Change { field: change.field.into(), old: change.old.into() })
            .collect(),
    })
}
