//! EPP: check, info and create over many sessions, each of a registrar that has logged in.

mod frames;
mod session;

pub use frames::{Frame, create_own};
pub use session::{Account, Session};

use super::tls::Connector;
use crate::{
    load::{Answers, Line, Target, Word},
    names::{self, Draw, Label, Labels, Population},
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::Semaphore;

/// Logins at the same time: a node hashes few passwords at a time and refuses whom it would keep waiting too long.
const LOGINS: usize = 8;

/// What sessions do.
#[derive(Clone, Debug)]
pub enum Work {
    Check(Population),
    Info(Population),
    /// New names without end.
    Create,
}

/// The registrars whose sessions there are.
#[derive(Clone, Debug, clap::Args)]
pub struct Accounts {
    /// Registrars that the sessions belong to in turn: up to 3 are those of `dev`, more are those of
    /// `bench registrars`
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    pub registrars: u16,
}

impl Accounts {
    /// As many as asked for, with their passwords.
    pub fn list(&self) -> Vec<Account> {
        const OF_DEV: [&str; 3] = ["alpha", "beta", "gamma"];
        let count = usize::from(self.registrars);
        let names: Vec<String> = if count <= OF_DEV.len() {
            OF_DEV[..count].iter().map(|name| (*name).to_owned()).collect()
        } else {
            (1..=count).map(|n| format!("bench-{n:02}")).collect()
        };
        let account = |registrar: String| Account { password: format!("{registrar}-secret"), registrar };
        names.into_iter().map(account).collect()
    }
}

/// Sessions with one kind of work.
pub struct Epp {
    tls: Connector,
    addresses: Vec<SocketAddr>,
    accounts: Vec<Account>,
    thick: bool,
    kind: Kind,
    logins: Semaphore,
}

#[derive(Clone)]
enum Kind {
    Check(Draw),
    Info(Draw),
    Create { run: u64, created: Arc<AtomicU64> },
}

impl Epp {
    /// With `thick`, in the zone that requires contacts.
    ///
    /// # Errors
    /// TLS can't be configured.
    pub fn new(
        addresses: Vec<SocketAddr>,
        accounts: Vec<Account>,
        thick: bool,
        work: &Work,
    ) -> Result<Epp, rustls::Error> {
        let kind = match work {
            Work::Check(population) => Kind::Check(Draw::new(population)),
            Work::Info(population) => Kind::Info(Draw::new(population)),
            Work::Create => Kind::Create { run: run(), created: Arc::default() },
        };
        let logins = Semaphore::new(LOGINS);
        Ok(Epp { tls: Connector::new()?, addresses, accounts, thick, kind, logins })
    }

    /// A session, for what comes before or beside a load. Sessions change address first, registrar next.
    ///
    /// # Errors
    /// The connection, or a refusal of the login.
    pub async fn session(&self, number: usize) -> io::Result<Session> {
        let at = self.addresses[number % self.addresses.len()];
        let _login = self.logins.acquire().await.map_err(io::Error::other)?;
        Session::open(&self.tls, at, self.account(number)).await
    }

    fn account(&self, number: usize) -> &Account {
        &self.accounts[self.account_number(number)]
    }

    /// Which of the registrars a session belongs to.
    pub fn account_number(&self, session: usize) -> usize {
        session / self.addresses.len() % self.accounts.len()
    }

    /// Creates what thick domains need: contacts of each registrar and name servers. What exists is left alone.
    ///
    /// # Errors
    /// The connection, or a refusal that is not about existence.
    pub async fn furnish(&self) -> io::Result<()> {
        if !self.thick {
            return Ok(());
        }
        for account in &self.accounts {
            let mut session = Session::open(&self.tls, self.addresses[0], account).await?;
            for create in frames::contacts(&account.registrar).into_iter().chain(frames::hosts()) {
                match session.command(&create).await? {
                    1000 | 2302 => {}
                    code => {
                        let what = String::from_utf8_lossy(&create[4..]);
                        return Err(io::Error::other(format!("answered {code}: {what}")));
                    }
                }
            }
        }
        Ok(())
    }

    /// A create of a domain whose name can be set, as the session of this number sends it.
    pub fn creation(&self, number: usize) -> Frame {
        if self.thick { frames::create_thick(&self.account(number).registrar) } else { frames::create_thin() }
    }

    /// The zone that the names lie in.
    pub fn zone(&self) -> &'static str {
        zone(self.thick)
    }

    /// The answer to the first operation of a session: its document.
    ///
    /// # Errors
    /// The connection.
    pub async fn sample(&self) -> io::Result<Vec<u8>> {
        let mut line = self.connect(0).await?;
        let label = line.next();
        Ok(line.session.ask(line.frame.naming(&label)).await?.to_vec())
    }
}

/// The zone of thin or thick names.
pub fn zone(thick: bool) -> &'static str {
    if thick { frames::THICK_ZONE } else { frames::THIN_ZONE }
}

/// A number for a run, different from those of the months before: seconds since 1970.
fn run() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) & ((1 << 27) - 1)
}

impl Target for Epp {
    type Line = EppLine;

    async fn connect(&self, number: usize) -> io::Result<EppLine> {
        let session = self.session(number).await?;
        let (frame, names) = match &self.kind {
            Kind::Check(draw) => (frames::check(self.zone()), Names::Drawn(draw.source())),
            Kind::Info(draw) => (frames::info(self.zone()), Names::Drawn(draw.source())),
            Kind::Create { run, created } => {
                (self.creation(number), Names::New { run: *run, created: created.clone() })
            }
        };
        Ok(EppLine { session, frame, names })
    }
}

pub struct EppLine {
    session: Session,
    frame: Frame,
    names: Names,
}

enum Names {
    Drawn(Labels),
    New { run: u64, created: Arc<AtomicU64> },
}

impl EppLine {
    fn next(&mut self) -> Label {
        match &mut self.names {
            Names::Drawn(labels) => labels.next(),
            Names::New { run, created } => names::created(*run, created.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl Line for EppLine {
    async fn operate(&mut self, answers: &mut Answers) -> io::Result<()> {
        let label = self.next();
        let code = self.session.command(self.frame.naming(&label)).await?;
        if (1000..2000).contains(&code) {
            answers.good(Word::Code(code), 1);
        } else {
            answers.bad(Word::Code(code), 1);
        }
        Ok(())
    }
}
