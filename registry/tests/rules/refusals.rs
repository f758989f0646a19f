//! Every refusal: the command or query that provokes it, and exactly what it says.

use crate::kit::*;
use registry::{
    DomainName, Refusal, Verb,
    contact::{self, ContactFault, ContactRole},
    dnssec::{Ds, DsFault},
    domain::{self, DomainCreate, NameServers, Period, SecDns, Unit},
    host::{self, HostCreate},
    name::NameFault,
    registrar::{Profile, RegistrarCreate, RegistrarPassword},
    repository,
    tld::{self, DataModel, MarkKind, MarkName, UnmarkName},
};
use std::collections::BTreeSet;

/// What a registry answers, and what it should answer.
type Case = (Refusal, Refusal);

fn agree(cases: Vec<Case>) {
    for (answer, expected) in cases {
        assert_eq!(answer, expected);
    }
}

macro_rules! variants {
    ($($variant:ident)*) => {
        const ALL: &[&str] = &[$(stringify!($variant)),*];
        /// Exhaustive: a new variant does not compile before it stands in the list.
        fn variant(refusal: &Refusal) -> &'static str {
            match refusal { $(Refusal::$variant { .. } => stringify!($variant),)* }
        }
    };
}
variants! {
    NotOperator NotSponsor AuthenticationFailed AuthInfoWrong NameSyntax NotServed NotRegistrable ReservedHyphens
    FakeALabel IdnUnsupported Reserved Blocked Exists NotFound PeriodUnit PeriodOutOfRange RegistrantRequired
    RegistrantForbidden ContactRequired ContactsForbidden ContactRepeated TooManyContacts
    HostAttributesUnsupported HostRepeated TooManyHosts GlueMissing KeyDataUnsupported MaxSigLifeUnsupported
    DsInvalid DsRepeated TooManyDs SuperordinateMissing HostNotAllowed AddressesForbidden AddressNotGlobal
    AddressRepeated TooManyAddresses ContactsUnsupported HandleSyntax ContactInvalid MessageNotFound
    RegistrarInvalid TldInvalid NamesBelowTld LabelSyntax NotMarked RepositoryFounded SponsorRequired
    RepositoryInvalid TooManySubordinates
}

/// Said by the EPP server, which alone holds the keys that passwords and authInfo are checked with; provoked in
/// its tests.
const SAID_BY_SERVERS: [&str; 2] = ["AuthenticationFailed", "AuthInfoWrong"];

#[test]
fn each_one_is_provoked() {
    let groups =
        [names(), objects(), model(), delegation(), hosts(), contacts(), registrars(), zones(), marks()];
    let mut seen: BTreeSet<&str> = groups.iter().flatten().map(|(_, expected)| variant(expected)).collect();
    seen.extend(SAID_BY_SERVERS);
    let missing: Vec<_> = ALL.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "no test provokes {missing:?}");
}

#[test]
fn each_one_has_a_word_and_a_sentence_of_its_own() {
    let all =
        [names(), objects(), model(), delegation(), hosts(), contacts(), registrars(), zones(), marks()];
    let mut words = std::collections::BTreeMap::new();
    for (_, refusal) in all.iter().flatten() {
        assert!(refusal.reason().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{refusal:?}");
        assert!(refusal.to_string().len() > 8, "{refusal:?}");
        let owner = words.insert(refusal.reason(), variant(refusal));
        assert!(owner.is_none_or(|other| other == variant(refusal)), "{refusal:?}");
    }
}

#[test]
fn names_are_refused() {
    agree(names());
}

fn names() -> Vec<Case> {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("taken.example")));
    kit.done(&operator(), mark("held", MarkKind::Reserved));
    kit.done(&operator(), mark("bad", MarkKind::Blocked));
    let no = |name: &str| kit.refused(&ALPHA, create(domain(name)));
    let syntax = |name: &str, fault| Refusal::NameSyntax { name: name.into(), fault };
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
fn strangers_and_unknown_objects_are_refused() {
    agree(objects());
}

fn objects() -> Vec<Case> {
    let kit = Kit::new().with_contacts();
    kit.done(&BETA, create_contact(contact("beta-1")));
    let view = kit.view();
    let missing = |object: &str| Refusal::NotFound { object: object.into() };
    let not_yours = |object: &str| Refusal::NotSponsor { object: object.into() };
    let with =
        |registrant: &str| create(DomainCreate { registrant: Some(registrant.into()), ..thick("a.test") });
    let servers =
        |host: &str| create(DomainCreate { name_servers: name_servers(&[host]), ..thick("a.test") });
    let other = |c: DomainCreate, sponsor: &str| create(DomainCreate { sponsor: Some(sponsor.into()), ..c });
    let stranger = contact::info::find(&view, &BETA, "REG-1").expect("it exists");
    vec![
        (kit.refused(&ALPHA, with("nobody")), missing("nobody")),
        (kit.refused(&ALPHA, with("beta-1")), not_yours("beta-1")),
        (kit.refused(&ALPHA, servers("ns1.elsewhere.invalid")), missing("ns1.elsewhere.invalid")),
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
fn periods_and_data_models_are_refused() {
    agree(model());
}

fn model() -> Vec<Case> {
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
        (no(period(12, Unit::Month)), Refusal::PeriodUnit),
        (no(period(11, Unit::Year)), Refusal::PeriodOutOfRange { years: 11 }),
        (no(period(0, Unit::Year)), Refusal::PeriodOutOfRange { years: 0 }),
        (no(period(257, Unit::Year)), Refusal::PeriodOutOfRange { years: 257 }),
        (no(domain("a.test")), Refusal::RegistrantRequired),
        (no(DomainCreate { name: "a.example".into(), ..thick("") }), Refusal::RegistrantForbidden),
        (
            no(DomainCreate { contacts: vec![role(ContactRole::Tech)], ..domain("a.example") }),
            Refusal::ContactsForbidden,
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
        (no(with(&six)), Refusal::TooManyContacts { most: 5 }),
    ]
}

#[test]
fn name_servers_and_dnssec_data_are_refused() {
    agree(delegation());
}

fn delegation() -> Vec<Case> {
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
    let short = DsFault::DigestLength { octets: 0, expected: 32 };
    let repeated = |host: &str| Refusal::HostRepeated { host: host.into() };
    vec![
        (
            no(DomainCreate { name_servers: NameServers::Attributes, ..base() }),
            Refusal::HostAttributesUnsupported,
        ),
        (no(servers(&["ns1.elsewhere.invalid", "NS1.elsewhere.invalid"])), repeated("ns1.elsewhere.invalid")),
        (no(servers(&["ns1.elsewhere.invalid"; 14])), Refusal::TooManyHosts { most: 13 }),
        (no(servers(&["ns1.glue.example"])), Refusal::GlueMissing { host: "ns1.glue.example".into() }),
        (
            no(servers(&["ns1_.invalid"])),
            Refusal::NameSyntax { name: "ns1_.invalid".into(), fault: NameFault::LabelCharacter },
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
        (no(signed((0..9).map(ds).collect())), Refusal::TooManyDs { most: 8 }),
    ]
}

#[test]
fn hosts_are_refused() {
    agree(hosts());
}

fn hosts() -> Vec<Case> {
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
            Refusal::NameSyntax { name: "!.a.example".into(), fault: NameFault::LabelCharacter },
        ),
        (no("ns1.a.example", &[]), Refusal::Exists { object: "ns1.a.example".into() }),
        (no("ns1.c.example", &[]), Refusal::SuperordinateMissing { domain: "c.example".into() }),
        (no("x.y.c.example", &[]), Refusal::SuperordinateMissing { domain: "c.example".into() }),
        (no("ns1.b.example", &[]), Refusal::NotSponsor { object: "b.example".into() }),
        (no("ns1.b.example", &["208.77.190.197"]), Refusal::NotSponsor { object: "b.example".into() }),
        (no("example", &[]), Refusal::HostNotAllowed { host: "example".into() }),
        (no("invalid", &[]), Refusal::HostNotAllowed { host: "invalid".into() }),
        (
            no("ns1.c.invalid", &["208.77.190.196"]),
            Refusal::AddressesForbidden { host: "ns1.c.invalid".into() },
        ),
        (no("ns2.a.example", &["127.0.0.1"]), address("127.0.0.1")),
        (no("ns2.a.example", &["192.0.2.1"]), address("192.0.2.1")),
        (no("ns2.a.example", &["208.77.190.196", "::1"]), address("::1")),
        (
            no("ns2.a.example", &["208.77.190.196", "208.77.190.196"]),
            Refusal::AddressRepeated { address: "208.77.190.196".into() },
        ),
        (no("ns2.a.example", &many), Refusal::TooManyAddresses { most: 13 }),
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

fn contacts() -> Vec<Case> {
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

#[test]
fn registrars_are_refused() {
    agree(registrars());
}

fn registrars() -> Vec<Case> {
    let kit = Kit::new();
    let with = |change: &dyn Fn(&mut Profile)| {
        let mut new = registrar("delta");
        change(&mut new.profile);
        kit.refused(&operator(), create_registrar(new))
    };
    let named = |handle: &str| {
        kit.refused(
            &operator(),
            create_registrar(RegistrarCreate { handle: handle.into(), ..registrar("delta") }),
        )
    };
    let field = |refusal: Refusal| match refusal {
        Refusal::RegistrarInvalid { field, why } => {
            assert!(!why.is_empty());
            Refusal::RegistrarInvalid { field, why: String::new() }
        }
        other => other,
    };
    let invalid = |field: &str| Refusal::RegistrarInvalid { field: field.into(), why: String::new() };
    let set = |handle: &str| {
        Verb::RegistrarPassword(Box::new(RegistrarPassword {
            handle: handle.into(),
            password: password(handle),
        }))
    };
    let mut accredited = registrar("epsilon");
    accredited.profile.iana_id = Some(9999);
    kit.done(&operator(), create_registrar(accredited));
    vec![
        (kit.refused(&ALPHA, create_registrar(registrar("delta"))), Refusal::NotOperator),
        (named("ab"), Refusal::HandleSyntax { handle: "ab".into() }),
        (named("Alpha"), Refusal::Exists { object: "Alpha".into() }),
        (field(with(&|p| p.name = " ".into())), invalid("name")),
        (field(with(&|p| p.name = "two\r\nlines".into())), invalid("name")),
        (field(with(&|p| p.name = "n".repeat(256))), invalid("name")),
        (field(with(&|p| p.url = Some("ftp://x".into()))), invalid("url")),
        (field(with(&|p| p.url = Some("https://a\r\nDomain Status: ok".into()))), invalid("url")),
        (field(with(&|p| p.url = Some(format!("https://{}", "a".repeat(255))))), invalid("url")),
        (field(with(&|p| p.whois_server = Some("whois example".into()))), invalid("whois_server")),
        (field(with(&|p| p.rdap_url = Some("https://rdap.example".into()))), invalid("rdap_url")),
        (field(with(&|p| p.abuse_email = Some("abuse".into()))), invalid("abuse_email")),
        (field(with(&|p| p.abuse_phone = Some("555".into()))), invalid("abuse_phone")),
        (field(with(&|p| p.iana_id = Some(9999))), invalid("iana_id")),
        (kit.refused(&ALPHA, set("beta")), Refusal::NotOperator),
        (kit.refused(&ALPHA, set("nobody")), Refusal::NotOperator),
        (kit.refused(&operator(), set("nobody")), Refusal::NotFound { object: "nobody".into() }),
    ]
}

#[test]
fn zones_and_the_repository_are_refused() {
    agree(zones());
}

fn zones() -> Vec<Case> {
    let kit = Kit::new().with_contacts();
    kit.done(&ALPHA, create(thick("co.test")));
    kit.done(&ALPHA, create_host("ns1.shop.invalid", &[]));
    kit.done(&operator(), create_tld(zone("a.b.gap", DataModel::Minimum, &[], "GAP")));
    let new = |name: &str| kit.refused(&operator(), create_tld(zone(name, DataModel::Minimum, &[], "NEW")));
    let invalid = |field: &str, why: &str| Refusal::TldInvalid { field: field.into(), why: why.into() };
    let gap = || invalid("name", "a zone inside another one lies exactly one label below it");
    let suffix = "1 to 8 letters, digits and underscores";
    let empty = Kit::empty();
    let bad = |field: &str, why: &str| Refusal::RepositoryInvalid { field: field.into(), why: why.into() };
    vec![
        (kit.refused(&ALPHA, create_tld(zone("new", DataModel::Minimum, &[], "NEW"))), Refusal::NotOperator),
        (new("-new"), Refusal::NameSyntax { name: "-new".into(), fault: NameFault::LabelHyphen }),
        (new("TEST"), Refusal::Exists { object: "test".into() }),
        (new("co.test"), Refusal::NamesBelowTld { tld: "co.test".into() }),
        (new("invalid"), Refusal::NamesBelowTld { tld: "invalid".into() }),
        (new("ns1.shop.invalid"), Refusal::NamesBelowTld { tld: "ns1.shop.invalid".into() }),
        (new("deep.er.example"), gap()),
        (new("gap"), gap()),
        (
            kit.refused(&operator(), create_tld(zone("new", DataModel::Minimum, &[], "A-B"))),
            invalid("roid_suffix", suffix),
        ),
        (
            kit.refused(
                &operator(),
                create_tld(zone("new", DataModel::Minimum, &[ContactRole::Tech], "NEW")),
            ),
            invalid("contacts_required", "a minimum-data zone takes no contacts"),
        ),
        (kit.refused(&operator(), found("main", "NAMINGO")), Refusal::RepositoryFounded),
        (empty.refused(&ALPHA, found("main", "NAMINGO")), Refusal::NotOperator),
        (
            empty.refused(&operator(), found("../main", "NAMINGO")),
            bad("name", "1 to 63 lower-case letters, digits and hyphens"),
        ),
        (empty.refused(&operator(), found("main", "NINECHARS")), bad("roid_suffix", suffix)),
    ]
}

#[test]
fn marks_are_refused() {
    agree(marks());
}

fn marks() -> Vec<Case> {
    let kit = Kit::new();
    let marked = |tld: &str, label: &str, note: &str| {
        let (tld, label, note) = (tld.into(), label.into(), note.into());
        kit.refused(&operator(), Verb::MarkName(MarkName { tld, label, kind: MarkKind::Blocked, note }))
    };
    let unmarked = |tld: &str, label: &str| {
        kit.refused(&operator(), Verb::UnmarkName(UnmarkName { tld: tld.into(), label: label.into() }))
    };
    let label = |label: &str| Refusal::LabelSyntax { label: label.into() };
    vec![
        (kit.refused(&ALPHA, mark("a", MarkKind::Blocked)), Refusal::NotOperator),
        (kit.refused(&ALPHA, unmark("a")), Refusal::NotOperator),
        (marked("nowhere", "a", ""), Refusal::NotFound { object: "nowhere".into() }),
        (
            marked("no_where", "a", ""),
            Refusal::NameSyntax { name: "no_where".into(), fault: NameFault::LabelCharacter },
        ),
        (marked("example", "a.b", ""), label("a.b")),
        (marked("example", "", ""), label("")),
        (marked("example", "xx--a", ""), label("xx--a")),
        (
            marked("example", "a", &"n".repeat(tld::NOTE_MAX + 1)),
            Refusal::TldInvalid { field: "note".into(), why: "at most 255 characters".into() },
        ),
        (unmarked("Example", "Free"), Refusal::NotMarked { name: "free.example".into() }),
    ]
}

#[test]
fn availability_says_what_create_would_say() {
    let kit = Kit::new().with_contacts();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&ALPHA, create_host("ns1.a.example", &[]));
    let view = kit.view();
    for name in ["a.example", "free.example", "a_.example", "xx--a.example", "a.invalid", "example"] {
        let checked = domain::check::availability(&view, &BETA, name).expect("storage is sound");
        let created = registry::apply::early_refusal(&view, &BETA, &create(domain(name))).expect("sound");
        assert_eq!(checked, created, "{name}");
    }
    for (name, free) in [("ns1.a.example", false), ("ns2.a.example", true), ("ns1.elsewhere.invalid", true)] {
        assert_eq!(host::check::availability(&view, name).expect("sound").is_none(), free, "{name}");
    }
    for (handle, free) in [("REG-1", false), ("new-1", true), ("n", false)] {
        assert_eq!(contact::availability(&view, handle).expect("sound").is_none(), free, "{handle}");
    }
    assert!(DomainName::parse("a.example").is_ok());
}
