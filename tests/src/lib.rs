//! What the tests share: nodes as processes, an EPP client, scenarios.

pub mod epp;
pub mod process;
pub mod scenario;
