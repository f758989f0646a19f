//! What the pages say of the code: that quoted lines stand there, that lists are complete, that tests exist. Links are
//! looked at in `walls`.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use epp::result::ResultCode;
use registry::{Refusal, tables};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use storage::{Kind, codec};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// What stands between backticks on a line.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The cells of a row of a table; empty for another line.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map(|row| row.split('|').map(str::trim).collect()).unwrap_or_default()
}

#[test]
fn every_line_of_the_walk_stands_where_it_says() {
    let (mut file, mut language, mut quoted) = (None, None, 0);
    let mut sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    for (at, line) in read("docs/WALK.md").lines().enumerate() {
        if let Some(opened) = line.strip_prefix("```") {
            language = if language.is_some() { None } else { Some(opened.to_owned()) };
        } else if language.is_none() {
            file = spans(line).filter(|span| span.ends_with(".rs")).last().map(str::to_owned).or(file);
        } else if language.as_deref() == Some("rust") && !["", "…"].contains(&line.trim()) {
            let path = file.clone().expect("a file is named before its lines");
            let lines = sources
                .entry(path.clone())
                .or_insert_with(|| read(&path).lines().map(|line| line.trim().to_owned()).collect());
            quoted += 1;
            if !lines.contains(line.trim()) {
                missing.push(format!("docs/WALK.md:{}: not in {path}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(quoted > 50, "only {quoted} lines are quoted");
    none(&missing, "lines that are not in the code as they are quoted");
}

#[test]
fn every_table_is_described_and_no_other() {
    let page = read("docs/DATA.md");
    let described: Vec<(u8, String, String)> = page
        .lines()
        .map(cells)
        .filter(|cells| cells.len() == 6)
        .filter_map(|cells| Some((cells[0].parse().ok()?, cells[1].replace('`', ""), cells[2].to_owned())))
        .collect();
    let kind = |kind| match kind {
        Kind::Replicated => "replicated",
        Kind::Local => "local",
        Kind::Volatile => "volatile",
    };
    let mut there: Vec<(u8, String, String)> =
        tables::ALL.iter().map(|meta| (meta.id, meta.name.to_owned(), kind(meta.kind).to_owned())).collect();
    there.sort();
    assert_eq!(described, there, "the tables of docs/DATA.md, in the order of their numbers");
}

/// One value of each refusal: variants are numbered, and every payload has a value that is all zeros.
fn refusals() -> Vec<Refusal> {
    let of =
        |number: u8| (0..32).find_map(|zeros| codec::decode(&[&[number][..], &vec![0; zeros]].concat()).ok());
    (0..u8::MAX).map_while(of).collect()
}

#[test]
fn every_refusal_is_listed_with_its_code() {
    let page = read("docs/PROTOCOLS.md");
    let rows: BTreeMap<String, String> = page
        .lines()
        .map(cells)
        .filter(|cells| cells.len() == 3 && cells[0].starts_with('`') && cells[1].starts_with('2'))
        .map(|cells| (cells[0].replace('`', ""), cells[1].to_owned()))
        .collect();
    let all = refusals();
    assert!(all.len() > 40, "only {} refusals were found", all.len());
    let mut wrong = Vec::new();
    for refusal in &all {
        let (reason, code) = (refusal.reason(), ResultCode::of_refusal(refusal).number().to_string());
        match rows.get(reason) {
            None => wrong.push(format!("{reason} ({code}) is missing")),
            Some(listed) if !listed.contains(&code) => {
                wrong.push(format!("{reason} is {code}, not {listed}"));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = all.iter().map(Refusal::reason).collect();
    wrong.extend(
        rows.keys().filter(|row| !known.contains(row.as_str())).map(|row| format!("{row} is no refusal")),
    );
    none(&wrong, "refusals in docs/PROTOCOLS.md");
}

/// Source files below a folder.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn every_deviation_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut all = Vec::new();
    for folder in ["protocols", "registry"] {
        sources(&root.join(folder), &mut all);
    }
    let page = read("docs/PROTOCOLS.md");
    let rows = |path: &str| page.lines().filter(|line| line.starts_with(&format!("| `{path}` |"))).count();
    let mut marked = 0;
    for (path, text) in &all {
        let count = text.lines().filter(|line| line.trim_start().starts_with("// DEVIATION:")).count();
        let path = path.strip_prefix(&format!("{}/", root.display())).expect("below the root");
        marked += count;
        assert!(
            count == 0 || rows(path) == count,
            "{path} deviates {count} times, listed are {}",
            rows(path)
        );
    }
    assert!(marked > 0, "no deviation was found");
}

#[test]
fn every_promise_has_its_test() {
    let mut named = 0;
    let mut missing = Vec::new();
    for (at, line) in read("docs/GUARANTEES.md").lines().enumerate() {
        let cells = cells(line);
        let [_, _, tests] = cells.as_slice() else { continue };
        let spans: Vec<&str> = spans(tests).collect();
        if spans.is_empty() && !["tests", "---"].contains(tests) {
            missing.push(format!("docs/GUARANTEES.md:{}: a promise without a test", at + 1));
        }
        for pair in spans.chunks(2) {
            let [test, path] = pair else { panic!("line {}: a test and its file, in pairs", at + 1) };
            named += 1;
            if !read(path).contains(&format!("fn {test}(")) {
                missing.push(format!("docs/GUARANTEES.md:{}: no {test} in {path}", at + 1));
            }
        }
    }
    assert!(named > 40, "only {named} tests are named");
    none(&missing, "promises and their tests");
}

#[test]
fn every_metric_is_described() {
    let page = read("docs/OPERATIONS.md");
    let mut missing = Vec::new();
    for file in ["node/src/metrics.rs", "protocols/net/src/metrics.rs"] {
        let source = read(file);
        // what the tests of the file check is named in code before them
        let code = source.split("#[cfg(test)]").next().unwrap_or(&source);
        let names = code.split('"').skip(1).step_by(2).filter(|text| text.starts_with("namingo_"));
        let undescribed = names.filter(|name| !page.contains(&format!("`{name}")));
        missing.extend(undescribed.map(|name| format!("{name} ({file})")));
    }
    none(&missing, "metrics that docs/OPERATIONS.md does not tell of");
}
