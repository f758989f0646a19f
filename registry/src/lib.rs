//! What a domain name registry is and may do.
//!
//! Nouns live in one folder per object ([`domain`], [`host`], [`contact`], [`registrar`], [`tld`]), each verb in
//! one file with the same two functions: `check` (every refusal, in the order a registrar meets them, no
//! writes) and `apply` (the same check, then the writes; after the first write nothing refuses). State changes
//! pass one door, [`apply::apply_batch`]; readers see it through [`storage::View`] and, where the public is
//! concerned, through [`view`], which alone decides what may be shown.
//!
//! Everything here is deterministic and synchronous: the same entries give the same state on every node.
//! Not here: clocks, randomness, sockets, XML, consensus, floats, hash maps. The one asynchronous signature is
//! the port [`Backend`], implemented by `raft::Cluster` and by [`Solo`].

#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::float_arithmetic)]

// the kit of tests/rules names this crate by its name, and one test inside of the crate uses it
#[cfg(test)]
#[allow(unused_extern_crates, reason = "the lint does not see paths that begin with the name")]
extern crate self as registry;

pub mod actor;
pub mod apply;
pub mod authinfo;
pub mod backend;
pub mod command;
pub mod contact;
pub mod country;
pub mod dnssec;
pub mod domain;
pub mod due;
pub mod host;
pub mod journal;
pub mod keys;
pub mod name;
pub mod node;
pub mod outcome;
pub mod password;
pub mod poll;
pub mod refusal;
pub mod registrar;
pub mod repository;
pub mod roid;
pub mod seal;
pub mod status;
pub mod svtrid;
pub mod tables;
pub mod time;
pub mod tld;
pub mod view;

pub use actor::Actor;
pub use backend::{Backend, Freshness, Solo, Unavailable, execute};
pub use command::{Command, Entry, Verb};
pub use name::DomainName;
pub use outcome::{Outcome, Reply};
pub use refusal::{About, Refusal, Stop};
pub use svtrid::{SvTrid, SvTrids};
pub use time::Timestamp;
