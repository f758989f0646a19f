//! The registry of a scenario: the zones and registrars of `dev` (`.test` with contacts, `.example` without; alpha,
//! beta and gamma, whose passwords are their names with `-secret`), a clock that is set, and sessions over pipes.

use epp::{Passwords, SessionLimits, Site, frame::Wire, session};
use net::{Fingerprint, Metrics, Peer, Trigger, metrics, shutdown};
use prometheus_client::registry::Registry as Families;
use registry::{
    Actor, Outcome, Refusal, Reply, Solo, SvTrid, SvTrids, Timestamp, Verb,
    backend::Clock,
    contact::ContactRole,
    journal::{JournalKey, JournalRow},
    password,
    registrar::{Profile, RegistrarCreate, SESSIONS_DEFAULT},
    repository::RepositoryFound,
    seal::Keys,
    tables::JOURNAL,
    tld::{DataModel, TldCreate},
};
use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use storage::Read;
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
};

/// 2026-01-01T00:00:00Z: the repository is founded then.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
/// The registrars.
pub const REGISTRARS: [&str; 3] = ["alpha", "beta", "gamma"];
/// What a registrar announces when it logs in without saying so.
const OBJECTS: [&str; 3] = [
    "urn:ietf:params:xml:ns:domain-1.0",
    "urn:ietf:params:xml:ns:host-1.0",
    "urn:ietf:params:xml:ns:contact-1.0",
];
const SECDNS: &str = "urn:ietf:params:xml:ns:secDNS-1.1";
/// No time-out of a session ends a scenario.
const LONG: Duration = Duration::from_secs(3600);
/// Octets that a pipe holds.
const PIPE: usize = 1 << 16;

/// A registry, its EPP server and its clock.
pub struct World {
    solo: Solo,
    site: Arc<Site>,
    families: Families,
    clock: Arc<AtomicI64>,
    sequence: AtomicU64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World({})", self.now())
    }
}

fn keys() -> Keys {
    Keys::new(&BTreeMap::from([(1, [7; 64])]))
}

impl World {
    /// Founded at [`START`], with zones and registrars.
    ///
    /// # Panics
    /// The founding is refused.
    pub fn found() -> World {
        let clock = Arc::new(AtomicI64::new(START.0));
        let read = Arc::clone(&clock);
        let told: Clock = Arc::new(move || Timestamp(read.load(Ordering::Relaxed)));
        let mut families = Families::default();
        let site = Site {
            name: "Namingo test".to_owned(),
            svtrids: Arc::new(SvTrids::new(1, 0x00c0_ffee)),
            keys: Arc::new(keys()),
            passwords: Passwords::new(2),
            attempts: epp::Attempts::default(),
            sessions: epp::Sessions::default(),
            frames: epp::Budget::new(4 << 20),
            clock: Arc::clone(&told),
            metrics: Metrics::register(&mut families),
            kept: registry::view::Kept::default(),
            limits: SessionLimits { idle: LONG, login: LONG, transfer: LONG, ..SessionLimits::default() },
        };
        let (solo, site, sequence) = (Solo::memory(told), Arc::new(site), AtomicU64::new(1));
        let world = World { solo, site, families, clock, sequence };
        founding().iter().for_each(|verb| {
            let outcome = world.operate(verb.clone());
            assert!(matches!(outcome, Outcome::Done(_)), "{verb:?}: {outcome:?}");
        });
        world
    }

    pub fn now(&self) -> Timestamp {
        self.solo.now()
    }

    /// Sets the clock and does what has fallen due, as the leader does every second.
    ///
    /// # Errors
    /// Time does not run backwards.
    ///
    /// # Panics
    /// Storage in memory failed.
    pub fn set(&self, to: Timestamp) -> Result<(), String> {
        let now = self.now();
        if to < now {
            return Err(format!("it is {now} already"));
        }
        self.clock.store(to.0, Ordering::Relaxed);
        while let Outcome::Done(Reply::Ticked { more: true, .. }) =
            self.run(Verb::Tick { limit: 500 }, Actor::System)
        {}
        Ok(())
    }

    /// A command of the operator.
    ///
    /// # Panics
    /// Storage in memory failed.
    pub fn operate(&self, verb: Verb) -> Outcome {
        self.run(verb, Actor::Operator("operator".into()))
    }

    fn run(&self, verb: Verb, by: Actor) -> Outcome {
        let seq = self.sequence.fetch_add(1, Ordering::Relaxed);
        let svtrid = SvTrid { node: 9, boot: 0xb007, seq };
        self.solo.run(verb, by, svtrid).expect("storage in memory does not fail")
    }

    /// The command that accredits a registrar whose password is its name with `-secret`.
    ///
    /// # Panics
    /// The key of this world is missing.
    pub fn registrar(handle: &str, certificate: Option<u8>, sessions_max: u32) -> Verb {
        let secret = format!("{handle}-secret");
        let password = password::seal(&keys(), "main", handle, ([1; 16], [2; 12]), &secret);
        let profile = Profile { name: format!("Registrar {handle}"), ..Profile::default() };
        Verb::RegistrarCreate(Box::new(RegistrarCreate {
            handle: handle.to_owned(),
            profile,
            password: password.expect("there is a key"),
            certificate: certificate.map(|octet| [octet; 32]),
            sessions_max,
        }))
    }

    /// The end of the journal: where [`World::journal`] begins later.
    ///
    /// # Panics
    /// Storage in memory failed.
    pub fn mark(&self) -> JournalKey {
        let view = self.solo.store().view();
        let last = view.range_rev(&JOURNAL, ..).next().map(|row| row.expect("storage is sound").0);
        last.unwrap_or_default()
    }

    /// The rows written after a mark: verb, object, outcome, and the old values of what changed.
    ///
    /// # Panics
    /// Storage in memory failed.
    pub fn journal(&self, after: JournalKey) -> Vec<String> {
        let view = self.solo.store().view();
        let rows = view.range(&JOURNAL, (Bound::Excluded(after), Bound::Unbounded));
        rows.map(|row| shown(&row.expect("storage is sound").1)).collect()
    }

    /// How often the server has refused for each reason, in the registry's words.
    ///
    /// # Panics
    /// The metrics can't be written.
    pub fn refusals(&self) -> BTreeMap<String, u64> {
        let text = metrics::exposition(&self.families).expect("metrics can be written");
        let count = |line: &str| {
            let (reason, count) =
                line.strip_prefix("namingo_epp_refusals_total{reason=\"")?.split_once("\"} ")?;
            Some((reason.to_owned(), count.parse().ok()?))
        };
        text.lines().filter_map(count).collect()
    }

    /// A new connection, with a client certificate if a fingerprint is given; the greeting has been read.
    ///
    /// # Panics
    /// The server does not greet.
    pub async fn connect(&self, certificate: Option<Fingerprint>) -> Client {
        let (near, far) = duplex(PIPE);
        let peer = Peer { address: ([192, 0, 2, 7], 4242).into(), certificate };
        let (trigger, shutdown) = shutdown();
        let served = session::serve(far, peer, shutdown, self.solo.clone(), Arc::clone(&self.site));
        let wire = Wire::new(near, SessionLimits::default().frame_bytes_max, LONG);
        let mut client =
            Client { wire, greeting: String::new(), _trigger: trigger, _served: tokio::spawn(served) };
        client.greeting = client.listen().await.expect("a greeting");
        client
    }

    /// A session of a registrar that has announced everything.
    ///
    /// # Panics
    /// The login is refused.
    pub async fn login(&self, handle: &str) -> Client {
        let mut client = self.connect(None).await;
        let answer = client.send(login(handle).as_bytes()).await;
        assert_eq!(code(&answer), Some(1000), "login of {handle}: {answer}");
        client
    }
}

/// One row of the journal as a line.
fn shown(row: &JournalRow) -> String {
    let outcome = match &row.outcome {
        Outcome::Done(_) => "done".to_owned(),
        Outcome::Refused(refusal) => format!("refused {}", Refusal::reason(refusal)),
        other => format!("{other:?}").to_lowercase(),
    };
    let changes = row.changes.iter().map(|change| format!("; {} was {}", change.field, change.old));
    let line = format!("{} {} {outcome}{}", row.verb, row.object, changes.collect::<String>());
    line.trim_end().to_owned()
}

/// Hashing three passwords takes a while, so it is done once.
fn founding() -> &'static [Verb] {
    static FOUNDING: OnceLock<Vec<Verb>> = OnceLock::new();
    FOUNDING.get_or_init(|| {
        let zone = |name: &str, model, contacts_required, roid_suffix: &str| {
            let roid_suffix = roid_suffix.to_owned();
            Verb::TldCreate(Box::new(TldCreate {
                name: name.to_owned(),
                model,
                contacts_required,
                roid_suffix,
            }))
        };
        let mut verbs = vec![
            Verb::RepositoryFound(RepositoryFound {
                name: "main".to_owned(),
                roid_suffix: "NAMINGO".to_owned(),
                documentation_addresses: true,
            }),
            zone("test", DataModel::Maximum, vec![ContactRole::Admin, ContactRole::Tech], "TEST"),
            zone("example", DataModel::Minimum, Vec::new(), "EXAMPLE"),
        ];
        verbs.extend(REGISTRARS.map(|handle| World::registrar(handle, None, SESSIONS_DEFAULT)));
        verbs
    })
}

fn login(handle: &str) -> String {
    let objects: String = OBJECTS.iter().map(|uri| format!("<objURI>{uri}</objURI>")).collect();
    format!(
        "<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><login><clID>{handle}</clID>\
         <pw>{handle}-secret</pw><options><version>1.0</version><lang>en</lang></options><svcs>{objects}\
         <svcExtension><extURI>{SECDNS}</extURI></svcExtension></svcs></login></command></epp>"
    )
}

/// The result code of an answer; none for a greeting.
pub fn code(answer: &str) -> Option<u16> {
    let (_, rest) = answer.split_once("<result code=\"")?;
    rest.split('"').next()?.parse().ok()
}

/// The client's end of a session.
#[derive(Debug)]
pub struct Client {
    wire: Wire<DuplexStream>,
    /// The document with which the server began.
    pub greeting: String,
    // dropped, it would end the session
    _trigger: Trigger,
    _served: JoinHandle<()>,
}

impl Client {
    /// Sends a frame and reads the answer.
    ///
    /// # Panics
    /// The connection is closed.
    pub async fn send(&mut self, frame: &[u8]) -> String {
        self.wire.send(frame.to_vec()).await.expect("an open connection");
        self.listen().await.expect("an answer")
    }

    /// The next document, or `None` when the server has closed the connection.
    ///
    /// # Panics
    /// The connection breaks, or what comes is not UTF-8.
    pub async fn listen(&mut self) -> Option<String> {
        let document = self.wire.recv().await.expect("a whole frame")?.to_vec();
        Some(String::from_utf8(document).expect("UTF-8"))
    }
}
