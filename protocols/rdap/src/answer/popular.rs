//! Answers for domains that are asked again and again, kept encoded but for the URI and the instant of the data.
//!
//! They are exact: one holds for as long as nothing is written to the tables that it is made of, and until the domain
//! expires. So they help where questions are many and writes are few.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use registry::tables::{CONTACT, DOMAIN, HOST, REGISTRAR, REPOSITORY, TLD};
use registry::view::DomainView;
use registry::{DomainName, Timestamp};
use storage::{Fault, Memo, View};

use super::domain::Parts;

/// Answers that are kept at most.
const ANSWERS: usize = 32_768;
/// Octets of an answer that is kept: with [`ANSWERS`], 192 MiB.
const OCTETS_MAX: usize = 6 * 1024;

/// One for each site.
pub(crate) struct Popular {
    kept: Memo<Kept>,
    /// Which name was asked last in each place, and of which rows.
    asked: Box<[AtomicU64]>,
    /// Nobody outside knows which names share a place.
    hasher: RandomState,
}

/// The answer for one domain.
pub(crate) struct Kept {
    name: DomainName,
    /// That of the view of which it was made, and of every view in which it holds.
    mark: u64,
    since: Timestamp,
    until: Timestamp,
    pub parts: Parts,
}

impl Default for Popular {
    fn default() -> Popular {
        let tables =
            [REPOSITORY.meta(), TLD.meta(), REGISTRAR.meta(), DOMAIN.meta(), HOST.meta(), CONTACT.meta()];
        Popular {
            kept: Memo::new(&tables, ANSWERS),
            asked: (0..ANSWERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Popular {
    /// The answer for a name, if it is kept and holds in the view with its state time.
    ///
    /// # Errors
    /// A storage fault.
    pub(crate) fn find(
        &self,
        db: &View,
        name: &DomainName,
        at: Timestamp,
    ) -> Result<Option<Arc<Kept>>, Fault> {
        let number = self.number(name);
        let kept = self.kept.find(db, number)?;
        let kept = kept.filter(|kept| kept.name == *name && kept.since <= at && at < kept.until);
        if let Some(kept) = &kept {
            let last = self.last(number);
            if last.load(Ordering::Relaxed) != kept.mark {
                last.store(kept.mark, Ordering::Relaxed);
            }
        }
        Ok(kept)
    }

    /// Whether the name is asked for again before another one of its place is, and before anything was written: only then
    /// is there anything to keep, and only then does it take the place from the other.
    ///
    /// # Errors
    /// A storage fault.
    pub(crate) fn is_asked_again(&self, db: &View, name: &DomainName) -> Result<bool, Fault> {
        let number = self.number(name);
        let mark = self.mark(db, number)?;
        Ok(self.last(number).swap(mark, Ordering::Relaxed) == mark)
    }

    /// Of a name in a view. Two that are alike by chance cost an answer that is kept in vain.
    fn mark(&self, db: &View, number: u64) -> Result<u64, Fault> {
        Ok(number ^ self.kept.revision(db)?.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn last(&self, number: u64) -> &AtomicU64 {
        // the remainder is less than the number of places
        &self.asked[(number % ANSWERS as u64) as usize]
    }

    /// Keeps an answer that was made of the view, unless it is very long.
    ///
    /// # Errors
    /// A storage fault.
    pub(crate) fn keep(
        &self,
        db: &View,
        domain: &DomainView,
        at: Timestamp,
        parts: Parts,
    ) -> Result<(), Fault> {
        if parts.len() > OCTETS_MAX {
            return Ok(());
        }
        let number = self.number(&domain.name);
        let mark = self.mark(db, number)?;
        let kept = Kept { name: domain.name.clone(), mark, since: at, until: domain.expiry, parts };
        self.kept.keep(db, number, Arc::new(kept))
    }

    fn number(&self, name: &DomainName) -> u64 {
        self.hasher.hash_one(name)
    }
}
