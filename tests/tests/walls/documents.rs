//! The documents: which there must be, and that what they point at exists.

use crate::{
    none,
    source::{files, is_word, root},
};
use std::fs;

/// `[text](target)` of a page, with the line, outside of code blocks.
fn links(page: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (at, line) in page.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(targets.map(|(target, _)| (at + 1, target.to_owned())));
    }
    found
}

/// The anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| is_word(*c) || *c == ' ' || *c == '-')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn the_documents_are_there() {
    let pages = files(".md");
    for needed in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs/ARCHITECTURE.md",
        "docs/WALK.md",
        "docs/DATA.md",
    ] {
        assert!(pages.iter().any(|page| page.path == needed), "{needed} is missing");
    }
    assert!(root().join("LICENSE").is_file(), "LICENSE is missing");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let pages = files(".md");
    let mut broken = Vec::new();
    for page in &pages {
        let folder = root().join(&page.path).parent().expect("a folder").to_owned();
        for (line, target) in links(&page.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { root().join(&page.path) } else { folder.join(file) };
            let headings = || fs::read_to_string(&path).unwrap_or_default();
            let has = |text: &str| text.lines().any(|l| l.starts_with('#') && anchor(l) == fragment);
            let dead_anchor = !fragment.is_empty() && file.ends_with(".md") && !has(&headings());
            if !path.exists() || dead_anchor {
                broken.push(format!("{}:{line}: {target}", page.path));
            }
        }
        broken.extend(
            code_paths(&page.text)
                .into_iter()
                .filter(|(_, path)| !root().join(path).exists() && !folder.join(path).exists())
                .map(|(line, path)| format!("{}:{line}: `{path}`", page.path)),
        );
    }
    none(&broken, "links and paths that lead nowhere");
}

/// Paths of source files that a page names in backticks, with the line.
fn code_paths(page: &str) -> Vec<(usize, String)> {
    let is_path = |span: &&str| {
        span.contains('/') && span.ends_with(".rs") && span.chars().all(|c| is_word(c) || "/.-".contains(c))
    };
    let of_line = |(at, line): (usize, &str)| {
        let spans = line.split('`').skip(1).step_by(2).filter(is_path);
        spans.map(|span| (at + 1, span.to_owned())).collect::<Vec<_>>()
    };
    page.lines().enumerate().flat_map(of_line).collect()
}
