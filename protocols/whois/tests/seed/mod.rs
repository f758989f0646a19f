//! A small repository, the same in every run: what the golden answers show. The tests of the other query services
//! use it too.
//!
//! `test` asks for contacts, `example` takes none, `münchen` is internationalized. Time begins at
//! 2026-11-24T17:00:00Z and moves a minute with each command.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use registry::authinfo::{NewAuthInfo, SALT};
use registry::contact::{ContactCreate, ContactData, ContactRole, Disclose, Item, Phone, Postal};
use registry::contact::{PostalKind, seal};
use registry::dnssec::Ds;
use registry::domain::{DomainCreate, NameServers, Period, SecDns, Unit};
use registry::host::HostCreate;
use registry::registrar::{PostalAddress, Profile, RegistrarCreate};
use registry::repository::RepositoryFound;
use registry::seal::{Context, Keys, NONCE, SECRET};
use registry::tld::{DataModel, MarkKind, MarkName, TldCreate};
use registry::{Actor, Outcome, Solo, SvTrids, Timestamp, Verb};

const REPOSITORY: &str = "main";
const MINUTE_MS: i64 = 60_000;

/// The seeded repository.
pub fn repository() -> Solo {
    let begin = Timestamp::parse("2026-11-24T17:00:00Z").unwrap().0;
    let now = AtomicI64::new(begin);
    let clock = move || Timestamp(now.fetch_add(MINUTE_MS, Ordering::SeqCst));
    let seed = Seed { solo: Solo::memory(Arc::new(clock)), keys: keys(), ids: SvTrids::new(1, 1) };
    seed.policy();
    seed.contacts();
    seed.names();
    seed.namesakes();
    seed.solo
}

struct Seed {
    solo: Solo,
    keys: Keys,
    ids: SvTrids,
}

impl Seed {
    fn run(&self, verb: Verb) {
        let by = Actor::Operator("seed".into());
        let outcome = self.solo.run(verb, by, self.ids.next()).unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }

    fn policy(&self) {
        self.run(Verb::RepositoryFound(RepositoryFound {
            name: REPOSITORY.into(),
            roid_suffix: "NAMINGO".into(),
            documentation_addresses: true,
        }));
        self.tld("test", DataModel::Maximum, "TEST");
        self.tld("example", DataModel::Minimum, "EXAMPLE");
        self.tld("xn--mnchen-3ya", DataModel::Minimum, "MUENCHEN");
        self.registrar(
            "alpha",
            Profile {
                name: "Alpha Names Ltd.".into(),
                iana_id: Some(9995),
                url: Some("https://alpha.example/".into()),
                whois_server: Some("whois.alpha.example".into()),
                rdap_url: Some("https://rdap.alpha.example/".into()),
                abuse_email: Some("abuse@alpha.example".into()),
                abuse_phone: Some("+31.201234567".into()),
                address: Some(PostalAddress {
                    street: vec!["2 Registrar Square".into()],
                    city: "Amsterdam".into(),
                    state: None,
                    postal_code: Some("1012 AB".into()),
                    country: "NL".into(),
                }),
                phone: Some("+31.207654321".into()),
                fax: None,
                email: Some("info@alpha.example".into()),
            },
        );
        self.registrar("beta", Profile { name: "Beta & Söhne".into(), ..Profile::default() });
        self.mark("reserved", MarkKind::Reserved);
        self.mark("blocked", MarkKind::Blocked);
    }

    fn tld(&self, name: &str, model: DataModel, roid_suffix: &str) {
        let contacts_required = match model {
            DataModel::Minimum => vec![],
            DataModel::Maximum => vec![ContactRole::Admin, ContactRole::Tech],
        };
        let (name, roid_suffix) = (name.into(), roid_suffix.into());
        self.run(Verb::TldCreate(Box::new(TldCreate { name, model, contacts_required, roid_suffix })));
    }

    fn registrar(&self, handle: &str, profile: Profile) {
        let context = Context { repository: REPOSITORY, kind: "password", handle };
        let password = self.keys.seal(&context, [1; NONCE], b"not used here").unwrap();
        let handle = handle.into();
        let (certificate, sessions_max) = (None, 100);
        let create = RegistrarCreate { handle, profile, password, certificate, sessions_max };
        self.run(Verb::RegistrarCreate(Box::new(create)));
    }

    fn mark(&self, label: &str, kind: MarkKind) {
        let (tld, label, note) = ("example".into(), label.into(), "a note that is not public".into());
        self.run(Verb::MarkName(MarkName { tld, label, kind, note }));
    }

    /// `jane` discloses nothing, `desk` all it has, `firm` its organization and telephone.
    fn contacts(&self) {
        let jane = person("Jane Doe", None);
        self.contact("jane", &jane);
        let int = PostalKind::Int;
        let all = vec![Item::Name(int), Item::Org(int), Item::Address(int), Item::Voice, Item::Email];
        let mut desk = person("Help Desk", Some("Alpha Names Ltd."));
        desk.disclose = Some(Disclose { show: true, items: all });
        self.contact("desk", &desk);
        let mut firm = person("John Doe", Some("Example B.V."));
        let items = vec![Item::Org(int), Item::Voice, Item::Fax];
        firm.disclose = Some(Disclose { show: true, items });
        self.contact("firm", &firm);
    }

    fn contact(&self, handle: &str, data: &ContactData) {
        let sealed = seal(&self.keys, REPOSITORY, handle, [2; NONCE], data).unwrap();
        let mut create = ContactCreate::new(handle.into(), data, sealed, self.authinfo());
        create.sponsor = Some("alpha".into());
        self.run(Verb::ContactCreate(Box::new(create)));
    }

    fn authinfo(&self) -> NewAuthInfo {
        NewAuthInfo::make(&self.keys, [3; SALT], "").unwrap()
    }

    fn names(&self) {
        self.host("ns1.provider.net", "alpha", &[]);
        self.host("ns2.provider.net", "alpha", &[]);
        let servers = ["ns1.provider.net", "ns2.provider.net"];
        let ds = Ds { key_tag: 12345, algorithm: 13, digest_type: 2, digest: vec![0xA5; 32].into() };
        let mut thick = self.domain("example.test", "alpha", &servers);
        thick.secdns.ds = vec![ds];
        thick.registrant = Some("jane".into());
        let admin = (ContactRole::Admin, "firm".into());
        thick.contacts = vec![admin, (ContactRole::Tech, "desk".into())];
        self.run(Verb::DomainCreate(Box::new(thick)));
        self.host("ns1.example.test", "alpha", &["192.0.2.53", "2001:db8::53"]);
        let mut team = self.domain("team.test", "alpha", &["ns1.example.test"]);
        team.registrant = Some("firm".into());
        let both = [(ContactRole::Tech, "jane".into()), (ContactRole::Tech, "desk".into())];
        team.contacts = vec![(ContactRole::Admin, "jane".into())];
        team.contacts.extend(both);
        self.run(Verb::DomainCreate(Box::new(team)));
        let thin = self.domain("plain.example", "beta", &[]);
        self.run(Verb::DomainCreate(Box::new(thin)));
        let bier = self.domain("bier.xn--mnchen-3ya", "beta", &["ns1.provider.net", "ns1.example.test"]);
        self.run(Verb::DomainCreate(Box::new(bier)));
    }

    /// Two registrars of one name, one of them with an RDAP service.
    fn namesakes(&self) {
        let profile = |iana_id| Profile { name: "Twin Names".into(), iana_id, ..Profile::default() };
        self.registrar("twin-1", profile(None));
        let rdap_url = Some("https://rdap.twin.example/".into());
        self.registrar("twin-2", Profile { rdap_url, ..profile(Some(1234)) });
    }

    fn host(&self, name: &str, sponsor: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let create = HostCreate { name: name.into(), addresses, sponsor: Some(sponsor.into()) };
        self.run(Verb::HostCreate(Box::new(create)));
    }

    fn domain(&self, name: &str, sponsor: &str, servers: &[&str]) -> DomainCreate {
        let name_servers = NameServers::Objects(servers.iter().map(ToString::to_string).collect());
        DomainCreate { name_servers, ..minimal(name, sponsor) }
    }
}

/// What creates a domain without anything, for two years.
pub fn minimal(name: &str, sponsor: &str) -> DomainCreate {
    DomainCreate {
        name: name.into(),
        period: Some(Period { number: 2, unit: Unit::Year }),
        name_servers: NameServers::Objects(vec![]),
        registrant: None,
        contacts: vec![],
        authinfo: NewAuthInfo::make(&keys(), [3; SALT], "").unwrap(),
        secdns: SecDns::default(),
        sponsor: Some(sponsor.into()),
    }
}

fn keys() -> Keys {
    Keys::new(&BTreeMap::from([(1, [7; SECRET])]))
}

fn person(name: &str, org: Option<&str>) -> ContactData {
    ContactData {
        postal: vec![Postal {
            kind: PostalKind::Int,
            name: name.into(),
            org: org.map(Into::into),
            street: vec!["1 Canal Street".into(), "Third Floor".into()],
            city: "Amsterdam".into(),
            state: Some("Noord-Holland".into()),
            postal_code: Some("1012 AB".into()),
            country: "NL".into(),
        }],
        voice: Some(Phone { number: "+31.207654321".into(), extension: Some("42".into()) }),
        fax: None,
        email: "someone@mail.example".into(),
        disclose: None,
    }
}
