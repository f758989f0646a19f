//! The project's files as text: which there are, what is code in them, how long their functions are.

use std::{fs, path::Path};

/// A file of the project.
pub struct Source {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn in_crate(&self, directory: &str) -> bool {
        self.path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The text with comments blanked out; lines stay lines.
    pub fn code(&self) -> String {
        without_comments(&self.text)
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Every file below the root with this ending, without build output and hidden folders.
pub fn files(ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && path != root().join("data") {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).expect("text");
                let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} found below {}", root().display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file but those of this test, which must name what they forbid.
pub fn rust() -> Vec<Source> {
    files(".rs").into_iter().filter(|source| !source.in_crate("tests/tests/walls")).collect()
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = if rest.starts_with("//") {
            (false, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (false, rest.find("*/").map_or(rest.len(), |at| at + 2))
        } else if first == '"' {
            (true, string_length(rest))
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            (true, rest[open..].find(&end).map_or(rest.len(), |at| open + at + end.len()))
        } else if rest.starts_with("'\"'") {
            (true, 3)
        } else if is_word(first) {
            (true, rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
        } else {
            (true, first.len_utf8())
        };
        if kept {
            out.push_str(&rest[..length]);
        } else {
            out.extend(rest[..length].chars().filter(|c| *c == '\n'));
        }
        rest = &rest[length..];
    }
    out
}

/// Of a string literal that begins here, with both quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// How many hashes the raw string has that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Lines (from 1) that hold a word.
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let has = |line: &str| line.split(|c| !is_word(c)).any(|found| found == word);
    code.lines().enumerate().filter(|(_, line)| has(line)).map(|(at, _)| at + 1).collect()
}

/// Names and lengths of functions, as rustfmt lays them out: the closing brace stands under the first letter.
pub fn functions(code: &str) -> Vec<(String, usize)> {
    let mut open: Vec<(usize, &str, usize)> = Vec::new();
    let mut closed = Vec::new();
    for (at, line) in code.lines().enumerate() {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(name) = begun(text) {
            open.push((indent, name, at));
            continue;
        }
        let Some((_, name, begun)) = open.last().filter(|(of, _, _)| *of == indent) else { continue };
        if text == "}" {
            closed.push(((*name).to_owned(), at - begun + 1));
        } else if !(text.starts_with(')') && text.ends_with(';')) {
            continue;
        }
        // closed, or a declaration of several lines
        open.pop();
    }
    closed
}

/// The function that begins on this line and goes on after it.
fn begun(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let modifier = |word: &str| word.starts_with("pub") || ["async", "const", "in"].contains(&word);
    let (name, rest) = after.split_once(['(', '<'])?;
    let goes_on = !rest.ends_with(';') && !rest.ends_with('}');
    (before.split_whitespace().all(modifier) && goes_on).then_some(name)
}

#[test]
fn comments_and_only_comments_are_blanked() {
    let text = "a // b\n\"// c\" /* d\n e */ r#\"/* f \" */\"# '\"' g // \"h";
    assert_eq!(without_comments(text), "a \n\"// c\" \n r#\"/* f \" */\"# '\"' g ");
    assert_eq!(lines_with("is_redb redb1\nuse redb::x;", "redb"), [2]);
}

#[test]
fn functions_are_measured_from_their_first_line_to_their_brace() {
    let code = "impl A {\n    pub fn b(&self) {\n        if c {\n        }\n    }\n    fn d(\n        e: F,\n    );\n}\n\
                fn g() {}\nasync fn h<I>(\n    j: I,\n) {\n    k\n}\n";
    assert_eq!(functions(code), [("b".to_owned(), 4), ("h".to_owned(), 5)]);
}
