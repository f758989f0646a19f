//! Install of a snapshot: a new file is built beside the old in key order, verified, synced, and renamed
//! over it. A crash before the rename leaves the old state, after it the new one. Views taken before go
//! on with the old file, which the system frees when the last of them is gone.

use crate::base::{self, Base, FileLimits, NEW_FILE, STATE_FILE};
use crate::disk::{Disk, Space, is_full};
use crate::drain::DrainState;
use crate::layers::Layers;
use crate::read::{Direction, Rows, Sealed};
use crate::stream::{Frame, Opening, Source, refuse, rows};
use crate::sync::lock;
use crate::table::{Catalogue, Meta};
use crate::{Fault, Header, Kind, Store, TransferError, digest};
use redb::{Database, Durability, WriteTransaction};
use std::fmt;
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows per transaction while building; only the last one is durable.
const ROWS_PER_COMMIT: u64 = 200_000;

/// A snapshot that is received and verified, in a file beside the state's; [`Store::install`] puts it in place.
/// Dropping it discards the file.
pub struct Staged {
    /// `None` once it is in place.
    db: Option<Database>,
    /// Where its file looks for room.
    space: Space,
    header: Header,
    disk: Arc<dyn Disk>,
    _claim: Claim,
}

impl Staged {
    pub fn header(&self) -> &Header {
        &self.header
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Staged(index {})", self.header.index)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.db.take().is_some() {
            // the next start or stage removes what could not be removed now
            drop(discard_new_file(&*self.disk));
        }
    }
}

/// The right to write the file beside the state's: one at a time.
struct Claim(Arc<AtomicBool>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Store {
    /// Replaces the state by a snapshot that [`crate::Snapshot::write`] made: [`Store::stage`], then
    /// [`Store::install`]. Apply is paused by the caller.
    ///
    /// # Errors
    /// As those two.
    pub fn import(&self, from: &mut dyn io::Read, expect: &Header) -> Result<(), TransferError> {
        self.must_be_paused()?;
        self.must_be_newer(expect)?;
        let staged = self.stage(from, expect)?;
        self.install(staged)
    }

    /// Builds the snapshot's file beside the state's and verifies it; apply, drains and readers go on meanwhile.
    ///
    /// # Errors
    /// `Busy` while another is staged, `Refused` if the snapshot is damaged, of other tables, has not the header
    /// `expect`, or finds no room on the disk; `Stream` if reading fails: nothing was changed. `Fault`: the node must
    /// stop.
    pub fn stage(&self, from: &mut dyn io::Read, expect: &Header) -> Result<Staged, TransferError> {
        if self.staging.swap(true, Ordering::AcqRel) {
            return Err(refuse("another snapshot is being received"));
        }
        let claim = Claim(self.staging.clone());
        let built = catch_unwind(AssertUnwindSafe(|| self.build(from, expect)))
            .unwrap_or_else(|panic| Err(Fault::panicked(&*panic).into()));
        match built {
            Ok((db, space)) => {
                let (header, disk) = (expect.clone(), self.disk.clone());
                Ok(Staged { db: Some(db), space, header, disk, _claim: claim })
            }
            Err(e) => {
                discard_new_file(&*self.disk)?;
                match e {
                    TransferError::Fault(Fault::Io(e)) if is_full(&e) => {
                        tracing::error!("the disk has no room for a snapshot beside the state");
                        Err(refuse("the disk has no room for it beside the state"))
                    }
                    other => Err(other),
                }
            }
        }
    }

    /// Puts a staged snapshot in the state's place. Apply is paused by the caller; a running drain is cancelled.
    /// Local tables stay, volatile ones are empty afterwards and are built again by their owners.
    ///
    /// # Errors
    /// `Refused` if it is not newer than what is applied: the state is as before. `Fault`: the node must stop.
    pub fn install(&self, mut staged: Staged) -> Result<(), TransferError> {
        let mut drain = self.stop_drain();
        self.must_be_paused()?;
        self.must_be_newer(&staged.header)?;
        let Some(db) = staged.db.take() else {
            return Err(Fault::Misuse("a snapshot is installed twice".to_owned()).into());
        };
        // what it takes is on the disk; the little that is missing, and all that comes after, waits for room
        staged.space.be_patient();
        let finished = catch_unwind(AssertUnwindSafe(|| self.finish(&db, &staged.header)))
            .unwrap_or_else(|panic| Err(Fault::panicked(&*panic)));
        if let Err(fault) = finished {
            drop(db);
            discard_new_file(&*self.disk)?;
            return Err(fault.into());
        }
        self.put_in_place(db, &mut drain).map_err(TransferError::Fault)
    }

    fn must_be_paused(&self) -> Result<(), Fault> {
        match self.batch_is_open() {
            true => Err(Fault::Misuse("a snapshot is installed while a batch is open".to_owned())),
            false => Ok(()),
        }
    }

    fn must_be_newer(&self, header: &Header) -> Result<(), TransferError> {
        let now = self.view();
        let applied = &now.layers.header;
        if header.index <= applied.index && !applied.is_new() {
            return Err(refuse(&format!("its index is {}, applied is {}", header.index, applied.index)));
        }
        Ok(())
    }

    /// Cancels a drain, waits until it has let go, and keeps others out.
    fn stop_drain(&self) -> std::sync::MutexGuard<'_, DrainState> {
        self.cancel_drain.store(true, Ordering::Release);
        let state = lock(&self.drain_state);
        self.cancel_drain.store(false, Ordering::Release);
        state
    }

    /// A disk without room fails it: it must not wait for room that it may take itself, while what it holds up makes
    /// none.
    fn build(&self, from: &mut dyn io::Read, expect: &Header) -> Result<(Database, Space), TransferError> {
        discard_new_file(&*self.disk)?;
        let (mut source, opening) = Source::open(from)?;
        check_opening(&opening, expect, &self.catalogue)?;
        let space = self.space().hasty();
        let limits = FileLimits { space: space.clone(), ..self.file_limits() };
        let db = base::database(&*self.disk, NEW_FILE, &limits)?;
        let mut builder = Builder::new(&db, &self.catalogue);
        let stated = loop {
            match source.next()? {
                Frame::Block(block) => builder.block(&block)?,
                Frame::Closing(closing) => break closing.rows,
            }
        };
        builder.verify(stated, expect)?;
        begin(&db, Durability::Immediate)?.commit().map_err(Fault::from)?;
        Ok((db, space))
    }

    /// The last transaction makes the file durable and a state file.
    fn finish(&self, db: &Database, header: &Header) -> Result<(), Fault> {
        let w = begin(db, Durability::Immediate)?;
        self.copy_local(&w)?;
        base::found(&w, &self.catalogue, header)?;
        w.commit()?;
        Ok(())
    }

    /// The rows of this node alone come along from the state as it is.
    fn copy_local(&self, w: &WriteTransaction) -> Result<(), Fault> {
        let view = self.view();
        for &meta in self.catalogue.metas().iter().filter(|m| m.kind == Kind::Local) {
            let mut table = w.open_table(base::definition(&meta))?;
            let all = (Bound::Unbounded, Bound::Unbounded);
            for row in Rows::new(&view.source(), meta, all, Direction::Up)? {
                let (key, value) = row?;
                table.insert(key.bytes(), value.bytes())?;
            }
        }
        Ok(())
    }

    fn put_in_place(&self, db: Database, drain: &mut DrainState) -> Result<(), Fault> {
        let base = Arc::new(Base::read(Arc::new(db), self.catalogue.clone())?);
        let renamed = self.disk.rename(NEW_FILE, STATE_FILE).and_then(|()| self.disk.sync_dir());
        renamed.map_err(|e| Fault::io("put the new state file in place", &e))?;
        (drain.committed, drain.loading) = (None, None);
        let fingerprints = self.fingerprints_of_empty(&base)?;
        self.publish_with(|l| {
            let (header, active) = (base.header.clone(), l.active.replaced());
            Some(Layers { header, active, draining: None, base, fingerprints })
        });
        Ok(())
    }
}

fn discard_new_file(disk: &dyn Disk) -> Result<(), Fault> {
    let gone = match disk.exists(NEW_FILE) {
        Ok(true) => disk.remove(NEW_FILE),
        Ok(false) => Ok(()),
        Err(e) => Err(e),
    };
    gone.map_err(|e| Fault::io("remove an unfinished state file", &e))
}

fn check_opening(opening: &Opening, expect: &Header, catalogue: &Catalogue) -> Result<(), TransferError> {
    if opening.header != *expect {
        return Err(refuse(&format!(
            "it was announced with index {} and digest {:032x}, it has index {} and digest {:032x}",
            expect.index, expect.digest, opening.header.index, opening.header.digest
        )));
    }
    let ours = catalogue.metas().iter().filter(|m| m.kind == Kind::Replicated);
    let ours: Vec<(u8, &str)> = ours.map(|m| (m.id, m.name)).collect();
    let theirs: Vec<(u8, &str)> = opening.tables.iter().map(|(id, name)| (*id, name.as_str())).collect();
    if ours != theirs {
        return Err(refuse("it has other tables than this version"));
    }
    Ok(())
}

fn begin(db: &Database, durability: Durability) -> Result<WriteTransaction, Fault> {
    let mut w = db.begin_write()?;
    w.set_quick_repair(matches!(durability, Durability::Immediate));
    w.set_durability(durability)?;
    Ok(w)
}

/// Fills the new file: tables in their order, keys ascending, rows hashed on the way.
struct Builder<'a> {
    db: &'a Database,
    catalogue: &'a Catalogue,
    /// Slot and key of the row before.
    before: Option<(usize, Vec<u8>)>,
    open: Option<WriteTransaction>,
    rows: u64,
    digest: u128,
}

impl<'a> Builder<'a> {
    fn new(db: &'a Database, catalogue: &'a Catalogue) -> Builder<'a> {
        Builder { db, catalogue, before: None, open: None, rows: 0, digest: 0 }
    }

    fn block(&mut self, block: &[u8]) -> Result<(), TransferError> {
        let (id, block_rows) = rows(block)?;
        let known = self.catalogue.by_id(id).filter(|(_, m)| m.kind == Kind::Replicated);
        let (slot, meta) = known.ok_or_else(|| refuse(&format!("it has rows of an unlisted table {id}")))?;
        let w = match self.open.take() {
            Some(w) => w,
            None => begin(self.db, Durability::None)?,
        };
        let rows_before = self.rows;
        self.fill(&w, slot, meta, block_rows)?;
        if self.rows / ROWS_PER_COMMIT == rows_before / ROWS_PER_COMMIT {
            self.open = Some(w);
        } else {
            w.commit().map_err(Fault::from)?;
        }
        Ok(())
    }

    fn fill(
        &mut self,
        w: &WriteTransaction,
        slot: usize,
        meta: Meta,
        block_rows: crate::stream::BlockRows<'_>,
    ) -> Result<(), TransferError> {
        let mut table = w.open_table(base::definition(&meta)).map_err(Fault::from)?;
        for row in block_rows {
            let (key, value) = row?;
            if self.before.as_ref().is_some_and(|(s, k)| (*s, k.as_slice()) >= (slot, key)) {
                return Err(refuse(&format!("the rows of table {} are not in key order", meta.name)));
            }
            table.insert(key, value).map_err(Fault::from)?;
            self.rows += 1;
            self.digest = self.digest.wrapping_add(digest::row(meta.id, key, value));
            match &mut self.before {
                Some((s, k)) => {
                    *s = slot;
                    k.clear();
                    k.extend_from_slice(key);
                }
                none => *none = Some((slot, key.to_vec())),
            }
        }
        Ok(())
    }

    fn verify(mut self, stated_rows: u64, expect: &Header) -> Result<(), TransferError> {
        if self.rows != stated_rows {
            return Err(refuse(&format!("it has {} rows and states {stated_rows}", self.rows)));
        }
        if self.digest != expect.digest {
            let (have, want) = (self.digest, expect.digest);
            return Err(refuse(&format!("its rows hash to {have:032x}, its header says {want:032x}")));
        }
        match self.open.take() {
            Some(w) => Ok(w.commit().map_err(Fault::from)?),
            None => Ok(()),
        }
    }
}
