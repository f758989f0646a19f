//! What the tests of this crate share: a small set of tables of every kind.

use storage::{Index, Meta, Options, Store, Table};

pub mod record {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Text(pub String);
    impl storage::Record for Text {}
}

pub use record::Text;

pub const NAMES: Table<(String, u8), Text> = Table::new(1, "names");
pub const BY_NUMBER: Index<(u16, u64)> = Index::new(7, "by_number");
pub const OWN: Table<u64, Text> = Table::local(3, "own");
pub const CACHE: Table<u64, Text> = Table::volatile(4, "cache");
pub const MARKS: Index<u8> = Index::volatile(5, "marks");

pub const TABLES: [Meta; 5] = [NAMES.meta(), BY_NUMBER.meta(), OWN.meta(), CACHE.meta(), MARKS.meta()];

#[allow(dead_code, reason = "not every test binary needs it")]
pub fn options() -> Options {
    Options { assert_fresh: true, cache_bytes: 4 << 20, ..Options::default() }
}

#[allow(dead_code, reason = "not every test binary needs it")]
pub fn text(s: &str) -> Text {
    Text(s.to_owned())
}

/// Writes `n` names that begin with `prefix`, one batch, as log index `index`.
#[allow(dead_code, reason = "not every test binary needs it")]
pub fn write_names(store: &Store, index: u64, prefix: &str, n: u8) {
    let mut tx = store.begin();
    for i in 0..n {
        tx.insert(&NAMES, &(prefix.to_owned(), i), &text(&format!("{prefix}{i}"))).unwrap();
        tx.add(&BY_NUMBER, &(u16::from(i), index)).unwrap();
    }
    tx.commit(index, format!("log {index}").into_bytes().into());
}
