//! Scenarios: EPP as a text that can be read aloud, and played against the real server.
//!
//! A file of `tests/epp` says who acts, what time it is and what is sent; what came back stands below it and is
//! golden. [`play()`] carries a file out: `epp::session::serve` over a pipe, `registry` without consensus, a clock
//! that the text sets and identifiers that are the same in every run. The grammar is in `tests/epp/README.md`.
//!
//! Not here: nodes as processes ([`crate::process`]), which the tests of a cluster use.

pub mod diff;
mod frame;
mod play;
mod pretty;
pub mod schema;
mod text;
pub mod world;

pub use play::{Played, play};
pub use schema::Document;

/// The folder of all transcripts.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/epp");
