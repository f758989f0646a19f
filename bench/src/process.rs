//! Processes as `/proc` shows them: their processor time, their children, who listens on a port.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Processes that are watched together.
#[derive(Clone, Debug, Default)]
pub struct Processes(BTreeSet<u32>);

impl Processes {
    pub fn of(ids: impl IntoIterator<Item = u32>) -> Processes {
        Processes(ids.into_iter().collect())
    }

    /// The process that asks.
    pub fn this() -> Processes {
        Processes::of([std::process::id()])
    }

    /// Those that listen on the given ports of this machine, and those beside them that were started from the same
    /// program by the same parent: the other nodes of a cluster.
    pub fn behind(addresses: &[SocketAddr]) -> Processes {
        let sockets: BTreeSet<PathBuf> = addresses
            .iter()
            .flat_map(|a| listening(a.port()))
            .map(|inode| PathBuf::from(format!("socket:[{inode}]")))
            .collect();
        let found: BTreeSet<u32> = all().filter(|id| holds_one_of(*id, &sockets)).collect();
        let kin: BTreeSet<_> = found.iter().filter_map(|id| Some((parent(*id)?, program(*id)?))).collect();
        let beside =
            all().filter(|id| parent(*id).zip(program(*id)).is_some_and(|origin| kin.contains(&origin)));
        Processes(beside.chain(found.iter().copied()).collect())
    }

    /// A process with its children.
    pub fn family(id: u32) -> Processes {
        Processes::of(children(id).chain([id]))
    }

    /// The most memory that one of them has held at a time, in bytes; 0 if there is none.
    pub fn peak_memory(&self) -> u64 {
        self.0.iter().filter_map(|id| peak_memory(*id)).max().unwrap_or(0)
    }

    /// User and system time of all of them so far; `None` if there is none, or one has ended.
    pub fn time(&self) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        let per_second = rustix::param::clock_ticks_per_second();
        let ticks = self.0.iter().map(|id| ticks(*id)).sum::<Option<u64>>()?;
        Some(Duration::from_secs_f64(ticks as f64 / per_second as f64))
    }
}

/// The process that listens on a port.
pub fn listener(port: u16) -> Option<u32> {
    let sockets =
        listening(port).into_iter().map(|inode| PathBuf::from(format!("socket:[{inode}]"))).collect();
    all().find(|id| holds_one_of(*id, &sockets))
}

/// The memory that a process holds now, in bytes; 0 if it is gone.
pub fn memory(id: u32) -> u64 {
    status(id, "VmRSS:").unwrap_or(0)
}

/// The most memory that a process has held at a time, in bytes.
fn peak_memory(id: u32) -> Option<u64> {
    status(id, "VmHWM:")
}

/// A size in `/proc/ID/status`, in bytes.
fn status(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// The processes that this one has started and that still run.
pub fn children(id: u32) -> impl Iterator<Item = u32> {
    all().filter(move |child| parent(*child) == Some(id))
}

/// Whether a process may still hold files and ports: its first thread can be gone while others are not.
pub fn holds_files(id: u32) -> bool {
    let count = |what: &str| fs::read_dir(format!("/proc/{id}/{what}")).map_or(0, Iterator::count);
    count("fd") > 0 || count("task") > 1
}

fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/ID/stat` from the third on; the second, the name, may hold spaces.
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn parent(id: u32) -> Option<u32> {
    stat(id)?.get(1)?.parse().ok()
}

fn program(id: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{id}/exe")).ok()
}

/// `utime` and `stime`, fields 14 and 15 of proc(5).
fn ticks(id: u32) -> Option<u64> {
    let stat = stat(id)?;
    let field = |n: usize| stat.get(n - 3)?.parse::<u64>().ok();
    Some(field(14)? + field(15)?)
}

/// Inodes of the sockets that listen on a port.
fn listening(port: u16) -> Vec<u64> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).filter_map(|line| inode(line, port)).collect()
}

/// The inode on a line of `/proc/net/tcp`, if it listens (state 0A) on the port.
fn inode(line: &str, port: u16) -> Option<u64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local) = fields.get(1)?.rsplit_once(':')?;
    let matches = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == "0A";
    if matches { fields.get(9)?.parse().ok() } else { None }
}

fn holds_one_of(id: u32, sockets: &BTreeSet<PathBuf>) -> bool {
    let files = fs::read_dir(Path::new("/proc").join(id.to_string()).join("fd"));
    let mut targets = files.into_iter().flatten().filter_map(|e| fs::read_link(e.ok()?.path()).ok());
    targets.any(|target| sockets.contains(&target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, time::Instant};

    #[test]
    fn who_listens_is_found_and_its_time_grows() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = Processes::behind(&[socket.local_addr().unwrap()]);
        assert!(found.0.contains(&std::process::id()), "{found:?}");
        let (before, begun) = (Processes::this().time().unwrap(), Instant::now());
        // works until it has worked for two ticks, however long other processes hold the core
        while Processes::this().time().unwrap() < before + Duration::from_millis(20) {
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
    }

    #[test]
    fn nobody_has_no_time() {
        assert_eq!(Processes::default().time(), None);
        assert_eq!(Processes::of([u32::MAX]).time(), None);
        assert_eq!(Processes::default().peak_memory(), 0);
        assert!(Processes::this().peak_memory() > 1 << 20);
    }

    #[test]
    fn a_line_of_the_table_is_read() {
        let line = "   0: 0100007F:1E14 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0";
        assert_eq!(inode(line, 7700), Some(4711));
        assert_eq!(inode(line, 7701), None);
        assert_eq!(inode(&line.replace(" 0A ", " 01 "), 7700), None);
    }

    #[test]
    fn a_child_belongs_to_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = children(std::process::id()).any(|id| id == child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
    }
}
