//! What all sessions of a node share: its name, keys, identifiers, register of sessions, limits and metrics.

use std::sync::Arc;
use std::time::Duration;

use net::Metrics;
use registry::SvTrids;
use registry::authinfo::NewAuthInfo;
use registry::backend::Clock;
use registry::seal::{Keys, SealFault};
use registry::view::Kept;
use ring::rand::SystemRandom;

use crate::attempts::Attempts;
use crate::frame::{Budget, FRAME_MAX, KEPT};
use crate::passwords::Passwords;
use crate::suspension::Sessions;

/// The EPP server of a node, less its connections.
pub struct Site {
    /// `svID` of the greeting: 3 to 64 characters.
    pub name: String,
    /// Server transaction identifiers of this process.
    pub svtrids: Arc<SvTrids>,
    /// Sealing keys. A node without any has no EPP server.
    pub keys: Arc<Keys>,
    pub passwords: Passwords,
    pub attempts: Attempts,
    pub sessions: Sessions,
    /// Memory for long frames.
    pub frames: Budget,
    /// The wall clock, for the greeting's `svDate`.
    pub clock: Clock,
    pub metrics: Metrics,
    /// What answers need of tables that hardly ever change.
    pub kept: Kept,
    pub limits: SessionLimits,
}

/// The limits of one session.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Octets of a frame, its length field included.
    pub frame_bytes_max: usize,
    /// The same before login: nobody who is not known takes memory from those who are.
    pub login_frame_bytes_max: usize,
    /// How long a client may take from the greeting to its login.
    pub login: Duration,
    /// How long a client that has logged in may be silent.
    pub idle: Duration,
    /// How long one frame may take on the wire.
    pub transfer: Duration,
    /// Objects in one check.
    pub checks_max: usize,
    /// Failed logins in one connection; the last one closes it.
    pub login_failures_max: u32,
}

impl Default for SessionLimits {
    fn default() -> SessionLimits {
        SessionLimits {
            frame_bytes_max: FRAME_MAX,
            login_frame_bytes_max: KEPT,
            login: Duration::from_secs(60),
            idle: Duration::from_secs(600),
            transfer: Duration::from_secs(30),
            checks_max: 500,
            login_failures_max: 3,
        }
    }
}

impl Site {
    /// Random octets for a salt or a nonce.
    pub fn draw<const N: usize>(&self) -> [u8; N] {
        ring::rand::generate(&SystemRandom::new())
            .expect("the operating system's random generator does not fail once it works")
            .expose()
    }

    /// A given authInfo in the form in which it is stored.
    ///
    /// # Errors
    /// This node holds no keys.
    pub fn authinfo(&self, given: &str) -> Result<NewAuthInfo, SealFault> {
        NewAuthInfo::make(&self.keys, self.draw(), given)
    }
}
