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
pub struct Attempts(Arc<Mutex<BTreeMap<IpAddr, Failures>>>);

/// The last failures of one source, the oldest first, with the clID that each one named: at most [`FAILURES_MAX`].
type Failures = VecDeque<(Instant, String)>;

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether logins from an address are refused unseen.
    pub(crate) fn refuse(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let sources = self.lock();
        let Some(failures) = sources.get(&block_of(address)) else { return false };
        failures.iter().filter(|(at, _)| is_recent(*at, now)).count() >= FAILURES_MAX
    }

    /// Counts a failed login as `handle`.
    pub fn failed(&self, address: IpAddr, handle: &str) {
        let (block, now) = (block_of(address), Instant::now());
        let mut sources = self.lock();
        if sources.len() >= SOURCES_MAX && !sources.contains_key(&block) {
            make_room(&mut sources, now);
        }
        let failures = sources.entry(block).or_default();
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
        if let Some(failures) = sources.get_mut(&block) {
            failures.retain(|(_, of)| of != handle);
            if failures.is_empty() {
                sources.remove(&block);
            }
        }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.duration_since(at) < WINDOW
}

/// Forgets what does not count any more, and one source more if that was nothing.
fn make_room(sources: &mut BTreeMap<IpAddr, Failures>, now: Instant) {
    sources.retain(|_, failures| failures.back().is_some_and(|(last, _)| is_recent(*last, now)));
    if sources.len() < SOURCES_MAX {
        return;
    }
    let oldest = sources.iter().min_by_key(|(_, failures)| failures.back().map(|(last, _)| *last));
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
            assert!(!attempts.refuse(ip("2001:db8::1")));
            attempts.failed(ip("2001:db8::1"), "alpha");
        }
        assert!(attempts.refuse(ip("2001:db8::2")), "the same /64");
        assert!(!attempts.refuse(ip("2001:db8:0:1::1")) && !attempts.refuse(ip("192.0.2.1")));
        advance(WINDOW).await;
        assert!(!attempts.refuse(ip("2001:db8::1")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_forgives_the_failures_as_the_same_registrar() {
        let (attempts, source) = (Attempts::default(), ip("192.0.2.1"));
        for _ in 0..FAILURES_MAX - 1 {
            attempts.failed(source, "alpha");
        }
        attempts.succeeded(source, "beta");
        attempts.failed(source, "beta");
        assert!(attempts.refuse(source));
        attempts.succeeded(source, "alpha");
        assert!(!attempts.refuse(source));
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
