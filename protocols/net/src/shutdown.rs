//! Graceful shutdown: one value that every listener and every connection carries.
//!
//! A [`Trigger`] stays with whoever decides to stop (the node's signal handler); a [`Shutdown`] is cloned into each
//! listener and from there into each connection. A connection asks for it only between two commands, so that a
//! command under way is answered before the socket closes. Dropping the trigger counts as asking: a server must not
//! outlive the one that could stop it.

use tokio::sync::watch;

/// A connected pair of [`Trigger`] and [`Shutdown`].
pub fn shutdown() -> (Trigger, Shutdown) {
    let (requested, seen) = watch::channel(false);
    (Trigger { requested }, Shutdown { seen })
}

/// Asks every holder of the connected [`Shutdown`] to finish.
#[derive(Debug)]
pub struct Trigger {
    requested: watch::Sender<bool>,
}

impl Trigger {
    /// Asks for the shutdown; calling it again changes nothing.
    pub fn request(&self) {
        self.requested.send_replace(true);
    }
}

/// Tells its holder that the node is stopping.
#[derive(Clone, Debug)]
pub struct Shutdown {
    seen: watch::Receiver<bool>,
}

impl Shutdown {
    /// Completes once the shutdown has been asked for; at once if it already was. Safe to cancel.
    pub async fn requested(&mut self) {
        // An error means that the trigger is gone, which is a request as well.
        let _ = self.seen.wait_for(|asked| *asked).await;
    }

    /// Whether the shutdown was asked for since this value was made or heard of it; takes no lock.
    pub(crate) fn is_news(&self) -> bool {
        self.seen.has_changed().unwrap_or(true)
    }

    /// Whether the shutdown has been asked for.
    pub fn is_requested(&self) -> bool {
        *self.seen.borrow() || self.seen.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_reaches_every_clone() {
        let (trigger, mut first) = shutdown();
        let mut second = first.clone();
        assert!(!first.is_requested());
        trigger.request();
        first.requested().await;
        second.requested().await;
        assert!(second.is_requested());
    }

    #[tokio::test]
    async fn a_lost_trigger_is_a_request() {
        let (trigger, mut shutdown) = shutdown();
        drop(trigger);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }
}
