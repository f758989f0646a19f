//! hyper with keep-alive and a body that is always the same.

use super::padded;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, io};
use tokio::net::TcpListener;

pub async fn serve(listener: TcpListener, bytes: usize) -> io::Result<()> {
    let body = Bytes::from(padded("{\"", bytes, "\":0}"));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let answer = service_fn(move |_: Request<Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/rdap+json"));
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        // a client that leaves early is its own affair
        tokio::spawn(async move { drop(connection.await) });
    }
}
