//! `poll` on the wire (RFC 5730 section 2.9.2.3).

use crate::xml::types::word;
use crate::xml::{El, Syntax};

/// A poll as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    Request,
    /// The schema lets the identifier be absent; the rule does not.
    Acknowledge {
        message: Option<String>,
    },
}

/// `pollType`.
///
/// # Errors
/// When the element has another form.
pub fn parse(element: &El<'_>) -> Result<Poll, Syntax> {
    element.empty(|s| {
        let op = s.required_attr("op")?;
        let message = s.attr("msgID").map(|id| id.into_owned());
        let acknowledge = word(element, "the attribute op", &op, &[("ack", true), ("req", false)])?;
        Ok(if acknowledge { Poll::Acknowledge { message } } else { Poll::Request })
    })
}
