//! The log: order, bounds, acknowledgement, crashes, failure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::BTreeMap;
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

/// A segment that holds about `bytes`.
fn segments(disk: &SimDisk, segment_bytes: u64) -> Log {
    let options = LogOptions { segment_bytes, tail_bytes: 0, ..LogOptions::default() };
    Log::open_with(Arc::new(disk.clone()), options).unwrap()
}

/// Appends an entry of about a sector for each index, each in a write of its own.
fn write_each(log: &Log, indexes: std::ops::Range<u64>) {
    for i in indexes {
        log.append(vec![entry(i, &format!("{i:0400}"))], ignore());
        write_all(log);
    }
}

fn numbers(log: &Log, r: std::ops::Range<u64>) -> Vec<u64> {
    texts(log, r).iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_purge_gives_segments_back_and_they_are_written_over() {
    let disk = SimDisk::new();
    let log = segments(&disk, 8 << 10);
    write_each(&log, 0..200);
    let full = disk.list().unwrap();
    assert!(full.len() > 10, "{full:?}");
    log.purge(189, bytes("p"), ignore());
    write_all(&log);
    let kept = disk.list().unwrap();
    assert!(kept.len() < full.len() / 2 && kept.iter().all(|name| full.contains(name)), "{kept:?}");
    write_each(&log, 200..220);
    assert_eq!(disk.list().unwrap(), kept, "no file was made");
    assert_eq!(numbers(&log, 0..999), (190..220).collect::<Vec<_>>());
    disk.crash();
    let log = segments(&disk, 8 << 10);
    assert_eq!(numbers(&log, 0..999), (190..220).collect::<Vec<_>>());
    assert_eq!(log.bounds().unwrap().0, Some(bytes("p")));
}

#[test]
fn a_reader_keeps_the_segment_that_a_purge_gives_back() {
    let disk = SimDisk::new();
    let log = Arc::new(segments(&disk, 2 << 10));
    write_each(&log, 0..40);
    let reading = log.clone();
    let reader = std::thread::spawn(move || {
        (0..2_000).for_each(|_| {
            let found = numbers(&reading, 0..9_999);
            assert!(found.windows(2).all(|w| w[0] + 1 == w[1]), "{found:?}");
        });
    });
    let mut next = 40;
    while !reader.is_finished() {
        write_each(&log, next..next + 10);
        next += 10;
        log.purge(next - 20, bytes("p"), ignore());
        write_all(&log);
    }
    reader.join().unwrap();
}

#[test]
fn a_truncation_reaches_into_earlier_segments() {
    let disk = SimDisk::new();
    let log = segments(&disk, 2 << 10);
    write_each(&log, 0..30);
    log.truncate_after(Some(9), ignore());
    write_each(&log, 10..12);
    let wanted: Vec<u64> = (0..12).collect();
    assert_eq!(numbers(&log, 0..99), wanted);
    drop(log);
    let log = segments(&disk, 2 << 10);
    assert_eq!((numbers(&log, 0..99), log.synced()), (wanted.clone(), Some(11)));
    write_each(&log, 12..30);
    log.purge(5, bytes("p"), ignore());
    write_all(&log);
    drop(log);
    assert_eq!(numbers(&segments(&disk, 2 << 10), 0..99), (6..30).collect::<Vec<_>>());
}

/// Changes an octet of a file, so that a crash does not bring it back.
fn damage(disk: &SimDisk, name: &str, at: u64) {
    let file = disk.open(name).unwrap();
    let mut octet = [0];
    file.read(at, &mut octet).unwrap();
    file.write(at, &[octet[0] ^ 1]).unwrap();
    file.sync().unwrap();
}

fn refusal(disk: &SimDisk) -> String {
    let opened = Log::open(Arc::new(disk.clone()));
    match opened.map(|_| ()) {
        Err(e @ Fault::Corrupt { .. }) => e.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_acknowledged_and_is_damaged_is_told() {
    let disk = SimDisk::new();
    let log = segments(&disk, 8 << 10);
    write_each(&log, 0..40);
    drop(log);
    let names = disk.list().unwrap();
    let (first, last) = (names[0].as_str(), names[names.len() - 1].as_str());
    // in the last segment: something sound follows
    damage(&disk, last, 1_200);
    let e = refusal(&disk);
    assert!(e.contains(last) && e.contains("octet 1024"), "{e}");
    damage(&disk, last, 1_200);
    // its beginning
    damage(&disk, last, 40);
    let e = refusal(&disk);
    assert!(e.contains("beginning of ") && e.contains(last), "{e}");
    damage(&disk, last, 40);
    // in a full one: when it is read
    damage(&disk, first, 1_200);
    let log = segments(&disk, 8 << 10);
    assert_eq!(numbers(&log, 35..40).len(), 5);
    let e = log.read(0..1).unwrap_err().to_string();
    assert!(e.contains(first) && e.contains("octet 1024"), "{e}");
    drop(log);
    damage(&disk, first, 1_200);
    assert_eq!(numbers(&segments(&disk, 8 << 10), 0..99).len(), 40);
}

#[test]
fn a_segment_that_is_missing_is_told() {
    for gone in [0, 1, 5] {
        for how in ["removed", "emptied"] {
            let disk = SimDisk::new();
            write_each(&segments(&disk, 2 << 10), 0..20);
            let names = disk.list().unwrap();
            assert_eq!(names.len(), 6);
            match how {
                "removed" => disk.remove(&names[gone]).unwrap(),
                _ => disk.open(&names[gone]).unwrap().set_size(0).unwrap(),
            }
            let e = refusal(&disk);
            assert!(e.contains(&format!("segment {} is missing", gone + 1)), "{e}");
        }
    }
    let disk = SimDisk::new();
    let log = segments(&disk, 2 << 10);
    write_each(&log, 0..20);
    log.purge(18, bytes("p"), ignore());
    write_all(&log);
    drop(log);
    assert_eq!(numbers(&segments(&disk, 2 << 10), 0..99), [19]);
}

#[test]
fn what_a_killed_process_left_is_durable_when_it_is_seen() {
    for segment_bytes in [1, 1 << 20] {
        let disk = SimDisk::new();
        let log = segments(&disk, segment_bytes);
        write_each(&log, 0..2);
        disk.fail_syncs_after(0);
        log.append(vec![entry(2, "2")], unheard());
        assert!(log.write_step() && log.read(0..9).is_err());
        drop(log);
        disk.heal();
        let seen = numbers(&segments(&disk, segment_bytes), 0..9);
        assert_eq!(seen, [0, 1, 2], "the write is in the memory of the system");
        disk.crash();
        assert_eq!(numbers(&segments(&disk, segment_bytes), 0..9), seen);
    }
}

#[test]
fn a_copy_beside_the_log_is_told_or_left_alone() {
    let disk = SimDisk::new();
    write_each(&segments(&disk, 1 << 20), 0..3);
    let copy = |to: &str| {
        let from = disk.open("log-000").unwrap();
        let mut octets = vec![0; usize::try_from(from.size().unwrap()).unwrap()];
        from.read(0, &mut octets).unwrap();
        disk.open(to).unwrap().write(0, &octets).unwrap();
    };
    copy("log-000.bak");
    write_each(&segments(&disk, 1 << 20), 3..5);
    assert_eq!(numbers(&segments(&disk, 1 << 20), 0..9), [0, 1, 2, 3, 4]);
    copy("log-007");
    let e = refusal(&disk);
    assert!(e.contains("log-000 and log-007") && e.contains("segment 1"), "{e}");
    disk.remove("log-007").unwrap();
    assert_eq!(numbers(&segments(&disk, 1 << 20), 0..9), [0, 1, 2, 3, 4]);
}

#[test]
fn what_a_segment_held_before_is_never_taken_for_what_it_holds_now() {
    let disk = SimDisk::new();
    let purge = |log: &Log, upto| {
        log.purge(upto, bytes("p"), ignore());
        write_all(log);
    };
    // frames of one sector: where the next one would stand there is an old one
    let log = segments(&disk, 16 << 10);
    write_each(&log, 0..200);
    purge(&log, 195);
    drop(log);
    for next in 200..400 {
        let log = segments(&disk, 16 << 10);
        write_each(&log, next..next + 1);
        if next % 40 == 0 {
            purge(&log, next - 5);
        }
        drop(log);
        let (last, _) = segments(&disk, 16 << 10).bounds().unwrap().1.unwrap();
        assert_eq!(last, next);
    }
}

#[test]
fn an_entry_that_is_damaged_is_never_given_out() {
    let disk = SimDisk::new();
    let log = segments(&disk, 4 << 10);
    write_each(&log, 0..20);
    drop(log);
    // read once, so that its places are known, and then damaged under the open log
    let lying = Arc::new(Beneath(disk.clone()));
    let options = LogOptions { segment_bytes: 4 << 10, tail_bytes: 0, ..LogOptions::default() };
    let log = Log::open_with(lying, options).unwrap();
    assert_eq!(numbers(&log, 0..20).len(), 20);
    damage(&disk, "log-000", 700);
    let e = log.read(0..1).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidData, "{e}");
    assert!(e.to_string().contains("log-000"), "{e}");
    assert_eq!(numbers(&log, 1..20).len(), 19, "others are");
}

/// A disk that lets a file be opened beside its user.
#[derive(Debug)]
struct Beneath(SimDisk);

/// Opens the file anew for each operation.
#[derive(Debug)]
struct Reopened(SimDisk, String);

impl Disk for Beneath {
    fn open(&self, name: &str) -> io::Result<Arc<dyn storage::DiskFile>> {
        Ok(Arc::new(Reopened(self.0.clone(), name.to_owned())))
    }
    fn exists(&self, name: &str) -> io::Result<bool> {
        self.0.exists(name)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.0.sync_dir()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
}

impl storage::DiskFile for Reopened {
    fn size(&self) -> io::Result<u64> {
        self.0.open(&self.1)?.size()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.open(&self.1)?.read(offset, out)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.open(&self.1)?.write(offset, data)
    }
    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.open(&self.1)?.set_size(size)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.open(&self.1)?.sync()
    }
}

#[test]
fn a_write_that_was_cut_off_is_written_over() {
    let disk = SimDisk::new();
    let log = segments(&disk, 1 << 20);
    write_each(&log, 0..3);
    let last = disk.list().unwrap()[0].clone();
    // four sectors, of which the first is lost
    log.append(vec![entry(3, &"x".repeat(1_700))], ignore());
    write_all(&log);
    drop(log);
    damage(&disk, &last, 4 * 1_024 - 1_024 + 520);
    let found = numbers(&segments(&disk, 1 << 20), 0..9);
    assert_eq!(found, [0, 1, 2]);
    let log = segments(&disk, 1 << 20);
    write_each(&log, 3..6);
    drop(log);
    assert_eq!(numbers(&segments(&disk, 1 << 20), 0..9), [0, 1, 2, 3, 4, 5]);
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

#[derive(Debug, Clone)]
enum Step {
    Append(u8, u8),
    TruncateTo(u8),
    Purge(u8),
    Vote(u8),
    Committed(u8),
    Write,
    Restart {
        crash: bool,
    },
    /// The disk fails within a commit, then the power goes: some of what was written is there.
    Torn {
        writes: u8,
        seed: u64,
    },
    Read(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..5u8, any::<u8>()).prop_map(|(n, b)| Step::Append(n, b)),
        2 => (0..6u8).prop_map(Step::TruncateTo),
        1 => (0..12u8).prop_map(Step::Purge),
        1 => any::<u8>().prop_map(Step::Vote),
        1 => any::<u8>().prop_map(Step::Committed),
        4 => Just(Step::Write),
        1 => any::<bool>().prop_map(|crash| Step::Restart { crash }),
        2 => (0..12u8, any::<u64>()).prop_map(|(writes, seed)| Step::Torn { writes, seed }),
        4 => (0..60u64, 0..60u64).prop_map(|(a, b)| Step::Read(a, b)),
    ]
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    entries: BTreeMap<u64, Vec<u8>>,
    purged: Option<u64>,
    vote: Option<u8>,
    committed: Option<u8>,
}

impl Model {
    fn next(&self) -> u64 {
        self.entries.keys().next_back().copied().or(self.purged).map_or(0, |i| i + 1)
    }
}

/// Whether the log is what the model says, by everything that can be read of it.
fn matches(log: &Log, m: &Model) -> bool {
    let (purged, last) = log.bounds().unwrap();
    let entries: Vec<Vec<u8>> = log.read(0..u64::MAX).unwrap().iter().map(|b| b.to_vec()).collect();
    purged.map(|b| u64::from_be_bytes((*b).try_into().unwrap())) == m.purged
        && last.map(|(i, _)| i) == m.entries.keys().next_back().copied()
        && entries == m.entries.values().cloned().collect::<Vec<_>>()
        && log.get_meta(MetaKey::Vote).map(|b| b[0]) == m.vote
        && log.get_meta(MetaKey::Committed).map(|b| b[0]) == m.committed
}

fn check(log: &Log, m: &Model) {
    let (purged, last) = log.bounds().unwrap();
    assert_eq!(purged.map(|b| u64::from_be_bytes((*b).try_into().unwrap())), m.purged);
    let wanted = m.entries.last_key_value().map(|(i, b)| (*i, b.clone()));
    assert_eq!(last.map(|(i, b)| (i, b.to_vec())), wanted);
    assert_eq!(log.get_meta(MetaKey::Vote).map(|b| b[0]), m.vote);
    assert_eq!(log.get_meta(MetaKey::Committed).map(|b| b[0]), m.committed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_list(
        steps in proptest::collection::vec(step(), 1..60),
        tail_bytes in 0..40usize,
        segment_bytes in prop_oneof![1..8_000u64, Just(1 << 20)],
    ) {
        let disk = SimDisk::new();
        let options = LogOptions { tail_bytes, segment_bytes, ..LogOptions::default() };
        let mut log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
        let (mut now, mut durable) = (Model::default(), Model::default());
        for s in steps {
            match s {
                Step::Append(n, b) => {
                    let first = now.next();
                    let new: Vec<(u64, Arc<[u8]>)> =
                        (first..first + u64::from(n)).map(|i| (i, vec![b; usize::from(b) * usize::from(b % 5) * 3].into())).collect();
                    now.entries.extend(new.iter().map(|(i, b)| (*i, b.to_vec())));
                    log.append(new, unheard());
                }
                Step::TruncateTo(back) => {
                    let last = now.next().checked_sub(u64::from(back) + 1);
                    log.truncate_after(last, unheard());
                    now.entries.retain(|i, _| last.is_some_and(|l| *i <= l));
                }
                Step::Purge(ahead) => {
                    let upto = now.entries.keys().next().copied().unwrap_or(now.next()) + u64::from(ahead);
                    log.purge(upto, upto.to_be_bytes().to_vec().into(), unheard());
                    now.purged = now.purged.max(Some(upto));
                    now.entries.retain(|i, _| *i > upto);
                }
                Step::Vote(v) => {
                    log.put_meta(MetaKey::Vote, vec![v].into(), true, unheard());
                    now.vote = Some(v);
                }
                Step::Committed(v) => {
                    log.put_meta(MetaKey::Committed, vec![v].into(), false, unheard());
                    now.committed = Some(v);
                }
                Step::Write => {
                    if log.write_step() {
                        write_all(&log);
                        prop_assert_eq!(log.queued(), (0, 0));
                        durable = now.clone();
                        let last = durable.entries.keys().next_back().copied();
                        prop_assert_eq!(log.synced(), last.max(durable.purged));
                    }
                }
                Step::Restart { crash } => {
                    if crash {
                        disk.crash();
                    } else {
                        log.flush().unwrap();
                        durable = now.clone();
                    }
                    drop(log);
                    log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
                    now = durable.clone();
                }
                Step::Torn { writes, seed } => {
                    if seed % 2 == 0 {
                        disk.fail_writes_after(u64::from(writes));
                    } else {
                        disk.fail_syncs_after(u64::from(writes % 3));
                    }
                    let acknowledged = log.flush().is_ok();
                    disk.crash_torn(seed);
                    drop(log);
                    log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
                    if acknowledged || matches(&log, &now) {
                        durable = now.clone();
                    } else {
                        now = durable.clone();
                    }
                }
                Step::Read(a, b) => {
                    let wanted: Vec<Vec<u8>> = if a < b {
                        now.entries.range(a..b).map(|(_, v)| v.clone()).collect()
                    } else {
                        Vec::new()
                    };
                    let found: Vec<Vec<u8>> = log.read(a..b).unwrap().iter().map(|b| b.to_vec()).collect();
                    prop_assert_eq!(found, wanted);
                }
            }
            check(&log, &now);
            if let Some(synced) = log.synced() {
                // What is called durable is what a crash would leave.
                for (i, b) in now.entries.range(..=synced) {
                    prop_assert_eq!(durable.entries.get(i), Some(b));
                }
            }
        }
    }
}
