//! The log: order, bounds, acknowledgement, crashes, failure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod segments;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use storage::{DirDisk, Disk, Done, Fault, Log, LogOptions, MetaKey, SimDisk};

fn bytes(s: &str) -> Arc<[u8]> {
    s.as_bytes().into()
}

fn entry(index: u64, s: &str) -> (u64, Arc<[u8]>) {
    (index, bytes(s))
}

fn ignore() -> Done {
    Box::new(|r| r.unwrap())
}

/// A completion whose outcome is found out otherwise.
fn unheard() -> Done {
    Box::new(|_| {})
}

/// Collects what completions say, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(&'static str, bool)>>>);

impl Heard {
    fn done(&self, what: &'static str) -> Done {
        let heard = self.0.clone();
        Box::new(move |r| heard.lock().unwrap().push((what, r.is_ok())))
    }

    fn all(&self) -> Vec<(&'static str, bool)> {
        self.0.lock().unwrap().clone()
    }
}

fn write_all(log: &Log) {
    while log.write_step() {}
}

fn texts(log: &Log, r: std::ops::Range<u64>) -> Vec<String> {
    log.read(r).unwrap().iter().map(|b| String::from_utf8(b.to_vec()).unwrap()).collect()
}

#[test]
fn an_entry_is_readable_at_once_and_acknowledged_after_the_sync() {
    let disk = SimDisk::new();
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    let heard = Heard::default();
    log.append(vec![entry(0, "a"), entry(1, "b")], heard.done("append"));
    assert_eq!(texts(&log, 0..9), ["a", "b"]);
    assert_eq!((log.synced(), heard.all().len(), log.has_work()), (None, 0, true));
    assert!(log.write_step());
    assert_eq!((log.synced(), heard.all(), log.has_work()), (Some(1), vec![("append", true)], false));
    assert!(!log.write_step());
    disk.crash();
    assert_eq!(texts(&Log::open(Arc::new(disk.clone())).unwrap(), 0..9), ["a", "b"]);
}

#[test]
fn completions_come_in_the_order_of_the_calls() {
    let log = Log::open(Arc::new(SimDisk::new())).unwrap();
    let heard = Heard::default();
    log.put_meta(MetaKey::Vote, bytes("v"), true, heard.done("vote"));
    log.append(vec![entry(3, "a"), entry(4, "b")], heard.done("append"));
    log.put_meta(MetaKey::Committed, bytes("c"), false, heard.done("committed"));
    log.truncate_after(Some(3), heard.done("truncate"));
    log.purge(3, bytes("id"), heard.done("purge"));
    assert_eq!(heard.all(), [("committed", true)], "the commit index never waits for the disk");
    write_all(&log);
    let rest: Vec<&str> = heard.all()[1..].iter().map(|(w, _)| *w).collect();
    assert_eq!(rest, ["vote", "append", "truncate", "purge"]);
    assert!(heard.all().iter().all(|(_, ok)| *ok));
}

#[test]
fn the_commit_index_rides_along_and_never_runs_ahead() {
    let disk = SimDisk::new();
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    log.put_meta(MetaKey::Committed, bytes("1"), false, ignore());
    log.put_meta(MetaKey::Committed, bytes("2"), false, ignore());
    assert!(!log.has_work() && !log.write_step(), "alone it is not worth a sync");
    assert_eq!(log.queued().0, 1, "of a run of them the newest is enough");
    assert_eq!(log.get_meta(MetaKey::Committed), Some(bytes("2")));
    log.append(vec![entry(0, "a")], ignore());
    write_all(&log);
    log.append(vec![entry(1, "b")], ignore());
    log.put_meta(MetaKey::Committed, bytes("3"), false, ignore());
    disk.crash();
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    assert_eq!(
        (log.get_meta(MetaKey::Committed), texts(&log, 0..9)),
        (Some(bytes("2")), vec!["a".to_owned()])
    );
    log.put_meta(MetaKey::Committed, bytes("4"), false, ignore());
    log.flush().unwrap();
    disk.crash();
    assert_eq!(Log::open(Arc::new(disk.clone())).unwrap().get_meta(MetaKey::Committed), Some(bytes("4")));
}

#[test]
fn gaps_and_purged_indexes_are_refused() {
    let log = Log::open(Arc::new(SimDisk::new())).unwrap();
    let heard = Heard::default();
    log.append(vec![entry(7, "any index begins an empty log")], heard.done("first"));
    log.append(vec![entry(9, "gap")], heard.done("gap"));
    log.append(vec![entry(7, "again")], heard.done("again"));
    log.append(vec![entry(8, "next"), entry(8, "twice")], heard.done("twice"));
    log.append(Vec::new(), heard.done("nothing"));
    assert_eq!(heard.all(), [("gap", false), ("again", false), ("twice", false)]);
    write_all(&log);
    assert_eq!(heard.all()[3..], [("first", true), ("nothing", true)]);
    log.purge(20, bytes("p"), ignore());
    log.append(vec![entry(20, "purged")], heard.done("purged"));
    assert_eq!(heard.all().last(), Some(&("purged", false)));
    log.append(vec![entry(22, "an empty log takes any index")], heard.done("after"));
    write_all(&log);
    assert_eq!(log.synced(), Some(22));
}

#[test]
fn bounds_tell_the_purge_and_the_last_entry() {
    let disk = SimDisk::new();
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    assert_eq!(log.bounds().unwrap(), (None, None));
    log.append((0..10).map(|i| entry(i, &i.to_string())).collect(), ignore());
    log.purge(4, bytes("four"), ignore());
    log.purge(2, bytes("an older purge changes nothing"), ignore());
    assert_eq!(log.bounds().unwrap(), (Some(bytes("four")), Some(entry(9, "9"))));
    write_all(&log);
    drop(log);
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    assert_eq!(
        log.bounds().unwrap(),
        (Some(bytes("four")), Some(entry(9, "9"))),
        "the last entry from the file"
    );
    log.purge(30, bytes("thirty"), ignore());
    write_all(&log);
    let check = |log: &Log| {
        assert_eq!(log.bounds().unwrap(), (Some(bytes("thirty")), None));
        assert_eq!((log.synced(), texts(log, 0..99).len()), (Some(30), 0));
    };
    check(&log);
    drop(log);
    check(&Log::open(Arc::new(disk.clone())).unwrap());
}

#[test]
fn a_small_tail_reads_older_entries_from_the_file() {
    let disk = SimDisk::new();
    let options = LogOptions { tail_bytes: 10, ..LogOptions::default() };
    let log = Log::open_with(Arc::new(disk.clone()), options).unwrap();
    for i in 0..50 {
        log.append(vec![entry(i, &format!("{i:04}"))], ignore());
        if i % 7 == 0 {
            log.write_step();
        }
        assert_eq!(texts(&log, 0..99).len() as u64, i + 1);
    }
    let all: Vec<String> = (0..50).map(|i| format!("{i:04}")).collect();
    assert_eq!(texts(&log, 0..50), all);
    assert_eq!(texts(&log, 10..45), all[10..45]);
    log.truncate_after(Some(20), ignore());
    assert_eq!(texts(&log, 0..50), all[..21], "an eviction is no obstacle to a truncation");
    log.append(vec![entry(21, "new")], ignore());
    assert_eq!(
        (texts(&log, 19..50), log.synced()),
        (vec!["0019".into(), "0020".into(), "new".into()], Some(20))
    );
    write_all(&log);
    disk.crash();
    assert_eq!(texts(&Log::open(Arc::new(disk.clone())).unwrap(), 20..50), ["0020", "new"]);
}

#[test]
fn a_truncation_during_a_commit_is_not_called_durable() {
    let disk = SimDisk::new();
    let log: Arc<std::sync::OnceLock<Arc<Log>>> = Arc::default();
    let inner = log.clone();
    let once = AtomicUsize::new(0);
    let on_commit = move |_| {
        let log = inner.get().unwrap();
        if once.fetch_add(1, Ordering::Relaxed) == 0 {
            log.truncate_after(Some(1), ignore());
            log.append(vec![entry(2, "new")], ignore());
        }
    };
    let options = LogOptions { tail_bytes: 0, on_commit: Some(Arc::new(on_commit)), ..LogOptions::default() };
    assert!(log.set(Arc::new(Log::open_with(Arc::new(disk.clone()), options).unwrap())).is_ok());
    let log = log.get().unwrap();
    log.append((0..4).map(|i| entry(i, "old")).collect(), ignore());
    assert!(log.write_step());
    assert_eq!(log.synced(), Some(1), "indexes 2 and 3 in the file are of another branch");
    assert_eq!(texts(log, 0..9), ["old", "old", "new"]);
    write_all(log);
    assert_eq!(
        (log.synced(), texts(log, 0..9)),
        (Some(2), vec!["old".into(), "old".into(), "new".to_owned()])
    );
}

#[test]
fn a_failed_sync_fails_everything_after_it() {
    let disk = SimDisk::new();
    let log = Log::open(Arc::new(disk.clone())).unwrap();
    let heard = Heard::default();
    log.append(vec![entry(0, "kept")], heard.done("kept"));
    write_all(&log);
    disk.fail_syncs_after(0);
    log.append(vec![entry(1, "lost")], heard.done("lost"));
    assert!(log.write_step());
    disk.heal();
    log.append(vec![entry(2, "late")], heard.done("late"));
    log.put_meta(MetaKey::Vote, bytes("v"), true, heard.done("vote"));
    log.put_meta(MetaKey::Committed, bytes("c"), false, heard.done("committed"));
    assert_eq!(
        heard.all(),
        [("kept", true), ("lost", false), ("late", false), ("vote", false), ("committed", false)]
    );
    assert_eq!(log.synced(), Some(0));
    let e = log.read(0..1).unwrap_err().to_string();
    assert!(e.contains("restarted") && e.contains("planned sync failure"), "{e}");
    assert!(log.bounds().is_err() && log.flush().is_err() && !log.has_work());
    disk.crash();
    assert_eq!(texts(&Log::open(Arc::new(disk.clone())).unwrap(), 0..9), ["kept"]);
}

#[test]
fn a_stalled_disk_refuses_appends_at_the_limit() {
    let options = LogOptions { queue_bytes: 1_000, ..LogOptions::default() };
    let log = Log::open_with(Arc::new(SimDisk::new()), options).unwrap();
    let refused = Arc::new(AtomicUsize::new(0));
    for i in 0..20 {
        let refused = refused.clone();
        let note = move |r: io::Result<()>| {
            refused.fetch_add(usize::from(r.is_err()), Ordering::Relaxed);
        };
        log.append(vec![entry(i, "0123456789")], Box::new(note));
    }
    assert!(refused.load(Ordering::Relaxed) > 0);
    assert!(log.queued().1 <= 1_000);
    write_all(&log);
    assert_eq!(log.queued(), (0, 0));
}

#[test]
fn the_writer_thread_acknowledges_and_stops_with_nothing_left() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(DirDisk::open(dir.path()).unwrap());
    {
        let commits = Arc::new(AtomicUsize::new(0));
        let count = commits.clone();
        let on_commit = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let options = LogOptions { on_commit: Some(Arc::new(on_commit)), ..LogOptions::default() };
        let log = Arc::new(Log::open_with(disk.clone(), options).unwrap());
        let writer = log.spawn_writer().unwrap();
        let (tx, rx) = mpsc::channel();
        for i in 0..100 {
            let tx = tx.clone();
            log.append(vec![entry(i, "x")], Box::new(move |r| tx.send((i, r.is_ok())).unwrap()));
        }
        let acknowledged: Vec<(u64, bool)> = rx.iter().take(100).collect();
        assert_eq!(acknowledged, (0..100).map(|i| (i, true)).collect::<Vec<_>>());
        log.put_meta(MetaKey::Committed, bytes("last"), false, ignore());
        writer.stop().unwrap();
        assert!(commits.load(Ordering::Relaxed) > 0);
        log.append(vec![entry(100, "after the stop")], ignore());
        assert!(log.wait(Duration::ZERO) && log.write_step());
    }
    let log = Log::open(disk).unwrap();
    assert_eq!(log.get_meta(MetaKey::Committed), Some(bytes("last")));
    assert_eq!(texts(&log, 0..999).len(), 101);
}

#[test]
fn a_completion_that_panics_fails_the_log() {
    let log = Arc::new(Log::open(Arc::new(SimDisk::new())).unwrap());
    let writer = log.spawn_writer().unwrap();
    log.append(vec![entry(0, "x")], Box::new(|_| panic!("in a completion")));
    while log.read(0..1).is_ok() {
        std::thread::yield_now();
    }
    let (tx, rx) = mpsc::channel();
    log.append(vec![entry(1, "y")], Box::new(move |r| tx.send(r.is_err()).unwrap()));
    assert_eq!(rx.recv(), Ok(true));
    assert!(writer.stop().is_err());
}

#[test]
fn another_format_is_refused() {
    let disk = SimDisk::new();
    disk.open("log.redb").unwrap();
    let e = Log::open(Arc::new(disk.clone())).map(|_| ()).unwrap_err();
    assert!(matches!(e, Fault::Format { .. }), "{e}");
    assert_eq!(disk.list().unwrap(), ["log.redb"], "nothing was begun beside it");
}
