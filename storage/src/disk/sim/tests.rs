//! What a crash keeps and drops.

use super::content::SECTOR;
use super::*;

fn content(disk: &SimDisk, name: &str) -> Vec<u8> {
    let f = disk.open(name).unwrap();
    let mut out = vec![0; usize::try_from(f.size().unwrap()).unwrap()];
    f.read(0, &mut out).unwrap();
    out
}

#[test]
fn a_crash_drops_unsynced_bytes_and_lengths() {
    let disk = SimDisk::new();
    let f = disk.open("a").unwrap();
    disk.sync_dir().unwrap();
    f.write(0, &[1; 10_000]).unwrap();
    f.sync().unwrap();
    f.write(5_000, &[2; 10_000]).unwrap();
    disk.crash();
    assert_eq!(content(&disk, "a"), [1; 10_000]);
    assert!(f.write(0, &[3]).is_err() && f.sync().is_err() && f.size().is_err());
    let f = disk.open("a").unwrap();
    assert_eq!(disk.open("a").unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    f.set_size(5).unwrap();
    f.set_size(20).unwrap();
    f.sync().unwrap();
    f.set_size(0).unwrap();
    disk.crash();
    assert_eq!(content(&disk, "a"), [[1; 5].as_slice(), &[0; 15]].concat());
}

#[test]
fn a_torn_crash_keeps_some_sectors_and_repeats_itself() {
    let torn = |seed| {
        let disk = SimDisk::new();
        let f = disk.open("a").unwrap();
        f.write(0, &[1; 8192]).unwrap();
        f.sync().unwrap();
        disk.sync_dir().unwrap();
        f.write(0, &[2; 8192]).unwrap();
        disk.crash_torn(seed);
        let sectors: Vec<u8> = content(&disk, "a").chunks(SECTOR).map(|c| c[0]).collect();
        assert!(content(&disk, "a").chunks(SECTOR).all(|c| c.iter().all(|b| *b == c[0])));
        sectors
    };
    let all: Vec<Vec<u8>> = (0..8).map(torn).collect();
    assert!(all.iter().all(|s| s.contains(&1) && s.contains(&2)), "{all:?}");
    assert!(all.iter().any(|s| *s != all[0]));
    assert_eq!(torn(5), all[5]);
}

#[test]
fn names_need_a_directory_sync() {
    let disk = SimDisk::new();
    disk.open("a").unwrap().write(0, b"A").unwrap();
    disk.crash();
    assert!(!disk.exists("a").unwrap());
    for (name, text) in [("a", b"A"), ("b", b"B")] {
        let f = disk.open(name).unwrap();
        f.write(0, text).unwrap();
        f.sync().unwrap();
    }
    disk.sync_dir().unwrap();
    let old = disk.open("b").unwrap();
    disk.rename("a", "b").unwrap();
    let mut byte = [0];
    old.read(0, &mut byte).unwrap();
    assert_eq!((&byte, content(&disk, "b").as_slice()), (b"B", &b"A"[..]), "an open file outlives its name");
    disk.crash();
    assert_eq!(disk.list().unwrap(), ["a", "b"]);
    assert_eq!(content(&disk, "b"), b"B");
}

#[test]
fn planned_failures_come_and_go() {
    let disk = SimDisk::new();
    let f = disk.open("a").unwrap();
    disk.fail_writes_after(1);
    disk.fail_syncs_after(0);
    f.write(0, b"x").unwrap();
    assert!(f.write(0, b"y").is_err() && f.sync().is_err());
    let mut byte = [0];
    f.read(0, &mut byte).unwrap();
    assert_eq!(&byte, b"x");
    disk.heal();
    f.write(0, b"y").unwrap();
    f.sync().unwrap();
}

#[test]
fn a_disk_stays_in_its_directory() {
    for name in ["", "..", "a/b", "/a", "a\0", ".hidden"] {
        assert!(SimDisk::new().open(name).is_err(), "{name:?}");
    }
}
