//! What registrars are told and what everybody is told: the decisions on privacy, seen from both sides.

use crate::kit::*;
use registry::{
    About, Actor, DomainName, Refusal,
    authinfo::{NewAuthInfo, matches},
    contact::{self, ContactRole, Disclose, Item, PostalKind},
    domain::{
        self, DomainCreate,
        info::{Hosts, Standing},
    },
    host,
    registrar::Profile,
    view::{self, DasStatus, Kept},
};

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// `a.test` with everything: contacts, name servers inside and outside, DS, authInfo.
fn furnished() -> Kit {
    let kit = Kit::new().with_contacts();
    kit.done(&BETA, create_host("ns1.b.invalid", &[]));
    kit.done(&ALPHA, create(thick("glue.test")));
    kit.done(&ALPHA, create_host("ns1.glue.test", &["208.77.190.196", "2602:800:900e:1257::5"]));
    kit.done(
        &ALPHA,
        create(DomainCreate {
            name_servers: name_servers(&["ns1.glue.test", "NS1.b.invalid"]),
            authinfo: NewAuthInfo::make(&keys(), [9; 16], "domain-secret").unwrap(),
            secdns: domain::SecDns { ds: vec![ds(1), ds(2)], ..Default::default() },
            ..thick("a.test")
        }),
    );
    kit
}

fn info(kit: &Kit, by: &Actor, text: &str) -> domain::info::Info {
    info_with(kit, by, text, Hosts::All)
}

fn info_with(kit: &Kit, by: &Actor, text: &str, hosts: Hosts) -> domain::info::Info {
    let view = kit.view();
    let (name, domain, standing) = domain::info::find(&view, by, text).unwrap();
    domain::info::info(&view, &Kept::default(), name, domain, standing, hosts).unwrap()
}

#[test]
fn an_info_looks_up_the_hosts_that_are_asked_for_and_no_others() {
    let kit = furnished();
    for n in 2..5 {
        kit.done(&ALPHA, create_host(&format!("ns{n}.glue.test"), &[]));
    }
    let hosts = name_servers(&["ns1.glue.test"]);
    kit.done(&ALPHA, create(DomainCreate { name_servers: hosts, ..thick("own.test") }));
    for (asked, of_own, of_glue) in
        [(Hosts::All, 1, 4), (Hosts::Delegated, 1, 0), (Hosts::Subordinate, 0, 4), (Hosts::None, 0, 0)]
    {
        let own = info_with(&kit, &ALPHA, "own.test", asked);
        let glue = info_with(&kit, &ALPHA, "glue.test", asked);
        assert_eq!((own.hosts.len(), glue.subordinates.len()), (of_own, of_glue), "{asked:?}");
        // the status is that of the domain, not of the answer
        assert_eq!((own.statuses, glue.statuses), (vec!["ok"], vec!["inactive"]), "{asked:?}");
    }
}

#[test]
fn a_sponsor_sees_all_of_its_domain_and_others_what_everybody_sees() {
    let kit = furnished();
    for by in [ALPHA, operator()] {
        let full = info(&kit, &by, "A.TEST");
        assert_eq!(full.registrant.as_deref(), Some("reg-1"));
        let handles: Vec<_> = full.contacts.iter().map(|(role, handle)| (*role, &**handle)).collect();
        assert_eq!(handles, [(ContactRole::Admin, "adm-1"), (ContactRole::Tech, "tec-1")]);
        assert_eq!((&*full.sponsor, full.creator.as_deref(), full.updater), ("alpha", Some("alpha"), None));
        assert_eq!(full.hosts, [name("ns1.glue.test"), name("ns1.b.invalid")]);
        assert_eq!((full.statuses, full.domain.ds), (vec!["ok"], vec![ds(1), ds(2)]));
    }
    let partial = info(&kit, &BETA, "a.test");
    assert_eq!((partial.registrant, partial.contacts, partial.creator), (None, Vec::new(), None));
    assert_eq!(partial.hosts.len(), 2);
    assert_eq!(info(&kit, &ALPHA, "glue.test").subordinates, [name("ns1.glue.test")]);
    assert_eq!(info(&kit, &ALPHA, "glue.test").statuses, ["inactive"]);
}

#[test]
fn an_authinfo_is_the_domains_or_that_of_a_contact_it_names() {
    let kit = furnished();
    let mut secretive = contact("own-1");
    secretive.authinfo = NewAuthInfo::make(&keys(), [8; 16], "contact-secret").unwrap();
    kit.done(&ALPHA, create_contact(secretive));
    kit.done(&ALPHA, create(DomainCreate { registrant: Some("own-1".into()), ..thick("b.test") }));
    let view = kit.view();
    let roid = |handle: &str| {
        let (id, found, _) = contact::info::find(&view, &ALPHA, handle).unwrap();
        contact::info::info(&view, id, found, Standing::Full).unwrap().roid
    };
    let fits = |domain: &str, roid: Option<&str>, given: &str| {
        let (_, domain, standing) = domain::info::find(&view, &BETA, domain).unwrap();
        assert_eq!(standing, Standing::Other);
        let stored = domain::info::authinfo_of(&view, &domain, roid).unwrap();
        matches(&keys(), stored.as_ref(), given).unwrap()
    };
    assert!(fits("a.test", None, "domain-secret"));
    assert!(!fits("a.test", None, "contact-secret"));
    assert!(fits("b.test", Some(&roid("own-1")), "contact-secret"));
    assert!(!fits("b.test", None, "contact-secret"), "b.test itself has none");
    assert!(!fits("b.test", None, ""), "and nothing matches none");
    assert!(!fits("a.test", Some(&roid("own-1")), "contact-secret"), "not a contact of a.test");
}

#[test]
fn a_contact_is_its_sponsors_and_linked_while_a_domain_names_it() {
    let kit = furnished();
    kit.done(&ALPHA, create_contact(contact("lone-1")));
    let view = kit.view();
    let statuses = |handle: &str| {
        let (id, found, standing) = contact::info::find(&view, &ALPHA, handle).unwrap();
        contact::info::info(&view, id, found, standing).unwrap().statuses
    };
    assert_eq!(statuses("REG-1"), ["ok", "linked"]);
    assert_eq!(statuses("lone-1"), ["ok"]);
    let (id, found, standing) = contact::info::find(&view, &BETA, "lone-1").unwrap();
    let refused = refusal_of(contact::info::info(&view, id, found.clone(), standing));
    assert_eq!(refused, Refusal::NotSponsor { about: About::Object, object: "lone-1".into() });
    let opened = contact::open(&keys(), "main", "LONE-1", &found.sealed).unwrap();
    assert_eq!(opened.email, person().email);
}

#[test]
fn the_public_sees_of_a_contact_what_it_discloses() {
    let kit = Kit::new().with_contacts();
    let mut open = person();
    open.disclose = Some(Disclose { show: true, items: vec![Item::Email, Item::Name(PostalKind::Int)] });
    kit.done(&ALPHA, create_contact(contact_of("open-1", &open)));
    kit.done(&ALPHA, create(DomainCreate { registrant: Some("open-1".into()), ..thick("a.test") }));
    let shown = view::domain(&kit.view(), &Kept::default(), &name("a.test")).unwrap().unwrap();
    let registrant = &shown.registrant.as_ref().unwrap().public;
    assert_eq!(registrant.email.as_deref(), Some("ada@example.com"));
    let postal = registrant.preferred().unwrap();
    assert_eq!(
        (postal.name.as_deref(), postal.city.as_deref(), &*postal.country),
        (Some("Ada Example"), None, "NL")
    );
    let closed = format!("{:?}", shown.contacts);
    for personal in ["Ada", "Testville", "31.2012", "ada@"] {
        assert!(!closed.contains(personal), "{personal}");
    }
}

#[test]
fn everybody_sees_the_same_domain_and_its_name_servers() {
    let kit = furnished();
    let view = kit.view();
    let shown = view::domain(&view, &Kept::default(), &name("a.test")).unwrap().unwrap();
    assert_eq!(shown.roid, info(&kit, &ALPHA, "a.test").roid);
    assert!(shown.roid.starts_with('D') && shown.roid.ends_with("-TEST"));
    assert_eq!((shown.statuses, &*shown.registrar.handle), (vec!["ok"], "alpha"));
    assert_eq!((shown.created, shown.expiry, shown.updated), (START, START.plus_years(1), None));
    let servers: Vec<_> = shown.name_servers.iter().map(|s| (s.name.as_str(), s.addresses.len())).collect();
    assert_eq!(servers, [("ns1.glue.test", 2), ("ns1.b.invalid", 0)]);
    let host = view::host(&view, &name("ns1.b.invalid")).unwrap().unwrap();
    assert_eq!((host.statuses, &*host.registrar.handle), (vec!["ok", "linked"], "beta"));
    assert_eq!(host.roid, host::info::info(&view, "NS1.B.invalid").unwrap().roid);
    assert!(host.roid.starts_with('H') && host.roid.ends_with("-NAMINGO"));
    for absent in ["b.test", "test", "x.a.test", "a.invalid"] {
        assert!(view::domain(&view, &Kept::default(), &name(absent)).unwrap().is_none(), "{absent}");
        assert!(view::host(&view, &name(absent)).unwrap().is_none(), "{absent}");
    }
}

#[test]
fn das_says_one_word_to_everybody() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("taken.example")));
    kit.done(&operator(), mark("held", registry::tld::MarkKind::Reserved));
    kit.done(&operator(), mark("bad", registry::tld::MarkKind::Blocked));
    kit.done(&operator(), mark("taken", registry::tld::MarkKind::Blocked));
    let word = |text: &str| view::das(&kit.view(), text).unwrap();
    assert_eq!(word("FREE.example"), DasStatus::Free);
    assert_eq!(word("taken.example"), DasStatus::Registered);
    assert_eq!(word("held.example"), DasStatus::Reserved);
    assert_eq!(word("bad.example"), DasStatus::Blocked);
    for invalid in
        ["", "example", "a.b.example", "a.invalid", "a_.example", "xn--mnchen-3ya.example", "é.example"]
    {
        assert_eq!(word(invalid), DasStatus::Invalid, "{invalid}");
    }
}

#[test]
fn registrars_are_found_by_iana_id_clid_and_name() {
    let kit = Kit::new();
    let mut digits = registrar("9999");
    digits.profile = Profile { name: "Digits".into(), ..Profile::default() };
    kit.done(&operator(), create_registrar(digits));
    let mut listed = registrar("listed");
    listed.profile = Profile { name: "Büro Größe".into(), iana_id: Some(9999), ..Profile::default() };
    kit.done(&operator(), create_registrar(listed));
    let all = |text: &str| -> Vec<String> {
        view::registrars(&kit.view(), text).unwrap().into_iter().map(|r| r.handle).collect()
    };
    let found = |text: &str| all(text).pop();
    assert_eq!(found("LISTED").as_deref(), Some("listed"));
    assert_eq!(found("büro GRÖSSE"), None);
    assert_eq!(found(" BÜRO größe ").as_deref(), Some("listed"));
    assert_eq!(found("9999").as_deref(), Some("listed"), "the RDAP handle is the IANA id");
    assert_eq!(found("alpha names ltd.").as_deref(), Some("alpha"));
    assert_eq!(found("nobody"), None);
    let handles = ["listed", "alpha"].map(|h| view::registrars(&kit.view(), h).unwrap()[0].rdap_handle());
    assert_eq!(handles, ["9999", "alpha"]);
    let mut twin = registrar("twin");
    twin.profile.name = "ALPHA names Ltd.".into();
    kit.done(&operator(), create_registrar(twin));
    assert_eq!(all("Alpha Names ltd."), ["alpha", "twin"]);
}
