//! What can be asked of the registry's state: one enum, replicated in the log.

use crate::{
    actor::Actor,
    contact::ContactCreate,
    domain::DomainCreate,
    host::HostCreate,
    keys::{AuthInfoUnset, KeyActivate, KeyPropose, KeyRetire, KeyRetired, Reseal},
    node::{NodeAllocate, NodeRemove},
    poll::PollAck,
    registrar::{RegistrarCreate, RegistrarPassword, RegistrarResume, RegistrarSuspend, RegistrarUpdate},
    repository::RepositoryFound,
    svtrid::SvTrid,
    time::Timestamp,
    tld::{MarkName, TldCreate, UnmarkName},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A request as the accepting node made it: complete, with secrets hashed and personal data sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub svtrid: SvTrid,
    /// The accepting node's wall clock when it made the command.
    pub issued: Timestamp,
    pub by: Actor,
    pub verb: Verb,
}

/// What the log holds: a command with the instant that the leader gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    pub command: Command,
}

/// The verbs. The order is replicated: append only (pinned by a test).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// Moves state time; the leader's heartbeat of time.
    Beat,
    /// Does at most `limit` items of due work.
    Tick {
        limit: u16,
    },
    /// Records the digest exactly after this entry.
    Mark,
    RepositoryFound(RepositoryFound),
    RegistrarCreate(Box<RegistrarCreate>),
    RegistrarPassword(Box<RegistrarPassword>),
    TldCreate(Box<TldCreate>),
    MarkName(MarkName),
    UnmarkName(UnmarkName),
    DomainCreate(Box<DomainCreate>),
    HostCreate(Box<HostCreate>),
    ContactCreate(Box<ContactCreate>),
    PollAck(PollAck),
    RegistrarSuspend(RegistrarSuspend),
    RegistrarResume(RegistrarResume),
    KeyPropose(KeyPropose),
    KeyActivate(KeyActivate),
    Reseal(Box<Reseal>),
    KeyRetire(KeyRetire),
    AuthInfoUnset(Box<AuthInfoUnset>),
    KeyRetired(KeyRetired),
    NodeAllocate(NodeAllocate),
    NodeRemove(NodeRemove),
    RegistrarUpdate(Box<RegistrarUpdate>),
}

impl Verb {
    /// The verb's name in the journal, in metrics and in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Beat => "beat",
            Verb::Tick { .. } => "tick",
            Verb::Mark => "mark",
            Verb::RepositoryFound(_) => "repository_found",
            Verb::RegistrarCreate(_) => "registrar_create",
            Verb::RegistrarPassword(_) => "registrar_password",
            Verb::TldCreate(_) => "tld_create",
            Verb::MarkName(_) => "mark_name",
            Verb::UnmarkName(_) => "unmark_name",
            Verb::DomainCreate(_) => "domain_create",
            Verb::HostCreate(_) => "host_create",
            Verb::ContactCreate(_) => "contact_create",
            Verb::PollAck(_) => "poll_ack",
            Verb::RegistrarSuspend(_) => "registrar_suspend",
            Verb::RegistrarResume(_) => "registrar_resume",
            Verb::KeyPropose(_) => "key_propose",
            Verb::KeyActivate(_) => "key_activate",
            Verb::Reseal(_) => "reseal",
            Verb::KeyRetire(_) => "key_retire",
            Verb::AuthInfoUnset(_) => "authinfo_unset",
            Verb::KeyRetired(_) => "key_retired",
            Verb::NodeAllocate(_) => "node_allocate",
            Verb::NodeRemove(_) => "node_remove",
            Verb::RegistrarUpdate(_) => "registrar_update",
        }
    }

    /// The object that the verb is about, as the journal names it.
    pub fn object(&self) -> String {
        let epoch = |number: u32| format!("epoch {number}");
        match self {
            Verb::Beat | Verb::Tick { .. } | Verb::Mark => String::new(),
            Verb::RepositoryFound(c) => c.name.clone(),
            Verb::RegistrarCreate(c) => c.handle.clone(),
            Verb::RegistrarPassword(c) => c.handle.clone(),
            Verb::TldCreate(c) => c.name.clone(),
            Verb::MarkName(c) => format!("{}.{}", c.label, c.tld),
            Verb::UnmarkName(c) => format!("{}.{}", c.label, c.tld),
            Verb::DomainCreate(c) => c.name.clone(),
            Verb::HostCreate(c) => c.name.clone(),
            Verb::ContactCreate(c) => c.handle.clone(),
            Verb::PollAck(c) => c.message.to_string(),
            Verb::RegistrarSuspend(c) => c.handle.clone(),
            Verb::RegistrarResume(c) => c.handle.clone(),
            Verb::KeyPropose(c) => epoch(c.epoch),
            Verb::KeyActivate(c) => epoch(c.epoch),
            Verb::Reseal(c) => epoch(c.epoch),
            Verb::KeyRetire(c) => epoch(c.epoch),
            Verb::AuthInfoUnset(c) => epoch(c.epoch),
            Verb::KeyRetired(c) => epoch(c.epoch),
            Verb::NodeAllocate(c) => c.role.to_string(),
            Verb::NodeRemove(c) => format!("node {}", c.id),
            Verb::RegistrarUpdate(c) => c.handle.clone(),
        }
    }

    /// The key epochs of what the accepting node sealed or hashed.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = u32> {
        let hashed = |authinfo: &crate::authinfo::NewAuthInfo| authinfo.stored.map(|stored| stored.epoch);
        let (sealed, hashed) = match self {
            Verb::RegistrarCreate(c) => (Some(c.password.epoch), None),
            Verb::RegistrarPassword(c) => (Some(c.password.epoch), None),
            Verb::ContactCreate(c) => (Some(c.sealed.epoch), hashed(&c.authinfo)),
            Verb::DomainCreate(c) => (None, hashed(&c.authinfo)),
            Verb::Beat
            | Verb::Tick { .. }
            | Verb::Mark
            | Verb::RepositoryFound(_)
            | Verb::TldCreate(_)
            | Verb::MarkName(_)
            | Verb::UnmarkName(_)
            | Verb::HostCreate(_)
            | Verb::PollAck(_)
            | Verb::RegistrarSuspend(_)
            | Verb::RegistrarResume(_)
            | Verb::KeyPropose(_)
            | Verb::KeyActivate(_)
            | Verb::Reseal(_)
            | Verb::KeyRetire(_)
            | Verb::AuthInfoUnset(_)
            | Verb::KeyRetired(_)
            | Verb::NodeAllocate(_)
            | Verb::NodeRemove(_)
            | Verb::RegistrarUpdate(_) => (None, None),
        };
        sealed.into_iter().chain(hashed)
    }

    /// Whether the command leaves a row in the journal (and so has a remembered outcome).
    pub fn is_journalled(&self) -> bool {
        !matches!(self, Verb::Beat | Verb::Tick { .. } | Verb::Mark)
    }
}

/// `domain_create example.test 1-…-7`: what logs show of a command.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.command;
        write!(f, "{} {} {}", c.verb.name(), c.verb.object(), c.svtrid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tld::MarkKind;

    /// The first byte of an encoded verb is its place in the enum: what old logs depend on.
    #[test]
    fn the_order_of_verbs_is_pinned() {
        let place = |v: &Verb| storage::codec::encode(v)[0];
        assert_eq!(place(&Verb::Beat), 0);
        assert_eq!(place(&Verb::Tick { limit: 1 }), 1);
        assert_eq!(place(&Verb::Mark), 2);
        assert_eq!(
            place(&Verb::UnmarkName(UnmarkName {
                tld: String::new(),
                label: String::new(),
                kind: MarkKind::Reserved
            })),
            8
        );
        assert_eq!(place(&Verb::PollAck(PollAck { message: 1 })), 12);
    }
}
