//! The sheets of ICANN's Registry System Testing, version 2: rows of values, some of which are to be made up. The
//! notation is explained in the README beside the sheets.

use std::collections::BTreeMap;

/// A sheet, row by row; a blank cell has the text of the cell above.
pub struct Sheet {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Makes values up, the same ones in every run with the same `NAMINGO_SEED`.
pub struct Values {
    tld: &'static str,
    auto: fn(&str, &mut Values) -> String,
    state: u64,
    previous: BTreeMap<String, String>,
}

impl Sheet {
    /// `None`, and a line that says so, where the sheets are absent.
    pub fn load(name: &str) -> Option<Sheet> {
        let path = format!("{}/../../shared/data/rst/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: {path} is absent, so none of ICANN's rows was tried");
            return None;
        };
        let mut lines = text.lines().map(cells);
        let columns = lines.next().expect("a sheet begins with the names of its columns");
        let mut rows: Vec<Vec<String>> = Vec::new();
        for mut row in lines {
            assert_eq!(row.len(), columns.len(), "{row:?}");
            for (column, cell) in row.iter_mut().enumerate() {
                if let (true, Some(above)) = (cell.is_empty(), rows.last()) {
                    cell.clone_from(&above[column]);
                }
            }
            rows.push(row);
        }
        Some(Sheet { columns, rows })
    }

    /// The rows with their values made, in order.
    pub fn rows<'a>(&'a self, values: &'a mut Values) -> impl Iterator<Item = BTreeMap<&'a str, String>> {
        self.rows.iter().map(|row| {
            let mut made: BTreeMap<&str, String> = BTreeMap::new();
            for (column, cell) in self.columns.iter().zip(row) {
                let value = values.make(column, cell, &made);
                values.previous.insert(column.clone(), value.clone());
                made.insert(column, value);
            }
            made
        })
    }
}

impl Values {
    /// `auto` makes the value of a column that says `{AUTO}`.
    pub fn new(tld: &'static str, auto: fn(&str, &mut Values) -> String) -> Values {
        Values { tld, auto, state: seed(), previous: BTreeMap::new() }
    }

    /// `length` characters out of `alphabet`.
    pub fn random(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        let pick = |_| {
            // Knuth's multiplier; the high bits are the good ones
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = usize::try_from(self.state >> 33).expect("31 bits fit") % letters.len();
            char::from(letters[place])
        };
        (0..length).map(pick).collect()
    }

    fn make(&mut self, column: &str, cell: &str, row: &BTreeMap<&str, String>) -> String {
        let Some(expression) = cell.strip_prefix('{').and_then(|c| c.strip_suffix('}')) else {
            return cell.to_owned();
        };
        match expression {
            "EMPTY" => String::new(),
            "AUTO" => (self.auto)(column, self),
            "PREVIOUS" => self.previous.get(column).expect("a row stands above").clone(),
            terms => terms.split(" & ").map(|term| self.term(term, row)).collect(),
        }
    }

    fn term(&mut self, term: &str, row: &BTreeMap<&str, String>) -> String {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let count = |name: &str| term.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse().ok();
        if let Some(text) = term.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            text.to_owned()
        } else if let Some(n) = count("RANDCHARS").or_else(|| count("RANDASCII")) {
            self.random(LETTERS, n)
        } else if let Some(octets) = count("RANDHEX") {
            // 32 hex digits are no SHA-256 digest, so octets are meant
            let n: usize = octets;
            self.random("0123456789ABCDEF", 2 * n)
        } else {
            match term {
                "$TLD" => self.tld.to_owned(),
                "$PREFIX" => "rst-epp-14-".to_owned(),
                "$name" => row["name"].clone(),
                other => panic!("the README of the sheets does not explain {other}"),
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "which values a test draws may be asked for from outside")]
fn seed() -> u64 {
    let seed =
        std::env::var("NAMINGO_SEED").map_or(1, |text| text.parse().expect("NAMINGO_SEED is a number"));
    println!("values are made up with NAMINGO_SEED={seed}");
    seed
}

/// The cells of one line of CSV (RFC 4180); no cell of these sheets holds a line break.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        let cell = cells.last_mut().expect("there is always a cell");
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells
}

#[test]
fn lines_are_split() {
    assert_eq!(cells("a,,\"{\"\"x,\"\" & $TLD}\",b"), ["a", "", "{\"x,\" & $TLD}", "b"]);
}
