//! Peer connections: mutual TLS over TCP, many requests in flight on each. A frame is a length (u32, big endian), a
//! request number (u64) and a payload.
//!
//! Connections are kept: an election must not pay a handshake. One that a silent partition has killed is noticed by
//! what it does not acknowledge, and replaced.

mod client;
mod frame;
mod server;
mod socket;

pub use client::PeerNet;
pub use server::{Door, NodeOf, OnStranger, Places, serve};
