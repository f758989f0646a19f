//! What can go wrong inside storage. A `Fault` is never a refusal: whoever meets one stops the node
//! before it publishes or acknowledges anything more (the files on disk stay as the last sync left them).

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A failure of the disk, of a file's content, or of the code itself.
#[derive(Debug)]
pub enum Fault {
    /// The operating system refused a read, write, sync or rename; the text says what was attempted.
    Io(io::Error),
    /// Stored bytes do not mean what they should. `table` is empty where no table is concerned.
    Corrupt { table: &'static str, key: Vec<u8>, why: String },
    /// Code inside storage panicked; the text is the panic's message.
    Panicked(String),
    /// Another process holds the data directory.
    Locked { directory: PathBuf },
    /// The file was written by a version with another format.
    Format { file: String, found: String, expected: String },
    /// The caller broke a rule of this crate (for example an unlisted table).
    Misuse(String),
}

impl Fault {
    /// A decoding failure outside any table.
    pub(crate) fn corrupt(why: impl Into<String>) -> Fault {
        Fault::Corrupt { table: "", key: Vec::new(), why: why.into() }
    }

    /// An I/O failure with what was being done, keeping the error's kind.
    pub(crate) fn io(doing: &str, e: &io::Error) -> Fault {
        Fault::Io(io::Error::new(e.kind(), format!("{doing}: {e}")))
    }

    /// Adds the place to a decoding failure that does not know it yet.
    pub(crate) fn at(self, table: &'static str, key: &[u8]) -> Fault {
        match self {
            Fault::Corrupt { table: "", why, .. } => Fault::Corrupt { table, key: key.to_vec(), why },
            other => other,
        }
    }

    /// Turns the payload of a caught panic into a fault.
    pub fn panicked(payload: &(dyn std::any::Any + Send)) -> Fault {
        let text = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Fault::Panicked(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Io(e) => write!(f, "disk: {e}"),
            Fault::Corrupt { table: "", why, .. } => write!(f, "corrupt data: {why}"),
            Fault::Corrupt { table, key, why } => {
                write!(f, "corrupt data in table {table}, key {}: {why}", Hex(key))
            }
            Fault::Panicked(text) => write!(f, "storage panicked: {text}"),
            Fault::Locked { directory } => write!(
                f,
                "directory {} is locked by another process: stop that process or choose another directory",
                directory.display()
            ),
            Fault::Format { file, found, expected } => write!(
                f,
                "{file} has the format \"{found}\", this version reads \"{expected}\": use the version that \
                 wrote it, or start with an empty directory"
            ),
            Fault::Misuse(text) => write!(f, "storage misused: {text}"),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Fault::Io(e) => Some(e),
            _ => None,
        }
    }
}

impl From<redb::StorageError> for Fault {
    fn from(e: redb::StorageError) -> Fault {
        match e {
            redb::StorageError::Io(e) => Fault::Io(e),
            redb::StorageError::PreviousIo => {
                Fault::Io(io::Error::other("the file is closed after an earlier I/O error: restart the node"))
            }
            other => Fault::corrupt(other.to_string()),
        }
    }
}

/// Converts the other error types of redb, all of which wrap or resemble a `StorageError`.
macro_rules! from_redb {
    ($($t:ident),*) => { $(
        impl From<redb::$t> for Fault {
            fn from(e: redb::$t) -> Fault {
                match e {
                    redb::$t::Storage(e) => e.into(),
                    other => Fault::corrupt(other.to_string()),
                }
            }
        }
    )* };
}
from_redb!(TableError, TransactionError, CommitError, DatabaseError);

impl From<redb::SetDurabilityError> for Fault {
    fn from(e: redb::SetDurabilityError) -> Fault {
        Fault::corrupt(e.to_string())
    }
}

/// The first bytes of a key, printed in hexadecimal: enough to find the row, no more in a log line.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for b in self.0.iter().take(64) {
            write!(f, "{b:02x}")?;
        }
        if self.0.len() > 64 { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_added_once() {
        let f = Fault::corrupt("short").at("domain", b"\x01\xff").at("host", b"");
        assert_eq!(f.to_string(), "corrupt data in table domain, key 01ff: short");
    }

    #[test]
    fn io_keeps_its_kind_and_says_what_was_done() {
        let f = Fault::io("rename state.new", &io::Error::from(io::ErrorKind::StorageFull));
        let Fault::Io(e) = &f else { panic!("not an I/O fault") };
        assert_eq!(e.kind(), io::ErrorKind::StorageFull);
        assert!(f.to_string().contains("rename state.new"));
    }
}
