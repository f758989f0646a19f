//! Sessions of suspended registrars end, on every node: one task of the server looks at what this node has applied
//! and asks the sessions of whoever is suspended to finish.
//!
//! Not here: the refusal of commands, which `registry` gives in any case, so that a session that still lives can't
//! write.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use registry::{Backend, Freshness, registrar};
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{info, warn};

/// How often the task looks: idle sessions are gone within a second.
const LOOK: Duration = Duration::from_millis(250);

/// The sessions of a node that are logged in, by registrar. Clones share them. The listener bounds their number, the
/// operator that of each registrar.
#[derive(Clone, Debug, Default)]
pub struct Sessions(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    next: u64,
    of: BTreeMap<u64, BTreeMap<u64, Arc<Notify>>>,
}

/// The place of one session in the register, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    sessions: Sessions,
    registrar: u64,
    number: u64,
    end: Arc<Notify>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down that a session of `registrar` has begun, unless it has `most` already.
    pub(crate) fn enter(&self, registrar: u64, most: u32) -> Option<Seat> {
        let mut register = self.lock();
        let held = register.of.get(&registrar).map_or(0, BTreeMap::len);
        if held >= usize::try_from(most).unwrap_or(usize::MAX) {
            return None;
        }
        let number = register.next;
        register.next += 1;
        let end = Arc::new(Notify::new());
        register.of.entry(registrar).or_default().insert(number, Arc::clone(&end));
        drop(register);
        Some(Seat { sessions: self.clone(), registrar, number, end })
    }

    /// Asks every session of `registrar` to finish; how many there are.
    fn end(&self, registrar: u64) -> usize {
        let register = self.lock();
        let Some(sessions) = register.of.get(&registrar) else { return 0 };
        sessions.values().for_each(|end| end.notify_one());
        sessions.len()
    }

    /// Ends the sessions of suspended registrars, until the task is dropped.
    pub async fn watch<B: Backend>(&self, backend: &B) {
        loop {
            sleep(LOOK).await;
            let Ok(view) = backend.view(Freshness::Local).await else { continue };
            match registrar::suspended(&view) {
                Ok(suspended) => suspended.into_iter().for_each(|registrar| self.report(registrar)),
                Err(fault) => warn!(%fault, "suspended registrars can't be read"),
            }
        }
    }

    fn report(&self, registrar: u64) {
        let sessions = self.end(registrar);
        if sessions > 0 {
            info!(registrar, sessions, "the registrar is suspended: its sessions end");
        }
    }
}

impl Seat {
    /// Completes once the session shall finish. Safe to cancel.
    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut register = self.sessions.lock();
        if let Some(sessions) = register.of.get_mut(&self.registrar) {
            sessions.remove(&self.number);
            if sessions.is_empty() {
                register.of.remove(&self.registrar);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_sessions_of_the_registrar_end_and_seats_are_given_back() {
        let sessions = Sessions::default();
        let enter = |registrar| sessions.enter(registrar, 2).unwrap();
        let (first, second, other) = (enter(3), enter(3), enter(4));
        assert!(sessions.enter(3, 2).is_none());
        assert_eq!(sessions.end(3), 2);
        first.ended().await;
        second.ended().await;
        let still = tokio::time::timeout(Duration::from_millis(1), other.ended());
        assert!(still.await.is_err());
        drop(first);
        drop(enter(3));
        drop((second, other));
        assert_eq!(sessions.end(3), 0);
        assert!(sessions.lock().of.is_empty());
    }
}
