//! What the connections of a listener share: where views come from, the zones in memory, the counters. Nothing of it is
//! behind a lock.

use net::{Answers, Cut, Metrics, Service};
use registry::{
    Backend, Freshness, Unavailable,
    view::{DasStatus, Kept},
};
use std::io;
use storage::View;

/// The word that counts lines without an answer, beside those of the statuses.
const ERROR: &str = "error";

/// How often each status was answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts([u64; DasStatus::ALL.len()]);

impl Counts {
    pub(crate) fn one(&mut self, status: DasStatus) {
        self.0[status as usize] += 1;
    }
}

pub(crate) struct Site<B> {
    backend: B,
    pub(crate) kept: Kept,
    answers: Answers,
    metrics: Metrics,
}

impl<B: Backend> Site<B> {
    pub(crate) fn new(backend: B, metrics: Metrics) -> Site<B> {
        let words: Vec<_> = DasStatus::ALL.iter().map(|s| s.word()).chain([ERROR]).collect();
        Site { backend, kept: Kept::default(), answers: metrics.answers(Service::Das, &words), metrics }
    }

    /// What this node has applied.
    pub(crate) async fn view(&self) -> Result<View, Unavailable> {
        self.backend.view(Freshness::Local).await
    }

    /// Counts a batch at once.
    pub(crate) fn answered(&self, counts: &Counts) {
        for (status, count) in DasStatus::ALL.iter().zip(counts.0).filter(|(_, count)| *count > 0) {
            self.answers.count(status.word(), count);
        }
    }

    /// Counts a connection that is ended for what its client did or did not do.
    pub(crate) fn cut(&self, why: Cut) -> io::Error {
        self.metrics.cut(Service::Das, why);
        io::ErrorKind::TimedOut.into()
    }

    pub(crate) fn failed(&self) {
        self.answers.count(ERROR, 1);
    }
}
