//! The metrics that the public services share, and their text form.
//!
//! Label values come from fixed vocabularies (`&'static str`, result codes): never a name, an address or a
//! registrar, which would grow without bound and could carry a secret. The registry they are added to must have no
//! prefix; names are complete here, where they can be searched for.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::timing::Timing;

/// A service of a node: four for the public, then the operator's and the nodes' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    Epp,
    Whois,
    Das,
    Rdap,
    Admin,
    /// Metrics, health and readiness.
    Status,
    /// What nodes say to each other.
    Peers,
}

/// Why a connection was ended that its client would have kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// No TLS came about: not its protocol, not in time, or a certificate that is not accepted.
    Handshake,
    /// What came can't be told apart into requests.
    Malformed,
    /// Silence, or a request that did not come to its end in time.
    Idle,
    /// The client did not take its answer in time.
    Stalled,
}

impl Cut {
    /// The value of the label `reason`.
    fn name(self) -> &'static str {
        match self {
            Cut::Handshake => "handshake",
            Cut::Malformed => "malformed",
            Cut::Idle => "idle",
            Cut::Stalled => "stalled",
        }
    }
}

impl Service {
    /// The value of the label `service`.
    pub fn name(self) -> &'static str {
        match self {
            Service::Epp => "epp",
            Service::Whois => "whois",
            Service::Das => "das",
            Service::Rdap => "rdap",
            Service::Admin => "admin",
            Service::Status => "metrics",
            Service::Peers => "peers",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabel {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CutLabel {
    service: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabel {
    service: &'static str,
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabel {
    verb: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerbLabel {
    verb: &'static str,
}

/// Counters, gauges and histograms of the public services. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    queries: Family<QueryLabel, Counter>,
    commands: Family<CommandLabel, Counter>,
    command_seconds: Family<VerbLabel, Timing>,
    refusals: Family<ReasonLabel, Counter>,
    connections: Family<ServiceLabel, Gauge>,
    refused_connections: Family<ServiceLabel, Counter>,
    cut_connections: Family<CutLabel, Counter>,
    waited_connections: Family<ServiceLabel, Counter>,
}

impl Metrics {
    /// Makes the families and adds them to `registry`.
    pub fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics {
            queries: Family::default(),
            commands: Family::default(),
            command_seconds: Family::default(),
            refusals: Family::default(),
            connections: Family::default(),
            refused_connections: Family::default(),
            cut_connections: Family::default(),
            waited_connections: Family::default(),
        };
        registry.register("namingo_queries", "Queries answered", metrics.queries.clone());
        registry.register("namingo_epp_commands", "EPP commands answered", metrics.commands.clone());
        registry.register_with_unit(
            "namingo_epp_command",
            "Time from a complete EPP frame to its answer",
            Unit::Seconds,
            metrics.command_seconds.clone(),
        );
        registry.register(
            "namingo_epp_refusals",
            "EPP commands that a rule of the registry refused",
            metrics.refusals.clone(),
        );
        registry.register("namingo_connections", "Open connections", metrics.connections.clone());
        registry.register(
            "namingo_connections_refused",
            "Connections closed at once because their source held too many",
            metrics.refused_connections.clone(),
        );
        registry.register(
            "namingo_connections_cut",
            "Connections ended because of what the client did or did not do",
            metrics.cut_connections.clone(),
        );
        registry.register(
            "namingo_connections_waited",
            "Connections that came while all places were taken",
            metrics.waited_connections.clone(),
        );
        metrics
    }

    /// Counters of the answers of WHOIS, DAS or RDAP, found once: from then on counting takes no lock.
    pub fn answers(&self, service: Service, words: &[&'static str]) -> Answers {
        let counter = |word: &&'static str| {
            let label = QueryLabel { service: service.name(), answer: word };
            (*word, self.queries.get_or_create_owned(&label))
        };
        Answers(words.iter().map(counter).collect())
    }

    /// For counting the EPP commands of one session.
    pub fn commands(&self) -> Commands {
        Commands { metrics: self.clone(), known: Vec::new() }
    }

    /// Counts an EPP command that a rule refused; `reason` is the registry's word for the rule.
    pub fn refusal(&self, reason: &'static str) {
        self.refusals.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Counts a connection that is ended because of what its client did or did not do.
    pub fn cut(&self, service: Service, cut: Cut) {
        self.cut_connections.get_or_create(&CutLabel { service: service.name(), reason: cut.name() }).inc();
    }

    /// The gauge of a service's open connections, found once.
    pub fn connections(&self, service: Service) -> Connections {
        Connections(self.connections.get_or_create_owned(&ServiceLabel { service: service.name() }))
    }

    /// Counts a connection that was closed at once.
    pub fn refused(&self, service: Service) {
        self.refused_connections.get_or_create(&ServiceLabel { service: service.name() }).inc();
    }

    /// Counts a connection that came while all places were taken, and waits for one.
    pub(crate) fn waited(&self, service: Service) {
        self.waited_connections.get_or_create(&ServiceLabel { service: service.name() }).inc();
    }
}

/// The counters of a service's vocabulary.
#[derive(Clone, Debug)]
pub struct Answers(Vec<(&'static str, Counter)>);

impl Answers {
    /// Counts answers with a word of the vocabulary.
    pub fn count(&self, word: &'static str, answers: u64) {
        let counter = self.0.iter().find(|(of, _)| *of == word);
        debug_assert!(counter.is_some(), "{word} is not in the vocabulary");
        if let Some((_, counter)) = counter {
            counter.inc_by(answers);
        }
    }
}

/// Counts the EPP commands of a session: what was counted once is found again without a lock.
#[derive(Debug)]
pub struct Commands {
    metrics: Metrics,
    known: Vec<(CommandLabel, Counter, Timing)>,
}

impl Commands {
    /// Counts a command with its result code and the time it took.
    pub fn count(&mut self, verb: &'static str, code: u16, took: Duration) {
        let label = CommandLabel { verb, code };
        let at = self.known.iter().position(|(of, ..)| *of == label).unwrap_or_else(|| {
            let counter = self.metrics.commands.get_or_create_owned(&label);
            let timing = self.metrics.command_seconds.get_or_create_owned(&VerbLabel { verb });
            self.known.push((label, counter, timing));
            self.known.len() - 1
        });
        let (_, counter, timing) = &self.known[at];
        counter.inc();
        timing.observe(took);
    }
}

/// Counts open connections.
pub struct Connections(Gauge);

impl Connections {
    /// Counts one until the returned value is dropped.
    pub fn opened(&self) -> Opened {
        self.0.inc();
        Opened { gauge: self.0.clone() }
    }
}

/// An open connection in the gauge `namingo_connections`.
#[derive(Debug)]
pub struct Opened {
    gauge: Gauge,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// The content type of [`exposition`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything in `registry` in the Prometheus text format 0.0.4.
///
/// The client library writes OpenMetrics, where a counter's metadata stands under its name without `_total`; in the
/// older format the metadata must carry the name of the samples, or tools see an undocumented metric. The lines
/// `# UNIT` and `# EOF` have no meaning there and are left out.
///
/// # Errors
/// Only if a metric of `registry` can't be written as text.
pub fn exposition(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut open_metrics = String::new();
    text::encode(&mut open_metrics, registry)?;
    let mut out = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let counter = |of: &str| of.starts_with("# TYPE ") && of.ends_with(" counter");
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        } else if counter(line)
            || (line.starts_with("# HELP ") && lines.peek().is_some_and(|next| counter(next)))
        {
            push_with_total(&mut out, line);
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    Ok(out)
}

/// `# HELP name text` as `# HELP name_total text`.
fn push_with_total(out: &mut String, line: &str) {
    let name_end = line[7..].find(' ').map_or(line.len(), |at| at + 7);
    out.push_str(&line[..name_end]);
    out.push_str("_total");
    out.push_str(&line[name_end..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn sample() -> String {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.answers(Service::Whois, &["found"]).count("found", 1);
        let mut commands = metrics.commands();
        commands.count("create", 2302, Duration::from_millis(3));
        commands.count("create", 1000, Duration::from_millis(3));
        metrics.commands().count("create", 1000, Duration::from_millis(3));
        metrics.refusal("not_served");
        metrics.refused(Service::Epp);
        metrics.cut(Service::Peers, Cut::Handshake);
        let _open = metrics.connections(Service::Epp).opened();
        exposition(&registry).unwrap()
    }

    #[test]
    fn samples_and_their_metadata_share_a_name() {
        let text = sample();
        for line in [
            "# TYPE namingo_queries_total counter",
            r#"namingo_queries_total{service="whois",answer="found"} 1"#,
            r#"namingo_epp_commands_total{verb="create",code="1000"} 2"#,
            r#"namingo_epp_commands_total{verb="create",code="2302"} 1"#,
            r#"namingo_epp_command_seconds_count{verb="create"} 3"#,
            r#"namingo_epp_refusals_total{reason="not_served"} 1"#,
            "# TYPE namingo_epp_command_seconds histogram",
            r#"namingo_connections{service="epp"} 1"#,
            r#"namingo_connections_cut_total{service="peers",reason="handshake"} 1"#,
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
    }

    #[test]
    fn a_closed_connection_leaves_the_gauge() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        drop(metrics.connections(Service::Das).opened());
        assert!(exposition(&registry).unwrap().contains(r#"namingo_connections{service="das"} 0"#));
    }

    #[test]
    fn promtool_finds_nothing_to_complain_about() {
        let Ok(mut promtool) = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        else {
            println!("SKIPPED: promtool is not installed, so the metrics were not linted");
            return;
        };
        promtool.stdin.take().unwrap().write_all(sample().as_bytes()).unwrap();
        let verdict = promtool.wait_with_output().unwrap();
        let said = [verdict.stdout, verdict.stderr].concat();
        assert!(verdict.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}
