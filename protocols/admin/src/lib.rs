//! The operator's API: JSON over HTTP/1.1, on a Unix socket in the node's directory and over mutual TLS.
//!
//! Every operation is `POST /v1/NAME` with one JSON object, and is answered by one JSON value; [`wire`] defines them
//! for both sides. [`server`] answers from any [`registry::Backend`], [`client`] asks. Writes go through the same
//! door as those of registrars, as commands of [`registry::Actor::Operator`]; reads are linearizable.
//!
//! Not here: consensus ([`Control`] is what the node offers of it), sealing keys ([`KeyHolder`]), EPP, and how results look to people
//! (`namingo-admin` decides).

pub mod client;
pub mod server;
pub mod wire;

pub use client::{CallError, Client};
pub use server::{BindError, Control, Held, KeyHolder, Membership, Server, Site, TlsSocket, UnixSocket};

/// In front of every operation's name.
const PREFIX: &str = "/v1/";
/// Octets of a path in a Unix socket address (`sun_path` without its final zero).
const SOCKET_PATH_MAX: usize = 107;
