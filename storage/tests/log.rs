//! The log: order, bounds, acknowledgement, crashes, failure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use storage::{DirDisk, Done, Fault, Log, LogOptions, MetaKey, SimDisk};

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
    let log = Log::open(&disk).unwrap();
    let heard = Heard::default();
    log.append(vec![entry(0, "a"), entry(1, "b")], heard.done("append"));
    assert_eq!(texts(&log, 0..9), ["a", "b"]);
    assert_eq!((log.synced(), heard.all().len(), log.has_work()), (None, 0, true));
    assert!(log.write_step());
    assert_eq!((log.synced(), heard.all(), log.has_work()), (Some(1), vec![("append", true)], false));
    assert!(!log.write_step());
    disk.crash();
    assert_eq!(texts(&Log::open(&disk).unwrap(), 0..9), ["a", "b"]);
}

#[test]
fn completions_come_in_the_order_of_the_calls() {
    let log = Log::open(&SimDisk::new()).unwrap();
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
    let log = Log::open(&disk).unwrap();
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
    let log = Log::open(&disk).unwrap();
    assert_eq!(
        (log.get_meta(MetaKey::Committed), texts(&log, 0..9)),
        (Some(bytes("2")), vec!["a".to_owned()])
    );
    log.put_meta(MetaKey::Committed, bytes("4"), false, ignore());
    log.flush().unwrap();
    disk.crash();
    assert_eq!(Log::open(&disk).unwrap().get_meta(MetaKey::Committed), Some(bytes("4")));
}

#[test]
fn gaps_and_purged_indexes_are_refused() {
    let log = Log::open(&SimDisk::new()).unwrap();
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
    let log = Log::open(&disk).unwrap();
    assert_eq!(log.bounds().unwrap(), (None, None));
    log.append((0..10).map(|i| entry(i, &i.to_string())).collect(), ignore());
    log.purge(4, bytes("four"), ignore());
    log.purge(2, bytes("an older purge changes nothing"), ignore());
    assert_eq!(log.bounds().unwrap(), (Some(bytes("four")), Some(entry(9, "9"))));
    write_all(&log);
    drop(log);
    let log = Log::open(&disk).unwrap();
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
    check(&Log::open(&disk).unwrap());
}

#[test]
fn a_long_purge_is_removed_in_steps_and_survives_a_restart() {
    let disk = SimDisk::new();
    let log = Log::open(&disk).unwrap();
    log.append((0..9_000).map(|i| entry(i, "x")).collect(), ignore());
    write_all(&log);
    let heard = Heard::default();
    log.purge(8_000, bytes("p"), heard.done("purge"));
    assert!(log.write_step());
    assert_eq!((heard.all().len(), log.has_work()), (1, true), "acknowledged before the rows are gone");
    disk.crash();
    let log = Log::open(&disk).unwrap();
    assert!(log.has_work(), "what was left is removed later");
    assert_eq!(texts(&log, 0..9_000).len(), 999);
    log.append(vec![entry(9_000, "y")], ignore());
    let mut steps = 0;
    while log.write_step() {
        steps += 1;
    }
    assert!(steps > 1);
    drop(log);
    let log = Log::open(&disk).unwrap();
    assert!(!log.has_work());
    assert_eq!(texts(&log, 0..9_999).len(), 1_000);
}

#[test]
fn a_small_tail_reads_older_entries_from_the_file() {
    let disk = SimDisk::new();
    let options = LogOptions { tail_bytes: 10, ..LogOptions::default() };
    let log = Log::open_with(&disk, options).unwrap();
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
    assert_eq!(texts(&Log::open(&disk).unwrap(), 20..50), ["0020", "new"]);
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
    assert!(log.set(Arc::new(Log::open_with(&disk, options).unwrap())).is_ok());
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
    let log = Log::open(&disk).unwrap();
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
    assert_eq!(texts(&Log::open(&disk).unwrap(), 0..9), ["kept"]);
}

#[test]
fn a_stalled_disk_refuses_appends_at_the_limit() {
    let options = LogOptions { queue_bytes: 1_000, ..LogOptions::default() };
    let log = Log::open_with(&SimDisk::new(), options).unwrap();
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
    let disk = DirDisk::open(dir.path()).unwrap();
    {
        let commits = Arc::new(AtomicUsize::new(0));
        let count = commits.clone();
        let on_commit = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let options = LogOptions { on_commit: Some(Arc::new(on_commit)), ..LogOptions::default() };
        let log = Arc::new(Log::open_with(&disk, options).unwrap());
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
    let log = Log::open(&disk).unwrap();
    assert_eq!(log.get_meta(MetaKey::Committed), Some(bytes("last")));
    assert_eq!(texts(&log, 0..999).len(), 101);
}

#[test]
fn a_completion_that_panics_fails_the_log() {
    let log = Arc::new(Log::open(&SimDisk::new()).unwrap());
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
    use storage::Disk;
    let disk = SimDisk::new();
    let state = Arc::new(disk.clone());
    drop(storage::Store::open(state, &[], storage::Options::default()).unwrap());
    disk.rename("state.redb", "log.redb").unwrap();
    let e = Log::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(e, Fault::Format { .. }), "{e}");
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
        quick_repair: bool,
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
        2 => (any::<bool>(), 0..12u8, any::<u64>())
            .prop_map(|(quick_repair, writes, seed)| Step::Torn { quick_repair, writes, seed }),
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
    fn the_log_is_a_list(steps in proptest::collection::vec(step(), 1..60), tail_bytes in 0..40usize) {
        let disk = SimDisk::new();
        let options = LogOptions { tail_bytes, ..LogOptions::default() };
        let mut log = Log::open_with(&disk, options.clone()).unwrap();
        let (mut now, mut durable) = (Model::default(), Model::default());
        for s in steps {
            match s {
                Step::Append(n, b) => {
                    let first = now.next();
                    let new: Vec<(u64, Arc<[u8]>)> =
                        (first..first + u64::from(n)).map(|i| (i, vec![b; usize::from(b % 9)].into())).collect();
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
                    log = Log::open_with(&disk, options.clone()).unwrap();
                    now = durable.clone();
                }
                Step::Torn { quick_repair, writes, seed } => {
                    if seed % 2 == 0 {
                        disk.fail_writes_after(u64::from(writes));
                    } else {
                        disk.fail_syncs_after(u64::from(writes % 3));
                    }
                    let acknowledged = log.flush().is_ok();
                    disk.crash_torn(seed);
                    drop(log);
                    let options = LogOptions { quick_repair, ..options.clone() };
                    log = Log::open_with(&disk, options).unwrap();
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
