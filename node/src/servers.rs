//! The public services of a node: which addresses it listens on and with what limits.

use crate::{
    failure::Failure,
    node::{Peers, now},
    reload::{self, Certificate},
};
use cluster::{Addresses, ClusterFile};
use net::{Limits, Listener, Metrics, Plain, Service, Shutdown, Tls};
use registry::{SvTrids, seal::Keys};
use std::{net::SocketAddr, sync::Arc, thread::available_parallelism, time::Duration};
use tokio::{net::TcpListener, signal::unix::Signal, task::JoinSet};

const LIMITS: Limits = Limits {
    connections: 20_000,
    connections_per_source: 10_000,
    handshake: Duration::from_secs(10),
    drain: Duration::from_secs(5),
};

const TERMS: &str = "The data in this registry is provided for information only. It may not be used to send unsolicited \
    messages, nor for automated processes that query this service in bulk.";

/// What the services share.
pub struct Parts {
    pub keys: Arc<Keys>,
    pub trids: Arc<SvTrids>,
    pub metrics: Metrics,
    /// What makes the certificate be read again, if anything does.
    pub hangups: Option<Signal>,
}

/// The services that are open.
pub struct Servers(JoinSet<()>);

impl Servers {
    /// Opens every service that the node's section gives an address.
    ///
    /// # Errors
    /// A port that is taken, a certificate that can't be used.
    pub async fn open(
        file: &ClusterFile,
        node: u64,
        cluster: &Peers,
        parts: Parts,
        shutdown: &Shutdown,
    ) -> Result<Servers, Failure> {
        let addresses = &file.nodes[&node].addresses;
        let mut open = JoinSet::new();
        let bind = |service, address| Listener::bind(address, service, LIMITS, parts.metrics.clone());
        if let Some(address) = addresses.whois {
            let site = Arc::new(whois::Site { terms: TERMS.into(), metrics: parts.metrics.clone() });
            open.spawn(whois::serve(
                bind(Service::Whois, address).await?,
                cluster.clone(),
                site,
                shutdown.clone(),
            ));
        }
        if let Some(address) = addresses.das {
            let (listener, metrics) = (bind(Service::Das, address).await?, parts.metrics.clone());
            open.spawn(das::serve(listener, cluster.clone(), metrics, shutdown.clone()));
        }
        if let Some(address) = addresses.rdap {
            let base = addresses.rdap_url.clone().unwrap_or_else(|| format!("http://{address}/"));
            let site = rdap::Site::new(base, terms_url(addresses), TERMS, parts.metrics.clone());
            let site = Arc::new(site.map_err(|e| Failure::at(file.path.display(), e))?);
            let listener = bind(Service::Rdap, address).await?;
            open.spawn(rdap::serve(listener, Plain, cluster.clone(), site, shutdown.clone()));
        }
        let epp = epp_identity(file, node)?;
        if let Some((address, certificate)) = &epp {
            let site = Arc::new(epp_site(file, node, &parts));
            open.spawn(epp::serve(
                bind(Service::Epp, *address).await?,
                certificate.tls.clone(),
                shutdown.clone(),
                cluster.clone(),
                site,
            ));
        }
        let certificate = epp.map(|(_, certificate)| certificate);
        if let Some(hangups) = parts.hangups {
            open.spawn(reload::run(hangups, certificate, shutdown.clone()));
        }
        Ok(Servers(open))
    }

    /// Waits until every service has finished; the shutdown must have been asked for.
    pub async fn closed(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Tries what [`Servers::open`] will need, so that a mistake ends the node at once and not after it has caught up.
///
/// # Errors
/// A port that is taken, a certificate that can't be used.
pub async fn rehearse(file: &ClusterFile, node: u64) -> Result<(), Failure> {
    epp_identity(file, node)?;
    // the peers' port is held already
    let addresses = file.nodes[&node].addresses.named().filter(|(service, _)| *service != "raft");
    for (service, address) in addresses {
        // given back at once: who comes too early is refused by the system and tries another node
        drop(TcpListener::bind(address).await.map_err(|e| Failure::port(service, address, &e))?);
    }
    Ok(())
}

fn epp_identity(file: &ClusterFile, node: u64) -> Result<Option<(SocketAddr, Certificate)>, Failure> {
    let (Some(address), Some((chain, key))) = (file.nodes[&node].addresses.epp, file.epp_identity(node))
    else {
        return Ok(None);
    };
    let identity = net::tls::Identity::load(&chain, &key)?;
    let tls = Tls::new(identity.server_config()?);
    Ok(Some((address, Certificate { tls, chain, key })))
}

fn epp_site(file: &ClusterFile, node: u64, parts: &Parts) -> epp::Site {
    let cores = available_parallelism().map_or(1, usize::from);
    epp::Site {
        name: server_id(&file.name, node),
        svtrids: parts.trids.clone(),
        keys: parts.keys.clone(),
        passwords: epp::Passwords::new(cores.div_ceil(2)),
        attempts: epp::Attempts::default(),
        sessions: epp::Sessions::default(),
        clock: Arc::new(now),
        metrics: parts.metrics.clone(),
        limits: epp::SessionLimits::default(),
    }
}

/// Where the terms of service are: the help of this RDAP server.
fn terms_url(addresses: &Addresses) -> String {
    let base = addresses.rdap_url.clone();
    base.or_else(|| addresses.rdap.map(|a| format!("http://{a}/")))
        .map_or_else(String::new, |b| format!("{b}help"))
}

/// `svID` of the greeting: at most 64 characters, whatever the cluster is called.
fn server_id(cluster: &str, node: u64) -> String {
    let name: String = cluster.chars().take(38).collect();
    format!("{name} node {node}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_server_id_fits_the_schema() {
        assert_eq!(super::server_id("dev", 1), "dev node 1");
        assert!(super::server_id(&"n".repeat(64), u64::MAX).chars().count() <= 64);
    }
}
