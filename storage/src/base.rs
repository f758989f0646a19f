//! The state file: its tables, the header, the format. An open `Base` is a read transaction with all its
//! tables, so that a reader never opens one itself.

use crate::disk::{Backend, Disk, Space};
use crate::pace::Pace;
use crate::table::{Catalogue, Kind, Meta};
use crate::{Fault, Header, codec};
use redb::{Database, ReadOnlyTable, TableDefinition, WriteTransaction};
use std::sync::Arc;

/// Name of the state file in its directory, and of the one being built beside it.
pub(crate) const STATE_FILE: &str = "state.redb";
pub(crate) const NEW_FILE: &str = "state.new";

/// The format of the file; changes with every incompatible change before the first release.
pub(crate) const FORMAT: &str = "namingo state 2";

const FACTS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("_facts");
const FORMAT_KEY: &str = "format";
const TABLES_KEY: &str = "tables";
const HEADER_KEY: &str = "header";

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
pub(crate) type OpenTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A committed state. Field order matters: the tables hold a transaction of the database and go first.
pub(crate) struct Base {
    tables: Vec<Option<OpenTable>>,
    pub(crate) header: Header,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) db: Arc<Database>,
}

pub(crate) fn definition(meta: &Meta) -> Definition {
    TableDefinition::new(meta.name)
}

fn is_stored(meta: &Meta) -> bool {
    meta.kind != Kind::Volatile
}

/// What the file must say about its tables: number, name and kind of each, by number.
fn table_list(catalogue: &Catalogue) -> String {
    let mut lines: Vec<String> = catalogue
        .metas()
        .iter()
        .filter(|m| is_stored(m))
        .map(|m| format!("table {} {} {:?}", m.id, m.name, m.kind))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// How much memory and how many unsynced bytes a file may have, and where it waits for room.
#[derive(Clone)]
pub(crate) struct FileLimits {
    pub(crate) cache_bytes: usize,
    pub(crate) sync_every_bytes: u64,
    pub(crate) pace: Arc<Pace>,
    pub(crate) space: Space,
}

/// Opens or creates a redb file under `name`.
pub(crate) fn database(disk: &dyn Disk, name: &str, limits: &FileLimits) -> Result<Database, Fault> {
    let file = disk.open(name).map_err(|e| Fault::io(&format!("open {name}"), &e))?;
    let backend = Backend::new(file, limits.sync_every_bytes, limits.pace.clone(), limits.space.clone());
    let mut builder = redb::Builder::new();
    builder.set_cache_size(limits.cache_bytes);
    builder.create_with_backend(backend).map_err(|e| match Fault::from(e) {
        Fault::Io(e) => Fault::io(&format!("open {name}"), &e),
        Fault::Corrupt { why, .. } => Fault::corrupt(format!("{name}: {why}")),
        other => other,
    })
}

/// The first transaction of a new file: every table (one that is missing can't be opened for reading),
/// the format and a header.
pub(crate) fn found(w: &WriteTransaction, catalogue: &Catalogue, header: &Header) -> Result<(), Fault> {
    for meta in catalogue.metas().iter().filter(|m| is_stored(m)) {
        w.open_table(definition(meta))?;
    }
    let mut facts = w.open_table(FACTS)?;
    facts.insert(FORMAT_KEY, FORMAT.as_bytes())?;
    facts.insert(TABLES_KEY, table_list(catalogue).as_bytes())?;
    drop(facts);
    put_header(w, header)
}

pub(crate) fn put_header(w: &WriteTransaction, header: &Header) -> Result<(), Fault> {
    w.open_table(FACTS)?.insert(HEADER_KEY, codec::encode_record(header).as_slice())?;
    Ok(())
}

impl Base {
    /// Opens what was committed last.
    ///
    /// # Errors
    /// `Fault::Format` if the file was written by another version or for other tables.
    pub(crate) fn read(db: Arc<Database>, catalogue: Arc<Catalogue>) -> Result<Base, Fault> {
        let r = redb::ReadableDatabase::begin_read(&*db)?;
        let facts = r.open_table(FACTS).map_err(|_| format_fault("no format record", FORMAT))?;
        let fact = |key: &str| -> Result<Vec<u8>, Fault> {
            Ok(facts.get(key)?.map(|g| g.value().to_vec()).unwrap_or_default())
        };
        expect(&fact(FORMAT_KEY)?, FORMAT)?;
        expect(&fact(TABLES_KEY)?, &table_list(&catalogue))?;
        let header = codec::decode_record(&fact(HEADER_KEY)?).map_err(|e| e.at("_facts", b"header"))?;
        let mut tables = Vec::with_capacity(catalogue.metas().len());
        for meta in catalogue.metas() {
            tables.push(is_stored(meta).then(|| r.open_table(definition(meta))).transpose()?);
        }
        Ok(Base { tables, header, catalogue, db })
    }

    /// The open table of a slot; `None` for a volatile one.
    pub(crate) fn table(&self, slot: usize) -> Option<&OpenTable> {
        self.tables[slot].as_ref()
    }
}

fn expect(found: &[u8], expected: &str) -> Result<(), Fault> {
    let found = String::from_utf8_lossy(found);
    if found == expected {
        return Ok(());
    }
    // Of two long lists the first difference says more than both in full.
    let (f, e) = found
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(expected.lines().map(Some).chain(std::iter::repeat(None)))
        .take(256)
        .find(|(f, e)| f != e)
        .unwrap_or_default();
    Err(format_fault(f.unwrap_or("no such table"), e.unwrap_or("no such table")))
}

fn format_fault(found: &str, expected: &str) -> Fault {
    Fault::Format { file: STATE_FILE.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
}
