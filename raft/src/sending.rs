//! Which snapshots this node is sending: the log behind them is kept, and who breaks off waits.

use crate::{fitness::LAG_MAX, types::Cx};
use openraft::type_config::{TypeConfigExt, alias::InstantOf};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long log is kept for a peer that does not come to its end.
const KEEP_LIMIT: Duration = Duration::from_secs(3600);
/// How long a peer waits after a transfer that broke off: not at all at first, then this long, each time twice as long, and
/// never longer than the last. A disk that is full for hours is not sent the whole state again and again.
const RETRY_FROM: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(32);

/// A voter that waits asks again within this.
const VOTER_WAITS: Duration = Duration::from_secs(3);

/// The snapshots that this node is sending: the log behind them must stay until their receivers have caught up, for an
/// hour of the transfer at most and an hour after it, and only while this node leads: whoever leads next sends its own.
pub(crate) struct Sending<C: Cx> {
    to: Mutex<BTreeMap<u64, Sent<C>>>,
    /// When a voter found the turn taken that all transfers share.
    voter_waited: Mutex<Option<InstantOf<C>>>,
}

/// A snapshot on its way to one peer, in one attempt or many.
struct Sent<C: Cx> {
    index: u64,
    /// The first attempt, or when it was seen to be installed.
    since: InstantOf<C>,
    installed: bool,
    /// Transfers that broke off since one succeeded.
    broken: u32,
}

impl<C: Cx> Sent<C> {
    /// Whether log must be kept for this peer, which has everything up to `at`, where the log ends at `last`.
    fn is_wanted(&mut self, at: u64, last: u64, now: InstantOf<C>) -> bool {
        if !self.installed && at >= self.index {
            (self.installed, self.since, self.broken) = (true, now, 0);
        }
        // what was written while the snapshot travelled has to follow it
        let is_back = self.installed && at.saturating_add(LAG_MAX) >= last;
        !is_back && now - self.since < KEEP_LIMIT
    }
}

impl<C: Cx> Default for Sending<C> {
    fn default() -> Self {
        Sending { to: Mutex::default(), voter_waited: Mutex::default() }
    }
}

impl<C: Cx> Sending<C> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Sent<C>>> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn voter_waited(&self) -> MutexGuard<'_, Option<InstantOf<C>>> {
        self.voter_waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a voter finds the turn taken.
    pub(crate) fn voter_waits(&self, now: InstantOf<C>) {
        *self.voter_waited() = Some(now);
    }

    /// Whether somebody who is none stands back: a cluster that lacks a voter must not wait behind an edge at the end of a
    /// slow line.
    pub(crate) fn others_stand_back(&self, now: InstantOf<C>) -> bool {
        self.voter_waited().is_some_and(|at| now - at < VOTER_WAITS)
    }

    /// Notes the start of an attempt; says whether it is the first one to send that peer this snapshot.
    pub(crate) fn begin(&self, peer: u64, index: u64) -> bool {
        let mut sending = self.lock();
        let known = sending.get(&peer);
        if known.is_some_and(|sent| sent.index == index) {
            return false;
        }
        let broken = known.map_or(0, |sent| sent.broken);
        sending.insert(peer, Sent { index, since: C::now(), installed: false, broken });
        true
    }

    /// Notes that a transfer broke off which the peer had begun to receive; says how long the next one has to wait.
    pub(crate) fn broke_off(&self, peer: u64) -> Duration {
        let mut sending = self.lock();
        let Some(sent) = sending.get_mut(&peer) else { return Duration::ZERO };
        sent.broken = sent.broken.saturating_add(1);
        retry_pause(sent.broken)
    }

    /// Nothing is kept for a node that is no member any more.
    pub(crate) fn forget(&self, peer: u64) {
        self.lock().remove(&peer);
    }

    /// The index from which the log must be kept, given where it ends and what each peer is known to have: `None` where
    /// this node does not lead.
    pub(crate) fn keep_from(
        &self,
        matched: Option<&BTreeMap<u64, u64>>,
        last: u64,
        now: InstantOf<C>,
    ) -> Option<u64> {
        let mut sending = self.lock();
        let Some(matched) = matched else {
            sending.clear();
            return None;
        };
        let at = |peer: &u64| matched.get(peer).copied().unwrap_or(0);
        sending.retain(|peer, sent| sent.is_wanted(at(peer), last, now));
        sending.iter().map(|(peer, sent)| sent.index.max(at(peer))).min()
    }
}

/// How long the next attempt waits after so many that broke off.
fn retry_pause(broken: u32) -> Duration {
    match broken {
        0 | 1 => Duration::ZERO,
        n => RETRY_FROM.saturating_mul(1 << (n - 2).min(16)).min(RETRY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Live;

    #[test]
    fn others_stand_back_while_a_voter_waits() {
        let sending = Sending::<Live>::default();
        let now = Live::now();
        assert!(!sending.others_stand_back(now));
        sending.voter_waits(now);
        assert!(sending.others_stand_back(now + VOTER_WAITS / 2));
        assert!(!sending.others_stand_back(now + VOTER_WAITS));
    }

    #[test]
    fn log_is_kept_for_a_transfer_while_this_node_leads_and_for_an_hour() {
        let sending = Sending::<Live>::default();
        let matched = BTreeMap::from([(2, 50), (3, 0)]);
        assert!(sending.begin(2, 100) && sending.begin(3, 80));
        assert!(!sending.begin(3, 80), "another attempt with the same snapshot");
        let now = Live::now();
        let last = 90_000;
        assert_eq!(sending.keep_from(Some(&matched), last, now), Some(80));
        assert_eq!(sending.keep_from(Some(&matched), last, now + KEEP_LIMIT), None);
        assert!(sending.begin(2, 100));
        assert_eq!(sending.keep_from(None, last, Live::now()), None);
        assert_eq!(
            sending.keep_from(Some(&matched), last, Live::now()),
            None,
            "forgotten with the leadership"
        );
    }

    #[test]
    fn log_is_kept_for_a_receiver_until_it_has_what_was_written_meanwhile() {
        let sending = Sending::<Live>::default();
        assert!(sending.begin(2, 100));
        let now = Live::now();
        let minutes = |n: u32| now + Duration::from_secs(60) * n;
        let kept = |at, last, now| sending.keep_from(Some(&BTreeMap::from([(2, at)])), last, now);
        assert_eq!(kept(50, 90_000, minutes(59)), Some(100));
        assert_eq!(kept(100, 90_000, minutes(59)), Some(100), "installed, and far behind");
        assert_eq!(kept(40_000, 95_000, minutes(118)), Some(40_000), "it has an hour more");
        assert_eq!(kept(95_000, 95_900, minutes(118)), None, "it is back");
        assert!(sending.begin(2, 100));
        assert_eq!(kept(100, 90_000, now), Some(100));
        assert_eq!(kept(200, 90_000, minutes(60)), None, "and no longer");
    }

    #[test]
    fn who_breaks_off_again_and_again_waits_longer_until_one_succeeds() {
        let sending = Sending::<Live>::default();
        let attempts = 100..110;
        let broken = |index| {
            assert!(sending.begin(2, index), "each with a newer snapshot");
            sending.broke_off(2).as_secs()
        };
        let waited: Vec<u64> = attempts.map(broken).collect();
        assert_eq!(waited, [0, 1, 2, 4, 8, 16, 32, 32, 32, 32]);
        assert!(retry_pause(u32::MAX) == RETRY_MAX);
        sending.begin(3, 100);
        assert_eq!(sending.broke_off(3), Duration::ZERO, "another peer");
        let installed = BTreeMap::from([(2, 200), (3, 0)]);
        sending.keep_from(Some(&installed), 90_000, Live::now());
        sending.begin(2, 300);
        assert_eq!(sending.broke_off(2), Duration::ZERO);
    }
}
