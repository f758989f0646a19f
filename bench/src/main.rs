//! Measurements. Each subcommand prints a text table, or JSON with `--json`. Figures of one run can be
//! compared with each other; those of two machines, or of two days, can't.

mod latency;
mod log;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The allocator of the product, so that its figures hold there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bench", about = "Measures parts of the registry", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Log puts with fsync, alone and beside a drain, for several log stores
    Log(log::Settings),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Log(settings) => log::run(&settings),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}
