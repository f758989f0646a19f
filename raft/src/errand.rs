//! Requests between nodes that are not about consensus: carried here over the peers' connections, understood by
//! whoever answers them. Who asks is proved by its certificate, what it is for by the membership.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    types::{Cx, Role},
    wire::Request,
};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Octets of an errand or of its answer at most.
const OCTETS_MAX: usize = 64 << 10;

/// The answer to an errand, or why there is none.
pub type Errand = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send>>;

/// Answers errands: who asks (a member and its role) and what.
pub type Clerk = Arc<dyn Fn(u64, Role, Vec<u8>) -> Errand + Send + Sync>;

/// The clerk of this node, once there is one.
#[derive(Default)]
pub(crate) struct Desk(OnceLock<Clerk>);

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Desk(attended: {})", self.0.get().is_some())
    }
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Lets `clerk` answer the errands of other members from now on. The first one stays.
    pub fn answer_errands(&self, clerk: Clerk) {
        // a second clerk would be a mistake of the caller, who can see that nothing changed
        let _ = self.inner.desk.0.set(clerk);
    }

    /// Sends an errand to a member and waits for its answer, at most `limit`.
    ///
    /// # Errors
    /// Too long, no answer in time, or the member's own reason.
    pub async fn errand(&self, to: u64, request: Vec<u8>, limit: Duration) -> Result<Vec<u8>, String> {
        if request.len() > OCTETS_MAX {
            return Err(format!("an errand has at most {OCTETS_MAX} octets, this one {}", request.len()));
        }
        let asked: Result<Result<Vec<u8>, String>, CallError> =
            self.inner.ask(to, &Request::Errand { octets: request }, limit).await;
        asked.map_err(|e| e.to_string())?
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    pub(crate) async fn run_errand(&self, from: u64, request: Vec<u8>) -> Result<Vec<u8>, String> {
        let Some(member) = self.members().remove(&from) else {
            return Err(format!("node {from} is not a member of the cluster"));
        };
        let Some(clerk) = self.desk.0.get() else {
            return Err("this node is still starting; try again".into());
        };
        if request.len() > OCTETS_MAX {
            return Err(format!("an errand has at most {OCTETS_MAX} octets"));
        }
        clerk(from, member.role, request).await.and_then(|answer| match answer.len() {
            0..=OCTETS_MAX => Ok(answer),
            octets => Err(format!("the answer has {octets} octets, at most {OCTETS_MAX} are carried")),
        })
    }
}
