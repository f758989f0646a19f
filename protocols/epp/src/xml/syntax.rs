//! Why a frame is not a command: which gate stopped it, what was wrong, and where.

use std::borrow::Cow;
use std::fmt;

use super::{El, Ns};

/// The gates a frame passes before its command is looked at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Not well-formed XML, or XML that EPP does without (a DTD, another encoding): 2001.
    WellFormed,
    /// Well-formed, and its verb is none of RFC 5730's: 2000.
    KnownVerb,
    /// The schema of the verb or of the object does not accept it: 2001.
    Schema,
}

/// What stopped a frame. Its text never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    pub gate: Gate,
    /// One sentence for the registrar's engineer.
    pub reason: Cow<'static, str>,
    /// The element at fault; none for a frame that is not well-formed.
    pub offender: Option<Offender>,
}

/// An element as it is shown in `<value>`: without its children, its text and names clipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    pub ns: Ns,
    pub local: String,
    pub text: String,
}

/// Longest text, name or namespace that is sent back: an answer is not a multiple of the frame.
const SHOWN_CHARS: usize = 255;

impl Offender {
    /// An element that is known by its name and text. Neither may be a secret.
    pub fn new(ns: Ns, local: &str, text: &str) -> Offender {
        let shown = |text: &str| text.chars().take(SHOWN_CHARS).collect::<String>();
        let ns = match ns {
            Ns::Other(uri) if uri.len() > SHOWN_CHARS => Ns::Other(shown(&uri).into()),
            ns => ns,
        };
        Offender { ns, local: shown(local), text: shown(text) }
    }

    pub fn of(element: &El<'_>) -> Offender {
        let secret = matches!(element.local, "pw" | "newPW");
        let shown = if secret || !element.children.is_empty() { "" } else { element.text.trim() };
        Offender::new(element.ns.clone(), element.local, shown)
    }
}

impl Syntax {
    pub fn not_well_formed(reason: impl Into<Cow<'static, str>>) -> Syntax {
        Syntax { gate: Gate::WellFormed, reason: reason.into(), offender: None }
    }

    pub fn unknown_verb(element: &El<'_>) -> Syntax {
        let reason = format!("'{}' is not an EPP command", clip(element.local));
        Syntax { gate: Gate::KnownVerb, reason: reason.into(), offender: Some(Offender::of(element)) }
    }

    pub fn schema(element: &El<'_>, reason: impl Into<Cow<'static, str>>) -> Syntax {
        Syntax { gate: Gate::Schema, reason: reason.into(), offender: Some(Offender::of(element)) }
    }
}

/// A name or value as it may appear in a reason: not longer than a line.
pub(super) fn clip(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Syntax {}
