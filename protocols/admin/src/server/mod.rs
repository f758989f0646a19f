//! Answers operators from a [`Backend`].
//!
//! [`listen`] accepts connections and says who calls, [`http`] turns requests into operations, and one file per
//! object holds what the operations do.

mod cluster;
mod domain;
mod http;
mod journal;
mod keys;
mod listen;
mod nodes;
mod password;
mod registrar;
mod tld;

pub use keys::{Held, KeyHolder};
pub use listen::{BindError, TlsSocket, UnixSocket};
pub use nodes::Membership;

use crate::wire::{ClusterStatus, DigestReport, Failure, Kind, Operation};
use journal::Searches;
use net::{Service, Shutdown, http::Tally};
use password::Hashing;
use registry::{
    Actor, Backend, Freshness, Outcome, Reply, SvTrid, SvTrids, Unavailable, Verb, execute, seal::Keys,
};
use std::{future::Future, sync::Arc};
use storage::View;

/// What a node offers of its consensus.
pub trait Control: KeyHolder + Clone + Send + Sync + 'static {
    /// The cluster as this node sees it now.
    fn status(&self) -> impl Future<Output = ClusterStatus> + Send;

    /// Hands leadership to voter `to`, or to the one that is furthest; the id of the new leader, or why not.
    fn transfer(&self, to: Option<u64>) -> impl Future<Output = Result<u64, String>> + Send;

    /// The digests of all members after one entry.
    fn digest(&self, recompute: bool) -> impl Future<Output = Result<DigestReport, Unavailable>> + Send;

    /// Takes the clocks of this node and of the leader as they are; what is then known of this node's, or why the
    /// leader was not told.
    fn accept_clock(&self) -> impl Future<Output = Result<String, String>> + Send;

    /// Who belongs to the cluster, as this node knows it.
    fn membership(&self) -> Membership;

    /// Removes a node from consensus; one that is no member is fine.
    fn remove(&self, id: u64) -> impl Future<Output = Result<(), String>> + Send;
}

/// What the operations work on.
#[derive(Clone)]
pub struct Site<B, C> {
    pub backend: B,
    pub control: C,
    /// Empty on an edge, which then can't set passwords.
    pub keys: Arc<Keys>,
    /// The repository's name, which sealed records are bound to.
    pub repository: String,
    pub svtrids: Arc<SvTrids>,
    pub metrics: net::Metrics,
}

/// Serves one site on any number of sockets.
pub struct Server<B, C> {
    inner: Arc<Inner<B, C>>,
}

struct Inner<B, C> {
    site: Site<B, C>,
    hashing: Hashing,
    searches: Searches,
    tally: Tally,
}

impl<B, C> Clone for Server<B, C> {
    fn clone(&self) -> Self {
        Server { inner: self.inner.clone() }
    }
}

impl<B: Backend, C: Control> Server<B, C> {
    pub fn new(site: Site<B, C>) -> Server<B, C> {
        let hashing = Hashing::new(site.keys.clone(), site.repository.clone());
        let tally = Tally { service: Service::Admin, metrics: site.metrics.clone() };
        Server { inner: Arc::new(Inner { site, hashing, searches: Searches::default(), tally }) }
    }

    /// Serves the Unix socket until the shutdown is requested; whoever may open it is the operator "socket".
    pub async fn serve_unix(&self, socket: UnixSocket, shutdown: Shutdown) {
        listen::serve(self.clone(), socket, shutdown).await;
    }

    /// Serves administrators who show a certificate of the cluster, until the shutdown is requested.
    pub async fn serve_tls(&self, socket: TlsSocket, shutdown: Shutdown) {
        listen::serve(self.clone(), socket, shutdown).await;
    }
}

/// One request: the site, and in whose name it is asked.
struct Context<B, C> {
    inner: Arc<Inner<B, C>>,
    by: Actor,
}

impl<B, C> Clone for Context<B, C> {
    fn clone(&self) -> Self {
        Context { inner: self.inner.clone(), by: self.by.clone() }
    }
}

impl<B: Backend, C: Control> Context<B, C> {
    fn site(&self) -> &Site<B, C> {
        &self.inner.site
    }

    fn hashing(&self) -> &Hashing {
        &self.inner.hashing
    }

    /// Everything that was acknowledged before the request.
    async fn view(&self) -> Result<View, Failure> {
        Ok(self.site().backend.view(Freshness::Linearizable).await?)
    }

    /// Carries a command out in the operator's name.
    async fn write(&self, verb: Verb) -> Result<(SvTrid, Reply), Failure> {
        let svtrid = self.site().svtrids.next();
        match execute(&self.site().backend, verb, self.by.clone(), svtrid).await? {
            Outcome::Done(reply) => Ok((svtrid, reply)),
            Outcome::Refused(refusal) => Err(refusal.into()),
            Outcome::Superseded => Err(crate::wire::superseded()),
            Outcome::Expired => Err(Failure::new(
                Kind::Unavailable,
                "expired",
                "the command came too late to be carried out; nothing was done, try again",
            )),
            Outcome::Internal => Err(Failure::new(
                Kind::Internal,
                "internal",
                format!("the command {svtrid} met a defect of the registry; nothing was done"),
            )),
        }
    }
}

/// An operation and what it does. The future holds no view while it waits.
trait Handle<B: Backend, C: Control>: Operation {
    fn handle(self, context: &Context<B, C>) -> impl Future<Output = Result<Self::Reply, Failure>> + Send;
}

/// Runs a scan of the state off the threads that serve connections.
async fn scan<T: Send + 'static>(
    view: View,
    work: impl FnOnce(&View) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(move || work(&view)).await.unwrap_or_else(|_| {
        Err(Failure::new(Kind::Internal, "internal", "the operation met a defect; the node's log tells more"))
    })
}
