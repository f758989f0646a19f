//! Answers that hold no object: an error with its HTTP status (RFC 9083 section 6), the terms of service beside it.

use hyper::StatusCode;

use super::{Answer, Asked};
use crate::object::ErrorObject;
use crate::request::RequestFault;

/// Why there is no object.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No such object, here or anywhere: other registries' objects are not looked for.
    NotFound,
    /// No such kind of resource.
    NotOffered,
    Malformed(RequestFault),
    Method,
    UriTooLong,
    /// The state can't be read at the moment.
    Unavailable,
    /// The state is damaged.
    Internal,
}

impl Problem {
    pub(crate) fn answer(&self, asked: &Asked<'_>) -> Answer {
        let (status, word) = self.kind();
        let title = status.canonical_reason().unwrap_or_default();
        let description = self.description();
        let object = ErrorObject { error_code: status.as_u16(), title, description: [&description] };
        Answer::with(status, word, asked.document(&object))
    }

    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Problem::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Problem::NotOffered => (StatusCode::NOT_FOUND, "invalid"),
            Problem::Malformed(_) => (StatusCode::BAD_REQUEST, "invalid"),
            Problem::Method => (StatusCode::METHOD_NOT_ALLOWED, "invalid"),
            Problem::UriTooLong => (StatusCode::URI_TOO_LONG, "invalid"),
            Problem::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "error"),
            Problem::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "error"),
        }
    }

    fn description(&self) -> String {
        match self {
            Problem::NotFound => "This registry has no such object.".into(),
            Problem::NotOffered => RequestFault::NotOffered.to_string(),
            Problem::Malformed(fault) => fault.to_string(),
            Problem::Method => "This service answers GET and HEAD.".into(),
            Problem::UriTooLong => RequestFault::TooLong.to_string(),
            Problem::Unavailable => "The registry can't answer at the moment. Try again in a minute.".into(),
            Problem::Internal => "The registry could not read its data.".into(),
        }
    }
}
