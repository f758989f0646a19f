//! What the operator is refused for, and who is not the operator.

use super::{Case, agree};
use crate::kit::*;
use registry::{
    About, Refusal, Reply, Verb,
    contact::ContactRole,
    name::NameFault,
    registrar::{self, Profile, RegistrarCreate, RegistrarPassword, RegistrarUpdate, SESSIONS_LIMIT},
    tld::{self, DataModel, MarkKind, MarkName, UnmarkName},
};

#[test]
fn registrars_are_refused() {
    agree(registrars());
}

pub fn registrars() -> Vec<Case> {
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
    let sessions = |most| {
        let new = RegistrarCreate { sessions_max: most, ..registrar("delta") };
        kit.refused(&operator(), create_registrar(new))
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
        (field(with(&|p| p.phone = Some("555".into()))), invalid("phone")),
        (field(with(&|p| p.fax = Some("+31.".into()))), invalid("fax")),
        (field(with(&|p| p.email = Some("alpha".into()))), invalid("email")),
        (field(with(&|p| p.address = Some(seat("XX", 1)))), invalid("address")),
        (field(with(&|p| p.address = Some(seat("NL", 4)))), invalid("address")),
        (field(with(&|p| p.iana_id = Some(9999))), invalid("iana_id")),
        (field(sessions(0)), invalid("sessions_max")),
        (field(sessions(SESSIONS_LIMIT + 1)), invalid("sessions_max")),
        (kit.refused(&ALPHA, set("beta")), Refusal::NotOperator),
        (kit.refused(&ALPHA, set("nobody")), Refusal::NotOperator),
        (
            kit.refused(&operator(), set("nobody")),
            Refusal::NotFound { about: About::Object, object: "nobody".into() },
        ),
    ]
}

#[test]
fn a_change_of_a_registrar_is_refused_as_its_accreditation_is() {
    let kit = Kit::new();
    let mut accredited = registrar("epsilon");
    accredited.profile.iana_id = Some(9999);
    kit.done(&operator(), create_registrar(accredited));
    let update = |change: &dyn Fn(&mut RegistrarUpdate)| {
        let mut update = RegistrarUpdate { handle: "ALPHA".into(), ..RegistrarUpdate::default() };
        change(&mut update);
        update_registrar(update)
    };
    let refused = |change: &dyn Fn(&mut RegistrarUpdate)| match kit.refused(&operator(), update(change)) {
        Refusal::RegistrarInvalid { field, .. } => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&|u| u.name = Some(" ".into())), "name");
    assert_eq!(refused(&|u| u.url = Some(Some("ftp://x".into()))), "url");
    assert_eq!(refused(&|u| u.iana_id = Some(Some(9999))), "iana_id");
    assert_eq!(refused(&|u| u.sessions_max = Some(0)), "sessions_max");
    assert_eq!(kit.refused(&ALPHA, update(&|_| {})), Refusal::NotOperator);
    let nobody = Refusal::NotFound { about: About::Object, object: "nobody".into() };
    assert_eq!(kit.refused(&operator(), update(&|u| u.handle = "nobody".into())), nobody);
}

#[test]
fn a_change_leaves_what_it_does_not_name_and_the_public_finds_the_registrar_by_it() {
    let kit = Kit::new();
    kit.pass(SECOND);
    let read = || registrar::by_handle(&kit.view(), "alpha").expect("sound").expect("it exists").1;
    let found = |text: &str| registrar::find(&kit.view(), text).expect("sound").len();
    let before = read();
    let update = RegistrarUpdate {
        handle: "alpha".into(),
        name: Some("Alpha and Sons".into()),
        iana_id: Some(Some(9995)),
        url: Some(Some("https://alpha.example".into())),
        certificate: Some(Some([7; 32])),
        sessions_max: Some(5),
        ..RegistrarUpdate::default()
    };
    kit.done(&operator(), update_registrar(update.clone()));
    let after = read();
    assert_eq!((after.updated, after.sessions_max, after.certificate), (Some(kit.now()), 5, Some([7; 32])));
    let profile = Profile {
        name: "Alpha and Sons".into(),
        iana_id: Some(9995),
        url: Some("https://alpha.example".into()),
        ..before.profile.clone()
    };
    assert_eq!((&after.profile, &after.password), (&profile, &before.password));
    assert_eq!([found("9995"), found("alpha AND sons"), found("alpha Names Ltd.")], [1, 1, 0]);
    kit.pass(SECOND);
    kit.done(&operator(), update_registrar(update));
    assert_eq!(read(), after, "a change to what is there already");
    let back = RegistrarUpdate {
        handle: "alpha".into(),
        name: Some(before.profile.name.clone()),
        iana_id: Some(None),
        url: Some(None),
        certificate: Some(None),
        sessions_max: Some(before.sessions_max),
        ..RegistrarUpdate::default()
    };
    kit.done(&operator(), update_registrar(back));
    assert_eq!(registrar::Registrar { updated: None, ..read() }, before);
    assert_eq!([found("9995"), found("alpha Names Ltd.")], [0, 1]);
}

#[test]
fn suspension_is_refused_and_refuses() {
    agree(suspension());
}

fn seat(country: &str, lines: usize) -> registrar::PostalAddress {
    registrar::PostalAddress {
        street: vec!["Street".into(); lines],
        city: "City".into(),
        state: None,
        postal_code: None,
        country: country.into(),
    }
}

pub fn suspension() -> Vec<Case> {
    let kit = Kit::new();
    let missing = |handle: &str| Refusal::NotFound { about: About::Object, object: handle.into() };
    let mut cases = vec![
        (kit.refused(&BETA, suspend("alpha", "")), Refusal::NotOperator),
        (kit.refused(&operator(), suspend("nobody", "")), missing("nobody")),
        (
            kit.refused(&operator(), suspend("alpha", &"r".repeat(256))),
            Refusal::RegistrarInvalid {
                field: "note".into(),
                why: "at most 255 printable characters".into(),
            },
        ),
        (kit.refused(&operator(), resume("Alpha")), Refusal::NotSuspended { registrar: "alpha".into() }),
    ];
    kit.done(&operator(), suspend("ALPHA", "unpaid"));
    kit.done(&operator(), suspend("alpha", "unpaid since May"));
    let set = Verb::RegistrarPassword(Box::new(RegistrarPassword {
        handle: "alpha".into(),
        password: password("alpha"),
    }));
    let verbs = [create(domain("a.example")), create_contact(contact("sh8013")), ack(1), set];
    cases.extend(verbs.into_iter().map(|verb| (kit.refused(&ALPHA, verb), Refusal::Suspended)));
    cases.push((kit.refused(&ALPHA, resume("alpha")), Refusal::Suspended));
    cases.push((kit.refused(&BETA, resume("alpha")), Refusal::NotOperator));
    cases
}

#[test]
fn a_suspended_registrar_can_act_again_when_it_is_resumed() {
    let kit = Kit::new();
    let suspended = |kit: &Kit| registrar::suspended(&kit.view()).expect("storage is sound");
    kit.done(&operator(), suspend("alpha", "unpaid"));
    kit.pass(SECOND);
    kit.done(&operator(), suspend("alpha", "unpaid since May"));
    let (_, found) = registrar::by_handle(&kit.view(), "alpha").expect("sound").expect("it exists");
    let held = found.suspended.expect("it is suspended");
    assert_eq!((held.since, held.note.as_str()), (START, "unpaid since May"));
    assert_eq!(suspended(&kit), [3]);
    kit.done(&BETA, create(domain("b.example")));
    kit.done(
        &operator(),
        create(registry::domain::DomainCreate {
            sponsor: Some("alpha".into()),
            ..domain("by-the-operator.example")
        }),
    );
    kit.done(&operator(), resume("alpha"));
    assert!(suspended(&kit).is_empty());
    kit.done(&ALPHA, create(domain("a.example")));
}

#[test]
fn zones_and_the_repository_are_refused() {
    agree(zones());
}

pub fn zones() -> Vec<Case> {
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
        (
            new("-new"),
            Refusal::NameSyntax { about: About::Object, name: "-new".into(), fault: NameFault::LabelHyphen },
        ),
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
fn a_mark_tells_whether_its_name_is_registered_and_keeps_its_instant() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("taken.example")));
    let told = |label: &str, kind| kit.done(&operator(), mark(label, kind));
    assert_eq!(told("taken", MarkKind::Blocked), Reply::NameMarked { registered: true });
    assert_eq!(told("free", MarkKind::Reserved), Reply::NameMarked { registered: false });
    kit.pass(SECOND);
    told("free", MarkKind::Reserved);
    let view = kit.view();
    let name = registry::DomainName::parse("free.example").expect("a name");
    let zone = tld::by_name(&view, &name.suffixes().nth(1).expect("a zone")).expect("sound").expect("there");
    assert_eq!(tld::mark_of(&view, &zone, &name).expect("sound").expect("marked").since, START);
}

#[test]
fn marks_are_refused() {
    agree(marks());
}

pub fn marks() -> Vec<Case> {
    let kit = Kit::new();
    let marked = |tld: &str, label: &str, note: &str| {
        let (tld, label, note) = (tld.into(), label.into(), note.into());
        kit.refused(&operator(), Verb::MarkName(MarkName { tld, label, kind: MarkKind::Blocked, note }))
    };
    let unmarked = |tld: &str, label: &str, kind| {
        kit.refused(&operator(), Verb::UnmarkName(UnmarkName { tld: tld.into(), label: label.into(), kind }))
    };
    kit.done(&operator(), mark("held", MarkKind::Reserved));
    let held = || String::from("held.example");
    let label = |label: &str| Refusal::LabelSyntax { label: label.into() };
    vec![
        (kit.refused(&ALPHA, mark("a", MarkKind::Blocked)), Refusal::NotOperator),
        (kit.refused(&ALPHA, unmark("a", MarkKind::Blocked)), Refusal::NotOperator),
        (marked("nowhere", "a", ""), Refusal::NotFound { about: About::Object, object: "nowhere".into() }),
        (
            marked("no_where", "a", ""),
            Refusal::NameSyntax {
                about: About::Object,
                name: "no_where".into(),
                fault: NameFault::LabelCharacter,
            },
        ),
        (marked("example", "a.b", ""), label("a.b")),
        (marked("example", "", ""), label("")),
        (marked("example", "xx--a", ""), label("xx--a")),
        (
            marked("example", "a", &"n".repeat(tld::NOTE_MAX + 1)),
            Refusal::TldInvalid { field: "note".into(), why: "at most 255 characters".into() },
        ),
        (
            unmarked("Example", "Free", MarkKind::Blocked),
            Refusal::NotMarked { name: "free.example".into(), kind: MarkKind::Blocked },
        ),
        (marked("example", "Held", ""), Refusal::Marked { name: held(), kind: MarkKind::Reserved }),
        (
            unmarked("example", "held", MarkKind::Blocked),
            Refusal::NotMarked { name: held(), kind: MarkKind::Blocked },
        ),
    ]
}
