//! The text of a `cluster.toml`, key by key. Keys that nobody reads are refused: a misspelt one would otherwise
//! switch a service off in silence.

use super::{
    ClusterFile, ConfigError, DEFAULT_DAS_MEMORY_MIB, DEFAULT_LOG_KEEP_MIB, DEFAULT_STATE_CACHE_MIB,
    NodeSection, Terms, limits,
};
use crate::{Addresses, Profile, RepositoryPolicy};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

const SECTIONS: &[&str] = &["cluster", "repository", "limits", "node"];
/// A smaller cache would read the same pages again for each query, a larger one is no number of this file.
const STATE_CACHE_MIB: RangeInclusive<u32> = 16..=1_048_576;

const CLUSTER: &[&str] =
    &["name", "data_dir", "profile", "log_keep_mib", "das_memory_mib", "state_cache_mib"];
const REPOSITORY: &[&str] = &["name", "roid_suffix", "documentation_addresses", "terms", "terms_url"];
const NODE: &[&str] = &[
    "role",
    "raft",
    "admin",
    "metrics",
    "epp",
    "whois",
    "das",
    "rdap",
    "rdap_url",
    "epp_certificate",
    "epp_key",
];

/// The line of every key, for rules that look at more than one.
#[derive(Debug)]
pub(super) struct Lines {
    file: PathBuf,
    lines: BTreeMap<String, usize>,
}

impl Lines {
    pub fn error(&self, key: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::new(&self.file, self.of(key), key, why)
    }

    pub fn of(&self, key: &str) -> Option<usize> {
        self.lines.get(key).copied()
    }
}

pub(super) fn read(path: &Path, text: &str) -> Result<(ClusterFile, Lines), ConfigError> {
    let line_at = |offset: usize| text.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count() + 1;
    let root = DeTable::parse(text).map_err(|e| {
        let line = e.span().map(|span| line_at(span.start.min(text.len())));
        ConfigError::new(path, line, "", e.message())
    })?;
    let mut lines = Lines { file: path.to_owned(), lines: BTreeMap::new() };
    number(root.get_ref(), "", &line_at, &mut lines.lines);
    let root = Section::new(&lines, String::new(), root.get_ref(), SECTIONS)?;
    let file = file(path, &root)?;
    Ok((file, lines))
}

/// Notes the line of each key of the table and of the tables below it.
fn number(
    table: &DeTable<'_>,
    prefix: &str,
    line_at: &impl Fn(usize) -> usize,
    lines: &mut BTreeMap<String, usize>,
) {
    for (key, value) in table {
        let name = dotted(prefix, key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            number(inner, &name, line_at, lines);
        }
        lines.insert(name, line_at(key.span().start));
    }
}

fn dotted(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn file(path: &Path, root: &Section<'_>) -> Result<ClusterFile, ConfigError> {
    let cluster = root.section("cluster", CLUSTER)?;
    let repository = root.section("repository", REPOSITORY)?;
    Ok(ClusterFile {
        path: path.to_owned(),
        name: cluster.text("name")?.to_owned(),
        data_dir: PathBuf::from(cluster.text("data_dir")?),
        profile: cluster.parsed::<Profile>("profile")?.unwrap_or_default(),
        log_keep_mib: cluster.whole("log_keep_mib")?.unwrap_or(DEFAULT_LOG_KEEP_MIB),
        das_memory_mib: cluster.whole("das_memory_mib")?.unwrap_or(DEFAULT_DAS_MEMORY_MIB),
        state_cache_mib: cluster
            .within("state_cache_mib", &STATE_CACHE_MIB)?
            .unwrap_or(DEFAULT_STATE_CACHE_MIB),
        repository: RepositoryPolicy {
            name: repository.text("name")?.to_owned(),
            roid_suffix: repository.text("roid_suffix")?.to_owned(),
            documentation_addresses: repository.flag("documentation_addresses")?.unwrap_or(false),
        },
        terms: Terms {
            text: repository.optional_text("terms")?.map(str::to_owned),
            url: repository.optional_text("terms_url")?.map(str::to_owned),
        },
        limits: limits::read(root)?,
        nodes: nodes(root)?,
    })
}

fn nodes(root: &Section<'_>) -> Result<BTreeMap<u64, NodeSection>, ConfigError> {
    let Some(table) = root.table("node")? else {
        return Err(root.lines.error("node", "no [node.N] section; each node of the cluster needs one"));
    };
    let mut nodes = BTreeMap::new();
    for (key, value) in table {
        let name = dotted("node", key.get_ref());
        let id = key.get_ref().parse::<u64>().ok().filter(|id| *id > 0 && id.to_string() == **key.get_ref());
        let Some(id) = id else {
            return Err(root.lines.error(&name, "a node id is a whole number from 1, as in [node.1]"));
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(root.lines.error(&name, "expected a section, [node.N]"));
        };
        nodes.insert(id, node(&Section::new(root.lines, name, table, NODE)?)?);
    }
    Ok(nodes)
}

fn node(section: &Section<'_>) -> Result<NodeSection, ConfigError> {
    Ok(NodeSection {
        role: section.required("role", section.parsed("role")?)?,
        addresses: Addresses {
            raft: section.required("raft", section.address("raft")?)?,
            admin: section.required("admin", section.address("admin")?)?,
            metrics: section.address("metrics")?,
            epp: section.address("epp")?,
            whois: section.address("whois")?,
            das: section.address("das")?,
            rdap: section.address("rdap")?,
            rdap_url: section.optional_text("rdap_url")?.map(str::to_owned),
        },
        epp_certificate: section.optional_text("epp_certificate")?.map(PathBuf::from),
        epp_key: section.optional_text("epp_key")?.map(PathBuf::from),
    })
}

/// One table whose keys are all known.
pub(super) struct Section<'a> {
    lines: &'a Lines,
    name: String,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    fn new(
        lines: &'a Lines,
        name: String,
        table: &'a DeTable<'a>,
        known: &[&str],
    ) -> Result<Section<'a>, ConfigError> {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let why = match nearest(key.get_ref(), known) {
                    Some(near) => format!("unknown key; did you mean {near}?"),
                    None => format!("unknown key; known here are {}", known.join(", ")),
                };
                return Err(lines.error(&dotted(&name, key.get_ref()), why));
            }
        }
        Ok(Section { lines, name, table })
    }

    fn key(&self, key: &str) -> String {
        dotted(&self.name, key)
    }

    fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.table.get(key).map(Spanned::get_ref)
    }

    fn wrong(&self, key: &str, expected: &str, found: &DeValue<'_>) -> ConfigError {
        self.lines.error(&self.key(key), format!("expected {expected}, found {}", found.type_str()))
    }

    fn table(&self, key: &str) -> Result<Option<&'a DeTable<'a>>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(DeValue::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong(key, "a section", other)),
        }
    }

    fn section(&self, key: &str, known: &[&str]) -> Result<Section<'a>, ConfigError> {
        let missing = || self.error(key, format!("the section [{key}] is missing"));
        self.optional_section(key, known)?.ok_or_else(missing)
    }

    pub(super) fn optional_section(
        &self,
        key: &str,
        known: &[&str],
    ) -> Result<Option<Section<'a>>, ConfigError> {
        let Some(table) = self.table(key)? else { return Ok(None) };
        Section::new(self.lines, self.key(key), table, known).map(Some)
    }

    /// What is wrong with the value of a key.
    pub(super) fn error(&self, key: &str, why: impl Into<String>) -> ConfigError {
        self.lines.error(&self.key(key), why)
    }

    fn optional_text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(DeValue::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "text in quotes", other)),
        }
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| {
            let line = self.lines.of(&self.name);
            let why = format!("missing in [{}]", self.name);
            ConfigError::new(&self.lines.file, line, &self.key(key), why)
        })
    }

    fn text(&self, key: &str) -> Result<&'a str, ConfigError> {
        self.required(key, self.optional_text(key)?)
    }

    fn whole(&self, key: &str) -> Result<Option<u32>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(DeValue::Integer(number)) => match number.as_str().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => {
                    Err(self.lines.error(&self.key(key), "expected a whole number from 0 to 4294967295"))
                }
            },
            Some(other) => Err(self.wrong(key, "a whole number", other)),
        }
    }

    /// A whole number within a range.
    pub(super) fn within(&self, key: &str, range: &RangeInclusive<u32>) -> Result<Option<u32>, ConfigError> {
        let number = self.whole(key)?;
        match number {
            Some(number) if !range.contains(&number) => {
                let (least, most) = (range.start(), range.end());
                Err(self.error(key, format!("{number} is not a number from {least} to {most}")))
            }
            fine => Ok(fine),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(DeValue::Boolean(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    fn parsed<T: std::str::FromStr<Err = &'static str>>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.optional_text(key)? else { return Ok(None) };
        let parsed = text.parse().map_err(|why| self.lines.error(&self.key(key), format!("{text:?}: {why}")));
        parsed.map(Some)
    }

    fn address(&self, key: &str) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(text) = self.optional_text(key)? else { return Ok(None) };
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() > 0 => Ok(Some(address)),
            Ok(_) => {
                Err(self.lines.error(&self.key(key), format!("{text:?} has no port that others could know")))
            }
            Err(_) => {
                Err(self.lines.error(&self.key(key), format!("{text:?} is not an address with a port")))
            }
        }
    }
}

/// The known word that `word` is probably a misspelling of.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, near) = known.iter().map(|k| (edits(word, k), *k)).min()?;
    (distance <= near.len().div_ceil(3)).then_some(near)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (restricted edit distance).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_word() {
        assert_eq!(nearest("whios", NODE), Some("whois"));
        assert_eq!(nearest("rdap-url", NODE), Some("rdap_url"));
        assert_eq!(nearest("nodes", SECTIONS), Some("node"));
        assert_eq!(nearest("firewall", NODE), None);
    }
}
