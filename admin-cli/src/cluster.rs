//! `namingo-admin cluster …`

use crate::{
    answer::{Answer, Stop},
    nodes,
    table::{columns, or_dash},
    target::Target,
};
use admin::wire::{
    ClusterQuery, ClusterStatus, DigestQuery, DigestReport, LeaderTransfer, Member, MemberDigest,
};
use clap::Subcommand;
use cluster::ClusterFile;
use serde::Serialize;
use std::{collections::BTreeSet, fmt::Write, path::PathBuf};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the certificates, keys and node directories of a new cluster (works without a node).
    ///
    /// Reads cluster.toml and writes, below its data_dir: ca/ (the authority), admin/ (the administrator's
    /// certificate) and node-N/ for every [node.N]. Nothing that exists is overwritten.
    #[command(after_long_help = "Example:\n  namingo-admin cluster init --config cluster.toml")]
    Init {
        /// The cluster's file
        #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
        config: PathBuf,
    },
    /// Who belongs to the cluster, who leads it, and how far each node is.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin cluster status\n  \
        namingo-admin --data-dir data/cluster --node 2 cluster status --json\n  \
        namingo-admin cluster status --digest")]
    Status {
        /// Compare the digests of all members' states instead; a member that differs is withdrawn
        #[arg(long)]
        digest: bool,
        /// With --digest: every member hashes all its rows again (seconds for each million)
        #[arg(long, requires = "digest")]
        recompute: bool,
    },
    /// Hand leadership to another voter, for example before its machine is stopped.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin cluster transfer-leader\n  \
        namingo-admin cluster transfer-leader 2")]
    TransferLeader {
        /// The voter that shall lead [default: the one that is furthest]
        #[arg(value_name = "N", conflicts_with = "to")]
        voter: Option<u64>,
        /// The same as an option
        #[arg(long, value_name = "N")]
        to: Option<u64>,
    },
    /// Add a node: its number from the cluster, its directory and its section in cluster.toml.
    ///
    /// Works where the authority is, data_dir/ca. A voter or standby also gets the sealing keys. Copy the directory to
    /// its machine and start it; it joins by itself, and a voter votes once it has caught up.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin cluster add-node --config cluster.toml --role voter \\\n    \
        --raft 192.0.2.4:7001 --admin 192.0.2.4:7091 --epp 0.0.0.0:700\n  \
        namingo-admin --endpoint https://192.0.2.1:7091 cluster add-node --role edge \\\n    \
        --raft 198.51.100.7:7001 --admin 198.51.100.7:7091 --whois 0.0.0.0:43")]
    AddNode(Box<nodes::Add>),
    /// Remove a node for ever, for example one that lost its disk.
    ///
    /// Its number is never used again, and its certificate opens nothing any more. A node that runs ends by itself.
    /// Ask any other node; a leader must hand over first.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin cluster remove-node 4\n  \
        namingo-admin --node 1 cluster remove-node 2 --yes")]
    RemoveNode(nodes::Remove),
}

/// What `cluster init` made, for programs.
#[derive(Serialize)]
struct Made<'a> {
    cluster_id: &'a str,
    data_dir: &'a PathBuf,
    nodes: &'a [u64],
    written: &'a [PathBuf],
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        match self {
            Command::Init { config } => init(&config),
            Command::Status { digest: true, recompute } => {
                let report = target.client()?.call(&DigestQuery { recompute }).await?;
                let sound = !is_undecided(&report) && report.members.iter().all(|m| !m.differs);
                Ok(Answer::new(&report, digests(&report))?.complete(sound))
            }
            Command::Status { .. } => {
                let status = target.client()?.call(&ClusterQuery {}).await?;
                Answer::new(&status, text(&status))
            }
            Command::AddNode(add) => add.run(target).await,
            Command::RemoveNode(remove) => remove.run(target).await,
            Command::TransferLeader { voter, to } => {
                let new = target.client()?.call(&LeaderTransfer { to: voter.or(to) }).await?;
                Answer::new(&new, format!("node {} leads", new.leader))
            }
        }
    }
}

fn init(config: &std::path::Path) -> Result<Answer, Stop> {
    let file = ClusterFile::load(config).map_err(|e| Stop::Failed(e.to_string()))?;
    let made = cluster::init(&file).map_err(|e| Stop::Failed(e.to_string()))?;
    let json = Made {
        cluster_id: &made.cluster_id,
        data_dir: &made.data_dir,
        nodes: &made.nodes,
        written: &made.written,
    };
    Answer::new(&json, made.to_string())
}

fn digests(report: &DigestReport) -> String {
    let mut out = format!("digests after entry {}:\n\n", report.index);
    let rows: Vec<_> = report.members.iter().map(|member| digest_row(report, member)).collect();
    out.push_str(&columns(["NODE", "DIGEST", "VERDICT", "REMARK"], &rows));
    if is_undecided(report) {
        out.push_str(
            "\nUNDECIDED: the digests differ, and no majority of the voters has one; nobody is withdrawn\n",
        );
    }
    out
}

/// Whether members have different digests, and no majority tells which is right.
fn is_undecided(report: &DigestReport) -> bool {
    let known: BTreeSet<&String> = report.members.iter().filter_map(|m| m.digest.as_ref()).collect();
    report.majority.is_none() && known.len() > 1
}

fn digest_row(report: &DigestReport, member: &MemberDigest) -> [String; 4] {
    let verdict = match (&member.digest, member.differs) {
        (_, true) => "DIFFERS, withdrawn",
        (Some(_), false) if is_undecided(report) => "UNDECIDED",
        (Some(_), false) if member.digest == report.majority => "equal",
        (Some(_), false) => "no majority",
        (None, false) => "not known",
    };
    [
        member.id.to_string(),
        member.digest.clone().unwrap_or_else(|| "-".into()),
        verdict.to_owned(),
        member.remark.clone().unwrap_or_default(),
    ]
}

fn text(status: &ClusterStatus) -> String {
    let leader = match status.leader {
        Some(id) => format!("node {id} leads"),
        None => "nobody leads".to_owned(),
    };
    let mut out = format!(
        "cluster {} ({}): {leader} in term {}; seen by node {}\n\n",
        status.cluster_name, status.cluster_id, status.term, status.node
    );
    let rows: Vec<_> = status.members.iter().map(|member| row(status, member)).collect();
    let heading = ["NODE", "ROLE", "ANSWERS", "STATE TIME", "MATCHED", "COMMITTED", "APPLIED", "DRAINED"];
    out.push_str(&columns(heading, &rows));
    out.push('\n');
    for member in &status.members {
        let addresses: Vec<_> = member.addresses.iter().map(|(name, at)| format!("{name} {at}")).collect();
        // Writing into a String can't fail.
        let _ = writeln!(out, "node {}: {}", member.id, addresses.join(", "));
    }
    for member in
        status.members.iter().filter(|m| m.clock.as_deref().is_some_and(|c| !c.starts_with("agrees")))
    {
        let _ =
            writeln!(out, "node {}: its clock: {}", member.id, member.clock.as_deref().unwrap_or_default());
    }
    for member in status.members.iter().filter(|m| m.disk_full) {
        let _ = writeln!(
            out,
            "node {}: its disk is full: it acknowledges nothing until there is room, and needs no restart then",
            member.id
        );
    }
    out
}

fn row(status: &ClusterStatus, member: &Member) -> [String; 8] {
    let leads = if status.leader == Some(member.id) { "*" } else { "" };
    [
        format!("{}{leads}", member.id),
        member.role.clone(),
        if member.reachable { "yes" } else { "no" }.to_owned(),
        or_dash(member.state_time),
        or_dash(member.matched),
        or_dash(member.committed),
        or_dash(member.applied),
        or_dash(member.drained),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(majority: Option<&str>, digests: &[(u64, Option<&str>, bool)]) -> DigestReport {
        let member = |(id, digest, differs): &(u64, Option<&str>, bool)| MemberDigest {
            id: *id,
            digest: digest.map(Into::into),
            differs: *differs,
            remark: None,
        };
        let members = digests.iter().map(member).collect();
        DigestReport { index: 7, majority: majority.map(Into::into), members }
    }

    fn verdicts(report: &DigestReport) -> Vec<String> {
        report.members.iter().map(|member| digest_row(report, member)[2].clone()).collect()
    }

    #[test]
    fn equal_is_only_who_has_the_digest_of_a_majority() {
        let sound = report(Some("aa"), &[(1, Some("aa"), false), (2, Some("bb"), true), (3, None, false)]);
        assert_eq!(verdicts(&sound), ["equal", "DIFFERS, withdrawn", "not known"]);
        let torn = report(None, &[(1, Some("aa"), false), (2, Some("bb"), false), (3, None, false)]);
        assert!(is_undecided(&torn) && digests(&torn).contains("nobody is withdrawn"));
        assert_eq!(verdicts(&torn), ["UNDECIDED", "UNDECIDED", "not known"]);
        let alone = report(None, &[(1, Some("aa"), false), (2, None, false), (3, None, false)]);
        assert!(!is_undecided(&alone));
        assert_eq!(verdicts(&alone), ["no majority", "not known", "not known"]);
    }
}
