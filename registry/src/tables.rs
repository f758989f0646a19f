//! Every table and index of the registry, one line each. `docs/DATA.md` explains them.
//!
//! Numbers are part of the file format and never used twice.

use crate::{
    contact::Contact,
    domain::Domain,
    host::Host,
    journal::{JournalKey, JournalRow},
    keys::KeyEpoch,
    name::DomainName,
    node::Node,
    poll::{Message, Queue},
    registrar::Registrar,
    repository::Repository,
    svtrid::SvTrid,
    tld::{Mark, Tld},
};
use storage::{Index, Meta, Table};

/// Policy of the repository; the only key is 0.
pub const REPOSITORY: Table<u8, Repository> = Table::new(1, "repository");
pub const TLD: Table<DomainName, Tld> = Table::new(2, "tld");
/// Reserved and blocked labels: (TLD number, label).
pub const MARK: Table<(u64, String), Mark> = Table::new(3, "mark");
pub const REGISTRAR: Table<u64, Registrar> = Table::new(4, "registrar");
/// Folded clID → registrar.
pub const REGISTRAR_HANDLE: Table<String, u64> = Table::new(5, "registrar_handle");
pub const DOMAIN: Table<DomainName, Domain> = Table::new(6, "domain");
/// (sponsor, name)
pub const DOMAIN_SPONSOR: Index<(u64, DomainName)> = Index::new(7, "domain_sponsor");
/// (contact, domain): makes a contact `linked`.
pub const DOMAIN_CONTACT: Index<(u64, DomainName)> = Index::new(8, "domain_contact");
/// (host, domain): makes a host `linked`.
pub const DOMAIN_HOST: Index<(u64, DomainName)> = Index::new(9, "domain_host");
pub const HOST: Table<u64, Host> = Table::new(10, "host");
pub const HOST_NAME: Table<DomainName, u64> = Table::new(11, "host_name");
/// (superordinate domain, host)
pub const HOST_SUPERORDINATE: Index<(DomainName, u64)> = Index::new(12, "host_superordinate");
pub const CONTACT: Table<u64, Contact> = Table::new(13, "contact");
/// Folded handle → contact.
pub const CONTACT_HANDLE: Table<String, u64> = Table::new(14, "contact_handle");
/// (instant in ms, kind, name): what must happen later.
pub const DUE: Index<(i64, u8, DomainName)> = Index::new(15, "due");
/// (registrar, message)
pub const POLL: Table<(u64, u64), Message> = Table::new(16, "poll");
/// (log index, step): what happened, in order, for ever.
pub const JOURNAL: Table<JournalKey, JournalRow> = Table::new(17, "journal");
/// svTRID → journal row; in memory, rebuilt from the journal's tail.
pub const OUTCOME: Table<SvTrid, JournalKey> = Table::volatile(18, "outcome");
/// (instant in ms at which it is forgotten, svTRID); in memory.
pub const OUTCOME_UNTIL: Index<(i64, SvTrid)> = Index::volatile(19, "outcome_until");
/// Registrar → how many messages wait and where they begin, so that no poll counts or searches its queue.
pub const POLL_QUEUE: Table<u64, Queue> = Table::new(20, "poll_queue");
/// IANA id → registrar.
pub const REGISTRAR_IANA: Table<u32, u64> = Table::new(21, "registrar_iana");
/// (folded name, registrar): names need not be unique.
pub const REGISTRAR_NAME: Index<(String, u64)> = Index::new(22, "registrar_name");
/// Registrars that may not act: asked with every command of a registrar, and looked through by every node.
pub const REGISTRAR_SUSPENDED: Index<u64> = Index::new(23, "registrar_suspended");
/// Epochs of the sealing keys, by number; no secrets.
pub const KEY_EPOCH: Table<u32, KeyEpoch> = Table::new(24, "key_epoch");
/// Nodes that were allocated or removed, by number, for ever.
pub const NODE: Table<u64, Node> = Table::new(25, "node");

/// Those in which keys are looked up that most often are not there: by DAS, millions of times a second, and by every create.
pub const FINGERPRINTED: &[Meta] = &[DOMAIN.meta(), MARK.meta(), TLD.meta()];

/// All of them, for [`storage::Store::open`].
pub const ALL: &[Meta] = &[
    REPOSITORY.meta(),
    TLD.meta(),
    MARK.meta(),
    REGISTRAR.meta(),
    REGISTRAR_HANDLE.meta(),
    DOMAIN.meta(),
    DOMAIN_SPONSOR.meta(),
    DOMAIN_CONTACT.meta(),
    DOMAIN_HOST.meta(),
    HOST.meta(),
    HOST_NAME.meta(),
    HOST_SUPERORDINATE.meta(),
    CONTACT.meta(),
    CONTACT_HANDLE.meta(),
    DUE.meta(),
    POLL.meta(),
    POLL_QUEUE.meta(),
    REGISTRAR_IANA.meta(),
    REGISTRAR_NAME.meta(),
    REGISTRAR_SUSPENDED.meta(),
    KEY_EPOCH.meta(),
    NODE.meta(),
    JOURNAL.meta(),
    OUTCOME.meta(),
    OUTCOME_UNTIL.meta(),
];
