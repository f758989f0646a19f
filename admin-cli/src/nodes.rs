//! `namingo-admin cluster add-node` and `remove-node`: nodes that come and go.

use crate::{
    answer::{Answer, Stop},
    target::Target,
};
use admin::{
    CallError,
    wire::{NodeAllocate, NodeAllocated, NodeRemove, Role},
};
use clap::Args;
use cluster::{Addresses, Admission};
use serde::Serialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub struct Add {
    /// The cluster's file; the new node's section is added at its end
    #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
    config: PathBuf,
    /// What the node is for: voter, standby or edge
    #[arg(long, value_name = "ROLE")]
    role: cluster::Role,
    /// Where its peers reach it
    #[arg(long, value_name = "ADDR")]
    raft: SocketAddr,
    /// Where administrators reach it
    #[arg(long, value_name = "ADDR")]
    admin: SocketAddr,
    /// Plain HTTP: metrics, health, readiness
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    #[arg(long, value_name = "ADDR", help = "EPP over TLS; not for an edge")]
    epp: Option<SocketAddr>,
    #[arg(long, value_name = "ADDR")]
    whois: Option<SocketAddr>,
    #[arg(long, value_name = "ADDR")]
    das: Option<SocketAddr>,
    #[arg(long, value_name = "ADDR")]
    rdap: Option<SocketAddr>,
    /// The public base URL of RDAP
    #[arg(long, value_name = "URL")]
    rdap_url: Option<String>,
    /// The sealing keys, as `keys export` wrote them [default: those of a node whose directory is here]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Remove {
    /// The node
    #[arg(value_name = "N")]
    id: u64,
    /// Also where it leaves a single voter, or an even number of them
    #[arg(long)]
    yes: bool,
}

/// What `add-node` made, for programs.
#[derive(Serialize)]
struct Added<'a> {
    id: u64,
    written: &'a Path,
    config: &'a Path,
}

impl Add {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let failed = |e: cluster::AdmissionError| Stop::Failed(e.to_string());
        let addresses = Addresses {
            raft: self.raft,
            admin: self.admin,
            metrics: self.metrics,
            epp: self.epp,
            whois: self.whois,
            das: self.das,
            rdap: self.rdap,
            rdap_url: self.rdap_url,
        };
        let prepared = Admission::prepare(&self.config, self.role, addresses, self.keys.as_deref());
        let admission = prepared.map_err(failed)?;
        let allocate = NodeAllocate {
            role: match self.role {
                cluster::Role::Voter => Role::Voter,
                cluster::Role::Standby => Role::Standby,
                cluster::Role::Edge => Role::Edge,
            },
            cluster_id: admission.cluster_id().to_owned(),
            at_least: admission.highest(),
        };
        let NodeAllocated { id, contacts } = number(target, &admission, &allocate).await?;
        let made = admission.complete(id, contacts).map_err(failed)?;
        Answer::new(&Added { id, written: &made.written, config: &made.config }, made.to_string())
    }
}

/// Asks the endpoint that was named, else the nodes of the file that run here, one after the other: what could not be
/// reached has given no number.
async fn number(
    target: &Target,
    admission: &Admission,
    allocate: &NodeAllocate,
) -> Result<NodeAllocated, Stop> {
    let clients = target.clients_at(&admission.data_dir(), admission.nodes())?;
    let mut unreachable = None;
    for client in clients {
        match client.call(allocate).await {
            Err(e @ CallError::Unreachable { .. }) => unreachable = Some(e),
            answer => return Ok(answer?),
        }
    }
    Err(unreachable.map_or_else(
        || {
            let here = admission.data_dir();
            Stop::Usage(format!(
                "no node of the cluster runs in {}; name one with --endpoint",
                here.display()
            ))
        },
        Stop::Call,
    ))
}

impl Remove {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let removed = target.client()?.call(&NodeRemove { id: self.id, accept: self.yes }).await?;
        let voters: Vec<String> = removed.voters.iter().map(u64::to_string).collect();
        let text =
            format!("node {} is removed for ever; nodes that vote now: {}", removed.id, voters.join(", "));
        Answer::new(&removed, text)
    }
}
