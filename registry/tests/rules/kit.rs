//! A registry in memory with a clock that a test sets: zones `test` (maximum data, admin and tech required) and
//! `example` (minimum data), registrars alpha, beta and gamma. Identifiers and keys are fixed, so that a test
//! may name them.

use registry::{
    Actor, Command, Entry, Outcome, Refusal, Reply, Solo, Stop, SvTrid, Timestamp, Verb, apply,
    authinfo::NewAuthInfo,
    contact::{ContactCreate, ContactData, ContactRole, Phone, Postal, PostalKind, seal},
    dnssec::Ds,
    domain::{DomainCreate, NameServers, Period, SecDns, Unit},
    host::HostCreate,
    poll::PollAck,
    registrar::{
        Profile, RegistrarCreate, RegistrarResume, RegistrarSuspend, RegistrarUpdate, SESSIONS_DEFAULT,
    },
    repository::RepositoryFound,
    seal::{Context, Keys, NONCE, SECRET, Sealed},
    tables,
    tld::{DataModel, MarkKind, MarkName, TldCreate, UnmarkName},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use storage::{Options, SimDisk, Store, View};

/// 2026-01-01T00:00:00Z, where every test begins.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
pub const SECOND: i64 = 1000;
pub const DAY: i64 = 86_400 * SECOND;

/// The zones take the numbers 1 and 2.
pub const ALPHA: Actor = Actor::Registrar(3);
pub const BETA: Actor = Actor::Registrar(4);
pub const GAMMA: Actor = Actor::Registrar(5);

pub fn operator() -> Actor {
    Actor::Operator("test".into())
}

pub fn keys() -> Keys {
    Keys::new(&BTreeMap::from([(1, [7; SECRET])]))
}

/// The registry and its clock.
pub struct Kit {
    pub solo: Solo,
    clock: Arc<AtomicI64>,
    sequence: AtomicU64,
}

impl Kit {
    /// Founded, with zones and registrars.
    pub fn new() -> Kit {
        let kit = Kit::empty();
        for (by, verb) in founding() {
            kit.done(&by, verb);
        }
        kit
    }

    /// Not founded: the state before the first command.
    pub fn empty() -> Kit {
        Kit::over(Store::memory(tables::ALL), START)
    }

    /// Over a store that may hold something already.
    pub fn over(store: Store, now: Timestamp) -> Kit {
        let clock = Arc::new(AtomicI64::new(now.0));
        let read = clock.clone();
        // as a new boot does: no identifier of an earlier life comes again
        let sequence = AtomicU64::new(1 + 10_000 * store.applied());
        let solo = Solo::new(Arc::new(store), Arc::new(move || Timestamp(read.load(Ordering::Relaxed))));
        Kit { solo, clock, sequence }
    }

    pub fn now(&self) -> Timestamp {
        self.solo.now()
    }

    pub fn set(&self, now: Timestamp) {
        self.clock.store(now.0, Ordering::Relaxed);
    }

    pub fn pass(&self, ms: i64) {
        self.set(self.now().plus_ms(ms));
    }

    pub fn view(&self) -> View {
        self.solo.store().view()
    }

    pub fn svtrid(&self) -> SvTrid {
        svtrid(self.sequence.fetch_add(1, Ordering::Relaxed))
    }

    /// A command made now, for a test that sends it more than once.
    pub fn command(&self, by: &Actor, verb: Verb) -> Command {
        Command { svtrid: self.svtrid(), issued: self.now(), by: by.clone(), verb }
    }

    /// Applies a command as it is, now.
    pub fn send(&self, command: &Command) -> Outcome {
        let entry = Entry { at: self.now(), command: command.clone() };
        self.solo.run_entry(entry).expect("storage in memory does not fail")
    }

    pub fn run(&self, by: &Actor, verb: Verb) -> Outcome {
        self.send(&self.command(by, verb))
    }

    pub fn done(&self, by: &Actor, verb: Verb) -> Reply {
        let shown = format!("{verb:?}");
        match self.run(by, verb) {
            Outcome::Done(reply) => reply,
            other => panic!("{shown} came to {other:?}"),
        }
    }

    /// The refusal that the command comes to, before replication and after.
    pub fn refused(&self, by: &Actor, verb: Verb) -> Refusal {
        let early = apply::early_refusal(&self.view(), by, &verb).expect("storage in memory does not fail");
        let shown = format!("{verb:?}");
        match self.run(by, verb) {
            Outcome::Refused(refusal) => {
                assert_eq!(early.as_ref(), Some(&refusal), "the early check of {shown}");
                refusal
            }
            other => panic!("{shown} came to {other:?}"),
        }
    }

    pub fn tick(&self, limit: u16) -> (u32, bool) {
        match self.done(&Actor::System, Verb::Tick { limit }) {
            Reply::Ticked { done, more } => (done, more),
            other => panic!("a tick came to {other:?}"),
        }
    }

    pub fn beat(&self) {
        self.done(&Actor::System, Verb::Beat);
    }

    /// Contacts `reg-1`, `adm-1`, `tec-1` of alpha: what `thick` names.
    pub fn with_contacts(self) -> Kit {
        for handle in ["reg-1", "adm-1", "tec-1"] {
            self.done(&ALPHA, create_contact(contact(handle)));
        }
        self
    }
}

pub fn svtrid(seq: u64) -> SvTrid {
    SvTrid { node: 1, boot: 0xb007, seq }
}

/// A store on a disk that outlives it. Writes are checked against what is stored.
pub fn open(disk: &SimDisk) -> Store {
    let options = Options { assert_fresh: true, cache_bytes: 16 << 20, ..Options::default() };
    Store::open(Arc::new(disk.clone()), tables::ALL, options).expect("the disk is sound")
}

pub fn founding() -> Vec<(Actor, Verb)> {
    let mut verbs = vec![
        found("main", "NAMINGO"),
        create_tld(zone("test", DataModel::Maximum, &[ContactRole::Admin, ContactRole::Tech], "TEST")),
        create_tld(zone("example", DataModel::Minimum, &[], "EXAMPLE")),
    ];
    verbs.extend(["alpha", "beta", "gamma"].map(|handle| create_registrar(registrar(handle))));
    verbs.into_iter().map(|verb| (operator(), verb)).collect()
}

pub fn found(name: &str, roid_suffix: &str) -> Verb {
    Verb::RepositoryFound(RepositoryFound {
        name: name.into(),
        roid_suffix: roid_suffix.into(),
        documentation_addresses: false,
    })
}

pub fn zone(name: &str, model: DataModel, required: &[ContactRole], suffix: &str) -> TldCreate {
    TldCreate { name: name.into(), model, contacts_required: required.to_vec(), roid_suffix: suffix.into() }
}

pub fn create_tld(zone: TldCreate) -> Verb {
    Verb::TldCreate(Box::new(zone))
}

/// A password nobody knows: these tests don't log in.
pub fn password(handle: &str) -> Sealed {
    let context = Context { repository: "main", kind: "password", handle };
    keys().seal(&context, [2; NONCE], b"a hash").expect("there is a key")
}

pub fn registrar(handle: &str) -> RegistrarCreate {
    RegistrarCreate {
        handle: handle.into(),
        profile: Profile { name: format!("{handle} Names Ltd."), ..Profile::default() },
        password: password(handle),
        certificate: None,
        sessions_max: SESSIONS_DEFAULT,
    }
}

pub fn create_registrar(registrar: RegistrarCreate) -> Verb {
    Verb::RegistrarCreate(Box::new(registrar))
}

pub fn update_registrar(update: RegistrarUpdate) -> Verb {
    Verb::RegistrarUpdate(Box::new(update))
}

pub fn suspend(handle: &str, note: &str) -> Verb {
    Verb::RegistrarSuspend(RegistrarSuspend { handle: handle.into(), note: note.into() })
}

pub fn resume(handle: &str) -> Verb {
    Verb::RegistrarResume(RegistrarResume { handle: handle.into() })
}

/// No authInfo: what RFC 9154 wants of a new object.
pub fn unset() -> NewAuthInfo {
    NewAuthInfo::make(&keys(), [1; 16], "").expect("there is a key")
}

/// A domain without contacts, name servers and DS records, for one year.
pub fn domain(name: &str) -> DomainCreate {
    DomainCreate {
        name: name.into(),
        period: None,
        name_servers: NameServers::Objects(Vec::new()),
        registrant: None,
        contacts: Vec::new(),
        authinfo: unset(),
        secdns: SecDns::default(),
        sponsor: None,
    }
}

/// A domain with the contacts that `test` requires.
pub fn thick(name: &str) -> DomainCreate {
    DomainCreate {
        registrant: Some("reg-1".into()),
        contacts: vec![(ContactRole::Admin, "adm-1".into()), (ContactRole::Tech, "tec-1".into())],
        ..domain(name)
    }
}

pub fn create(domain: DomainCreate) -> Verb {
    Verb::DomainCreate(Box::new(domain))
}

pub fn years(number: u16) -> Option<Period> {
    Some(Period { number, unit: Unit::Year })
}

pub fn name_servers(hosts: &[&str]) -> NameServers {
    NameServers::Objects(hosts.iter().map(ToString::to_string).collect())
}

/// A DS record that a zone can publish.
pub fn ds(key_tag: u16) -> Ds {
    Ds { key_tag, algorithm: 13, digest_type: 2, digest: [0xA5; 32].into() }
}

pub fn create_host(name: &str, addresses: &[&str]) -> Verb {
    let addresses = addresses.iter().map(|a| a.parse().expect("an address")).collect();
    Verb::HostCreate(Box::new(HostCreate { name: name.into(), addresses, sponsor: None }))
}

pub fn person() -> ContactData {
    ContactData {
        postal: vec![Postal {
            kind: PostalKind::Int,
            name: "Ada Example".into(),
            org: None,
            street: vec!["1 Test Street".into()],
            city: "Testville".into(),
            state: None,
            postal_code: None,
            country: "NL".into(),
        }],
        voice: Some(Phone { number: "+31.201234567".into(), extension: None }),
        fax: None,
        email: "ada@example.com".into(),
        disclose: None,
    }
}

pub fn contact_of(handle: &str, data: &ContactData) -> ContactCreate {
    let sealed = seal(&keys(), "main", handle, [3; NONCE], data).expect("there is a key");
    ContactCreate::new(handle.into(), data, sealed, unset())
}

pub fn contact(handle: &str) -> ContactCreate {
    contact_of(handle, &person())
}

pub fn create_contact(contact: ContactCreate) -> Verb {
    Verb::ContactCreate(Box::new(contact))
}

pub fn mark(label: &str, kind: MarkKind) -> Verb {
    Verb::MarkName(MarkName { tld: "example".into(), label: label.into(), kind, note: String::new() })
}

pub fn unmark(label: &str, kind: MarkKind) -> Verb {
    Verb::UnmarkName(UnmarkName { tld: "example".into(), label: label.into(), kind })
}

pub fn ack(message: u64) -> Verb {
    Verb::PollAck(PollAck { message })
}

/// The refusal of a query.
pub fn refusal_of<T: std::fmt::Debug>(answer: Result<T, Stop>) -> Refusal {
    match answer {
        Err(Stop::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
