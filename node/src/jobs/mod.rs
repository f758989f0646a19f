//! What a leader does beside serving: lets time pass, founds the repository, completes changes of the membership, keeps
//! the sealed data sealed with keys that are in use. Every node runs these loops; they act where the node leads.

mod demo;
mod digest;
mod fingerprints;
mod pulse;
mod retain;
mod sealing;

pub use demo::REGISTRARS;
pub use fingerprints::keep_fingerprints;
pub use pulse::pulse;
pub use retain::retain;

use crate::node::{Peers, now};
use cluster::RepositoryPolicy;
use registry::{
    Actor, Backend, Freshness, Outcome, Refusal, Reply, SvTrids, Unavailable, Verb, due,
    repository::RepositoryFound,
};
use std::{sync::Arc, time::Duration};
use storage::Read;

/// How often the leader looks whether time must be moved or something is due.
const LOOK: Duration = Duration::from_millis(250);
/// State time moves at least this often.
const BEAT_MS: i64 = 1000;

/// What the jobs work with.
#[derive(Clone)]
pub struct Jobs {
    pub cluster: Peers,
    pub trids: Arc<SvTrids>,
}

impl Jobs {
    /// Runs until the task is dropped.
    pub async fn run(self, policy: RepositoryPolicy) {
        let mut founded = false;
        let mut limit = due::TICK_MAX;
        loop {
            if self.cluster.is_leader() {
                founded = founded || self.found_repository(&policy).await;
                self.cluster.settle_membership().await;
                self.let_time_pass(&mut limit).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn submit(&self, verb: Verb, by: Actor) -> Result<Outcome, Unavailable> {
        self.cluster.submit(verb, by, self.trids.next()).await
    }

    /// The first command of every log. `true` once it is there.
    async fn found_repository(&self, policy: &RepositoryPolicy) -> bool {
        let Ok(view) = self.cluster.view(Freshness::Linearizable).await else { return false };
        if registry::repository::load(&view).is_ok() {
            return true;
        }
        drop(view);
        let found = RepositoryFound {
            name: policy.name.clone(),
            roid_suffix: policy.roid_suffix.clone(),
            documentation_addresses: policy.documentation_addresses,
        };
        let outcome = self.submit(Verb::RepositoryFound(found), Actor::System).await;
        match outcome {
            Ok(Outcome::Done(_) | Outcome::Refused(Refusal::RepositoryFounded)) => true,
            other => {
                tracing::warn!(?other, "the repository could not be founded yet");
                false
            }
        }
    }

    /// Moves state time when no command has for a second, and does what is due, until nothing is, `limit` items with
    /// one command.
    async fn let_time_pass(&self, limit: &mut u16) {
        loop {
            let view = self.cluster.store().view();
            let behind_ms = now().0 - view.header().state_time;
            let verb = match due::is_due(&view, now()) {
                Ok(true) => Verb::Tick { limit: *limit },
                Ok(false) if behind_ms >= BEAT_MS => Verb::Beat,
                Ok(false) => return,
                Err(fault) => {
                    tracing::error!(%fault, "what is due can't be read");
                    return;
                }
            };
            drop(view);
            let ticks = matches!(verb, Verb::Tick { .. });
            match self.submit(verb, Actor::System).await {
                Ok(outcome) => {
                    if ticks {
                        *limit = due::next_limit(*limit, &outcome);
                    }
                    if !matches!(outcome, Outcome::Done(Reply::Ticked { more: true, .. })) {
                        return;
                    }
                }
                Err(why) => {
                    tracing::debug!(%why, "time could not be moved");
                    return;
                }
            }
        }
    }
}
