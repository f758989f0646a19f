//! Measurements: load generators, servers with fixed answers to compare with, and commands that run both side by
//! side. Each prints a text table, or JSON with `--json`. Figures of one run can be compared with each other; those
//! of two machines, or of two days, can't.

mod catch_up;
mod commands;
mod dev;
mod disk;
mod drive;
mod etcd;
mod http;
mod latency;
mod load;
mod log;
mod names;
mod pair;
mod place;
mod process;
mod program;
mod reference;
mod registrars;
mod report;
mod seed;
mod start;
mod under_write;

use clap::{Parser, Subcommand};
use commands::Outcome;
use std::process::ExitCode;
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// The allocator of the product, so that its figures hold there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bench", about = "Measures the registry and parts of it", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Log puts with fsync, alone and beside a drain, for several log stores
    Log(log::Settings),
    /// EPP over many sessions
    Epp(commands::EppLoad),
    /// WHOIS, a connection for each query
    Whois(commands::PublicLoad),
    /// RDAP over kept connections
    Rdap(commands::PublicLoad),
    /// DAS over kept connections
    Das(commands::DasLoad),
    /// Puts into three members of etcd, which it starts
    Etcd(etcd::Settings),
    /// A server with fixed answers
    Reference(reference::Settings),
    /// Registers the names that the other commands ask for
    Seed(seed::Settings),
    /// Creates registrars beyond those of `namingo-node dev`
    Registrars(registrars::Settings),
    /// The registry beside what it is measured against, which it starts
    Pair(pair::Settings),
    /// Questions of the public, on an idle registry and while it applies creates
    UnderWrite(under_write::Settings),
    /// How long a start takes and how much disk a name
    Start(start::Settings),
    /// A follower that comes back by snapshot while creates go on
    CatchUp(catch_up::Settings),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Log(settings) => log::run(&settings),
        What::Epp(load) => alone(load.run()),
        What::Whois(load) => alone(load.whois()),
        What::Rdap(load) => alone(load.rdap()),
        What::Das(load) => alone(load.run()),
        What::Etcd(settings) => alone(settings.run()),
        What::Reference(settings) => with_all_cores(reference::run(settings)),
        What::Seed(settings) => alone(settings.run()),
        What::Registrars(settings) => settings.run(),
        What::Pair(settings) => alone(settings.run()),
        What::UnderWrite(settings) => alone(settings.run()),
        What::Start(settings) => alone(settings.run()),
        What::CatchUp(settings) => alone(settings.run()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Runs on this thread, so that the generator's own have the cores; an interrupt ends it in order, with the
/// processes that were started.
fn alone(work: impl Future<Output = Outcome>) -> Outcome {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(until_interrupted(work))
}

/// Runs as the product's servers do.
fn with_all_cores(work: impl Future<Output = Outcome>) -> Outcome {
    runtime::Builder::new_multi_thread().enable_all().build()?.block_on(until_interrupted(work))
}

async fn until_interrupted(work: impl Future<Output = Outcome>) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    }
}
