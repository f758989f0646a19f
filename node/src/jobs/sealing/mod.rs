//! What the leader does for the sealing keys: it registers the first epoch, hands keys over to members that lack them,
//! seals anew what older epochs sealed, and brings the end of an epoch about once its announced time has come.
//!
//! A pass looks through all contacts, passwords and, where authInfo must go, domains, a few hundred objects to a
//! command. Commands that were sealed before a rotation may still come for a minute: a pass that begins later than
//! that and finds nothing is the last one.

mod look;
#[cfg(test)]
mod tests;

use super::Jobs;
use crate::{
    keys::{FIRST, KeyRing},
    node::Peers,
};
use look::{Batch, Goal, Place, look};
use registry::{
    Actor, Outcome, Verb,
    keys::{self, AuthInfoUnset, KeyActivate, KeyPropose, KeyRetired, Reseal},
    repository,
    seal::Keys,
};
use std::{sync::Arc, time::Duration};
use storage::Read;
use tokio::time::{Instant, sleep};

/// How often it is looked whether there is anything to do.
const LOOK: Duration = Duration::from_millis(250);
/// Between two batches of a pass, so that registrars' commands come first.
const BREATH: Duration = Duration::from_millis(20);
/// Between two passes with the same goal.
const AGAIN: Duration = Duration::from_secs(5);
/// What a pass came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    changed: usize,
    stuck: usize,
}

impl Jobs {
    /// Runs until the task is dropped; acts where the node leads.
    pub async fn keep_sealed(self, ring: Arc<KeyRing>) {
        let (mut reached, mut hand_over): (Option<Goal>, Option<Instant>) = (None, None);
        loop {
            sleep(LOOK).await;
            if !self.cluster.is_leader() {
                reached = None;
                continue;
            }
            if hand_over.is_none_or(|last: Instant| last.elapsed() >= AGAIN) {
                hand_over = Some(Instant::now());
                if let Err(why) = ring.hand_over(&self.cluster).await {
                    tracing::warn!(why, "a sealing key could not be handed over; it is tried again");
                }
            }
            match self.pursue(&ring, &mut reached).await {
                Ok(true) => sleep(AGAIN).await,
                Ok(false) => {}
                Err(why) => {
                    tracing::warn!(why, "the sealing keys could not be worked on; it is tried again");
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Does what there is to do; whether the same must be done once more later.
    async fn pursue(&self, ring: &KeyRing, reached: &mut Option<Goal>) -> Result<bool, String> {
        self.register_first(ring).await?;
        let view = self.cluster.store().view();
        let begun = view.header().state_time;
        let goal = Goal::of(&view).map_err(|fault| fault.to_string())?;
        drop(view);
        let Some(goal) = goal.filter(|goal| reached.as_ref() != Some(goal)) else { return Ok(false) };
        let tally = self.pass(ring, &goal).await?;
        if tally.changed > 0 {
            tracing::info!(epoch = goal.current, objects = tally.changed, "sealed anew or unset");
            return Ok(false);
        }
        if tally.stuck > 0 {
            return Ok(true);
        }
        for epoch in &goal.over {
            self.carry_out(Verb::KeyRetired(KeyRetired { epoch: *epoch })).await?;
            tracing::info!(epoch, "nothing is left of this key epoch: it is retired, its key may be removed");
        }
        if begun >= goal.quiet {
            *reached = Some(goal);
            return Ok(false);
        }
        Ok(goal.over.is_empty())
    }

    /// The epoch that the cluster was founded with becomes known.
    async fn register_first(&self, ring: &KeyRing) -> Result<(), String> {
        let is_wanted = {
            let view = self.cluster.store().view();
            repository::load(&view).is_ok() && matches!(keys::current(&view), Ok(None))
        };
        let Some(fingerprint) = ring.held().get(&FIRST).copied().filter(|_| is_wanted) else { return Ok(()) };
        self.carry_out(Verb::KeyPropose(KeyPropose { epoch: FIRST, fingerprint })).await?;
        self.carry_out(Verb::KeyActivate(KeyActivate { epoch: FIRST, fingerprint })).await
    }

    /// Looks through everything once.
    async fn pass(&self, ring: &KeyRing, goal: &Goal) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let mut place = Some(Place::Contacts { after: None });
        while let Some(at) = place {
            if !self.cluster.is_leader() {
                return Err("another node leads now".into());
            }
            let batch = looked(&self.cluster, ring.keys().clone(), goal.clone(), at).await?;
            place = batch.next.clone();
            tally.changed += batch.objects();
            tally.stuck += batch.stuck;
            self.send(goal, batch).await?;
            sleep(BREATH).await;
        }
        Ok(tally)
    }

    async fn send(&self, goal: &Goal, batch: Batch) -> Result<(), String> {
        let Batch { contacts, passwords, unset, .. } = batch;
        if !contacts.is_empty() || !passwords.is_empty() {
            let reseal = Reseal { epoch: goal.current, contacts, passwords };
            self.carry_out(Verb::Reseal(Box::new(reseal))).await?;
        }
        for (epoch, (domains, contacts)) in unset {
            self.carry_out(Verb::AuthInfoUnset(Box::new(AuthInfoUnset { epoch, domains, contacts }))).await?;
        }
        Ok(())
    }

    async fn carry_out(&self, verb: Verb) -> Result<(), String> {
        let name = verb.name();
        match self.submit(verb, Actor::System).await {
            Ok(Outcome::Done(_)) => Ok(()),
            Ok(other) => Err(format!("{name}: {other:?}")),
            Err(why) => Err(format!("{name}: {why}")),
        }
    }
}

/// [`look`] off the threads that serve.
async fn looked(cluster: &Peers, keys: Arc<Keys>, goal: Goal, place: Place) -> Result<Batch, String> {
    let store = cluster.store().clone();
    let batch = tokio::task::spawn_blocking(move || {
        let view = store.view();
        let repository = repository::load(&view).map_err(|_| "the repository is not founded")?.name;
        look(&view, (&keys, &repository), &goal, place).map_err(|fault| fault.to_string())
    });
    batch.await.map_err(|e| e.to_string())?
}
