//! The schemas of the RFCs as judge over whole transcripts: many documents to one run of xmllint, which is slow to
//! start. The schemas lie beside the project, or where `NAMINGO_XSD` says; they are not part of it.

use std::{collections::BTreeMap, env, ffi::OsStr, fs, path::PathBuf, process::Command};
use tempfile::TempDir;

/// A frame that one side sent.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it comes from, for the report.
    pub origin: String,
    pub octets: Vec<u8>,
    /// What the schemas should say of it.
    pub valid: bool,
}

/// Files given to one run of xmllint at most.
const BATCH: usize = 1_000;

/// The schemas, or a line that says loudly that nothing is judged.
fn driver() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/xsd"));
    let driver = env::var_os("NAMINGO_XSD").map_or_else(beside, PathBuf::from).join("driver.xsd");
    let usable = driver.is_file() && Command::new("xmllint").arg("--version").output().is_ok();
    if !usable {
        println!("SKIPPED: no frame was validated; this needs xmllint and {}", driver.display());
    }
    usable.then_some(driver)
}

/// Every document on which the schemas say something else than is expected of them, with their words; `None` where
/// there is nothing to judge with.
///
/// # Panics
/// xmllint can't be run, or there is no room for temporary files.
pub fn complaints(documents: &[Document]) -> Option<Vec<String>> {
    let driver = driver()?;
    let dir = TempDir::new().expect("a temporary folder");
    let names: Vec<String> = (0..documents.len()).map(|nth| format!("{nth}.xml")).collect();
    for (name, document) in names.iter().zip(documents) {
        fs::write(dir.path().join(name), &document.octets).expect("a temporary file");
    }
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for batch in names.chunks(BATCH) {
        let run = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"].map(OsStr::new))
            .arg(&driver)
            .args(batch)
            .current_dir(dir.path())
            .output()
            .expect("xmllint runs");
        for line in String::from_utf8_lossy(&run.stderr).lines() {
            let of = line.find(".xml").map_or("", |at| &line[..at + 4]);
            let entry = said.entry(of.to_owned()).or_default();
            entry.push_str(line);
            entry.push('\n');
        }
    }
    let complaint = |(name, document): (&String, &Document)| {
        let words = said.get(name).map_or("", String::as_str);
        let valid = words.lines().any(|line| line == format!("{name} validates"));
        (valid != document.valid).then(|| {
            let expected = if document.valid { "valid" } else { "refused by the schemas" };
            let text = String::from_utf8_lossy(&document.octets);
            format!("{}: this should be {expected}:\n{text}\n{words}", document.origin)
        })
    };
    Some(names.iter().zip(documents).filter_map(complaint).collect())
}

/// # Panics
/// The schemas say something else than is expected of them.
pub fn must_agree(documents: &[Document]) {
    let Some(complaints) = complaints(documents) else { return };
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    println!("{} frames were validated", documents.len());
}
