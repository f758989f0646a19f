//! `namingo-admin`: the operator's command line. It asks a node through the `admin` crate and shows the answer as
//! aligned text or, with `--json`, as the node sent it; `cluster init` alone works without a node.
//!
//! One file per object holds its commands, their help and how their answers look. Not here: rules of the registry;
//! whatever is refused is refused by the node.

mod answer;
mod clock;
mod cluster;
mod domain;
mod journal;
mod keys;
mod nodes;
mod password;
mod registrar;
mod table;
mod target;
mod tld;

use answer::{Answer, Stop};
use clap::{Parser, Subcommand};
use std::{io::Write, process::ExitCode};
use target::Target;

/// Operate a Namingo registry.
///
/// Without options it talks to node 1 of `namingo-node dev` through the socket ./data/dev/node-1/admin.sock. Choose
/// another node of this machine with --node and --data-dir, and one elsewhere with --endpoint.
#[derive(Debug, Parser)]
#[command(
    name = "namingo-admin",
    version,
    max_term_width = 100,
    after_long_help = "Examples:\n  \
        namingo-admin cluster status\n  \
        namingo-admin tld create example --minimum-data\n  \
        namingo-admin registrar create alpha --name \"Alpha Ltd\"\n  \
        namingo-admin --endpoint https://192.0.2.1:7091 --admin-cert-dir admin tld list --json\n\n\
        Exit status:\n  \
        0  done\n  \
        1  refused, failed, or not found\n  \
        2  the command line is wrong\n  \
        3  the node can't be reached, or can't serve now (no leader): try again, or at another node"
)]
struct Cli {
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    target: Target,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The nodes: found a cluster, see its state, move its leader.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// A node's clock, after it jumped.
    #[command(subcommand)]
    Clock(clock::Command),
    /// Zones, and their reserved and blocked names.
    #[command(subcommand)]
    Tld(tld::Command),
    /// Registrars and their passwords.
    #[command(subcommand)]
    Registrar(registrar::Command),
    /// The sealing keys: back them up, replace them, retire old ones.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Domains.
    #[command(subcommand)]
    Domain(domain::Command),
    /// What became of a command whose answer was lost.
    Outcome(journal::Outcome),
    /// The last commands, the newest first.
    Journal(journal::Journal),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.json;
    match run(cli).await {
        Ok(answer) => {
            print(&if json { answer.json } else { answer.text });
            if answer.complete { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(stop) => {
            eprintln!("{}", if json { stop.json() } else { format!("namingo-admin: {stop}") });
            ExitCode::from(stop.status())
        }
    }
}

async fn run(cli: Cli) -> Result<Answer, Stop> {
    let target = &cli.target;
    match cli.command {
        Command::Cluster(command) => command.run(target).await,
        Command::Clock(command) => command.run(target).await,
        Command::Tld(command) => command.run(target).await,
        Command::Registrar(command) => command.run(target).await,
        Command::Keys(command) => command.run(target).await,
        Command::Domain(command) => command.run(target).await,
        Command::Outcome(command) => command.run(target).await,
        Command::Journal(command) => command.run(target).await,
    }
}

/// A reader that has seen enough (`| head`) is no error.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Every command that does something shows an example.
    #[test]
    fn a_stranger_finds_an_example_everywhere() {
        fn look(command: &clap::Command) {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let is_leaf = command.get_subcommands().next().is_none();
            assert!(!is_leaf || help.contains("namingo-admin "), "{} has no example", command.get_name());
            assert!(command.get_about().is_some(), "{} is not explained", command.get_name());
            command.get_subcommands().for_each(look);
        }
        Cli::command().debug_assert();
        look(&Cli::command());
    }
}
