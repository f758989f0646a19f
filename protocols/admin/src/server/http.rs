//! HTTP/1.1: `POST /v1/NAME` with a JSON object, answered by JSON. Limits on body, time and header.

use super::{Context, Control, Handle, Server, listen::Caller};
use crate::{
    PREFIX,
    wire::{self, Failure, Kind, Operation},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use net::{Shutdown, http::HttpLimits};
use registry::{Actor, Backend};
use std::{convert::Infallible, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tracing::info;

/// Octets of a request's body.
pub(super) const BODY_MAX: usize = 1 << 20;
/// For the header of a request; an idle connection ends after it, too.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// For the client to take an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A connection ends after so long, once its request is answered.
const CONNECTION_TIME: Duration = Duration::from_secs(3600);
/// For the body of a request.
const BODY_TIME: Duration = Duration::from_secs(10);
/// For the work: longer than any single command may take.
const WORK_TIME: Duration = Duration::from_secs(300);

/// The limits of a connection.
const LIMITS: HttpLimits = HttpLimits {
    head: HEADER_TIME,
    head_octets: 64 * 1024,
    headers: 64,
    answer: ANSWER_TIME,
    connection: CONNECTION_TIME,
    ending: WORK_TIME,
};

/// Serves one connection; when the node stops, the request under way is still answered.
pub(super) async fn converse<B: Backend, C: Control>(
    server: Server<B, C>,
    wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    caller: Caller,
    shutdown: Shutdown,
) {
    let asked = server.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (server, caller) = (asked.clone(), caller.clone());
        async move { Ok::<_, Infallible>(respond(&server, &caller, request).await) }
    });
    net::http::converse(wire, service, LIMITS, &server.inner.tally, shutdown).await;
}

async fn respond<B: Backend, C: Control>(
    server: &Server<B, C>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let answered = match timeout(WORK_TIME, answer(server, caller, &path, request)).await {
        Ok(answered) => answered,
        Err(_) => Err(Failure::new(
            Kind::Unknown,
            "too_slow",
            "the operation did not end in time; parts of it may have been done: look, then repeat it",
        )),
    };
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => {
            info!(service = "admin", path, reason = failure.reason, "operation failed");
            (status_of(&failure), serde_json::to_vec(&failure).unwrap_or_default())
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::FORBIDDEN {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn status_of(failure: &Failure) -> StatusCode {
    match (failure.kind, failure.reason.as_str()) {
        (Kind::BadRequest, "no_such_operation") => StatusCode::NOT_FOUND,
        (Kind::BadRequest, "method") => StatusCode::METHOD_NOT_ALLOWED,
        (Kind::BadRequest, "body_too_large") => StatusCode::PAYLOAD_TOO_LARGE,
        (Kind::BadRequest, _) => StatusCode::BAD_REQUEST,
        (Kind::Forbidden, _) => StatusCode::FORBIDDEN,
        (Kind::Refused, "not_found") => StatusCode::NOT_FOUND,
        (Kind::Refused, _) => StatusCode::CONFLICT,
        (Kind::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Kind::Unknown, _) => StatusCode::GATEWAY_TIMEOUT,
        (Kind::Internal, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn answer<B: Backend, C: Control>(
    server: &Server<B, C>,
    caller: &Caller,
    path: &str,
    request: Request<Incoming>,
) -> Result<Vec<u8>, Failure> {
    let by = match caller {
        Caller::Operator(name) => Actor::Operator(name.clone()),
        Caller::Node(id) => {
            return Err(Failure::new(
                Kind::Forbidden,
                "forbidden",
                format!(
                    "this is the certificate of node {id}; operators use the one in the directory admin/"
                ),
            ));
        }
    };
    if request.method() != Method::POST {
        return Err(Failure::bad_request("method", "every operation is a POST with a JSON object"));
    }
    let body = body(request).await?;
    let context = Context { inner: server.inner.clone(), by };
    dispatch(&context, path.strip_prefix(PREFIX).unwrap_or_default(), &body).await
}

async fn body(request: Request<Incoming>) -> Result<Bytes, Failure> {
    let too_large = || {
        Failure::bad_request(
            "body_too_large",
            format!("a request has at most {BODY_MAX} octets; send it in parts"),
        )
    };
    if request.body().size_hint().lower() > BODY_MAX as u64 {
        return Err(too_large());
    }
    let collected = timeout(BODY_TIME, Limited::new(request.into_body(), BODY_MAX).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(e)) => Err(Failure::bad_request("body", format!("the body could not be read: {e}"))),
        Err(_) => Err(Failure::bad_request("body", "the body did not arrive in time")),
    }
}

async fn dispatch<B: Backend, C: Control>(
    context: &Context<B, C>,
    name: &str,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    match name {
        wire::ClusterQuery::NAME => run::<wire::ClusterQuery, B, C>(context, body).await,
        wire::DigestQuery::NAME => run::<wire::DigestQuery, B, C>(context, body).await,
        wire::ClockAccept::NAME => run::<wire::ClockAccept, B, C>(context, body).await,
        wire::LeaderTransfer::NAME => run::<wire::LeaderTransfer, B, C>(context, body).await,
        wire::NodeAllocate::NAME => run::<wire::NodeAllocate, B, C>(context, body).await,
        wire::NodeRemove::NAME => run::<wire::NodeRemove, B, C>(context, body).await,
        wire::TldCreate::NAME => run::<wire::TldCreate, B, C>(context, body).await,
        wire::TldList::NAME => run::<wire::TldList, B, C>(context, body).await,
        wire::TldShow::NAME => run::<wire::TldShow, B, C>(context, body).await,
        wire::TldMark::NAME => run::<wire::TldMark, B, C>(context, body).await,
        wire::TldUnmark::NAME => run::<wire::TldUnmark, B, C>(context, body).await,
        wire::MarkList::NAME => run::<wire::MarkList, B, C>(context, body).await,
        wire::RegistrarCreate::NAME => run::<wire::RegistrarCreate, B, C>(context, body).await,
        wire::RegistrarUpdate::NAME => run::<wire::RegistrarUpdate, B, C>(context, body).await,
        wire::RegistrarList::NAME => run::<wire::RegistrarList, B, C>(context, body).await,
        wire::RegistrarShow::NAME => run::<wire::RegistrarShow, B, C>(context, body).await,
        wire::RegistrarPassword::NAME => run::<wire::RegistrarPassword, B, C>(context, body).await,
        wire::RegistrarSuspend::NAME => run::<wire::RegistrarSuspend, B, C>(context, body).await,
        wire::RegistrarResume::NAME => run::<wire::RegistrarResume, B, C>(context, body).await,
        wire::KeysQuery::NAME => run::<wire::KeysQuery, B, C>(context, body).await,
        wire::KeyRotate::NAME => run::<wire::KeyRotate, B, C>(context, body).await,
        wire::KeyRetire::NAME => run::<wire::KeyRetire, B, C>(context, body).await,
        wire::DomainCreate::NAME => run::<wire::DomainCreate, B, C>(context, body).await,
        wire::DomainShow::NAME => run::<wire::DomainShow, B, C>(context, body).await,
        wire::OutcomeQuery::NAME => run::<wire::OutcomeQuery, B, C>(context, body).await,
        wire::JournalTail::NAME => run::<wire::JournalTail, B, C>(context, body).await,
        _ => Err(Failure::bad_request("no_such_operation", format!("there is no operation {PREFIX}{name}"))),
    }
}

async fn run<O: Handle<B, C>, B: Backend, C: Control>(
    context: &Context<B, C>,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let operation: O = serde_json::from_slice(body)
        .map_err(|e| Failure::bad_request("body", format!("{}: {e}", O::NAME)))?;
    let reply = operation.handle(context).await?;
    serde_json::to_vec(&reply).map_err(|e| Failure::new(Kind::Internal, "internal", e.to_string()))
}
