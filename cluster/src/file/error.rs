//! What is wrong with a `cluster.toml`, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// `cluster.toml:12: node.2.epp: "127.0.0.1" is not an address with a port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    /// Counted from 1; absent where the fault is what the file lacks.
    line: Option<usize>,
    /// Dotted; empty where the fault is the file itself.
    key: String,
    why: String,
}

impl ConfigError {
    pub(crate) fn new(file: &Path, line: Option<usize>, key: &str, why: impl Into<String>) -> ConfigError {
        ConfigError { file: file.to_owned(), line, key: key.to_owned(), why: why.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for ConfigError {}
