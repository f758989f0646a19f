//! Every refusal: the command or query that provokes it, and exactly what it says.

mod domains;
mod keys;
mod nodes;
mod objects;
mod policy;

use crate::kit::*;
use registry::{Refusal, contact, domain, host, view::Kept};
use std::collections::{BTreeMap, BTreeSet};

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
    RepositoryInvalid TooManySubordinates Suspended NotSuspended KeyEpochInvalid NodeInvalid Marked
    TooManySessions
}

fn all() -> Vec<Case> {
    let of_domains = [domains::names(), domains::model(), domains::delegation()];
    let of_objects = [objects::objects(), objects::hosts(), objects::contacts()];
    let of_policy = [policy::registrars(), policy::zones(), policy::marks()];
    let of_operation = [policy::suspension(), keys::epochs(), keys::retirement(), nodes::nodes()];
    let of_names = [of_domains, of_objects, of_policy].into_iter().flatten();
    of_names.chain(of_operation).flatten().collect()
}

/// About secrets, which no command carries, and about sessions, which a server counts: servers say these.
const SAID_BY_SERVERS: [&str; 3] = ["AuthenticationFailed", "AuthInfoWrong", "TooManySessions"];

#[test]
fn each_one_is_provoked() {
    let cases = all();
    let mut seen: BTreeSet<&str> = cases.iter().map(|(_, expected)| variant(expected)).collect();
    seen.extend(SAID_BY_SERVERS);
    let said = [Refusal::AuthenticationFailed, Refusal::AuthInfoWrong, Refusal::TooManySessions { most: 1 }];
    said.iter().for_each(assert_place);
    let missing: Vec<_> = ALL.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "no test provokes {missing:?}");
}

#[test]
fn each_one_has_a_word_and_a_sentence_of_its_own() {
    let cases = all();
    let mut words = BTreeMap::new();
    for (_, refusal) in &cases {
        assert!(refusal.reason().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{refusal:?}");
        assert!(refusal.to_string().len() > 8, "{refusal:?}");
        let owner = words.insert(refusal.reason(), variant(refusal));
        assert!(owner.is_none_or(|other| other == variant(refusal)), "{refusal:?}");
        assert_place(refusal);
    }
}

/// Refusals stand in the journal: the order of the list above is the order in old files.
fn assert_place(refusal: &Refusal) {
    let place = ALL.iter().position(|name| *name == variant(refusal));
    assert_eq!(place, Some(usize::from(storage::codec::encode(refusal)[0])), "{refusal:?}");
}

#[test]
fn availability_says_what_create_would_say() {
    let kit = Kit::new().with_contacts();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&ALPHA, create_host("ns1.a.example", &[]));
    let view = kit.view();
    for name in ["a.example", "free.example", "a_.example", "xx--a.example", "a.invalid", "example"] {
        let checked =
            domain::check::availability(&view, &Kept::default(), &BETA, name).expect("storage is sound");
        let created = registry::apply::early_refusal(&view, &BETA, &create(domain(name))).expect("sound");
        assert_eq!(checked, created, "{name}");
    }
    let hosts = ["ns1.a.example", "ns2.a.example", "ns1.elsewhere.invalid", "example", "!"];
    for (by, name) in [ALPHA, BETA].iter().flat_map(|by| hosts.map(|name| (by, name))) {
        let checked = host::check::availability(&view, by, name).expect("storage is sound");
        let created = registry::apply::early_refusal(&view, by, &create_host(name, &[])).expect("sound");
        assert_eq!(checked, created, "{name}");
    }
    // a name is free before the domain above it is registered, though its create must wait for that
    assert_eq!(host::check::availability(&view, &BETA, "ns1.free.example").expect("storage is sound"), None);
    let of_alpha = host::check::availability(&view, &BETA, "ns2.a.example").expect("storage is sound");
    assert_eq!(of_alpha.map(|refusal| refusal.reason()), Some("not_sponsor"));
    assert_eq!(host::check::availability(&view, &operator(), "ns2.a.example").expect("sound"), None);
    for (handle, free) in [("REG-1", false), ("new-1", true), ("n", false)] {
        assert_eq!(contact::availability(&view, handle).expect("sound").is_none(), free, "{handle}");
    }
}
