//! `dev`: a ready registry on loopback with demonstration data. One voter runs in this process; several run as the
//! processes that production would run, watched from here.

/// Tells the person at the terminal, who may have closed it.
macro_rules! say {
    ($($text:tt)*) => {
        let _ = writeln!(std::io::stdout(), $($text)*);
    };
}

mod children;
mod directory;

use crate::{Ended, jobs::REGISTRARS, node};
use cluster::ClusterFile;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub voters: u64,
    pub edges: u64,
    pub data_dir: PathBuf,
    pub port_offset: u16,
}

/// Prepares the directory and runs the registry until it is interrupted.
///
/// # Errors
/// A directory of another shape, a port in use, whatever ends a node.
pub fn run(shape: &Shape) -> Ended {
    let file = directory::prepare(shape)?;
    if shape.voters == 1 && shape.edges == 0 {
        announce(&file, shape, None);
        return node::run(&file.path, 1, node::Demo::InProcess);
    }
    let program = children::program()?;
    announce(&file, shape, Some(&program));
    children::watch(&file, &program)
}

fn announce(file: &ClusterFile, shape: &Shape, program: Option<&Path>) {
    say!("Namingo registry for development, data in {}", shape.data_dir.display());
    for (id, node) in &file.nodes {
        let services: Vec<String> =
            node.addresses.named().map(|(service, address)| format!("{service} {address}")).collect();
        say!("  node {id} ({}): {}", node.role, services.join(", "));
        if let Some(program) = program {
            say!("    {} run --config {} --id {id}", program.display(), file.path.display());
        }
    }
    let names: Vec<&str> = REGISTRARS.iter().map(|(handle, _)| *handle).collect();
    say!("Zones: .test (registrant, admin and tech required) and .example (no contacts)");
    say!("Registrars: {} with passwords NAME-secret", names.join(", "));
    let Some(first) = file.nodes.values().next() else { return };
    say!("Next, in another terminal:");
    let at = &first.addresses;
    if let Some(whois) = at.whois {
        say!("  whois -h {} -p {} example.test", whois.ip(), whois.port());
    }
    if let Some(rdap) = at.rdap {
        say!("  curl http://{rdap}/domain/example.test");
    }
    if let Some(epp) = at.epp {
        say!("  openssl s_client -quiet -connect {epp}     (EPP; frames carry a length, see README.md)");
    }
    say!("  cargo run --release -p namingo-admin -- --data-dir {} cluster status", shape.data_dir.display());
}
