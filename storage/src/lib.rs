//! Typed tables over memory and a file, the log, snapshots and the digest. It knows bytes, keys and
//! values, and nothing of domain names or of consensus.
//!
//! A write goes to memory (`Tx`), is published as a whole, and reaches the state file later by a drain; the
//! log, which is durable before anything is acknowledged, covers the time between. A read goes through
//! one immutable value (`View`) and never waits for a writer. redb and bincode are named in this crate
//! only, and no guard or transaction of redb leaves it.

mod base;
pub mod codec;
mod digest;
mod disk;
mod drain;
mod fault;
mod generation;
mod header;
mod import;
mod key;
mod layers;
mod log;
mod memo;
mod merge;
mod pace;
mod presence;
mod read;
mod snapshot;
mod store;
mod stream;
mod sync;
mod table;
mod tx;

pub use digest::{digest_of, verify_digest};
pub use disk::{DirDisk, Disk, DiskFile, SimDisk, Space};
pub use drain::Drained;
pub use fault::Fault;
pub use header::Header;
pub use import::Staged;
pub use key::{Key, KeyLike};
pub use layers::View;
pub use log::{CommitObserver, Done, Log, LogOptions, LogWriter, MetaKey};
pub use memo::Memo;
pub use presence::{Fingerprinted, Held, Loaded, Presence};
pub use read::Read;
pub use snapshot::{Snapshot, TransferError, Turn};
pub use store::{Monotonic, OnFault, Options, Pressure, Rest, Stats, Store};
pub use table::{Index, Kind, Meta, Record, Table};
pub use tx::Tx;
