//! What a command came to: an answer to print, or the reason why there is none, with its exit status.

use admin::{
    CallError,
    wire::{Failure, Kind},
};
use serde::Serialize;
use std::fmt;

/// Both forms of an answer, each with its final newline.
#[derive(Debug)]
pub struct Answer {
    pub json: String,
    pub text: String,
    /// Whether all of it was done.
    pub complete: bool,
}

impl Answer {
    pub fn new<T: Serialize>(reply: &T, text: impl Into<String>) -> Result<Answer, Stop> {
        let json = serde_json::to_string_pretty(reply).map_err(|e| Stop::Failed(e.to_string()))?;
        let mut text = text.into();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(Answer { json: json + "\n", text, complete: true })
    }

    #[must_use]
    pub fn complete(self, complete: bool) -> Answer {
        Answer { complete, ..self }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The command line, or what it points to.
    Usage(String),
    /// Here, before a node was asked.
    Failed(String),
    Call(CallError),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Stop {
        Stop::Call(error)
    }
}

impl Stop {
    pub fn status(&self) -> u8 {
        match self {
            Stop::Usage(_) => 2,
            Stop::Call(CallError::Unreachable { .. }) => 3,
            Stop::Call(CallError::Failed(failure)) if failure.kind == Kind::Unavailable => 3,
            Stop::Failed(_) | Stop::Call(_) => 1,
        }
    }

    /// The node's failure as it sent it, or one of the same form.
    pub fn json(&self) -> String {
        let reason = match self {
            Stop::Usage(_) => "usage",
            Stop::Failed(_) => "failed",
            Stop::Call(CallError::Unreachable { .. }) => "unreachable",
            Stop::Call(CallError::Broken { .. }) => "connection_broken",
            Stop::Call(CallError::Garbled(_)) => "garbled",
            Stop::Call(CallError::Failed(failure)) => return form(failure),
        };
        let kind = match self {
            Stop::Usage(_) => Kind::BadRequest,
            Stop::Call(CallError::Unreachable { .. }) => Kind::Unavailable,
            Stop::Call(CallError::Broken { .. }) => Kind::Unknown,
            _ => Kind::Internal,
        };
        form(&Failure::new(kind, reason, self.to_string()))
    }
}

fn form(failure: &Failure) -> String {
    serde_json::to_string_pretty(failure).unwrap_or_else(|_| failure.to_string())
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Usage(why) | Stop::Failed(why) => f.write_str(why),
            Stop::Call(error) => error.fmt(f),
        }
    }
}
