//! The transcripts of `tests/epp`, played: `UPDATE_GOLDEN=1 cargo nextest run -p tests --test transcripts` writes
//! down what happened instead of comparing. A change of a transcript is a change of what registrars see: commit one
//! only if you can say why it is right.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use registry::Refusal;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};
use tests::scenario::{Document, FOLDER, play, schema};

macro_rules! folders {
    ($($folder:ident)*) => {
        const FOLDERS: &[&str] = &[$(stringify!($folder)),*];
        $(
            #[test]
            fn $folder() {
                replay(stringify!($folder));
            }
        )*
    };
}
folders! { session contact host domain poll stories }

/// Templates, which are no transcripts.
const FRAMES: &str = "frames";

fn replay(folder: &str) {
    let files = files(&Path::new(FOLDER).join(folder));
    assert!(!files.is_empty(), "{folder} holds no transcript");
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut documents: Vec<Document> = Vec::new();
    let mut faults = Vec::new();
    for path in files {
        match play(&path) {
            Err(why) => faults.push(why),
            Ok(played) => {
                match played.difference {
                    Some(_) if update => fs::write(&path, &played.text).expect("the file can be written"),
                    Some(difference) => faults.push(format!("{}:\n{difference}", path.display())),
                    None => {}
                }
                documents.extend(played.documents);
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{}\n(- is what the transcript says, + what happened; UPDATE_GOLDEN=1 writes that down)",
        faults.join("\n")
    );
    schema::must_agree(&documents);
}

/// The transcripts below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a folder that can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn texts() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a transcript that can be read");
        (path, text)
    };
    files(Path::new(FOLDER)).into_iter().map(read).collect()
}

#[test]
fn no_folder_is_left_out() {
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(FOLDER).expect("the folder of transcripts") {
        let entry = entry.expect("a folder that can be listed");
        if entry.path().is_dir() {
            there.insert(entry.file_name().into_string().expect("an ASCII name"));
        }
    }
    let played: BTreeSet<String> = FOLDERS.iter().chain(&[FRAMES]).map(ToString::to_string).collect();
    assert_eq!(there, played);
}

#[test]
fn each_begins_by_saying_what_it_shows_and_where_that_is_specified() {
    for (path, text) in texts() {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("# ")).collect();
        assert!(!head.is_empty(), "{} begins without a sentence", path.display());
        assert!(head.iter().any(|line| line.contains("RFC ")), "{} names no RFC", path.display());
    }
}

/// The frames that a lenient reader of XML would let pass.
#[test]
fn each_of_the_fourteen_malformed_frames_is_2001() {
    let path = Path::new(FOLDER).join("session/malformed.txt");
    let text = fs::read_to_string(&path).expect("a transcript that can be read");
    let codes: Vec<&str> = text
        .split("\nC!:\n")
        .skip(1)
        .filter_map(|exchange| exchange.split("<result code=\"").nth(1)?.get(..4))
        .collect();
    assert_eq!(codes, ["2001"; 14]);
}

/// Refusals that no EPP frame can provoke, and why. All but the last two are answers to the operator's API.
const NOT_OVER_EPP: [(&str, &str); 14] = [
    ("registrar_invalid", "registrars are accredited by the operator"),
    ("tld_invalid", "zones are made by the operator"),
    ("names_below_tld", "zones are made by the operator"),
    ("label_syntax", "names are reserved and blocked by the operator"),
    ("not_marked", "names are released by the operator"),
    ("marked", "names are reserved and blocked by the operator"),
    ("key_epoch_invalid", "key epochs are changed by the operator and the nodes"),
    ("node_invalid", "nodes are added and removed by the operator"),
    ("not_suspended", "registrars are suspended and let act again by the operator"),
    ("repository_founded", "the repository is founded by the operator"),
    ("repository_invalid", "the repository is founded by the operator"),
    ("sponsor_required", "a registrar sponsors what it creates; the operator has to name one"),
    ("not_operator", "no EPP command is for the operator alone, or names another sponsor"),
    ("contacts_unsupported", "where no zone takes contacts they are not in the greeting: 2307 comes first"),
];

/// Every reason there is. A refusal's variants are numbered, and every payload has a value that is all zeros.
fn reasons() -> BTreeSet<&'static str> {
    let of = |number: u8| {
        (0..32).find_map(|zeros| {
            let octets = [&[number][..], &vec![0; zeros]].concat();
            storage::codec::decode::<Refusal>(&octets).ok()
        })
    };
    (0..u8::MAX).map_while(of).map(|refusal| refusal.reason()).collect()
}

#[test]
fn every_refusal_has_its_transcript() {
    let texts = texts();
    let refused = texts.iter().flat_map(|(_, text)| text.lines()).filter_map(|l| l.strip_prefix("refused: "));
    let shown: BTreeSet<&str> = refused.collect();
    let all = reasons();
    let elsewhere: BTreeSet<&str> = NOT_OVER_EPP.iter().map(|(reason, _)| *reason).collect();
    let missing: Vec<_> = all.difference(&shown).filter(|reason| !elsewhere.contains(*reason)).collect();
    assert!(missing.is_empty(), "no transcript shows {missing:?}");
    let stale: Vec<_> = elsewhere.iter().filter(|r| shown.contains(*r) || !all.contains(*r)).collect();
    assert!(stale.is_empty(), "these are shown, or are no refusals: {stale:?}");
}
