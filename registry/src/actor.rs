//! Who acts, and what that allows.

use crate::refusal::{Refusal, Stop};
use serde::{Deserialize, Serialize};

/// The author of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A logged-in registrar, by object number.
    Registrar(u64),
    /// The operator, through the administration endpoint; the text names the certificate or socket used.
    Operator(Box<str>),
    /// The registry itself: time passing.
    System,
}

impl Actor {
    /// # Errors
    /// [`Refusal::NotOperator`] for everyone but the operator and the registry itself.
    pub fn must_operate(&self) -> Result<(), Stop> {
        match self {
            Actor::Operator(_) | Actor::System => Ok(()),
            Actor::Registrar(_) => Err(Refusal::NotOperator.into()),
        }
    }

    pub fn is_operator(&self) -> bool {
        matches!(self, Actor::Operator(_))
    }

    /// The registrar's number, where one acts.
    pub fn registrar(&self) -> Option<u64> {
        match self {
            Actor::Registrar(id) => Some(*id),
            Actor::Operator(_) | Actor::System => None,
        }
    }
}
