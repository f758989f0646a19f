//! One EPP connection, greeting to close: all that a registrar can make this server do passes these lines.
//!
//! Commands are carried out one at a time in the order in which they came: while one is under way, or waits for room
//! among the writes of the node, nothing further is read from its connection. What a client sends meanwhile waits in
//! the sockets of both ends, and then with the client.

use std::sync::Arc;
use std::time::Instant;

use net::{Commands, Cut, Over, Peer, Service, Shutdown, Waiting};
use registry::{Actor, Backend, Freshness, Refusal, Unavailable};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, info, warn};

use crate::denial::{Denial, failed, unavailable};
use crate::frame::{FrameError, Wire};
use crate::greeting::{self, Menu};
use crate::request::{self, Request};
use crate::response::Response;
use crate::result::ResultCode;
use crate::site::Site;
use crate::suspension::Seat;
use crate::xml::Ns;

/// What the server knows of the other end.
pub(crate) struct Session<B> {
    pub(crate) backend: B,
    pub(crate) site: Arc<Site>,
    pub(crate) peer: Peer,
    /// The registrar, once logged in.
    pub(crate) client: Option<Arc<Client>>,
    pub(crate) login_failures: u32,
    /// The login under way was refused unseen, and the log knows its source already.
    pub(crate) is_known_flood: bool,
    /// Given so far, by a client that has logged in.
    pub(crate) wrong_authinfos: u32,
    /// In the register of sessions, once logged in.
    pub(crate) seat: Option<Seat>,
    pub(crate) counted: Commands,
}

/// A registrar that has logged in.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    /// Its clID.
    pub(crate) handle: String,
    /// The name of the repository, which sealed records are bound to.
    pub(crate) repository: String,
    /// What it announced at login.
    pub(crate) announced: Vec<Ns>,
}

impl Client {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Registrar(self.id)
    }
}

/// Speaks EPP on a connection until either side ends it.
pub async fn serve<B, S>(stream: S, peer: Peer, shutdown: Shutdown, backend: B, site: Arc<Site>)
where
    B: Backend,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = site.limits;
    let mut wire = Wire::sharing(stream, limits.login_frame_bytes_max, limits.transfer, site.frames.clone());
    let mut session = Session {
        backend,
        counted: site.metrics.commands(),
        site,
        peer,
        client: None,
        login_failures: 0,
        is_known_flood: false,
        wrong_authinfos: 0,
        seat: None,
    };
    debug!(peer = %peer.address, "connected");
    let ended = session.run(&mut wire, shutdown).await;
    let reads = !matches!(ended, Err(FrameError::Stalled));
    if let Err(cause) = ended {
        session.complain(&mut wire, &cause).await;
    }
    // before the client can see the end: it may come back at once
    session.seat = None;
    if reads {
        wire.close().await;
    }
    debug!(peer = %peer.address, "disconnected");
}

impl<B: Backend> Session<B> {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        shutdown: Shutdown,
    ) -> Result<(), FrameError> {
        wire.send(self.greeting().await).await?;
        let mut waiting = Waiting::new(shutdown, self.site.limits.login);
        loop {
            // who has not logged in has its time from the greeting on, whatever it sends
            if let Some(client) = &self.client {
                wire.belongs_to(client.id);
                wire.limit(self.site.limits.frame_bytes_max);
                waiting.allow(self.site.limits.idle);
            }
            // A node that stops lets the command under way finish and takes no further one.
            let next = async {
                tokio::select! {
                    biased;
                    () = ended(self.seat.as_ref()) => Ok(None),
                    frame = wire.recv() => frame,
                }
            };
            let frame = match waiting.unless_over(next).await {
                Ok(Err(FrameError::NoRoom)) => {
                    wire.send(self.no_room()).await?;
                    continue;
                }
                Ok(frame) => frame?,
                Err(Over::Stopping) => None,
                Err(Over::TooLong) => return Err(FrameError::Idle),
            };
            let Some(frame) = frame else { return Ok(()) };
            let begun = Instant::now();
            let read = request::parse(frame);
            let taken = wire.release();
            let (answer, ends) = self.answer_frame(read, begun).await;
            drop(taken);
            wire.send(answer).await?;
            if ends {
                return Ok(());
            }
        }
    }

    /// The document that answers a frame, and whether the connection ends with it.
    async fn answer_frame(&mut self, read: request::Frame, begun: Instant) -> (Vec<u8>, bool) {
        let request::Frame { cltrid, request } = read;
        let svtrid = self.site.svtrids.next();
        let (verb, result) = match request {
            Ok(Request::Hello) => {
                self.counted.count("hello", ResultCode::Ok.number(), begun.elapsed());
                return (self.greeting().await, false);
            }
            Ok(Request::Command(command)) => {
                (command.verb.name(), Box::pin(self.answer(*command, svtrid)).await)
            }
            Err(syntax) => ("invalid", Err(Denial::from(syntax))),
        };
        let response = Response { result, cltrid, svtrid };
        self.record(verb, &response, begun);
        (response.to_xml(), response.ends_session())
    }

    /// The document that answers a frame for which there was no memory.
    fn no_room(&mut self) -> Vec<u8> {
        let denial = Denial::new(ResultCode::Failed, FrameError::NoRoom.to_string());
        let response = Response { result: Err(denial), cltrid: None, svtrid: self.site.svtrids.next() };
        self.record("invalid", &response, Instant::now());
        response.to_xml()
    }

    fn record(&mut self, verb: &'static str, response: &Response, begun: Instant) {
        let code = response.code().number();
        let took = begun.elapsed();
        self.counted.count(verb, code, took);
        let refusal = response.result.as_ref().err().and_then(|denial| denial.refusal);
        if let Some(word) = refusal {
            self.site.metrics.refusal(word);
        }
        let client = self.client.as_ref().map_or("-", |client| client.handle.as_str());
        let cltrid = response.cltrid.as_deref().unwrap_or("-");
        let (svtrid, peer, ms) = (response.svtrid, self.peer.address, took.as_millis());
        macro_rules! log_at {
            ($level:ident) => {
                $level!(%svtrid, client, %peer, verb, code, refusal, cltrid, ms, "answered")
            };
        }
        // reads outnumber writes by far, and change nothing that somebody would look for later; guesses are looked for.
        // Of strangers only logins are told, and not all of a flood: everything else they may send without end
        let guessed = refusal == Some(Refusal::AuthInfoWrong.reason());
        let is_stranger =
            self.client.is_none() && (verb != "login" || std::mem::take(&mut self.is_known_flood));
        if is_stranger || (is_read(verb) && !guessed) { log_at!(debug) } else { log_at!(info) }
    }

    /// What exists here is told from this node's own data: a greeting never waits for a leader.
    async fn greeting(&self) -> Vec<u8> {
        let nothing = Menu { objects: vec![Ns::Domain], extensions: vec![Ns::SecDns] };
        let menu = match self.backend.view(Freshness::Local).await {
            Ok(view) => Menu::read(&view).map_err(Unavailable::from),
            Err(unavailable) => Err(unavailable),
        };
        let menu = menu.unwrap_or_else(|cause| {
            warn!(%cause, "the greeting can't tell what exists here");
            nothing
        });
        greeting::to_xml(&self.site.name, (self.site.clock)(), &menu)
    }

    /// Tells a client whose frames can't be told apart any more why the connection ends.
    async fn complain<S: AsyncRead + AsyncWrite + Unpin>(&self, wire: &mut Wire<S>, cause: &FrameError) {
        let svtrid = self.site.svtrids.next();
        debug!(%svtrid, peer = %self.peer.address, %cause, "connection ended");
        let cut = match cause {
            FrameError::TooShort(_) | FrameError::TooLong { .. } => Some(Cut::Malformed),
            FrameError::Idle => Some(Cut::Idle),
            FrameError::Stalled => Some(Cut::Stalled),
            FrameError::NoRoom | FrameError::Io(_) => None,
        };
        cut.into_iter().for_each(|cut| self.site.metrics.cut(Service::Epp, cut));
        if matches!(cause, FrameError::TooShort(_) | FrameError::TooLong { .. }) {
            let denial = Denial::new(ResultCode::FailedEnding, cause.to_string());
            let response = Response { result: Err(denial), cltrid: None, svtrid };
            // The connection is given up in any case.
            let _ = wire.send(response.to_xml()).await;
            wire.discard().await;
        }
    }

    /// A view that shows everything acknowledged before the call, to a client that may see it.
    pub(crate) async fn view(&self) -> Result<storage::View, Denial> {
        let view = self.backend.view(Freshness::Linearizable).await.map_err(|cause| unavailable(&cause))?;
        if let Some(client) = &self.client
            && self.site.kept.is_suspended(&view, client.id).map_err(|fault| failed(fault.into()))?
        {
            return Err(Denial::refused(&Refusal::Suspended));
        }
        Ok(view)
    }

    /// The registrar, or the refusal of one that has not logged in.
    pub(crate) fn client(&self) -> Result<&Arc<Client>, Denial> {
        self.client.as_ref().ok_or_else(|| Denial::new(ResultCode::CommandUse, "log in first"))
    }
}

/// Whether a verb, by its name in logs and metrics, only reads.
fn is_read(verb: &str) -> bool {
    verb == "poll:req" || verb.ends_with(":check") || verb.ends_with(":info")
}

/// Completes when the session shall finish because its registrar is suspended.
async fn ended(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.ended().await,
        None => std::future::pending().await,
    }
}
