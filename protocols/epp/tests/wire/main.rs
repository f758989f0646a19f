//! EPP from outside: frames in, answers out, the schemas as judge of both.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod hostile;
mod kit;
mod malformed;
mod mutate;
mod objects;
mod schema;
mod session;
mod suspension;
mod xmllint;
