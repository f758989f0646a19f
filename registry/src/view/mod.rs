//! What the public may see: the one decision on every privacy question, for WHOIS, RDAP and DAS alike.
//!
//! Everything here is readable without keys; an edge node answers from it.

mod das;
mod domain;
mod host;
mod kept;
mod name;
mod registrar;

pub use das::{Das, DasStatus, das};
pub use domain::{ContactView, DomainView, NameServerView, domain};
pub use host::{HostView, host};
pub use kept::{Kept, Waiting};
pub use name::{ascii, name, unicode};
pub use registrar::{RegistrarView, registrars};
