//! What a domain create is refused for.

use super::{Case, agree};
use crate::kit::*;
use registry::{
    About, Refusal,
    contact::ContactRole,
    dnssec::{Ds, DsFault},
    domain::{DomainCreate, NameServers, Period, SecDns, Unit},
    name::NameFault,
    tld::MarkKind,
};

#[test]
fn names_are_refused() {
    agree(names());
}

pub fn names() -> Vec<Case> {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("taken.example")));
    kit.done(&operator(), mark("held", MarkKind::Reserved));
    kit.done(&operator(), mark("bad", MarkKind::Blocked));
    let no = |name: &str| kit.refused(&ALPHA, create(domain(name)));
    let syntax = |name: &str, fault| Refusal::NameSyntax { about: About::Object, name: name.into(), fault };
    let long = format!("{}.example", "a".repeat(64));
    let name = || String::from("held.example");
    let cases = vec![
        (no(""), syntax("", NameFault::Empty)),
        (no("a_b.example"), syntax("a_b.example", NameFault::LabelCharacter)),
        (no("-a.example"), syntax("-a.example", NameFault::LabelHyphen)),
        (no("a..example"), syntax("a..example", NameFault::LabelEmpty)),
        (no(&long), syntax(&long, NameFault::LabelTooLong)),
        (no("käse.example"), syntax("käse.example", NameFault::NotAscii)),
        (no("a.123"), syntax("a.123", NameFault::AllNumericTld)),
        (no("a.invalid"), Refusal::NotServed { name: "a.invalid".into() }),
        (no("example"), Refusal::NotRegistrable { name: "example".into() }),
        (no("a.b.Example"), Refusal::NotRegistrable { name: "a.b.example".into() }),
        (no("xx--a.example"), Refusal::ReservedHyphens { name: "xx--a.example".into() }),
        (no("xn--abc-.example"), syntax("xn--abc-.example", NameFault::LabelHyphen)),
        (no("XN--99zzzz99.example"), Refusal::FakeALabel { name: "xn--99zzzz99.example".into() }),
        (no("xn--mnchen-3ya.example"), Refusal::IdnUnsupported { name: "xn--mnchen-3ya.example".into() }),
        (no("TAKEN.example"), Refusal::Exists { object: "taken.example".into() }),
        (no("held.example"), Refusal::Reserved { name: name() }),
        (no("bad.example"), Refusal::Blocked { name: "bad.example".into() }),
    ];
    // the operator may register what is reserved, not what is blocked, and says for whom
    let by_operator = |name: &str| DomainCreate { sponsor: Some("alpha".into()), ..domain(name) };
    assert_eq!(
        kit.refused(&operator(), create(by_operator("bad.example"))),
        Refusal::Blocked { name: "bad.example".into() }
    );
    kit.done(&operator(), create(by_operator("held.example")));
    cases
}

#[test]
fn periods_and_data_models_are_refused() {
    agree(model());
}

pub fn model() -> Vec<Case> {
    let kit = Kit::new().with_contacts();
    let no = |c: DomainCreate| kit.refused(&ALPHA, create(c));
    let period = |number, unit| DomainCreate { period: Some(Period { number, unit }), ..domain("a.example") };
    let role = |role: ContactRole| (role, String::from("tec-1"));
    let six = ["tec-2", "tec-3", "tec-4", "tec-5", "tec-6"].map(|handle| {
        kit.done(&ALPHA, create_contact(contact(handle)));
        (ContactRole::Tech, handle.to_owned())
    });
    let with = |more: &[(ContactRole, String)]| {
        let base = thick("a.test");
        DomainCreate { contacts: [base.contacts.as_slice(), more].concat(), ..base }
    };
    vec![
        (no(period(12, Unit::Month)), Refusal::PeriodUnit { months: 12 }),
        (no(period(11, Unit::Year)), Refusal::PeriodOutOfRange { years: 11 }),
        (no(period(0, Unit::Year)), Refusal::PeriodOutOfRange { years: 0 }),
        (no(period(257, Unit::Year)), Refusal::PeriodOutOfRange { years: 257 }),
        (no(domain("a.test")), Refusal::RegistrantRequired),
        (
            no(DomainCreate { name: "a.example".into(), ..thick("") }),
            Refusal::RegistrantForbidden { handle: "reg-1".into() },
        ),
        (
            no(DomainCreate { contacts: vec![role(ContactRole::Tech)], ..domain("a.example") }),
            Refusal::ContactsForbidden { handle: "tec-1".into() },
        ),
        (
            no(DomainCreate { contacts: vec![role(ContactRole::Tech)], ..thick("a.test") }),
            Refusal::ContactRequired { role: ContactRole::Admin },
        ),
        (
            no(DomainCreate { contacts: vec![role(ContactRole::Admin)], ..thick("a.test") }),
            Refusal::ContactRequired { role: ContactRole::Tech },
        ),
        (
            no(with(&[(ContactRole::Tech, "TEC-1".into())])),
            Refusal::ContactRepeated { role: ContactRole::Tech, handle: "TEC-1".into() },
        ),
        (no(with(&six)), Refusal::TooManyContacts { handle: "tec-6".into(), most: 5 }),
    ]
}

#[test]
fn name_servers_and_dnssec_data_are_refused() {
    agree(delegation());
}

pub fn delegation() -> Vec<Case> {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("glue.example")));
    kit.done(&ALPHA, create_host("ns1.glue.example", &[]));
    kit.done(&BETA, create_host("ns1.elsewhere.invalid", &[]));
    let no = |c: DomainCreate| kit.refused(&ALPHA, create(c));
    let base = || domain("a.example");
    let servers = |hosts: &[&str]| DomainCreate { name_servers: name_servers(hosts), ..base() };
    let signed = |ds: Vec<Ds>| DomainCreate { secdns: SecDns { ds, ..SecDns::default() }, ..base() };
    let wrong = |change: fn(&mut Ds)| {
        let mut record = ds(9);
        change(&mut record);
        signed(vec![record])
    };
    let invalid = |fault| Refusal::DsInvalid { key_tag: 9, fault };
    let short = DsFault::DigestLength { digest: [].into(), expected: 32 };
    let repeated = |host: &str| Refusal::HostRepeated { host: host.into() };
    vec![
        (
            no(DomainCreate { name_servers: NameServers::Attributes, ..base() }),
            Refusal::HostAttributesUnsupported,
        ),
        (no(servers(&["ns1.elsewhere.invalid", "NS1.elsewhere.invalid"])), repeated("ns1.elsewhere.invalid")),
        (
            no(servers(&["ns1.elsewhere.invalid"; 14])),
            Refusal::TooManyHosts { host: "ns1.elsewhere.invalid".into(), most: 13 },
        ),
        (no(servers(&["ns1.glue.example"])), Refusal::GlueMissing { host: "ns1.glue.example".into() }),
        (
            no(servers(&["ns1_.invalid"])),
            Refusal::NameSyntax {
                about: About::NameServer,
                name: "ns1_.invalid".into(),
                fault: NameFault::LabelCharacter,
            },
        ),
        (
            no(DomainCreate { secdns: SecDns { key_data: true, ..SecDns::default() }, ..base() }),
            Refusal::KeyDataUnsupported,
        ),
        (
            no(DomainCreate { secdns: SecDns { max_sig_life: true, ..SecDns::default() }, ..base() }),
            Refusal::MaxSigLifeUnsupported,
        ),
        (no(wrong(|d| d.algorithm = 123)), invalid(DsFault::Algorithm { number: 123 })),
        (no(wrong(|d| d.digest_type = 1)), invalid(DsFault::DigestType { number: 1 })),
        (no(wrong(|d| d.digest = [].into())), invalid(short)),
        (no(signed(vec![ds(1), ds(2), ds(1)])), Refusal::DsRepeated { key_tag: 1 }),
        (no(signed((0..9).map(ds).collect())), Refusal::TooManyDs { key_tag: 8, most: 8 }),
    ]
}
