//! Servers with fixed answers: what this machine can do with the same runtime, the same TLS and the same allocator
//! when there is nothing to look up. The product is compared with them.

mod das;
mod epp;
mod http;
mod whois;

use std::{
    error::Error,
    io::{Read, stdin},
    net::SocketAddr,
    thread,
};
use tokio::{net::TcpListener, sync::oneshot};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Reads a line, writes an answer, closes
    Whois,
    /// A line for each line
    Das,
    /// HTTP/1.1 with hyper
    Http,
    /// RFC 5734 frames over the TLS of the product
    EppTls,
}

#[derive(Debug, clap::Args)]
pub struct Settings {
    kind: Kind,
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Octets of an answer; of DAS it is a line
    #[arg(long)]
    bytes: Option<usize>,
    /// End with the standard input, so that it never outlives who started it
    #[arg(long)]
    attached: bool,
}

/// The word before the address on the first line of output.
pub const LISTENING: &str = "listening on ";

/// Serves until interrupted.
///
/// # Errors
/// The address can't be bound.
pub async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(settings.listen).await?;
    println!("{LISTENING}{}", listener.local_addr()?);
    let (end, ended) = oneshot::channel::<()>();
    if settings.attached {
        thread::spawn(move || {
            // whatever comes or fails: it is over
            let _ = stdin().read(&mut [0]);
            drop(end);
        });
        tokio::select! {
            served = serve(settings.kind, listener, settings.bytes) => served,
            _ = ended => Ok(()),
        }
    } else {
        serve(settings.kind, listener, settings.bytes).await
    }
}

/// Accepts and answers.
///
/// # Errors
/// The listener fails, or TLS can't be set up.
pub async fn serve(kind: Kind, listener: TcpListener, bytes: Option<usize>) -> Result<(), Box<dyn Error>> {
    match kind {
        Kind::Whois => Ok(whois::serve(listener, bytes.unwrap_or(1500)).await?),
        Kind::Das => Ok(das::serve(listener, bytes.unwrap_or(20)).await?),
        Kind::Http => Ok(http::serve(listener, bytes.unwrap_or(3000)).await?),
        Kind::EppTls => epp::serve(listener, bytes.unwrap_or(500)).await,
    }
}

/// A text of exactly so many octets, or as long as it is if it is longer.
fn padded(text: &str, bytes: usize, end: &str) -> Vec<u8> {
    let fill = bytes.saturating_sub(text.len() + end.len());
    [text.as_bytes(), &b".".repeat(fill), end.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drive::{
            Public,
            das::Das,
            epp::{Account, Epp, Work},
            rdap::Rdap,
            whois::Whois,
        },
        load::{self, Plan, Target, Word},
        names::Population,
        process::Processes,
    };
    use std::sync::Arc;

    fn population() -> Population {
        Population { names: 1000, zipf: Some(0.99), free: 0.0 }
    }

    /// Puts a short load on a reference server in this process; what it answered.
    async fn answers<T: Target>(
        kind: Kind,
        rate: Option<f64>,
        target: impl FnOnce(Vec<SocketAddr>) -> T,
    ) -> Word {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = vec![listener.local_addr().unwrap()];
        let server =
            tokio::spawn(async move { serve(kind, listener, None).await.map_err(|e| e.to_string()) });
        let plan = Plan { connections: 4, seconds: 0.5, warm_up: 0.1, rate, threads: Some(2) };
        let measured = load::run(Arc::new(target(addresses)), &plan, &Processes::this()).await.unwrap();
        server.abort();
        let record = &measured.record;
        assert!(record.good() > 0, "{:?}", record.answers());
        assert_eq!(record.failures(), 0, "{:?}", record.answers());
        // those under way at the end have a latency, too: of each connection one, of up to 32 questions
        let late = record.operations().checked_sub(record.good());
        assert!(late.is_some_and(|late| late <= u64::from(plan.connections) * 32), "{late:?}");
        assert!(measured.served.is_some());
        *record.answers().keys().next().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_reference_answers_its_generator() {
        let public = |addresses| Public::new(addresses, &population(), "example");
        let found = answers(Kind::Whois, None, |at| Whois(public(at))).await;
        assert_eq!(found, Word::Text("found"));
        assert_eq!(answers(Kind::Http, None, |at| Rdap(public(at))).await, Word::Code(200));
        for pipeline in [1, 32] {
            let registered = answers(Kind::Das, None, |at| Das { public: public(at), pipeline }).await;
            assert_eq!(registered, Word::Text("registered"));
        }
        let account = Account { registrar: "alpha".into(), password: "alpha-secret".into() };
        for (rate, work) in [(None, Work::Check(population())), (Some(100.0), Work::Create)] {
            let epp = |at| Epp::new(at, vec![account.clone()], false, &work).unwrap();
            assert_eq!(answers(Kind::EppTls, rate, epp).await, Word::Code(1000));
        }
    }

    #[test]
    fn answers_have_the_size_that_was_asked_for() {
        assert_eq!(padded("ab", 5, "\n"), b"ab..\n");
        assert_eq!(padded("abcdef", 3, "\n"), b"abcdef\n");
    }
}
