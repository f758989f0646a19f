//! Whom to trust with time: a node's wall clock must agree with a majority of the voters, and must not jump.
//!
//! A voter whose clock is more than 2 s from a majority of the voters (itself counted) does not stand for election,
//! hands leadership over and is not ready (`fitness.rs` asks and acts). A wall clock that moved more than 10 s against
//! the monotonic clock, and a gap in state time of more than 30 days, wait for the operator's word; until then it vouches
//! for no node that was not vouched for before: two that are wrong by the same are no majority. Where all clocks are
//! behind state time, because all were ahead before, nothing is proposed until they have passed it: state time never runs
//! backwards, and whatever is issued before it has expired.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    types::Cx,
    wire::Request,
};
use openraft::type_config::{TypeConfigExt, alias::InstantOf};
use registry::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use storage::Read;

/// How far a clock may be from another's.
pub const APART_MAX_MS: i64 = 2_000;
/// How far the wall clock may move against the monotonic clock.
pub const JUMP_MAX_MS: i64 = 10_000;
/// The longest gap in state time that needs no word of the operator.
pub const GAP_MAX_MS: i64 = 30 * 24 * 3_600_000;
/// How long an answer counts.
const COUNTS: Duration = Duration::from_secs(10);

/// Which jumps and gaps are taken without the operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jumps {
    /// Those of up to 10 s, and gaps of up to 30 days.
    Small,
    /// All: a registry for development, on a machine that sleeps.
    Any,
}

/// What is known of a node's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockState {
    /// Too few voters have told their time yet.
    #[default]
    Unknown,
    Agrees,
    /// More than 2 s from a majority of the voters.
    Off,
    /// It moved by itself, and waits for the operator.
    Jumped {
        by_ms: i64,
    },
    /// State time is that far behind, and waits for the operator.
    Gap {
        by_ms: i64,
    },
    /// State time is that far ahead, and waits for the clock.
    Behind {
        by_ms: i64,
    },
}

impl fmt::Display for ClockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: &i64| ms / 1000;
        match self {
            ClockState::Unknown => f.write_str("too few voters have told their time yet"),
            ClockState::Agrees => f.write_str("agrees with a majority of the voters"),
            ClockState::Off => {
                f.write_str("more than 2 s from a majority of the voters: set this machine's clock")
            }
            ClockState::Jumped { by_ms } => write!(
                f,
                "moved by {} s against the monotonic clock: check it, then `namingo-admin clock accept`",
                seconds(by_ms)
            ),
            ClockState::Gap { by_ms } => write!(
                f,
                "{} days after the last command: check it, then `namingo-admin clock accept`",
                by_ms / (24 * 3_600_000)
            ),
            ClockState::Behind { by_ms } => write!(
                f,
                "{} s behind the registry's last command: nothing is written before it has passed that",
                seconds(by_ms)
            ),
        }
    }
}

/// What this node knows of its own clock and the others'.
#[derive(Debug)]
pub(crate) struct Clocks {
    jumps: Jumps,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    state: ClockState,
    /// A majority agreed once, and has not contradicted since.
    vouched: bool,
    held: Option<ClockState>,
    /// How far it is behind state time, if by more than may be.
    behind_ms: Option<i64>,
    /// A gap was accepted and not closed by a command yet.
    gap_accepted: bool,
    /// Wall clock minus monotonic clock, since the start: as of now, and as it was accepted.
    moved_ms: i64,
    accepted_ms: i64,
    heard: BTreeMap<u64, Heard>,
}

/// What a voter answered last.
#[derive(Clone, Copy, Debug)]
struct Heard {
    offset_ms: i64,
    unfit: bool,
    jumped: bool,
    /// Monotonic, since the start.
    at: Duration,
}

impl Clocks {
    pub(crate) fn new(jumps: Jumps) -> Clocks {
        Clocks { jumps, known: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> ClockState {
        self.lock().state()
    }

    /// Whether this node's clock moved by itself and the operator has not said that it is right.
    pub(crate) fn has_jumped(&self) -> bool {
        matches!(self.lock().held, Some(ClockState::Jumped { .. }))
    }

    /// How far each peer's clock is ahead of this one's, in ms.
    pub(crate) fn offsets(&self) -> BTreeMap<u64, i64> {
        self.lock().heard.iter().map(|(id, heard)| (*id, heard.offset_ms)).collect()
    }

    /// The other voters that said lately that they can't lead.
    pub(crate) fn unfit(&self) -> BTreeSet<u64> {
        self.lock().heard.iter().filter(|(_, heard)| heard.unfit).map(|(id, _)| *id).collect()
    }

    /// The other voters that answered within `limit` of now.
    pub(crate) fn heard_within(&self, limit: Duration, now: Duration) -> BTreeSet<u64> {
        let known = self.lock();
        let heard = known.heard.iter().filter(|(_, heard)| now.saturating_sub(heard.at) <= limit);
        heard.map(|(id, _)| *id).collect()
    }

    /// Whether a command may be stamped `at` on a state of that time. `others`: there are other voters, so a clock that
    /// was never compared counts for nothing. One that a majority agreed with, before too many of them fell silent, is
    /// still right if it did not jump: the rest must be able to go on.
    pub(crate) fn may_stamp(&self, at: Timestamp, state_time: i64, others: bool) -> bool {
        let mut known = self.lock();
        // by a clock that the others contradict there is no telling whether there is a gap
        let unsure = others && known.state == ClockState::Unknown && !known.vouched;
        if known.state == ClockState::Off || unsure {
            return false;
        }
        known.compare(at, state_time);
        let by_ms = at.0.saturating_sub(state_time);
        let gap = self.jumps == Jumps::Small && state_time > 0 && by_ms > GAP_MAX_MS;
        if gap && !known.gap_accepted {
            // a jump is told first: there may be no gap without it
            known.held.get_or_insert(ClockState::Gap { by_ms });
        } else if !gap {
            known.gap_accepted = false;
        }
        known.held.is_none() && known.behind_ms.is_none()
    }

    /// Notes how far the wall clock is behind state time.
    fn compare(&self, now: Timestamp, state_time: i64) {
        self.lock().compare(now, state_time);
    }

    pub(crate) fn accept(&self) {
        let mut known = self.lock();
        known.gap_accepted |= matches!(known.held, Some(ClockState::Gap { .. }));
        known.accepted_ms = known.moved_ms;
        known.held = None;
    }

    /// Notes how far the wall clock has moved by itself.
    fn moved(&self, ms: i64) {
        let mut known = self.lock();
        known.moved_ms = ms;
        let by_ms = ms - known.accepted_ms;
        let is_told = matches!(known.held, Some(ClockState::Jumped { .. }));
        if self.jumps == Jumps::Small && by_ms.abs() > JUMP_MAX_MS && !is_told {
            tracing::error!(by_ms, "the wall clock moved against the monotonic clock; this node stands back");
            known.held = Some(ClockState::Jumped { by_ms });
        }
    }

    /// Judges by what the voters answered; `own`: this node is one of them.
    pub(crate) fn judge(&self, answers: &[Answer], voters: usize, own: bool, at: Duration) -> ClockState {
        let mut known = self.lock();
        known.heard.extend(answers.iter().map(|Answer { id, offset_ms, unfit, jumped }| {
            (*id, Heard { offset_ms: *offset_ms, unfit: *unfit, jumped: *jumped, at })
        }));
        known.heard.retain(|_, heard| at.saturating_sub(heard.at) <= COUNTS);
        let counting = || known.heard.values().filter(|heard| known.vouched || !heard.jumped);
        let near = counting().filter(|heard| heard.offset_ms.abs() <= APART_MAX_MS).count();
        let near = near + usize::from(own);
        let majority = voters / 2 + 1;
        let others = voters - usize::from(own);
        let unheard = others - counting().count().min(others);
        known.state = match near {
            _ if voters == 0 => ClockState::Unknown,
            near if near >= majority => ClockState::Agrees,
            near if near + unheard < majority => ClockState::Off,
            _ => ClockState::Unknown,
        };
        match known.state {
            ClockState::Agrees => known.vouched = true,
            ClockState::Off => known.vouched = false,
            _ => {}
        }
        known.state()
    }
}

impl Known {
    /// What the others contradict is wrong, whatever the operator is asked for beside it.
    fn state(&self) -> ClockState {
        match self.state {
            ClockState::Off => ClockState::Off,
            state => {
                let behind = self.behind_ms.map(|by_ms| ClockState::Behind { by_ms });
                self.held.or(behind).unwrap_or(state)
            }
        }
    }

    /// A gap is over as soon as anybody's command has closed it, whoever the operator told.
    fn compare(&mut self, now: Timestamp, state_time: i64) {
        let is_closed = now.0.saturating_sub(state_time) <= GAP_MAX_MS;
        self.held.take_if(|held| is_closed && matches!(held, ClockState::Gap { .. }));
        let by_ms = state_time.saturating_sub(now.0);
        self.behind_ms = (by_ms > JUMP_MAX_MS).then_some(by_ms);
    }
}

/// What a voter answers when it is asked for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    /// How far its clock is ahead of this node's.
    pub(crate) offset_ms: i64,
    /// It says that it can't lead.
    pub(crate) unfit: bool,
    /// Its clock moved by itself, and waits for the operator.
    pub(crate) jumped: bool,
}

/// When this node started, by both its clocks.
#[derive(Debug)]
pub(crate) struct Started<C: Cx> {
    pub(crate) monotonic: InstantOf<C>,
    wall: Timestamp,
}

impl<C: Cx> Started<C> {
    pub(crate) fn now(wall: Timestamp) -> Started<C> {
        Started { monotonic: C::now(), wall }
    }
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// What is known of this node's clock.
    pub fn clock_state(&self) -> ClockState {
        self.inner.clocks.state()
    }

    /// Takes the clock of this node and of the leader as it is, after a jump or a long gap.
    ///
    /// # Errors
    /// The leader does not answer; this node's own clock is accepted all the same.
    pub async fn accept_clock(&self) -> Result<(), CallError> {
        self.inner.clocks.accept();
        match self.leader() {
            Some(leader) if leader != self.inner.id => {
                self.inner.ask(leader, &Request::AcceptClock, Duration::from_secs(1)).await
            }
            _ => Ok(()),
        }
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// Compares the wall clock with the monotonic clock, and says what that one shows since the start.
    pub(crate) fn look_at_clock(&self) -> Duration {
        let since = C::now() - self.started.monotonic;
        let monotonic_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let now = self.now();
        self.clocks.moved(now.0 - self.started.wall.0 - monotonic_ms);
        self.clocks.compare(now, self.store.view().header().state_time);
        since
    }

    /// Whether a command may be stamped `at`, the time just read. A clock that jumped since the last look is noticed
    /// here: a second later its time would be in the log for ever.
    pub(crate) fn may_stamp(&self, at: Timestamp) -> bool {
        self.look_at_clock();
        let others = self.voters().iter().any(|id| *id != self.id);
        self.clocks.may_stamp(at, self.store.view().header().state_time, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(offsets: &[(u64, i64)]) -> Vec<Answer> {
        offsets
            .iter()
            .map(|(id, offset_ms)| Answer { id: *id, offset_ms: *offset_ms, unfit: false, jumped: false })
            .collect()
    }

    #[test]
    fn a_majority_of_the_voters_decides() {
        let clocks = Clocks::new(Jumps::Small);
        let judge = |offsets: &[(u64, i64)]| Clocks::new(Jumps::Small).judge(&told(offsets), 3, true, SECOND);
        assert_eq!(judge(&[(2, 10), (3, -20)]), ClockState::Agrees);
        assert_eq!(judge(&[(2, 10), (3, 9_000)]), ClockState::Agrees);
        assert_eq!(judge(&[(2, 9_000), (3, -9_000)]), ClockState::Off);
        // one is silent: alone against one that differs is no majority, and the silent one may still agree
        assert_eq!(judge(&[(2, 9_000)]), ClockState::Unknown);
        assert_eq!(judge(&[]), ClockState::Unknown);
        assert_eq!(clocks.judge(&[], 1, true, SECOND), ClockState::Agrees);
    }

    #[test]
    fn a_clock_that_the_others_contradict_stamps_nothing_and_finds_no_gap() {
        let clocks = Clocks::new(Jumps::Small);
        let year = Timestamp(400 * 24 * 3_600_000);
        assert_eq!(clocks.judge(&told(&[(2, -year.0), (3, -year.0)]), 3, true, SECOND), ClockState::Off);
        assert!(!clocks.may_stamp(year, 1_000, true));
        assert_eq!(clocks.state(), ClockState::Off, "not a gap that the operator could accept");
        clocks.accept();
        assert!(!clocks.may_stamp(year, 1_000, true));
    }

    #[test]
    fn a_clock_behind_state_time_stamps_nothing_until_it_has_passed_it() {
        let clocks = Clocks::new(Jumps::Any);
        let agrees = || clocks.judge(&told(&[(2, 10), (3, -20)]), 3, true, SECOND);
        assert_eq!(agrees(), ClockState::Agrees);
        assert!(clocks.may_stamp(Timestamp(90_000), 100_000, true), "clocks differ a little, always");
        assert!(!clocks.may_stamp(Timestamp(40_000), 100_000, true));
        assert_eq!(agrees(), ClockState::Behind { by_ms: 60_000 });
        assert!(clocks.state().to_string().starts_with("60 s behind"));
        clocks.accept();
        assert!(!clocks.may_stamp(Timestamp(40_000), 100_000, true), "nobody's word brings it back");
        assert!(clocks.may_stamp(Timestamp(100_001), 100_000, true));
        assert_eq!(clocks.state(), ClockState::Agrees);
    }

    #[test]
    fn a_clock_that_was_never_compared_stamps_nothing_unless_there_is_nobody() {
        let clocks = Clocks::new(Jumps::Small);
        let at = Timestamp(1_000);
        assert!(!clocks.may_stamp(at, 500, true), "just started");
        assert!(clocks.may_stamp(at, 500, false), "a cluster of one");
        assert_eq!(clocks.judge(&told(&[(2, 0)]), 3, true, SECOND), ClockState::Agrees);
        assert!(clocks.may_stamp(at, 500, true));
        assert_eq!(clocks.judge(&[], 3, true, SECOND * 20), ClockState::Unknown);
        assert!(clocks.may_stamp(at, 500, true), "it was right, did not jump, and too many are silent");
        clocks.judge(&told(&[(2, 9_000), (3, 9_000)]), 3, true, SECOND * 21);
        assert_eq!(clocks.judge(&[], 3, true, SECOND * 40), ClockState::Unknown);
        assert!(!clocks.may_stamp(at, 500, true), "what was heard last contradicts it");
    }

    #[test]
    fn a_clock_that_jumped_vouches_for_none_that_just_started() {
        let clocks = Clocks::new(Jumps::Small);
        let mut answers = told(&[(2, 0), (3, 45_000)]);
        answers[0].jumped = true;
        assert_eq!(clocks.judge(&answers, 3, true, SECOND), ClockState::Unknown);
        assert!(!clocks.may_stamp(Timestamp(1_000), 500, true));
        answers[0].jumped = false;
        assert_eq!(
            clocks.judge(&answers, 3, true, SECOND * 2),
            ClockState::Agrees,
            "the operator knows better"
        );
        // one that was right before and did not move is right still, whoever jumped to it
        answers[0].jumped = true;
        assert_eq!(clocks.judge(&answers, 3, true, SECOND * 3), ClockState::Agrees);
        answers[0].offset_ms = 45_000;
        assert_eq!(clocks.judge(&answers, 3, true, SECOND * 4), ClockState::Off);
        answers[0].offset_ms = 0;
        assert_eq!(clocks.judge(&answers, 3, true, SECOND * 5), ClockState::Unknown, "contradicted since");
    }

    #[test]
    fn who_was_not_heard_lately_is_silent() {
        let clocks = Clocks::new(Jumps::Small);
        clocks.judge(&told(&[(2, 0), (3, 0)]), 3, true, SECOND);
        clocks.judge(&told(&[(3, 0)]), 3, true, SECOND * 4);
        assert_eq!(clocks.heard_within(SECOND * 2, SECOND * 5), BTreeSet::from([3]));
    }

    #[test]
    fn old_answers_do_not_count() {
        let clocks = Clocks::new(Jumps::Small);
        assert_eq!(clocks.judge(&told(&[(2, 0)]), 3, true, SECOND), ClockState::Agrees);
        assert_eq!(clocks.judge(&[], 3, true, SECOND * 5), ClockState::Agrees);
        assert_eq!(clocks.judge(&[], 3, true, SECOND * 20), ClockState::Unknown);
    }

    #[test]
    fn who_can_not_lead_says_so() {
        let clocks = Clocks::new(Jumps::Small);
        let mut answers = told(&[(2, 0), (3, 0)]);
        answers[0].unfit = true;
        clocks.judge(&answers, 3, true, SECOND);
        assert_eq!(clocks.unfit(), BTreeSet::from([2]));
        clocks.judge(&told(&[(3, 0)]), 3, true, SECOND * 20);
        assert!(clocks.unfit().is_empty(), "what was said long ago does not count");
    }

    #[test]
    fn jumps_and_gaps_wait_for_a_word() {
        let clocks = Clocks::new(Jumps::Small);
        clocks.moved(9_000);
        assert!(clocks.may_stamp(Timestamp(1_000), 500, false));
        clocks.moved(11_000);
        assert_eq!(clocks.state(), ClockState::Jumped { by_ms: 11_000 });
        assert!(!clocks.may_stamp(Timestamp(1_000), 500, false));
        clocks.accept();
        clocks.moved(11_500);
        assert!(clocks.may_stamp(Timestamp(1_000), 500, false));

        let late = Timestamp(GAP_MAX_MS + 1_000);
        assert!(clocks.may_stamp(late, 0, false), "the first command of all has no gap before it");
        assert!(clocks.may_stamp(late, 1_000, false));
        assert!(!clocks.may_stamp(late, 999, false));
        clocks.accept();
        assert!(clocks.may_stamp(late, 999, false), "accepted until a command closes the gap");
        assert!(clocks.may_stamp(late, 1_000, false));
        assert!(!clocks.may_stamp(late, 999, false), "the next gap needs a word of its own");

        // an operator who told another node need not tell this one
        assert!(!clocks.may_stamp(late, 999, false));
        clocks.compare(late, late.0 - 1_000);
        assert_eq!(clocks.state(), ClockState::Unknown);
        // and a jump is told, whatever gap is there beside it
        assert!(!clocks.may_stamp(late, 999, false));
        clocks.moved(30_000);
        assert!(matches!(clocks.state(), ClockState::Jumped { .. }));
        assert!(!clocks.may_stamp(late, 999, false) && clocks.has_jumped());

        let any = Clocks::new(Jumps::Any);
        any.moved(1_000_000);
        assert!(any.may_stamp(late, 1, false));
    }
}
