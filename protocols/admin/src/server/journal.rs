//! The journal: what became of one command, and what happened last.

use super::{Context, Control, Handle, scan};
use crate::wire::{
    self, Failure, Instant, JournalTail, JournalView, Kind, OutcomeQuery, OutcomeView, Placed, Row, Since,
};
use registry::{
    Actor, Backend, Outcome, SvTrid, Timestamp, Verb,
    journal::{EXPIRES_MS, JournalRow, Searched, search},
    registrar, tables,
};
use std::{
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{Read, View};
use tokio::sync::Semaphore;

const DAY_MS: i64 = 86_400_000;

/// The searches through the journal at this node: one at a time, and none for somebody who is gone.
pub(super) struct Searches(Arc<Semaphore>);

impl Default for Searches {
    fn default() -> Searches {
        Searches(Arc::new(Semaphore::new(1)))
    }
}

/// Whoever waits for a search; says so when it is dropped.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Searches {
    /// Runs a search unless one is under way. It is told whether somebody still waits for it: this future, until it is
    /// dropped.
    async fn run<T: Send + 'static>(
        &self,
        view: View,
        work: impl FnOnce(&View, &dyn Fn() -> bool) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let told =
                "this node is searching the journal for somebody else; ask again later, or another node";
            Failure::new(Kind::Unavailable, "busy", told)
        })?;
        let gone = Arc::new(AtomicBool::new(false));
        let _asker = Asker(gone.clone());
        scan(view, move |view| {
            let _place = place;
            work(view, &|| !gone.load(Ordering::Relaxed))
        })
        .await
    }
}

impl<B: Backend, C: Control> Handle<B, C> for OutcomeQuery {
    /// State time is moved first, so that a command which is not found and old enough can never come.
    async fn handle(self, context: &Context<B, C>) -> Result<OutcomeView, Failure> {
        let svtrid: SvTrid = self.svtrid.parse().map_err(|form| Failure::bad_request("svtrid", form))?;
        context.write(Verb::Beat).await?;
        let view = context.view().await?;
        let state_time = Timestamp(view.header().state_time);
        let since = match self.since {
            Since::Days(days) => state_time.plus_ms(-DAY_MS * i64::from(days)),
            Since::At(instant) => instant.0,
        };
        let answer = move |view: &View, row: Option<JournalRow>| {
            Ok(OutcomeView {
                row: row.map(|row| shown(view, row)).transpose()?,
                since: Instant(since),
                settled_before: Instant(state_time.plus_ms(-EXPIRES_MS)),
                state_time: Instant(state_time),
            })
        };
        // what is still remembered needs no search
        if let Some(key) = view.get(&tables::OUTCOME, &svtrid)? {
            return scan(view, move |view| answer(view, view.get(&tables::JOURNAL, &key)?)).await;
        }
        let searches = &context.inner.searches;
        let work = move |view: &View, wanted: &dyn Fn() -> bool| match search(view, &svtrid, since, wanted)? {
            Searched::Found(row) => answer(view, Some(*row)),
            Searched::Absent => answer(view, None),
            Searched::GivenUp => {
                Err(Failure::new(Kind::Unavailable, "given_up", "nobody waits for the answer"))
            }
        };
        searches.run(view, work).await
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use storage::Store;

    fn view() -> View {
        Store::memory(tables::ALL).view()
    }

    #[tokio::test]
    async fn one_search_at_a_time_and_none_for_somebody_who_is_gone() {
        let searches = Arc::new(Searches::default());
        let (began, runs) = std::sync::mpsc::channel();
        let first = tokio::spawn({
            let searches = searches.clone();
            async move {
                let endless = move |_: &View, wanted: &dyn Fn() -> bool| {
                    began.send(()).unwrap();
                    let patience = std::time::Instant::now() + Duration::from_secs(10);
                    while wanted() && std::time::Instant::now() < patience {
                        std::thread::yield_now();
                    }
                    assert!(!wanted(), "nobody waits, and it goes on");
                    Ok(())
                };
                searches.run(view(), endless).await
            }
        });
        tokio::task::spawn_blocking(move || runs.recv().unwrap()).await.unwrap();
        let told = searches.run(view(), |_, _| Ok(())).await.unwrap_err();
        assert_eq!((told.kind, told.reason.as_str()), (Kind::Unavailable, "busy"));
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let over = async {
            while searches.run(view(), |_, _| Ok(())).await.is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), over).await.expect("the place is free again");
    }
}
