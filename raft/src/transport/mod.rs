//! Peer connections: mutual TLS over TCP, many requests in flight on each. A frame is a length (u32, big endian), a
//! request number (u64) and a payload.
//!
//! Connections are kept: an election must not pay a handshake.

mod client;
mod frame;
mod server;

pub use client::PeerNet;
pub use server::{Door, NodeOf, OnStranger, serve};
