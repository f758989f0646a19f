//! What hosts and contacts are refused for, and what is said of objects that are another's or missing.

use super::{Case, agree};
use crate::kit::*;
use registry::{
    About, Refusal, Verb,
    contact::{self, ContactFault, ContactRole},
    domain::{self, DomainCreate},
    host::{self, HostCreate},
    name::NameFault,
    repository,
    tld::DataModel,
};

#[test]
fn strangers_and_unknown_objects_are_refused() {
    agree(objects());
}

pub fn objects() -> Vec<Case> {
    let kit = Kit::new().with_contacts();
    kit.done(&BETA, create_contact(contact("beta-1")));
    let view = kit.view();
    let absent = |about, object: &str| Refusal::NotFound { about, object: object.into() };
    let missing = |object: &str| absent(About::Object, object);
    let not_yours = |object: &str| Refusal::NotSponsor { about: About::Object, object: object.into() };
    let with =
        |registrant: &str| create(DomainCreate { registrant: Some(registrant.into()), ..thick("a.test") });
    let tech = |handle: &str| {
        let contacts = [(ContactRole::Admin, "adm-1".into()), (ContactRole::Tech, handle.into())].to_vec();
        create(DomainCreate { contacts, ..thick("a.test") })
    };
    let servers =
        |host: &str| create(DomainCreate { name_servers: name_servers(&[host]), ..thick("a.test") });
    let other = |c: DomainCreate, sponsor: &str| create(DomainCreate { sponsor: Some(sponsor.into()), ..c });
    let stranger = contact::info::find(&view, &BETA, "REG-1").expect("it exists");
    vec![
        (kit.refused(&ALPHA, with("no.pe")), absent(About::Registrant, "no.pe")),
        (
            kit.refused(&ALPHA, with("beta-1")),
            Refusal::NotSponsor { about: About::Registrant, object: "beta-1".into() },
        ),
        (kit.refused(&ALPHA, tech("no.pe")), absent(About::Contact, "no.pe")),
        (
            kit.refused(&ALPHA, tech("beta-1")),
            Refusal::NotSponsor { about: About::Contact, object: "beta-1".into() },
        ),
        (
            kit.refused(&ALPHA, servers("ns1.elsewhere.invalid")),
            absent(About::NameServer, "ns1.elsewhere.invalid"),
        ),
        (refusal_of(domain::info::find(&view, &ALPHA, "a.test")), missing("a.test")),
        (refusal_of(host::info::info(&view, "ns1.a.test")), missing("ns1.a.test")),
        (refusal_of(contact::info::find(&view, &ALPHA, "nobody")), missing("nobody")),
        (refusal_of(contact::info::info(&view, stranger.0, stranger.1, stranger.2)), not_yours("reg-1")),
        (refusal_of(repository::load(&Kit::empty().view())), missing("the repository")),
        (kit.refused(&ALPHA, other(domain("a.example"), "beta")), Refusal::NotOperator),
        (kit.refused(&operator(), create(domain("a.example"))), Refusal::SponsorRequired),
        (kit.refused(&operator(), other(domain("a.example"), "nobody")), missing("nobody")),
        (kit.refused(&ALPHA, ack(77)), Refusal::MessageNotFound { id: "77".into() }),
        (kit.refused(&operator(), ack(77)), Refusal::MessageNotFound { id: "77".into() }),
    ]
}

#[test]
fn hosts_are_refused() {
    agree(hosts());
}

pub fn hosts() -> Vec<Case> {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&BETA, create(domain("b.example")));
    kit.done(&ALPHA, create_host("NS1.a.example", &["208.77.190.196"]));
    let no = |name: &str, addresses: &[&str]| kit.refused(&ALPHA, create_host(name, addresses));
    let address = |text: &str| Refusal::AddressNotGlobal { address: text.into() };
    let many: Vec<String> = (0..14).map(|n| format!("208.77.190.{}", 196 + n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let for_alpha =
        HostCreate { name: "ns2.a.example".into(), addresses: vec![], sponsor: Some("alpha".into()) };
    let mut cases = vec![
        (
            no("!.a.example", &[]),
            Refusal::NameSyntax {
                about: About::Object,
                name: "!.a.example".into(),
                fault: NameFault::LabelCharacter,
            },
        ),
        (no("ns1.a.example", &[]), Refusal::Exists { object: "ns1.a.example".into() }),
        (no("ns1.c.example", &[]), Refusal::SuperordinateMissing { domain: "c.example".into() }),
        (no("x.y.c.example", &[]), Refusal::SuperordinateMissing { domain: "c.example".into() }),
        (no("ns1.b.example", &[]), Refusal::NotSponsor { about: About::Object, object: "b.example".into() }),
        (
            no("ns1.b.example", &["208.77.190.197"]),
            Refusal::NotSponsor { about: About::Object, object: "b.example".into() },
        ),
        (no("example", &[]), Refusal::HostNotAllowed { host: "example".into() }),
        (no("invalid", &[]), Refusal::HostNotAllowed { host: "invalid".into() }),
        (
            no("ns1.c.invalid", &["208.77.190.196"]),
            Refusal::AddressesForbidden { host: "ns1.c.invalid".into(), address: "208.77.190.196".into() },
        ),
        (no("ns2.a.example", &["127.0.0.1"]), address("127.0.0.1")),
        (no("ns2.a.example", &["192.0.2.1"]), address("192.0.2.1")),
        (no("ns2.a.example", &["208.77.190.196", "::1"]), address("::1")),
        (
            no("ns2.a.example", &["208.77.190.196", "208.77.190.196"]),
            Refusal::AddressRepeated { address: "208.77.190.196".into() },
        ),
        (
            no("ns2.a.example", &many),
            Refusal::TooManyAddresses { address: "208.77.190.209".into(), most: 13 },
        ),
        (kit.refused(&BETA, Verb::HostCreate(Box::new(for_alpha))), Refusal::NotOperator),
    ];
    let most = host::SUBORDINATES_MAX;
    for n in 1..most {
        kit.done(&ALPHA, create_host(&format!("h{n}.a.example"), &[]));
    }
    let full = Refusal::TooManySubordinates { domain: "a.example".into(), most };
    cases.push((no("one-more.a.example", &[]), full));
    cases
}

#[test]
fn contacts_are_refused() {
    agree(contacts());
}

pub fn contacts() -> Vec<Case> {
    let kit = Kit::new().with_contacts();
    let no = |handle: &str| kit.refused(&ALPHA, create_contact(contact(handle)));
    let syntax = |handle: &str| Refusal::HandleSyntax { handle: handle.into() };
    let mut abroad = person();
    abroad.postal[0].country = "XX".into();
    abroad.email = "nobody".into();
    let minimal = Kit::empty();
    minimal.done(&operator(), found("main", "NAMINGO"));
    minimal.done(&operator(), create_tld(zone("example", DataModel::Minimum, &[], "EXAMPLE")));
    vec![
        (minimal.refused(&ALPHA, create_contact(contact("sh8013"))), Refusal::ContactsUnsupported),
        (no("ab"), syntax("ab")),
        (no("a2345678901234567"), syntax("a2345678901234567")),
        (no("a b c"), syntax("a b c")),
        (no("REG-1"), Refusal::Exists { object: "REG-1".into() }),
        (
            kit.refused(&ALPHA, create_contact(contact_of("abroad", &abroad))),
            Refusal::ContactInvalid { fault: ContactFault::Country },
        ),
        (kit.refused(&operator(), create_contact(contact("orphan"))), Refusal::SponsorRequired),
    ]
}
