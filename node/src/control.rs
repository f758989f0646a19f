//! What the administration endpoint may do with consensus, and its sockets: `DIR/node-N/admin.sock` and mutual TLS.

use crate::{failure::Failure, keys::KeyRing, node::Peers};
use admin::{
    Control, Held, KeyHolder, Membership, Server, Site, TlsSocket, UnixSocket,
    wire::{ClusterStatus, DigestReport, Instant, Member, MemberDigest},
};
use cluster::{Addresses, Bundle, Founding, layout};
use net::Shutdown;
use raft::{NodeInfo, Said, Status};
use registry::{SvTrids, Unavailable, keys::Fingerprint};
use std::{collections::BTreeMap, future::Future, net::SocketAddr, sync::Arc, time::Duration};

/// How long a member may take to tell how it is.
const ASK_LIMIT: Duration = Duration::from_millis(500);
/// How often a removal is tried, and the pause between: another change may be under way, or the leader be new.
const REMOVE_TRIES: u32 = 25;
const REMOVE_PAUSE: Duration = Duration::from_millis(200);

/// The operator's hand on consensus.
#[derive(Clone)]
pub struct Operator {
    cluster: Peers,
    founding: Arc<Founding>,
    own: (u64, Addresses),
    svtrids: Arc<SvTrids>,
    ring: Arc<KeyRing>,
}

impl Operator {
    pub fn new(cluster: Peers, bundle: &Bundle, (ring, svtrids): (Arc<KeyRing>, Arc<SvTrids>)) -> Operator {
        let own = (bundle.node, bundle.own.addresses.clone());
        Operator { cluster, founding: Arc::new(bundle.founding.clone()), own, svtrids, ring }
    }

    /// What is known here of a member's addresses: all of its own and the founders', of others where peers reach it.
    fn addresses(&self, id: u64, raft: SocketAddr) -> BTreeMap<String, String> {
        let founder = self.founding.node.get(&id).map(|founder| &founder.addresses);
        match if id == self.own.0 { Some(&self.own.1) } else { founder } {
            Some(all) => all.named().map(|(service, at)| (service.to_owned(), at.to_string())).collect(),
            None => BTreeMap::from([("raft".to_owned(), raft.to_string())]),
        }
    }

    /// Asks a member how it is; what the leader knows of it comes from `leader`.
    async fn member(&self, id: u64, node: &NodeInfo, leader: Option<&Status>) -> Member {
        let asked = self.cluster.status_of(id, ASK_LIMIT).await.ok();
        let figure = |of: fn(&Status) -> u64| asked.as_ref().map(of);
        Member {
            id,
            role: node.role.to_string(),
            addresses: self.addresses(id, node.raft),
            reachable: asked.is_some(),
            matched: leader
                .and_then(|l| if l.id == id { Some(l.last_log) } else { l.matched.get(&id).copied() }),
            committed: figure(|s| s.committed),
            applied: figure(|s| s.applied),
            drained: figure(|s| s.drained),
            state_time: asked.as_ref().map(|s| Instant(s.state_time)),
            clock: asked.as_ref().map(|s| s.clock.to_string()),
            disk_full: asked.as_ref().is_some_and(|s| s.disk_full),
        }
    }
}

impl Control for Operator {
    async fn status(&self) -> ClusterStatus {
        let own = self.cluster.status();
        let leader = match own.leader {
            Some(id) => self.cluster.status_of(id, ASK_LIMIT).await.ok(),
            None => None,
        };
        let asked = own.members.iter().map(|(id, node)| self.member(*id, node, leader.as_ref()));
        let members = futures_util::future::join_all(asked).await;
        ClusterStatus {
            cluster_id: self.founding.cluster_id.clone(),
            cluster_name: self.founding.cluster_name.clone(),
            node: own.id,
            leader: own.leader.filter(|id| is_followed(*id, &members)),
            term: own.term,
            members,
        }
    }

    async fn transfer(&self, to: Option<u64>) -> Result<u64, String> {
        let to = match to {
            Some(to) => to,
            None => self.furthest().await?,
        };
        self.cluster.transfer(to).await?;
        Ok(to)
    }

    async fn digest(&self, recompute: bool) -> Result<DigestReport, Unavailable> {
        let found = self.cluster.compare_digests(self.svtrids.next(), recompute).await?;
        let withdrawn = found.to_withdraw();
        let members = found.members.iter().map(|(id, said)| member_digest(*id, said, withdrawn.contains(id)));
        Ok(DigestReport {
            index: found.index,
            majority: found.majority.map(hexadecimal),
            members: members.collect(),
        })
    }

    async fn accept_clock(&self) -> Result<String, String> {
        self.cluster.accept_clock().await.map_err(|e| e.to_string())?;
        Ok(self.cluster.clock_state().to_string())
    }

    fn membership(&self) -> Membership {
        let Status { members, voters, leader, .. } = self.cluster.status();
        let known = members.keys().chain(self.founding.node.keys());
        Membership {
            cluster_id: self.founding.cluster_id.clone(),
            highest: known.copied().max().unwrap_or(0),
            roles: members.iter().map(|(id, member)| (*id, member.role.into())).collect(),
            contacts: members
                .iter()
                .filter(|(id, _)| voters.contains(id))
                .map(|(id, member)| (*id, member.raft))
                .collect(),
            voters,
            leader,
        }
    }

    async fn remove(&self, id: u64) -> Result<(), String> {
        let mut tries = 0;
        loop {
            match self.cluster.remove(id).await {
                Err(why) if tries < REMOVE_TRIES => tracing::debug!(node = id, why, "not removed yet"),
                came => return came,
            }
            tries += 1;
            tokio::time::sleep(REMOVE_PAUSE).await;
        }
    }
}

/// Whether a node that is taken for the leader answers, and a majority of the voters with it.
fn is_followed(leader: u64, members: &[Member]) -> bool {
    let voters = members.iter().filter(|m| m.role == raft::Role::Voter.to_string());
    let (all, answer) = voters.fold((0, 0), |(all, answer), m| (all + 1, answer + usize::from(m.reachable)));
    members.iter().any(|m| m.id == leader && m.reachable) && answer > all / 2
}

fn member_digest(id: u64, said: &Result<Said, String>, differs: bool) -> MemberDigest {
    let (digest, remark) = match said {
        Err(why) => (None, Some(why.clone())),
        Ok(Said { recorded: None, .. }) => (None, Some("the entry came to it before it could record".into())),
        Ok(Said { recorded, recomputed }) => {
            let remark =
                recomputed.as_ref().map(|r| r.clone().err().unwrap_or_else(|| "recomputed: equal".into()));
            (*recorded, remark)
        }
    };
    MemberDigest { id, digest: digest.map(hexadecimal), differs, remark }
}

fn hexadecimal(digest: u128) -> String {
    format!("{digest:032x}")
}

impl KeyHolder for Operator {
    async fn held_keys(&self) -> BTreeMap<u64, Held> {
        self.ring.held_by_node(&self.cluster).await
    }

    async fn draw_key(&self, epoch: u32, proposed: Option<Fingerprint>) -> Result<Fingerprint, String> {
        let ring = self.ring.clone();
        let drawn = tokio::task::spawn_blocking(move || ring.draw(epoch, proposed)).await;
        drawn.map_err(|e| e.to_string())?
    }

    async fn spread_key(&self, epoch: u32) -> Result<Vec<u64>, String> {
        self.ring.spread(&self.cluster, epoch).await
    }
}

impl Operator {
    async fn furthest(&self) -> Result<u64, String> {
        let leader = self.cluster.leader().ok_or("the cluster has no leader at the moment")?;
        let status = self.cluster.status_of(leader, ASK_LIMIT).await.map_err(|e| e.to_string())?;
        status.heir().ok_or_else(|| "there is no other voter that could lead".into())
    }
}

/// Takes the sockets; the result serves them until the shutdown is requested.
///
/// # Errors
/// A port in use, a socket path that is too long.
pub async fn serve(
    bundle: &Bundle,
    (address, metrics): (SocketAddr, net::Metrics),
    cluster: &Peers,
    (ring, svtrids): (Arc<KeyRing>, Arc<SvTrids>),
    shutdown: Shutdown,
) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let unix = UnixSocket::bind(&bundle.dir.join(layout::ADMIN_SOCKET))?;
    let tls = TlsSocket::bind(address, cluster::tls::server_config(bundle)?).await?;
    let server = Server::new(Site {
        backend: cluster.clone(),
        keys: ring.keys().clone(),
        control: Operator::new(cluster.clone(), bundle, (ring, svtrids.clone())),
        repository: bundle.founding.repository.name.clone(),
        svtrids,
        metrics,
    });
    Ok(async move {
        let ending = shutdown.clone();
        tokio::join!(server.serve_unix(unix, shutdown), server.serve_tls(tls, ending));
    })
}
