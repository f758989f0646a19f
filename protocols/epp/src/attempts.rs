//! Logins that failed, by source: who fails too often is refused without a look at the password, so that a flood of
//! logins neither takes the password pool from others nor guesses on. A registrar can't be locked out by somebody
//! else's failures: what counts is where they came from, never whose clID they named.
//!
//! Not here: the limit of one connection (`login`), and how many hashes a source may have under way (`passwords`).

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use net::block_of;
use tokio::time::Instant;

/// Failures within [`WINDOW`] after which a source is refused.
const FAILURES_MAX: usize = 10;
/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Sources that are remembered; beyond, the one whose last failure is the oldest is forgotten.
const SOURCES_MAX: usize = 4096;

/// The failures of a node's EPP server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<BTreeMap<IpAddr, Source>>>);

#[derive(Debug, Default)]
struct Source {
    /// The last ones, the oldest first, with the clID that each one named: at most [`FAILURES_MAX`].
    failures: VecDeque<(Instant, String)>,
    /// When it was said last that it is refused.
    told: Option<Instant>,
}

/// What to do with a login that has not been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unseen {
    LookAt,
    /// It is refused; `tell`: the first one for a while, which the log should show.
    Refuse {
        tell: bool,
    },
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether logins from an address are refused unseen.
    pub(crate) fn judge(&self, address: IpAddr) -> Unseen {
        let now = Instant::now();
        let mut sources = self.lock();
        let Some(source) = sources.get_mut(&block_of(address)) else { return Unseen::LookAt };
        if source.failures.iter().filter(|(at, _)| is_recent(*at, now)).count() < FAILURES_MAX {
            return Unseen::LookAt;
        }
        let tell = !source.told.is_some_and(|at| is_recent(at, now));
        if tell {
            source.told = Some(now);
        }
        Unseen::Refuse { tell }
    }

    /// Counts a failed login as `handle`.
    pub fn failed(&self, address: IpAddr, handle: &str) {
        let (block, now) = (block_of(address), Instant::now());
        let mut sources = self.lock();
        if sources.len() >= SOURCES_MAX && !sources.contains_key(&block) {
            make_room(&mut sources, now);
        }
        let failures = &mut sources.entry(block).or_default().failures;
        if failures.len() == FAILURES_MAX {
            failures.pop_front();
        }
        failures.push_back((now, handle.to_owned()));
    }

    /// Forgets the failures as `handle`: who logs in after some mistakes is no guesser. Those as others stay, or one
    /// good password would let its owner guess the rest.
    pub(crate) fn succeeded(&self, address: IpAddr, handle: &str) {
        let block = block_of(address);
        let mut sources = self.lock();
        if let Some(source) = sources.get_mut(&block) {
            source.failures.retain(|(_, of)| of != handle);
            if source.failures.is_empty() {
                sources.remove(&block);
            }
        }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.duration_since(at) < WINDOW
}

/// Forgets what does not count any more, and one source more if that was nothing.
fn make_room(sources: &mut BTreeMap<IpAddr, Source>, now: Instant) {
    let last = |source: &Source| source.failures.back().map(|(last, _)| *last);
    sources.retain(|_, source| last(source).is_some_and(|last| is_recent(last, now)));
    if sources.len() < SOURCES_MAX {
        return;
    }
    let oldest = sources.iter().min_by_key(|(_, source)| last(source));
    if let Some(block) = oldest.map(|(block, _)| *block) {
        sources.remove(&block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::time::advance;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_refused_after_its_failures_and_others_are_not() {
        let attempts = Attempts::default();
        for _ in 0..FAILURES_MAX {
            assert_eq!(attempts.judge(ip("2001:db8::1")), Unseen::LookAt);
            attempts.failed(ip("2001:db8::1"), "alpha");
        }
        assert_eq!(attempts.judge(ip("2001:db8::2")), Unseen::Refuse { tell: true }, "the same /64");
        for other in ["2001:db8:0:1::1", "192.0.2.1"] {
            assert_eq!(attempts.judge(ip(other)), Unseen::LookAt);
        }
        advance(WINDOW).await;
        assert_eq!(attempts.judge(ip("2001:db8::1")), Unseen::LookAt);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_logins_is_told_once_a_minute() {
        let (attempts, source) = (Attempts::default(), ip("192.0.2.1"));
        let mut told = 0;
        for _ in 0..180 {
            attempts.failed(source, "alpha");
            told += usize::from(attempts.judge(source) == Unseen::Refuse { tell: true });
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_forgives_the_failures_as_the_same_registrar() {
        let (attempts, source) = (Attempts::default(), ip("192.0.2.1"));
        for _ in 0..FAILURES_MAX - 1 {
            attempts.failed(source, "alpha");
        }
        attempts.succeeded(source, "beta");
        attempts.failed(source, "beta");
        assert_eq!(attempts.judge(source), Unseen::Refuse { tell: true });
        attempts.succeeded(source, "alpha");
        assert_eq!(attempts.judge(source), Unseen::LookAt);
        attempts.succeeded(source, "beta");
        assert!(attempts.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_a_limit() {
        let attempts = Attempts::default();
        let source = |n: usize| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
        for n in 0..=SOURCES_MAX {
            advance(Duration::from_millis(1)).await;
            attempts.failed(source(n), "alpha");
        }
        let sources = attempts.lock();
        assert_eq!(sources.len(), SOURCES_MAX);
        assert!(!sources.contains_key(&source(0)) && sources.contains_key(&source(1)));
    }
}
