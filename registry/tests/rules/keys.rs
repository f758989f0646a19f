//! The life of a key epoch: what is resealed, what is unset, and what is no longer accepted.

use crate::kit::*;
use registry::{
    Actor, DomainName, Outcome, Timestamp, Verb,
    authinfo::{self, NewAuthInfo},
    contact::{self, ContactCreate},
    domain::DomainCreate,
    keys::{
        self, AuthInfoUnset, Fingerprint, KeyActivate, KeyPropose, KeyRetire, KeyRetired, Reseal,
        ResealedContact, ResealedPassword, Stage,
    },
    password as passwords, registrar,
    seal::{Context, Keys, NONCE, SECRET},
    tables::{CONTACT, DOMAIN},
};
use std::collections::BTreeMap;
use storage::Read;

pub fn fingerprint(octet: u8) -> Fingerprint {
    Fingerprint([octet; 8])
}

pub fn propose(epoch: u32, octet: u8) -> Verb {
    Verb::KeyPropose(KeyPropose { epoch, fingerprint: fingerprint(octet) })
}

pub fn activate(epoch: u32, octet: u8) -> Verb {
    Verb::KeyActivate(KeyActivate { epoch, fingerprint: fingerprint(octet) })
}

pub fn reseal(epoch: u32, contacts: Vec<ResealedContact>) -> Verb {
    Verb::Reseal(Box::new(Reseal { epoch, contacts, passwords: Vec::new() }))
}

pub fn retire(epoch: u32, at: Timestamp) -> Verb {
    Verb::KeyRetire(KeyRetire { epoch, at })
}

pub fn unset_authinfo(epoch: u32, domains: &[&str], contacts: &[u64]) -> Verb {
    let domains = domains.iter().map(|name| DomainName::parse(name).expect("a name")).collect();
    Verb::AuthInfoUnset(Box::new(AuthInfoUnset { epoch, domains, contacts: contacts.to_vec() }))
}

pub fn retired(epoch: u32) -> Verb {
    Verb::KeyRetired(KeyRetired { epoch })
}

/// The keys of both epochs; seals with the second.
fn both() -> Keys {
    Keys::new(&BTreeMap::from([(1, [7; SECRET]), (2, [8; SECRET])]))
}

fn make_current(kit: &Kit, epoch: u32) {
    let octet = u8::try_from(epoch).unwrap();
    kit.done(&operator(), propose(epoch, octet));
    kit.done(&operator(), activate(epoch, octet));
}

fn secret(keys: &Keys, given: &str) -> NewAuthInfo {
    NewAuthInfo::make(keys, [4; 16], given).unwrap()
}

#[test]
fn the_newest_active_epoch_is_current_and_a_proposal_is_not() {
    let kit = Kit::new();
    let current = |kit: &Kit| keys::current(&kit.view()).unwrap();
    assert_eq!((current(&kit), keys::next(&kit.view()).unwrap()), (None, 1));
    make_current(&kit, 1);
    kit.done(&operator(), propose(2, 2));
    assert_eq!((current(&kit), keys::next(&kit.view()).unwrap()), (Some(1), 2));
    kit.done(&operator(), activate(2, 2));
    assert_eq!((current(&kit), keys::next(&kit.view()).unwrap()), (Some(2), 3));
    let all = keys::all(&kit.view()).unwrap();
    assert_eq!(
        all.iter().map(|(n, e)| (*n, e.fingerprint)).collect::<Vec<_>>(),
        [(1, fingerprint(1)), (2, fingerprint(2)),]
    );
    assert!(all.iter().all(|(_, epoch)| epoch.is_needed()));
}

#[test]
fn records_of_the_first_epoch_come_in_while_it_is_registered() {
    let kit = Kit::new();
    kit.done(&operator(), propose(1, 1));
    let kit = kit.with_contacts();
    assert!(contact::by_handle(&kit.view(), "reg-1").unwrap().is_some());
    kit.done(&operator(), activate(1, 1));
}

#[test]
fn resealed_records_open_with_the_new_key_alone_and_changed_ones_are_left() {
    let kit = Kit::new().with_contacts();
    make_current(&kit, 1);
    make_current(&kit, 2);
    let (id, old) = contact::by_handle(&kit.view(), "reg-1").unwrap().unwrap();
    let (other, stale) = contact::by_handle(&kit.view(), "adm-1").unwrap().unwrap();
    let sealed = contact::reseal(&both(), "main", "REG-1", [5; NONCE], &old.sealed).unwrap();
    let (alpha, before) = registrar::by_handle(&kit.view(), "alpha").unwrap().unwrap();
    let (beta, _) = registrar::by_handle(&kit.view(), "beta").unwrap().unwrap();
    let hash = passwords::reseal(&both(), "main", "alpha", [6; NONCE], &before.password).unwrap();
    kit.done(
        &Actor::System,
        Verb::Reseal(Box::new(Reseal {
            epoch: 2,
            contacts: vec![
                ResealedContact { id, revision: old.revision, sealed: sealed.clone() },
                ResealedContact { id: other, revision: stale.revision + 1, sealed: sealed.clone() },
                ResealedContact { id: 999, revision: 1, sealed },
            ],
            passwords: vec![
                ResealedPassword { registrar: alpha, old: before.password.clone(), sealed: hash.clone() },
                ResealedPassword { registrar: beta, old: hash.clone(), sealed: hash },
            ],
        })),
    );
    let new = Keys::new(&BTreeMap::from([(2, [8; SECRET])]));
    let after = contact::by_handle(&kit.view(), "reg-1").unwrap().unwrap().1;
    assert_eq!(contact::open(&new, "main", "reg-1", &after.sealed).unwrap(), person());
    assert_eq!(contact::Contact { sealed: old.sealed.clone(), ..after }, old, "nothing else changes");
    let left = contact::by_handle(&kit.view(), "adm-1").unwrap().unwrap().1;
    assert_eq!(left, stale);
    let context = Context { repository: "main", kind: "password", handle: "alpha" };
    let (_, after) = registrar::by_handle(&kit.view(), "alpha").unwrap().unwrap();
    assert_eq!(new.open(&context, &after.password).unwrap(), b"a hash");
    let (_, untouched) = registrar::by_handle(&kit.view(), "beta").unwrap().unwrap();
    assert_eq!(untouched.password.epoch, 1);
}

#[test]
fn resealing_for_an_epoch_that_is_not_current_is_superseded() {
    let kit = Kit::new();
    make_current(&kit, 1);
    make_current(&kit, 2);
    assert_eq!(kit.run(&operator(), reseal(1, Vec::new())), Outcome::Superseded);
    kit.done(&operator(), reseal(2, Vec::new()));
}

#[test]
fn at_its_announced_end_an_epochs_authinfo_goes_and_nothing_of_it_comes_in() {
    let kit = Kit::new().with_contacts();
    make_current(&kit, 1);
    let (old, new) = (keys(), both());
    let with = |name: &str, authinfo| create(DomainCreate { authinfo, ..domain(name) });
    kit.done(&ALPHA, with("old.example", secret(&old, "2fooBAR")));
    kit.done(&ALPHA, create_contact(ContactCreate { authinfo: secret(&old, "2fooBAR"), ..contact("old-1") }));
    make_current(&kit, 2);
    kit.done(&ALPHA, with("late.example", secret(&old, "2fooBAR")));
    kit.done(&ALPHA, with("new.example", secret(&new, "2fooBAR")));
    kit.done(&operator(), retire(1, START.plus_ms(DAY)));
    kit.done(&ALPHA, with("later.example", secret(&old, "2fooBAR")));
    kit.pass(DAY);
    kit.beat();
    assert_eq!(kit.run(&ALPHA, with("too-late.example", secret(&old, "2fooBAR"))), Outcome::Superseded);
    assert_eq!(kit.run(&ALPHA, create_contact(contact("late-1"))), Outcome::Superseded);
    let (id, _) = contact::by_handle(&kit.view(), "old-1").unwrap().unwrap();
    let names = ["old.example", "late.example", "later.example", "new.example", "nobody.example"];
    kit.done(&Actor::System, unset_authinfo(1, &names, &[id, 999]));
    let of = |name: &str| {
        let name = DomainName::parse(name).unwrap();
        kit.view().get(&DOMAIN, &name).unwrap().unwrap().authinfo
    };
    for name in &names[..3] {
        assert_eq!(of(name), None, "{name}");
    }
    assert!(authinfo::matches(&new, of("new.example").as_ref(), "2fooBAR").unwrap());
    assert_eq!(kit.view().get(&CONTACT, &id).unwrap().unwrap().authinfo, None);
    kit.done(&Actor::System, retired(1));
    let (_, first) = keys::all(&kit.view()).unwrap()[0];
    assert_eq!(first.stage, Stage::Retired { at: kit.now() });
    assert!(!first.is_needed());
    assert_eq!(kit.run(&ALPHA, with("too-late.example", secret(&old, "2fooBAR"))), Outcome::Superseded);
}
