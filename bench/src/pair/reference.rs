//! A reference server as a process of its own.

use crate::{
    process::Processes,
    reference::{Kind, LISTENING},
};
use clap::ValueEnum;
use std::{
    env,
    error::Error,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// A server that ends when this is dropped.
pub struct Reference {
    child: Child,
    pub address: SocketAddr,
}

impl Reference {
    /// Starts one whose answers have so many octets.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(kind: Kind, bytes: usize) -> Result<Reference, Box<dyn Error>> {
        let kind = kind.to_possible_value().ok_or("a kind without a name")?;
        let mut child = Command::new(env::current_exe()?)
            .args(["reference", kind.get_name(), "--attached", "--bytes", &bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim_end().strip_prefix(LISTENING).and_then(|address| address.parse().ok());
        let address = address.ok_or("a reference server did not say where it listens")?;
        Ok(Reference { child, address })
    }

    pub fn processes(&self) -> Processes {
        Processes::of([self.child.id()])
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // both fail if it is gone, which is what is wanted
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
