//! What a leader knows of its peers: what they were told, who of them is quick, and whom writes wait for.

use crate::types::Cx;
use openraft::{
    RaftMetrics,
    async_runtime::WatchReceiver,
    type_config::{
        TypeConfigExt,
        alias::{InstantOf, WatchReceiverOf},
    },
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// A voter that has not answered an append for so long, and for twice as long as it took the last time, is late: writes
/// wait for somebody else.
const LATE: Duration = Duration::from_millis(10);

/// What a leader knows of its peers.
pub(crate) struct Leading<C: Cx> {
    id: u64,
    /// The highest index that any peer was told to be committed.
    told: AtomicU64,
    /// The highest index that a reader at a peer waits for.
    wanted: AtomicU64,
    heard: Notify,
    quickness: Mutex<Quickness<C>>,
    metrics: OnceLock<WatchReceiverOf<C, RaftMetrics<C>>>,
}

/// Who answered first lately, and who was late.
struct Quickness<C: Cx> {
    /// The highest is the quickest; unknown ones are in the middle, at 0.
    ranks: BTreeMap<u64, i64>,
    /// How often a rank was given.
    given: i64,
    /// Since when an append is under way.
    asked: BTreeMap<u64, InstantOf<C>>,
    /// How long the last one took that was answered.
    took: BTreeMap<u64, Duration>,
}

impl<C: Cx> Quickness<C> {
    fn is_late(&self, id: u64) -> bool {
        let usual = self.took.get(&id).copied().unwrap_or_default();
        self.asked.get(&id).is_some_and(|since| C::now() - *since >= LATE.max(2 * usual))
    }

    /// Sorts the quickest first, and those of whom nothing is known by their numbers.
    fn order(&self, id: u64) -> (Reverse<i64>, u64) {
        (Reverse(self.ranks.get(&id).copied().unwrap_or(0)), id)
    }

    fn put_first(&mut self, id: u64) {
        self.given += 1;
        self.ranks.insert(id, self.given);
    }

    fn put_last(&mut self, id: u64) {
        self.given += 1;
        self.ranks.insert(id, -self.given);
    }
}

impl<C: Cx> Leading<C> {
    pub(crate) fn new(id: u64) -> Leading<C> {
        let quickness =
            Quickness { ranks: BTreeMap::new(), given: 0, asked: BTreeMap::new(), took: BTreeMap::new() };
        Leading {
            id,
            told: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            heard: Notify::new(),
            quickness: Mutex::new(quickness),
            metrics: OnceLock::new(),
        }
    }

    /// From now on it is known who votes.
    pub(crate) fn follow(&self, metrics: WatchReceiverOf<C, RaftMetrics<C>>) {
        // there is one consensus in the life of a node
        drop(self.metrics.set(metrics));
    }

    fn quickness(&self) -> MutexGuard<'_, Quickness<C>> {
        self.quickness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest index that any peer was told to be committed.
    pub(crate) fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// A peer is about to be told that `index` is committed.
    pub(crate) fn tell(&self, index: u64) {
        self.told.fetch_max(index, Ordering::SeqCst);
    }

    /// A reader at a peer waits until everything up to `index` is applied there.
    pub(crate) fn want(&self, index: u64) {
        if self.wanted.fetch_max(index, Ordering::SeqCst) < index {
            self.heard.notify_waiters();
        }
    }

    /// Returns once a reader at a peer waits for more than `told`.
    pub(crate) async fn wants_more_than(&self, told: u64) {
        loop {
            // before the look: a reader that comes after it is heard
            let heard = self.heard.notified();
            if self.wanted.load(Ordering::SeqCst) > told {
                return;
            }
            heard.await;
        }
    }

    /// Others are asked after this one from now on.
    pub(crate) fn answered(&self, id: u64) {
        self.quickness().put_first(id);
    }

    /// The quickest first.
    pub(crate) fn sort<T>(&self, voters: &mut [(u64, T)]) {
        let quickness = self.quickness();
        voters.sort_by_key(|(id, _)| quickness.order(*id));
    }

    /// An append to a peer is under way until this is dropped; without [`Asked::answered`] it failed.
    pub(crate) fn ask(&self, id: u64) -> Asked<'_, C> {
        let since = C::now();
        self.quickness().asked.insert(id, since);
        Asked { leading: self, id, since, is_answered: false }
    }

    /// Whether writes wait for this peer: whether it is one of the quickest voters, of which there are as many as make
    /// a majority with this node, and of which those that are late don't count. (Of all peers, while the voters
    /// change.)
    pub(crate) fn needs(&self, peer: u64) -> bool {
        let Some(others) = self.others() else { return true };
        let majority = majority_with(others.len());
        let quickness = self.quickness();
        let is_before = |id: &&u64| quickness.order(**id) < quickness.order(peer) && !quickness.is_late(**id);
        others.contains(&peer) && others.iter().filter(is_before).count() < majority
    }

    /// Whether a peer that took so long comes last from now on: enough others took less than half, or have yet to show what
    /// they can. Where all are far, none is late for that.
    fn is_passed(&self, id: u64, took: Duration) -> bool {
        let Some(others) = self.others() else { return true };
        let quickness = self.quickness();
        let passes = |other: &&u64| {
            **other != id && quickness.took.get(*other).is_none_or(|took_other| 2 * *took_other < took)
        };
        others.iter().filter(passes).count() >= majority_with(others.len())
    }

    /// The voters beside this node; `None` while they change.
    fn others(&self) -> Option<Vec<u64>> {
        let metrics = self.metrics.get()?.borrow_watched();
        let [voters] = metrics.membership_config.membership().get_joint_config().as_slice() else {
            return None;
        };
        Some(voters.iter().copied().filter(|id| *id != self.id).collect())
    }
}

/// So many of the other voters make a majority with this node.
fn majority_with(others: usize) -> usize {
    others.div_ceil(2)
}

/// An append that is under way.
pub(crate) struct Asked<'a, C: Cx> {
    leading: &'a Leading<C>,
    id: u64,
    since: InstantOf<C>,
    is_answered: bool,
}

impl<C: Cx> Asked<'_, C> {
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl<C: Cx> Drop for Asked<'_, C> {
    fn drop(&mut self) {
        let took = C::now() - self.since;
        let is_last = !self.is_answered || took >= LATE && self.leading.is_passed(self.id, took);
        let mut quickness = self.leading.quickness();
        quickness.asked.remove(&self.id);
        if self.is_answered {
            quickness.took.insert(self.id, took);
        }
        if is_last {
            quickness.put_last(self.id);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::types::{Live, NodeInfo};
    use openraft::{Membership, StoredMembership};
    use std::{collections::BTreeSet, sync::Arc};
    use tokio::time::advance;

    /// What node 1 knows that leads these voters, of the nodes 1 to 9.
    pub(crate) fn leading(configs: &[&[u64]]) -> Leading<Live> {
        let configs: Vec<BTreeSet<u64>> = configs.iter().map(|ids| ids.iter().copied().collect()).collect();
        let nodes: BTreeMap<u64, NodeInfo> = (1..=9).map(|id| (id, NodeInfo::default())).collect();
        let mut metrics = RaftMetrics::new_initial(1);
        let membership = Membership::new(configs, nodes).unwrap();
        metrics.membership_config = Arc::new(StoredMembership::new(None, membership));
        let leading = Leading::new(1);
        leading.follow(Live::watch_channel(metrics).1);
        leading
    }

    fn needed(leading: &Leading<Live>) -> Vec<u64> {
        (2..=9).filter(|peer| leading.needs(*peer)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_needed_as_make_a_majority_with_the_leader() {
        for (voters, expected) in [
            (&[1][..], &[][..]),
            (&[1, 2], &[2]),
            (&[1, 2, 3], &[2]),
            (&[1, 2, 3, 4], &[2, 3]),
            (&[1, 2, 3, 4, 5], &[2, 3]),
        ] {
            assert_eq!(needed(&leading(&[voters])), expected, "{voters:?}");
        }
        assert_eq!(
            needed(&leading(&[&[1, 2, 3], &[1, 4, 5]])),
            [2, 3, 4, 5, 6, 7, 8, 9],
            "while voters change"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_is_not_waited_for_and_comes_last_from_then_on() {
        let leading = leading(&[&[1, 2, 3]]);
        let asked = leading.ask(2);
        advance(LATE / 2).await;
        assert_eq!(needed(&leading), [2]);
        advance(LATE / 2).await;
        assert_eq!(needed(&leading), [2, 3], "the next one is needed too");
        asked.answered();
        assert_eq!(needed(&leading), [3]);
        leading.ask(3).answered();
        assert_eq!(needed(&leading), [3], "one that is in time stays");
        drop(leading.ask(3));
        assert_eq!(needed(&leading), [2], "a failure is worse than late");
        leading.answered(3);
        assert_eq!(needed(&leading), [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_far_the_nearer_one_stays_the_quickest() {
        let leading = leading(&[&[1, 2, 3]]);
        for (voter, away, first) in
            [(2, 15, 3), (3, 90, 2), (2, 15, 2), (3, 90, 2), (2, 25, 2), (3, 12, 2), (2, 25, 3)]
        {
            let asked = leading.ask(voter);
            advance(Duration::from_millis(away)).await;
            asked.answered();
            assert_eq!(needed(&leading), [first], "voter {voter} answered after {away} ms");
        }
        let _asked = leading.ask(3);
        advance(Duration::from_millis(12)).await;
        assert_eq!(needed(&leading), [3], "no longer than usual");
        advance(Duration::from_millis(12)).await;
        assert_eq!(needed(&leading), [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_answers_in_time_while_voters_change_does_not_come_last() {
        let leading = leading(&[&[1, 2, 3], &[1, 3, 4]]);
        leading.ask(2).answered();
        let mut voters = [(3, ()), (2, ())];
        leading.sort(&mut voters);
        assert_eq!(voters.map(|(id, ())| id), [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_five_voters_two_that_are_nearer_stay_the_quickest() {
        let leading = leading(&[&[1, 2, 3, 4, 5]]);
        for _ in 0..3 {
            for (voter, away) in [(2, 5), (3, 90), (4, 12), (5, 95)] {
                let asked = leading.ask(voter);
                advance(Duration::from_millis(away)).await;
                asked.answered();
            }
        }
        assert_eq!(needed(&leading), [2, 4]);
    }
}
