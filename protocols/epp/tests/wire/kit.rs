//! A registry in memory, an EPP session over a pipe, and a client that keeps every answer for the schemas to judge.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use epp::frame::Wire;
use epp::{Passwords, SessionLimits, Site, session};
use net::{Fingerprint, Metrics, Peer, Trigger, shutdown};
use prometheus_client::registry::Registry;
use registry::contact::ContactRole;
use registry::password;
use registry::registrar::{Profile, RegistrarCreate, SESSIONS_DEFAULT};
use registry::repository::RepositoryFound;
use registry::seal::Keys;
use registry::tld::{DataModel, TldCreate};
use registry::view::Kept;
use registry::{Actor, Backend, Outcome, Reply, Solo, SvTrid, SvTrids, Timestamp, Verb};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use crate::xmllint;

/// 2026-01-01T00:00:00Z, where every test begins.
pub const START: i64 = 1_767_225_600_000;
pub const DAY: i64 = 86_400_000;
pub const LONG: Duration = Duration::from_secs(3600);

/// The client's end of a connection, and what ends its session.
pub type Pipe = (DuplexStream, Trigger, JoinHandle<()>);

pub struct Kit<B> {
    pub backend: B,
    pub solo: Solo,
    pub site: Arc<Site>,
    clock: Arc<AtomicI64>,
    sequence: AtomicU64,
}

fn keys() -> Keys {
    Keys::new(&BTreeMap::from([(1, [7; 64])]))
}

impl Kit<Solo> {
    /// Zones `test` (maximum data) and `example` (minimum data), registrars alpha, beta and pinned, whose passwords
    /// are their names with `-secret`.
    pub fn new() -> Kit<Solo> {
        let kit = Kit::minimum();
        kit.operate(zone("test", DataModel::Maximum, &[ContactRole::Admin, ContactRole::Tech], "TEST"));
        kit
    }

    /// The same without the zone that takes contacts.
    pub fn minimum() -> Kit<Solo> {
        let clock = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&clock);
        let clock_of: registry::backend::Clock = Arc::new(move || Timestamp(read.load(Ordering::Relaxed)));
        let solo = Solo::memory(Arc::clone(&clock_of));
        let site = Arc::new(Site {
            name: "Namingo test".to_owned(),
            svtrids: Arc::new(SvTrids::new(1, 0xb007)),
            keys: Arc::new(keys()),
            passwords: Passwords::new(2),
            attempts: epp::Attempts::default(),
            sessions: epp::Sessions::default(),
            frames: epp::Budget::new(4 << 20),
            clock: clock_of,
            metrics: Metrics::register(&mut Registry::default()),
            kept: Kept::default(),
            limits: SessionLimits { idle: LONG, login: LONG, checks_max: 5, ..SessionLimits::default() },
        });
        let kit = Kit { backend: solo.clone(), solo, site, clock, sequence: AtomicU64::new(1) };
        kit.operate(Verb::RepositoryFound(RepositoryFound {
            name: "main".to_owned(),
            roid_suffix: "NAMINGO".to_owned(),
            documentation_addresses: true,
        }));
        kit.operate(zone("example", DataModel::Minimum, &[], "EXAMPLE"));
        kit.operate(registrar("alpha", None));
        kit.operate(registrar("beta", None));
        kit.operate(registrar("pinned", Some([5; 32])));
        kit
    }
}

impl<B: Backend> Kit<B> {
    /// The same registry behind another backend.
    pub fn behind<C: Backend>(self, backend: impl FnOnce(B) -> C) -> Kit<C> {
        let Kit { backend: inner, solo, site, clock, sequence } = self;
        Kit { backend: backend(inner), solo, site, clock, sequence }
    }

    pub fn operate(&self, verb: Verb) -> Reply {
        let seq = self.sequence.fetch_add(1, Ordering::Relaxed);
        let svtrid = SvTrid { node: 9, boot: 9, seq };
        match self.solo.run(verb, Actor::Operator("test".into()), svtrid).unwrap() {
            Outcome::Done(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass and does what falls due.
    pub fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
        let svtrid = SvTrid { node: 9, boot: 8, seq: self.sequence.fetch_add(1, Ordering::Relaxed) };
        self.solo.run(Verb::Tick { limit: 500 }, Actor::System, svtrid).unwrap();
    }

    pub async fn connect(&self) -> Client {
        self.connect_with(None).await
    }

    /// A connection from another address than the others.
    pub async fn connect_from(&self, address: &str) -> Client {
        self.client(self.pipe_from(address, None)).await
    }

    pub async fn connect_with(&self, certificate: Option<Fingerprint>) -> Client {
        self.client(self.pipe(certificate)).await
    }

    async fn client(&self, (near, trigger, served): Pipe) -> Client {
        let mut client = Client { wire: Wire::new(near, 1 << 20, LONG), said: Vec::new(), trigger, served };
        client.listen().await.expect("a greeting");
        client
    }

    /// The client's end of a new connection.
    pub fn pipe(&self, certificate: Option<Fingerprint>) -> Pipe {
        self.pipe_from("192.0.2.7", certificate)
    }

    fn pipe_from(&self, address: &str, certificate: Option<Fingerprint>) -> Pipe {
        let (near, far) = duplex(1 << 16);
        let peer = Peer { address: (address.parse::<IpAddr>().unwrap(), 4242).into(), certificate };
        let (trigger, shutdown) = shutdown();
        let served = session::serve(far, peer, shutdown, self.backend.clone(), Arc::clone(&self.site));
        (near, trigger, tokio::spawn(served))
    }

    /// A session of a registrar.
    pub async fn login(&self, handle: &str) -> Client {
        let mut client = self.connect().await;
        client.expect(&login(handle, &format!("{handle}-secret")), 1000).await;
        client
    }
}

pub fn zone(name: &str, model: DataModel, required: &[ContactRole], suffix: &str) -> Verb {
    Verb::TldCreate(Box::new(TldCreate {
        name: name.to_owned(),
        model,
        contacts_required: required.to_vec(),
        roid_suffix: suffix.to_owned(),
    }))
}

fn registrar(handle: &str, certificate: Option<[u8; 32]>) -> Verb {
    let secret = format!("{handle}-secret");
    let password = password::seal(&keys(), "main", handle, ([1; 16], [2; 12]), &secret).unwrap();
    let profile = Profile { name: format!("{handle} Names Ltd."), ..Profile::default() };
    Verb::RegistrarCreate(Box::new(RegistrarCreate {
        handle: handle.to_owned(),
        profile,
        password,
        certificate,
        sessions_max: if handle == "beta" { 3 } else { SESSIONS_DEFAULT },
    }))
}

/// The client's end of a session.
pub struct Client {
    wire: Wire<DuplexStream>,
    said: Vec<Vec<u8>>,
    pub trigger: Trigger,
    pub served: JoinHandle<()>,
}

impl Client {
    /// The next document, or `None` when the server has closed the connection.
    pub async fn listen(&mut self) -> Option<String> {
        let document = self.wire.recv().await.unwrap()?.to_vec();
        self.said.push(document.clone());
        Some(String::from_utf8(document).unwrap())
    }

    pub async fn send(&mut self, frame: &str) -> String {
        self.wire.send(frame.as_bytes().to_vec()).await.unwrap();
        self.listen().await.expect("an answer")
    }

    /// Sends a frame whose answer must have this code.
    pub async fn expect(&mut self, frame: &str, code: u16) -> String {
        let answer = self.send(frame).await;
        assert!(answer.contains(&format!("<result code=\"{code}\">")), "not {code}: {answer}\nto {frame}");
        answer
    }

    pub async fn must_be_closed(&mut self) {
        assert_eq!(self.listen().await, None, "the connection should be closed");
    }

    /// Every document that the server sent must be valid.
    pub fn judge(self) {
        xmllint::must_be_valid(&self.said);
    }
}

pub const OBJECTS: [&str; 3] = [
    "urn:ietf:params:xml:ns:domain-1.0",
    "urn:ietf:params:xml:ns:host-1.0",
    "urn:ietf:params:xml:ns:contact-1.0",
];
pub const SECDNS: &str = "urn:ietf:params:xml:ns:secDNS-1.1";

pub fn command(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\">\
         <command>{inside}<clTRID>CL-1</clTRID></command></epp>"
    )
}

pub fn login(handle: &str, secret: &str) -> String {
    login_with(handle, secret, "", ("1.0", "en"), &OBJECTS, &[SECDNS])
}

pub fn login_with(
    handle: &str,
    secret: &str,
    new: &str,
    (version, lang): (&str, &str),
    objects: &[&str],
    extensions: &[&str],
) -> String {
    let objects: String = objects.iter().map(|uri| format!("<objURI>{uri}</objURI>")).collect();
    let extensions: String = extensions.iter().map(|uri| format!("<extURI>{uri}</extURI>")).collect();
    let extensions = match extensions.as_str() {
        "" => String::new(),
        some => format!("<svcExtension>{some}</svcExtension>"),
    };
    let new = if new.is_empty() { String::new() } else { format!("<newPW>{new}</newPW>") };
    command(&format!(
        "<login><clID>{handle}</clID><pw>{secret}</pw>{new}<options><version>{version}</version>\
         <lang>{lang}</lang></options><svcs>{objects}{extensions}</svcs></login>"
    ))
}

/// A command on an object: `object("check", "domain", "<name>a.test</name>")`, the object's namespace as default.
pub fn object(verb: &str, object: &str, inside: &str) -> String {
    object_with(verb, object, inside, "")
}

pub fn object_with(verb: &str, object: &str, inside: &str, extension: &str) -> String {
    let uri = format!("urn:ietf:params:xml:ns:{object}-1.0");
    command(&format!("<{verb}><{verb} xmlns=\"{uri}\">{inside}</{verb}></{verb}>{extension}"))
}

pub fn contact_create(handle: &str) -> String {
    object(
        "create",
        "contact",
        &format!(
            "<id>{handle}</id><postalInfo type=\"loc\"><name>Jürgen &amp; Søn</name><org>Ö &lt;AB&gt;</org><addr>\
             <street>Allé 1</street><street/><city>Malmö</city><sp>Skåne</sp><pc>211 20</pc><cc>SE</cc></addr>\
             </postalInfo><voice x=\"12\">+46.401234</voice><email>j@example.com</email>\
             <authInfo><pw>contact-pass</pw></authInfo><disclose flag=\"1\"><name type=\"loc\"/><email/></disclose>"
        ),
    )
}

pub fn thick(name: &str, more: &str) -> String {
    format!(
        "<name>{name}</name><period unit=\"y\">2</period>{more}<registrant>reg-1</registrant>\
         <contact type=\"admin\">adm-1</contact><contact type=\"tech\">adm-1</contact>\
         <authInfo><pw>domain-pass</pw></authInfo>"
    )
}

pub fn ds() -> String {
    format!(
        "<extension><create xmlns=\"{SECDNS}\"><dsData><keyTag>12345</keyTag><alg>13</alg><digestType>2</digestType>\
         <digest>{}</digest></dsData></create></extension>",
        "ab".repeat(32)
    )
}

pub fn thin(name: &str) -> String {
    object("create", "domain", &format!("<name>{name}</name><authInfo><pw/></authInfo>"))
}

pub fn name(name: &str) -> String {
    format!("<name>{name}</name>")
}

pub const POLL: &str = "<poll op=\"req\"/>";
