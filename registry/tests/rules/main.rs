//! The rules of the registry, tried from outside: commands go through the one door, and what they leave behind is
//! read as every reader reads it.
#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect panics")]

mod das;
mod determinism;
mod journal;
mod keys;
mod kit;
mod names;
mod nodes;
mod once;
mod order;
mod refusals;
mod renewal;
mod rows;
mod rst;
mod sheet;
mod views;
