//! Where a registry listens: the ports of `namingo-node dev`, or addresses as given.

use crate::http;
use std::{error::Error, net::SocketAddr};

/// Ports of the first node without an offset.
pub const EPP: u16 = 7700;
pub const WHOIS: u16 = 7043;
pub const DAS: u16 = 7044;
pub const RDAP: u16 = 7080;
pub const METRICS: u16 = 7090;

/// Between the ports of two nodes.
const NODE_STEP: u16 = 100;

/// Which nodes get the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum At {
    /// All nodes alike
    All,
    /// The node that leads
    Leader,
    /// The first node that does not lead
    Follower,
}

/// A registry on this machine.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The `--port-offset` of `namingo-node dev`
    #[arg(long, default_value_t = 0)]
    pub port_offset: u16,
    /// Its `--nodes`
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=5))]
    pub nodes: u16,
    /// Which of them get the load
    #[arg(long, value_enum, default_value = "all")]
    pub at: At,
    /// An address instead of all this; may be given several times
    #[arg(long = "to", value_name = "ADDRESS")]
    to: Vec<SocketAddr>,
}

impl Place {
    /// The ports of a registry that this program has started.
    pub fn new(port_offset: u16, nodes: u16, at: At) -> Place {
        Place { port_offset, nodes, at, to: Vec::new() }
    }

    /// The address of a service of a node, the first being 1.
    ///
    /// # Errors
    /// The offset is too large.
    pub fn node(&self, node: u16, port: u16) -> Result<SocketAddr, String> {
        let port =
            port.checked_add(NODE_STEP * (node - 1)).and_then(|port| port.checked_add(self.port_offset));
        let port = port.ok_or("--port-offset: a port would be above 65535")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Where the load goes: the addresses of a service, by its port on the first node.
    ///
    /// # Errors
    /// No node leads, or none can be asked.
    pub async fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>, Box<dyn Error>> {
        if !self.to.is_empty() {
            return Ok(self.to.clone());
        }
        let mut nodes: Vec<u16> = (1..=self.nodes).collect();
        if self.at != At::All {
            let leader = self.leader().await?;
            nodes.retain(|node| (*node == leader) == (self.at == At::Leader));
            nodes.truncate(1);
        }
        if nodes.is_empty() {
            return Err("there is no follower: say --nodes 3".into());
        }
        Ok(nodes.into_iter().map(|node| self.node(node, port)).collect::<Result<_, _>>()?)
    }

    /// The node that says of itself that it leads.
    async fn leader(&self) -> Result<u16, Box<dyn Error>> {
        for node in 1..=self.nodes {
            let asked = http::get(self.node(node, METRICS)?, "/metrics").await;
            let (_, metrics) = asked.map_err(|e| {
                format!("node {node} can't be asked who leads: {e}; are --port-offset and --nodes right?")
            })?;
            if metrics.lines().any(|line| line == "namingo_raft_is_leader 1") {
                return Ok(node);
            }
        }
        Err(format!("none of the {} nodes leads; is --nodes right?", self.nodes).into())
    }

    /// The highest term that a node knows: it grows with every election.
    ///
    /// # Errors
    /// A node can't be asked.
    pub async fn term(&self) -> Result<u64, Box<dyn Error>> {
        let mut highest = 0;
        for node in 1..=self.nodes {
            let (_, metrics) = http::get(self.node(node, METRICS)?, "/metrics").await?;
            let term = metrics.lines().find_map(|line| line.strip_prefix("namingo_raft_term "));
            let term = term.and_then(|term| term.parse().ok()).ok_or("a node does not tell its term")?;
            highest = highest.max(term);
        }
        Ok(highest)
    }

    /// Whether every node answers `/readyz` with 200.
    pub async fn is_ready(&self) -> bool {
        for node in 1..=self.nodes {
            let Ok(address) = self.node(node, METRICS) else { return false };
            if !http::get(address, "/readyz").await.is_ok_and(|(status, _)| status == 200) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ports_are_those_of_dev() {
        let place = Place::new(10_000, 3, At::All);
        let ports: Vec<u16> = place.addresses(EPP).await.unwrap().iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [17_700, 17_800, 17_900]);
        assert!(Place::new(60_000, 1, At::All).addresses(EPP).await.is_err());
    }
}
