//! Measurements: load generators, servers with fixed answers to compare with, and commands that run both side by
//! side. Each prints a text table, or JSON with `--json`. Figures of one run can be compared with each other; those
//! of two machines, or of two days, can't.

mod commands;
mod drive;
mod http;
mod latency;
mod load;
mod log;
mod names;
mod place;
mod process;
mod report;

use clap::{Parser, Subcommand};
use std::{error::Error, process::ExitCode};
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
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Log(settings) => log::run(&settings),
        What::Epp(load) => alone(load.run()),
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
fn alone(work: impl Future<Output = Result<(), Box<dyn Error>>>) -> Result<(), Box<dyn Error>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            done = work => done,
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    })
}
