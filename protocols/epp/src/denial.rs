//! Refusals and failures as they are answered: the registry's words with their code and the element at fault.

use registry::{Outcome, Refusal, Reply, Stop, Unavailable, seal::SealFault};
use tracing::error;

use crate::result::ResultCode;
use crate::subject::Subject;
use crate::xml::{Offender, Syntax};

/// A refusal or a failure.
#[derive(Debug)]
pub struct Denial {
    pub code: ResultCode,
    /// The element at fault, for `<value>`.
    pub offender: Option<Offender>,
    /// What was wrong, in a sentence; the code's own text stands before it.
    pub reason: String,
    /// The registry's word where one of its rules refused; none where a gate did, or something failed.
    pub refusal: Option<&'static str>,
}

impl Denial {
    pub fn new(code: ResultCode, reason: impl Into<String>) -> Denial {
        Denial { code, offender: None, reason: reason.into(), refusal: None }
    }

    /// A refusal in the registry's words.
    pub fn refused(refusal: &Refusal) -> Denial {
        let denial = Denial::new(ResultCode::of_refusal(refusal), refusal.to_string());
        Denial { refusal: Some(refusal.reason()), ..denial }
    }

    /// The same at an element.
    #[must_use]
    pub fn at(mut self, offender: Offender) -> Denial {
        self.offender = Some(offender);
        self
    }
}

impl From<Syntax> for Denial {
    fn from(syntax: Syntax) -> Denial {
        Denial {
            code: ResultCode::of_gate(syntax.gate),
            offender: syntax.offender,
            reason: syntax.reason.into_owned(),
            refusal: None,
        }
    }
}

/// What an outcome means to the client that waits for it.
pub(crate) fn decided(outcome: Result<Outcome, Unavailable>, subject: &Subject) -> Result<Reply, Denial> {
    let again = |reason| Err(Denial::new(ResultCode::Failed, reason));
    match outcome {
        Ok(Outcome::Done(reply)) => Ok(reply),
        Ok(Outcome::Refused(refusal)) => Err(refused(&refusal, subject)),
        Ok(Outcome::Internal) => again("an internal error; nothing was changed and the operator was told"),
        Ok(Outcome::Expired) => again("not carried out in time; nothing was changed, send it again"),
        Ok(Outcome::Superseded) => again("the object changed meanwhile; nothing was done, send it again"),
        Err(cause) => Err(unavailable(&cause)),
    }
}

fn refused(refusal: &Refusal, subject: &Subject) -> Denial {
    Denial::refused(refusal).at(subject.offender(refusal))
}

/// Why a read or a check gave nothing.
pub(crate) fn stopped(stop: Stop, subject: &Subject) -> Denial {
    match stop {
        Stop::Refused(refusal) => refused(&refusal, subject),
        stop => failed(stop),
    }
}

/// A read that ended without a refusal.
pub(crate) fn failed(stop: Stop) -> Denial {
    match stop {
        Stop::Refused(refusal) => Denial::refused(&refusal),
        Stop::Superseded => Denial::new(ResultCode::Failed, "the object changed meanwhile; send it again"),
        Stop::Fault(fault) => {
            error!(%fault, "a read failed");
            Denial::new(ResultCode::Failed, "this node's storage failed; use another node")
        }
    }
}

/// No leader, an unknown outcome, or a failing node. Only the unknown outcome ends the session: the client must not
/// take a later answer for that one.
pub(crate) fn unavailable(cause: &Unavailable) -> Denial {
    match cause {
        Unavailable::NoLeader | Unavailable::Busy => Denial::new(ResultCode::Failed, cause.to_string()),
        Unavailable::ClockDiffers { .. } => {
            Denial::new(ResultCode::Failed, "no writes at this node; use another")
        }
        Unavailable::ClockHeld => Denial::new(ResultCode::Failed, "no writes at the moment; try again later"),
        Unavailable::Unknown { .. } => Denial::new(ResultCode::FailedEnding, cause.to_string()),
        Unavailable::Fault(why) => {
            error!(%why, "this node's storage failed");
            Denial::new(ResultCode::Failed, "this node's storage failed; use another node")
        }
    }
}

/// Keys are missing or do not fit: the operator's business.
pub(crate) fn unsealed(fault: &SealFault) -> Denial {
    error!(%fault, "sealed data can't be handled");
    Denial::new(ResultCode::Failed, "this node can't handle sealed data; use another node")
}

/// The reason in the answer to a check: `reasonType` has room for 32 characters.
pub(crate) fn short_reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Exists { .. } => "In use",
        Refusal::Reserved { .. } => "Reserved",
        Refusal::Blocked { .. } => "Blocked",
        Refusal::NameSyntax { .. } => "Invalid name",
        Refusal::NotServed { .. } => "Not in a zone served here",
        Refusal::NotRegistrable { .. } => "Not one label below a zone",
        Refusal::ReservedHyphens { .. } => "Hyphens in position 3 and 4",
        Refusal::FakeALabel { .. } => "Invalid A-label",
        Refusal::IdnUnsupported { .. } => "No IDN in this zone",
        Refusal::HandleSyntax { .. } => "Invalid identifier",
        Refusal::HostNotAllowed { .. } => "Not allowed as a host",
        Refusal::NotSponsor { .. } => "Superordinate is another's",
        Refusal::TooManySubordinates { .. } => "Too many hosts below the domain",
        _ => "Not available",
    }
}
