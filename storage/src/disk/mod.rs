//! The seam to the disk: files by name in one directory. A real directory and a simulated one implement
//! it; nothing else in this crate opens a file.

mod backend;
mod dir;
mod sim;
mod space;

pub(crate) use backend::Backend;
pub use dir::DirDisk;
pub use sim::SimDisk;
pub use space::Space;
pub(crate) use space::is_full;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// One directory, held by this process alone for as long as the value lives.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file for reading and writing and makes it if it is missing. A new name is durable only
    /// after [`Disk::sync_dir`]. A file is open once: two databases over one file would destroy it.
    ///
    /// # Errors
    /// `ResourceBusy` if the file is open, `InvalidInput` if `name` is no plain file name, or what the
    /// operating system says.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Whether the name exists.
    ///
    /// # Errors
    /// What the operating system says.
    fn exists(&self, name: &str) -> io::Result<bool>;

    /// Removes a name; open handles go on working.
    ///
    /// # Errors
    /// `NotFound`, or what the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name, replacing what has it; open handles of both go on working.
    ///
    /// # Errors
    /// `NotFound`, or what the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes new names, removals and renames durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_dir(&self) -> io::Result<()>;

    /// All names, sorted.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;
}

/// An open file, read and written at positions. What is not synced may be lost in a crash.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Length in bytes.
    ///
    /// # Errors
    /// What the operating system says; so for all methods.
    fn size(&self) -> io::Result<u64>;
    /// Fills `out` from `offset`; an end of file before that is an error.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros.
    fn set_size(&self, size: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

fn busy(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, format!("{name} is open already: close what uses it first"))
}

/// # Errors
/// `InvalidInput` unless `name` is a plain file name: a disk never leaves its directory.
fn plain(name: &str) -> io::Result<&str> {
    let ok = !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if ok {
        return Ok(name);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("\"{name}\" is no plain file name")))
}
