//! Locking without poison. A thread that panics inside storage has already turned into a `Fault`, which
//! stops the node; what the lock guards is replaced whole, never left half-written.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}
