//! `/metrics`, `/healthz`, `/readyz` over plain HTTP, for the operator's network only.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use net::{
    Limits, Listener, Metrics, Patience, Plain, Service,
    http::{HttpLimits, Tally},
};
use prometheus_client::registry::Registry;
use raft::ClockState;
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Some scrapers, and a person who looks.
const LIMITS: Limits = Limits {
    connections: 64,
    connections_per_source: 32,
    handshake: Duration::from_secs(1),
    drain: Duration::ZERO,
    patience: Patience { idle: HTTP_LIMITS.head, answer: HTTP_LIMITS.answer },
};

const HTTP_LIMITS: HttpLimits = HttpLimits {
    head: Duration::from_secs(10),
    head_octets: 16 * 1024,
    headers: 64,
    answer: Duration::from_secs(10),
    connection: Duration::from_secs(600),
    ending: Duration::from_secs(10),
};

const PLAIN: &str = "text/plain; charset=utf-8";

/// Whether the node serves, as `/readyz` tells it.
#[derive(Debug, Default)]
pub struct Readiness {
    serving: AtomicBool,
    led: AtomicBool,
    disk_full: AtomicBool,
    clock: Mutex<ClockState>,
}

impl Readiness {
    /// The services are open, or closed for good.
    pub fn serving(&self, yes: bool) {
        self.serving.store(yes, Ordering::Release);
    }

    /// A leader that a majority follows is heard of, or not.
    pub fn led(&self, yes: bool) {
        self.led.store(yes, Ordering::Release);
    }

    pub fn is_led(&self) -> bool {
        self.led.load(Ordering::Acquire)
    }

    /// A write waits for room on the disk, or none does.
    pub fn disk_full(&self, yes: bool) {
        self.disk_full.store(yes, Ordering::Release);
    }

    /// What is known of this node's clock.
    pub fn clock(&self, state: ClockState) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn word(&self) -> Result<String, String> {
        let clock = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.serving.load(Ordering::Acquire) {
            return Err("not serving yet\n".into());
        }
        if self.disk_full.load(Ordering::Acquire) {
            return Err("the disk is full: this node acknowledges nothing until there is room\n".into());
        }
        // a clock that keeps a leader from moving time is why the answers stand still
        match clock {
            ClockState::Unknown | ClockState::Agrees if self.is_led() => Ok("ready\n".into()),
            ClockState::Unknown | ClockState::Agrees => {
                Err("no leader with a majority: the answers are not getting fresher\n".into())
            }
            ClockState::Off
            | ClockState::Jumped { .. }
            | ClockState::Gap { .. }
            | ClockState::Behind { .. } => Err(format!("the clock: {clock}\n")),
        }
    }
}

/// What the endpoint shows.
pub struct StatusPage {
    pub registry: Registry,
    pub readiness: Arc<Readiness>,
    pub metrics: Metrics,
}

/// Binds the endpoint.
///
/// # Errors
/// The address can't be bound.
pub async fn bind(address: SocketAddr, metrics: &Metrics) -> Result<Listener, net::BindError> {
    Listener::bind(address, Service::Status, LIMITS, metrics.clone()).await
}

/// Serves until the task is dropped: how the node stops can be watched, too.
pub async fn serve(listener: Listener, page: Arc<StatusPage>) {
    let (_kept, never) = net::shutdown();
    let connection = move |wire, _peer, shutdown| {
        let page = page.clone();
        async move {
            let tally = Tally { service: Service::Status, metrics: page.metrics.clone() };
            let answer = service_fn(move |request| {
                let page = page.clone();
                async move { Ok::<_, Infallible>(page.answer(&request)) }
            });
            net::http::converse(wire, answer, HTTP_LIMITS, &tally, shutdown).await;
        }
    };
    listener.serve(Plain, never, connection).await;
}

impl StatusPage {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        }
        match request.uri().path() {
            "/metrics" => match net::metrics::exposition(&self.registry) {
                Ok(text) => with_type(StatusCode::OK, net::metrics::CONTENT_TYPE, text.into()),
                Err(error) => {
                    tracing::error!(%error, "metrics can't be written");
                    plain(StatusCode::INTERNAL_SERVER_ERROR, "metrics can't be written\n")
                }
            },
            "/healthz" => plain(StatusCode::OK, "alive\n"),
            "/readyz" => match self.readiness.word() {
                Ok(word) => with_type(StatusCode::OK, PLAIN, word.into()),
                Err(word) => with_type(StatusCode::SERVICE_UNAVAILABLE, PLAIN, word.into()),
            },
            _ => plain(StatusCode::NOT_FOUND, "here are /metrics, /healthz and /readyz\n"),
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    with_type(status, PLAIN, text.into())
}

fn with_type(status: StatusCode, media: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media));
    response
}
