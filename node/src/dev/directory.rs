//! The data directory of `dev`: a `cluster.toml` and what `cluster init` makes of it, found again at the next start.

use super::Shape;
use crate::failure::Failure;
use cluster::{
    Addresses, ClusterFile, DEFAULT_DAS_MEMORY_MIB, DEFAULT_LOG_KEEP_MIB, DEFAULT_STATE_CACHE_MIB, Limits,
    NodeSection, Profile, RepositoryPolicy, Role, Terms,
};
use std::{collections::BTreeMap, fs, net::SocketAddr};

/// Between the ports of two nodes.
const NODE_STEP: u16 = 100;

/// Finds the directory's cluster or makes it.
///
/// # Errors
/// A directory of another shape, or one that can't be written.
pub fn prepare(shape: &Shape) -> Result<ClusterFile, Failure> {
    let wanted = cluster_file(shape)?;
    must_be_free(&wanted)?;
    if !wanted.path.exists() {
        must_be_empty(shape)?;
        fs::create_dir_all(&shape.data_dir).map_err(|e| Failure::at(shape.data_dir.display(), e))?;
        cluster::init(&wanted)?;
        // last: a directory without the file is one that was never complete
        wanted.write().map_err(|e| Failure::at(wanted.path.display(), e))?;
        return Ok(wanted);
    }
    let found = ClusterFile::load(&wanted.path)?;
    let roles = |file: &ClusterFile| file.nodes.values().map(|n| n.role).collect::<Vec<_>>();
    if roles(&found) != roles(&wanted) {
        let count = |role| roles(&found).iter().filter(|r| **r == role).count();
        return Err(Failure::at(
            shape.data_dir.display(),
            format!(
                "holds a registry of {} voters and {} edges, asked for were {} and {}; start it with \
                 --nodes {} --edges {}, or name another --data-dir",
                count(Role::Voter),
                count(Role::Edge),
                shape.voters,
                shape.edges,
                count(Role::Voter),
                count(Role::Edge),
            ),
        ));
    }
    if found.nodes != wanted.nodes {
        return Err(Failure::at(
            found.path.display(),
            "was made with another --port-offset; peers know each other by these ports: use the same offset, or \
             another --data-dir",
        ));
    }
    Ok(found)
}

/// Tries every port before anything is written: a second attempt with other ports must find nothing half made.
fn must_be_free(wanted: &ClusterFile) -> Result<(), Failure> {
    for (id, node) in &wanted.nodes {
        for (service, address) in node.addresses.named() {
            std::net::TcpListener::bind(address).map_err(|e| {
                Failure::at(
                    format!("{service} of node {id} can't listen on {address}"),
                    format!("{e}; see --port-offset"),
                )
            })?;
        }
    }
    Ok(())
}

fn must_be_empty(shape: &Shape) -> Result<(), Failure> {
    match fs::read_dir(&shape.data_dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(Failure::at(
            shape.data_dir.display(),
            "is not empty and holds no registry; name another --data-dir",
        )),
        Ok(false) | Err(_) => Ok(()),
    }
}

fn cluster_file(shape: &Shape) -> Result<ClusterFile, Failure> {
    let mut nodes = BTreeMap::new();
    for id in 1..=shape.voters + shape.edges {
        let role = if id <= shape.voters { Role::Voter } else { Role::Edge };
        // edges begin at +300 also behind a single voter, so that their ports can be remembered
        let place = if role == Role::Edge { (id - shape.voters - 1) + shape.voters.max(3) } else { id - 1 };
        let addresses = addresses(role, place, shape.port_offset)
            .ok_or_else(|| Failure::new("--port-offset: a port would be above 65535"))?;
        nodes.insert(id, NodeSection { role, addresses, epp_certificate: None, epp_key: None });
    }
    Ok(ClusterFile {
        path: shape.data_dir.join("cluster.toml"),
        name: "dev".into(),
        data_dir: ".".into(),
        profile: Profile::Region,
        log_keep_mib: DEFAULT_LOG_KEEP_MIB,
        das_memory_mib: DEFAULT_DAS_MEMORY_MIB,
        state_cache_mib: DEFAULT_STATE_CACHE_MIB,
        repository: RepositoryPolicy {
            name: "main".into(),
            roid_suffix: "NAMINGO".into(),
            documentation_addresses: true,
        },
        terms: Terms::default(),
        limits: limits(),
        nodes,
    })
}

/// Everybody comes from the loopback address: one source may have all connections, and there are enough of them to
/// try what ten thousand do.
fn limits() -> Limits {
    let mut limits = Limits::default();
    let Limits { epp, whois, das, rdap, .. } = &mut limits;
    for service in [&mut epp.service, whois, das, rdap] {
        (service.connections, service.connections_per_source) = (4000, 4000);
    }
    limits
}

fn addresses(role: Role, place: u64, offset: u16) -> Option<Addresses> {
    let step = NODE_STEP.checked_mul(u16::try_from(place).ok()?)?;
    let at =
        |port: u16| Some(SocketAddr::from(([127, 0, 0, 1], port.checked_add(step)?.checked_add(offset)?)));
    Some(Addresses {
        raft: at(7001)?,
        admin: at(7091)?,
        metrics: Some(at(7090)?),
        epp: if role.holds_keys() { Some(at(7700)?) } else { None },
        whois: Some(at(7043)?),
        das: Some(at(7044)?),
        rdap: Some(at(7080)?),
        rdap_url: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(voters: u64, edges: u64, port_offset: u16) -> Shape {
        Shape { voters, edges, data_dir: "dev".into(), port_offset }
    }

    #[test]
    fn ports_are_the_documented_ones() {
        let file = cluster_file(&shape(3, 1, 10_000)).unwrap();
        let ports = |id: u64| file.nodes[&id].addresses.named().map(|(_, a)| a.port()).collect::<Vec<_>>();
        assert_eq!(ports(1), [17_001, 17_091, 17_090, 17_700, 17_043, 17_044, 17_080]);
        assert_eq!(ports(3), [17_201, 17_291, 17_290, 17_900, 17_243, 17_244, 17_280]);
        // an edge at +300, without EPP
        assert_eq!(ports(4), [17_301, 17_391, 17_390, 17_343, 17_344, 17_380]);
        assert!(cluster_file(&shape(1, 0, 60_000)).is_err());
    }
}
