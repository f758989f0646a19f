//! From an HTTP request to an HTTP response.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode, Uri};
use registry::{Backend, Freshness};
use tracing::{error, warn};

use crate::Site;
use crate::answer::{Answer, Asked, Problem};
use crate::request::{Query, RequestFault};

/// Answers a request. A HEAD is answered like a GET; hyper leaves out the body of its answer.
pub(crate) async fn respond<I>(
    request: &Request<I>,
    backend: &impl Backend,
    site: &Site,
) -> Response<Full<Bytes>> {
    let asked = Asked::new(site, request.uri().path());
    let answer = match accept(request.method(), request.uri()) {
        Ok(query) => look_up(backend, &asked, &query).await,
        Err(problem) => problem.answer(&asked),
    };
    site.answers.count(answer.word, 1);
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/rdap+json"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn accept(method: &Method, uri: &Uri) -> Result<Query, Problem> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Problem::Method);
    }
    Query::read(uri.path()).map_err(|fault| match fault {
        RequestFault::TooLong => Problem::UriTooLong,
        RequestFault::NotOffered => Problem::NotOffered,
        fault => Problem::Malformed(fault),
    })
}

async fn look_up(backend: &impl Backend, asked: &Asked<'_>, query: &Query) -> Answer {
    let view = match backend.view(Freshness::Local).await {
        Ok(view) => view,
        Err(cause) => {
            warn!(service = "rdap", %cause, "no view of the state");
            return Problem::Unavailable.answer(asked);
        }
    };
    match asked.look_up(&view, query) {
        Ok(Some(answer)) => answer,
        Ok(None) => Problem::NotFound.answer(asked),
        Err(stop) => {
            error!(service = "rdap", ?stop, "a query met a fault of the state");
            Problem::Internal.answer(asked)
        }
    }
}
