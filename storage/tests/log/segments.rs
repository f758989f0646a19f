//! The log's files: given back and written over, damaged, missing, copied, cut off.

use crate::{bytes, entry, ignore, texts, unheard, write_all};
use std::io;
use std::sync::Arc;
use storage::{Disk, DiskFile, Fault, Log, LogOptions, SimDisk};

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

#[test]
fn segments_whose_entries_were_truncated_and_purged_are_not_missed() {
    let disk = SimDisk::new();
    let log = segments(&disk, 2 << 10);
    write_each(&log, 0..20);
    let full = disk.list().unwrap().len();
    log.truncate_after(Some(9), ignore());
    log.purge(9, bytes("p"), ignore());
    write_all(&log);
    assert!(disk.list().unwrap().len() < full, "files of them are removed");
    write_each(&log, 10..11);
    drop(log);
    assert_eq!(numbers(&segments(&disk, 2 << 10), 0..99), [10]);
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
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
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

impl DiskFile for Reopened {
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
