//! The public services of a node: which addresses it listens on and with what limits.

use crate::{
    failure::Failure,
    node::{Peers, held, now},
    reload::{self, Certificate},
};
use cluster::{Addresses, ClusterFile};
use net::{Limits, Listener, Metrics, Patience, Plain, Service, Shutdown, Tls};
use registry::{SvTrids, seal::Keys, view::Kept};
use std::{net::SocketAddr, sync::Arc, thread::available_parallelism, time::Duration};
use tokio::{net::TcpListener, signal::unix::Signal, task::JoinSet};

/// From accept to the end of the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What connections get to finish their command when the node stops.
const DRAIN: Duration = Duration::from_secs(5);

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
        let bind = |service, address| {
            Listener::bind(address, service, limits(&file.limits, service), parts.metrics.clone())
        };
        if let Some(address) = addresses.whois {
            let site = Arc::new(whois::Site::new(whois_terms(file), parts.metrics.clone()));
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
            let site = rdap::Site::new(base, terms_url(file, addresses), terms(file), parts.metrics.clone());
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

    /// Resolves when a service has ended, which none does before the shutdown: nobody would listen there, and the node
    /// would call itself ready.
    pub async fn ended(&mut self) -> Failure {
        match self.0.join_next().await {
            Some(Err(error)) => Failure::at("a service of this node panicked; it stops", error),
            Some(Ok(())) => Failure::new("a service of this node ended by itself; it stops"),
            None => std::future::pending().await,
        }
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
    let limits = file.limits.epp;
    epp::Site {
        name: server_id(&file.name, node),
        svtrids: parts.trids.clone(),
        keys: parts.keys.clone(),
        passwords: epp::Passwords::new(cores.div_ceil(2)),
        attempts: epp::Attempts::default(),
        sessions: epp::Sessions::default(),
        frames: epp::Budget::new(held(limits.frames_mib) << 20),
        clock: Arc::new(now),
        metrics: parts.metrics.clone(),
        kept: Kept::default(),
        limits: epp::SessionLimits {
            login: seconds(limits.login_s),
            idle: seconds(limits.service.idle_s),
            transfer: seconds(limits.service.answer_s),
            ..epp::SessionLimits::default()
        },
    }
}

/// The limits of a public service; the operator's and the nodes' own have theirs elsewhere.
fn limits(all: &cluster::Limits, service: Service) -> Limits {
    let own = match service {
        Service::Whois => all.whois,
        Service::Das => all.das,
        Service::Rdap => all.rdap,
        Service::Epp | Service::Admin | Service::Status | Service::Peers => all.epp.service,
    };
    Limits {
        connections: held(own.connections),
        connections_per_source: held(own.connections_per_source),
        handshake: HANDSHAKE,
        drain: DRAIN,
        patience: Patience { idle: seconds(own.idle_s), answer: seconds(own.answer_s) },
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// The operator's terms, or those that any registry has.
fn terms(file: &ClusterFile) -> &str {
    file.terms.text.as_deref().unwrap_or(TERMS)
}

/// The terms as they end an answer of WHOIS, where a line of its own leads to the page.
fn whois_terms(file: &ClusterFile) -> String {
    let page = file.terms.url.as_ref().map(|url| format!("\nTerms of use: {url}"));
    format!("{}{}", terms(file).trim_end(), page.unwrap_or_default())
}

/// Where the terms of service are: the operator's page, or the help of this RDAP server.
fn terms_url(file: &ClusterFile, addresses: &Addresses) -> String {
    let help = || {
        let base = addresses.rdap_url.clone();
        base.or_else(|| addresses.rdap.map(|a| format!("http://{a}/")))
            .map_or_else(String::new, |b| format!("{b}help"))
    };
    file.terms.url.clone().unwrap_or_else(help)
}

/// `svID` of the greeting: at most 64 characters, whatever the cluster is called.
fn server_id(cluster: &str, node: u64) -> String {
    let name: String = cluster.chars().take(38).collect();
    format!("{name} node {node}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_the_operators_where_there_are_any() {
        let node = "[node.1]\nrole = \"voter\"\nraft = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\n\
            rdap = \"127.0.0.1:3\"\n";
        let file = |more: &str| {
            let head = "[cluster]\nname = \"a\"\ndata_dir = \".\"\n[repository]\nname = \"main\"\n\
                roid_suffix = \"X\"\n";
            ClusterFile::parse("cluster.toml".as_ref(), &format!("{head}{more}{node}")).unwrap()
        };
        let url = |file: &ClusterFile| terms_url(file, &file.nodes[&1].addresses);
        let plain = file("");
        assert_eq!((terms(&plain), &*whois_terms(&plain)), (TERMS, TERMS));
        assert_eq!(url(&plain), "http://127.0.0.1:3/help");
        let own = file(
            "terms = \"\"\"\nOurs.\nAll ours.\n\"\"\"\nterms_url = \"https://registry.example/terms\"\n",
        );
        assert_eq!(whois_terms(&own), "Ours.\nAll ours.\nTerms of use: https://registry.example/terms");
        assert_eq!((terms(&own), &*url(&own)), ("Ours.\nAll ours.\n", "https://registry.example/terms"));
    }

    #[tokio::test]
    async fn a_service_that_ends_is_told_and_a_node_without_any_goes_on() {
        let told =
            async |open: &mut Servers| tokio::time::timeout(Duration::from_millis(50), open.ended()).await;
        let mut open = Servers(JoinSet::new());
        assert!(told(&mut open).await.is_err());
        open.0.spawn(std::future::pending());
        assert!(told(&mut open).await.is_err());
        open.0.spawn(async { panic!("as a test") });
        assert!(told(&mut open).await.unwrap().to_string().contains("panicked"));
        open.0.spawn(async {});
        assert!(told(&mut open).await.unwrap().to_string().contains("by itself"));
    }

    #[test]
    fn a_server_id_fits_the_schema() {
        assert_eq!(server_id("dev", 1), "dev node 1");
        assert!(server_id(&"n".repeat(64), u64::MAX).chars().count() <= 64);
    }
}
