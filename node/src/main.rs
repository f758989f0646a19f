//! `namingo-node`: one node of the registry, in one process. It joins storage, consensus and protocol servers, and
//! runs the jobs that belong to the leader.
//!
//! Not here: rules of the registry, wire formats, consensus; see `docs/ARCHITECTURE.md`.

mod control;
mod data;
mod dev;
mod failure;
mod jobs;
mod keys;
mod logging;
mod metrics;
mod node;
mod process;
mod reload;
mod servers;
mod status_http;
mod stop;
mod withdrawal;

use clap::{Args, Parser, Subcommand};
use failure::Failure;
use std::{path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A node of a domain name registry: EPP, WHOIS, RDAP and DAS over replicated storage.
#[derive(Parser)]
#[command(
    name = "namingo-node",
    version,
    after_help = "Log detail: set RUST_LOG, for example RUST_LOG=debug."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a registry on this machine with demonstration data, to try things out.
    ///
    /// Listens on loopback: EPP 7700, WHOIS 7043, DAS 7044, RDAP 7080, metrics 7090, administration 7091,
    /// peers 7001; a second node on these plus 100, a third plus 200, edges from plus 300 on.
    /// A second start finds the data of the first.
    #[command(verbatim_doc_comment)]
    Dev(DevArgs),
    /// Run one node of a cluster that `namingo-admin cluster init` has prepared.
    ///
    /// Example: namingo-node run --config cluster.toml --id 1
    Run(RunArgs),
}

#[derive(Args)]
struct DevArgs {
    /// Voters, each a process of its own: 1, 3 or 5.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = odd)]
    nodes: u64,
    /// Edges beside them: they answer WHOIS, RDAP and DAS, and hold no keys.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=5))]
    edges: u64,
    /// Where the data lies.
    #[arg(long, value_name = "DIR", default_value = "data/dev")]
    data_dir: PathBuf,
    /// Added to every port.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port_offset: u16,
}

#[derive(Args)]
struct RunArgs {
    /// The cluster's configuration.
    #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
    config: PathBuf,
    /// Which [node.N] section this node is.
    #[arg(long, value_name = "N")]
    id: u64,
}

fn odd(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(n @ (1 | 3 | 5)) => Ok(n),
        _ => Err("a cluster has 1, 3 or 5 voters: an even number survives no more failures".into()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start();
    install_panic_hook();
    rustls::crypto::ring::default_provider().install_default().ok();
    let ended = match cli.command {
        Command::Dev(args) => dev::run(&dev::Shape {
            voters: args.nodes,
            edges: args.edges,
            data_dir: args.data_dir,
            port_offset: args.port_offset,
        }),
        Command::Run(args) => node::run(&args.config, args.id, node::Demo::from_environment()),
    };
    logging::end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("namingo-node: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A panic ends the process: a thread of consensus or storage that is silently gone is worse than a node that is
/// restarted. Two kinds are left to those that wait for them: panics inside a verb, which `registry::apply` answers as
/// an internal error of that command alone, and panics on the threads that serve, where a connection or, as
/// `node::live` watches over them, a job ends with its task.
fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        let serves = std::thread::current().name() == Some(node::SERVE_THREAD);
        if !serves && !registry::apply::inside_verb() {
            logging::end();
            std::process::abort();
        }
    }));
}

/// The result of everything that ends the process.
type Ended = Result<(), Failure>;
