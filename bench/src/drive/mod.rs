//! What loads are made of: one client for each protocol, each as thin as it can be, because it shares the machine
//! with the server.

pub mod epp;
mod tls;
