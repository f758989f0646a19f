//! Registrars beyond the three of `dev`, made with `namingo-admin`.

use crate::{
    drive::epp::{Account, Accounts},
    program,
};
use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

#[derive(Debug, clap::Args)]
pub struct Settings {
    /// How many: bench-01, bench-02 and so on, with passwords NAME-secret
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(4..=99))]
    pub count: u16,
    /// The registry's data
    #[arg(long, default_value = "data/dev")]
    pub data_dir: PathBuf,
}

impl Settings {
    /// Creates them in a registry that runs.
    ///
    /// # Errors
    /// `namingo-admin` refuses.
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let accounts = Accounts { registrars: self.count }.list();
        let created = create_missing(&self.data_dir, &accounts)?;
        println!("{} registrars, {created} of them new", accounts.len());
        Ok(())
    }
}

/// The accounts that were asked for, made where `dev` has not made them.
///
/// # Errors
/// `namingo-admin` refuses.
pub fn ensure(wanted: &Accounts, data_dir: &Path) -> Result<Vec<Account>, Box<dyn Error>> {
    let accounts = wanted.list();
    create_missing(data_dir, &accounts)?;
    Ok(accounts)
}

/// Creates those that are missing; how many those were.
fn create_missing(data_dir: &Path, accounts: &[Account]) -> Result<usize, Box<dyn Error>> {
    let list = admin(data_dir, &["registrar", "list", "--json"], "")?;
    let list: serde_json::Value = serde_json::from_str(&list)?;
    let handles: Vec<&str> =
        list.as_array().into_iter().flatten().filter_map(|registrar| registrar["handle"].as_str()).collect();
    let missing = || accounts.iter().filter(|account| !handles.contains(&account.registrar.as_str()));
    for account in missing() {
        let name = format!("Registrar {}", account.registrar);
        let create = ["registrar", "create", &account.registrar, "--name", &name, "--password-stdin"];
        admin(data_dir, &create, &account.password)?;
    }
    Ok(missing().count())
}

/// Runs `namingo-admin`; what it printed.
fn admin(data_dir: &Path, arguments: &[&str], input: &str) -> Result<String, Box<dyn Error>> {
    let mut child = Command::new(program::ours("namingo-admin")?)
        .arg("--data-dir")
        .arg(data_dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("namingo-admin {}: {}", arguments.join(" "), said.trim()).into())
}
