//! The schemas as judge: many documents are given to one run of xmllint, which is slow to start.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// The schemas of the RFCs lie beside the project, or where `NAMINGO_XSD` says; they are not part of it.
fn driver() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/xsd"));
    let dir = std::env::var_os("NAMINGO_XSD").map_or_else(beside, PathBuf::from);
    let driver = dir.join("driver.xsd");
    let usable = driver.is_file() && Command::new("xmllint").arg("--version").output().is_ok();
    if !usable {
        println!("SKIPPED: nothing was validated; this needs xmllint and {}", driver.display());
    }
    usable.then_some(driver)
}

/// For each document whether the schemas accept it; `None` where there is nothing to judge with.
pub fn valid(documents: &[Vec<u8>]) -> Option<Vec<bool>> {
    judge(documents, &["--schema".into(), driver()?.into()]).map(|(verdicts, _)| verdicts)
}

/// Panics with what xmllint says if the schemas refuse any document.
pub fn must_be_valid(documents: &[Vec<u8>]) {
    let Some(driver) = driver() else { return };
    let Some((verdicts, said)) = judge(documents, &["--schema".into(), driver.into()]) else { return };
    let Some(bad) = verdicts.iter().position(|valid| !valid) else { return };
    panic!("document {bad} is not valid:\n{}\n{said}", String::from_utf8_lossy(&documents[bad]));
}

fn judge(documents: &[Vec<u8>], options: &[std::ffi::OsString]) -> Option<(Vec<bool>, String)> {
    let dir = TempDir::new().unwrap();
    for (nth, document) in documents.iter().enumerate() {
        fs::write(dir.path().join(format!("{nth}.xml")), document).unwrap();
    }
    let names: Vec<String> = (0..documents.len()).map(|nth| format!("{nth}.xml")).collect();
    let mut accepted: BTreeSet<usize> = BTreeSet::new();
    let mut said = String::new();
    for some in names.chunks(2_000) {
        let run = Command::new("xmllint")
            .args(["--noout", "--nonet"])
            .args(options)
            .args(some)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stderr);
        accepted.extend(
            text.lines().filter_map(|line| line.strip_suffix(".xml validates")?.parse::<usize>().ok()),
        );
        said.push_str(&text);
    }
    Some(((0..documents.len()).map(|nth| accepted.contains(&nth)).collect(), said))
}
