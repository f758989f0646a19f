//! EPP: the Extensible Provisioning Protocol as registrars speak it (RFC 5730 to 5734, 5910).
//!
//! The way of a command: [`server`] accepts, [`session`] is the loop, [`frame`] finds the document, [`request`]
//! reads it with the file of its verb (`domain/create.rs` and its siblings), `dispatch` asks the registry,
//! [`response`] writes with the same file's `render`.
//! [`result`] is the one place that gives refusals their codes, [`subject`] the one that finds the element at fault.
//!
//! Not here: any rule about what may be registered by whom (`registry`), TLS and limits of connections (`net`).

pub mod attempts;
pub mod authinfo;
pub mod contact;
pub mod denial;
mod dispatch;
pub mod domain;
pub mod ext;
pub mod frame;
pub mod greeting;
mod guess;
pub mod host;
pub mod login;
pub mod passwords;
pub mod poll;
pub mod request;
pub mod response;
pub mod result;
pub mod secret;
pub mod server;
pub mod session;
mod shares;
pub mod site;
mod status;
pub mod subject;
pub mod suspension;
pub mod xml;

pub use attempts::Attempts;
pub use frame::Budget;
pub use passwords::Passwords;
pub use server::serve;
pub use site::{SessionLimits, Site};
pub use suspension::Sessions;
