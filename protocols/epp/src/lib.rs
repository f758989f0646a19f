//! EPP: the Extensible Provisioning Protocol as registrars speak it (RFC 5730 to 5734, 5910).

pub mod authinfo;
pub mod contact;
pub mod domain;
pub mod ext;
pub mod host;
pub mod login;
pub mod poll;
pub mod request;
pub mod secret;
mod status;
pub mod xml;
