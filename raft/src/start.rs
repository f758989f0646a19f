//! What a node sees to before it starts consensus: that its log and its state are its own and belong together.

use crate::{machine, retention};
use std::{fmt, sync::Arc};
use storage::{Fault, Log, MetaKey, Read, Store, codec};
use tokio::sync::oneshot;

/// Why a node can't start or join.
#[derive(Debug)]
pub enum StartError {
    Fault(Fault),
    Config(String),
    /// openraft would not start on this log and state.
    Raft(String),
    /// This node has no log, but the cluster knows it with one: what it acknowledged before is lost with its log.
    Forgotten {
        id: u64,
        /// Who knows it; `None`: its own state, which it kept.
        known_by: Option<u64>,
    },
    /// The log begins behind the end of the state, which is lost, or was put back from a copy.
    StateLost {
        id: u64,
        /// The last entry that the state holds.
        state: u64,
        /// The last entry that is purged from the log.
        purged: u64,
    },
    /// The node was removed for ever.
    Removed {
        id: u64,
    },
    /// The cluster does not take the node in.
    NotAdmitted {
        id: u64,
        why: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Fault(fault) => write!(f, "{fault}"),
            StartError::Config(why) => write!(f, "{why}"),
            StartError::Raft(why) => write!(f, "consensus can't start: {why}"),
            StartError::Forgotten { id, known_by } => {
                write!(f, "node {id} has lost its log: ")?;
                match known_by {
                    Some(peer) => write!(f, "node {peer} knows a cluster in which it had one")?,
                    None => f.write_str("its state comes from another log than the one beside it")?,
                }
                f.write_str(", and what it acknowledged then it can't stand for any more")?;
                replace(f, *id)
            }
            StartError::StateLost { id, state, purged } => {
                write!(
                    f,
                    "node {id} has lost its state, or got back an old one: that ends at entry {state}, and the log \
                     beside it holds only what follows entry {purged}"
                )?;
                replace(f, *id)?;
                f.write_str("; a cluster whose only voter it was needs the state that belongs to this log")
            }
            StartError::Removed { id } => write!(
                f,
                "node {id} was removed from the cluster for ever; `namingo-admin cluster add-node` makes a new one"
            ),
            StartError::NotAdmitted { id, why } => write!(f, "node {id} may not join the cluster: {why}"),
        }
    }
}

/// What to do with a node that can't come back as itself.
fn replace(f: &mut fmt::Formatter<'_>, id: u64) -> fmt::Result {
    write!(
        f,
        "; replace it: `namingo-admin cluster remove-node {id}`, then `namingo-admin cluster add-node --config \
         cluster.toml --role ROLE --raft ADDR --admin ADDR`"
    )
}

impl std::error::Error for StartError {}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> Self {
        StartError::Fault(fault)
    }
}

/// Sees to it that the log is the one that the state came from. A log that is new beside a state that is not has
/// forgotten its vote and what it acknowledged, and must not be purged up to the state as if it had held that. (On a
/// first start both are new, whichever of the two files was made before it was interrupted.)
pub(crate) fn own_log(id: u64, log: &Log, store: &Store) -> Result<(), StartError> {
    let (_, membership) = machine::head_of(store.view().header())?;
    let known = membership.membership().get_node(&id).map(|member| member.incarnation);
    let own = log.get_meta(MetaKey::Incarnation).map(|bytes| codec::decode_record(&bytes)).transpose()?;
    let lost = match own {
        None => !store.view().header().is_new(),
        Some(own) => known.is_some_and(|known: u128| known != own),
    };
    if lost { Err(StartError::Forgotten { id, known_by: None }) } else { Ok(()) }
}

/// Sees to it that the log goes on where the state ends: what lies between can't come from anywhere, since to the cluster
/// this node has it.
pub(crate) fn whole(id: u64, log: &Log, store: &Store) -> Result<(), StartError> {
    let state = store.view().header().index;
    match retention::purged(log).map_err(Fault::Io)? {
        Some(purged) if purged.index > state => {
            Err(StartError::StateLost { id, state, purged: purged.index })
        }
        _ => Ok(()),
    }
}

/// The incarnation lives inside the log, beside the vote, and is as old as the log.
pub(crate) async fn incarnation_of(log: &Arc<Log>, fresh: u128) -> Result<u128, StartError> {
    if let Some(bytes) = log.get_meta(MetaKey::Incarnation) {
        return Ok(codec::decode_record(&bytes)?);
    }
    let (tell, told) = oneshot::channel();
    let bytes = codec::encode_record(&fresh).into();
    log.put_meta(MetaKey::Incarnation, bytes, true, Box::new(move |result| drop(tell.send(result))));
    match told.await {
        Ok(Ok(())) => Ok(fresh),
        Ok(Err(e)) => Err(Fault::Io(e).into()),
        Err(_) => Err(StartError::Raft("the log writer does not run".into())),
    }
}
