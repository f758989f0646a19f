//! What a panic costs: the command that panicked, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect panics")]

use super::{CarryOut, Done, Door, Step, carry_out, inside_verb};
use crate::{
    Actor, Command, DomainName, Entry, Outcome, Stop, Timestamp, Verb,
    journal::{self, Pen},
    tables::{DOMAIN, DOMAIN_SPONSOR, JOURNAL},
};
use kit::{ALPHA, Kit, create, domain};
use proptest::prelude::*;
use std::sync::Arc;
use storage::{Fault, Read, Tx, verify_digest};

#[path = "../../tests/rules/kit.rs"]
#[allow(dead_code, reason = "the kit serves all tests; these need a part of it")]
mod kit;

/// A registry whose `domain_create` of a name with `poison` in it panics, after it has written rows.
fn poisonous(tx: &mut Tx<'_>, index: u64, at: Timestamp, c: &Command, pen: &mut Pen) -> Result<Done, Stop> {
    let done = carry_out(tx, index, at, c, pen)?;
    assert!(inside_verb());
    assert!(!c.verb.object().contains("poison"), "a defect");
    Ok(done)
}

fn door(kit: &Kit) -> Door<'_> {
    Door { store: kit.solo.store(), carry_out: poisonous as CarryOut }
}

fn steps(kit: &Kit, names: &[&str]) -> Vec<Step> {
    let next = kit.view().header().index + 1;
    let step = |(index, name): (u64, &&str)| {
        let command = kit.command(&ALPHA, create(domain(name)));
        Step { index, meta: Arc::from([1].as_slice()), entry: Some(Entry { at: kit.now(), command }) }
    };
    (next..).zip(names).map(step).collect()
}

fn is_registered(kit: &Kit, name: &str) -> bool {
    kit.view().has(&DOMAIN, &DomainName::parse(name).unwrap()).unwrap()
}

#[test]
fn the_others_of_its_batch_stand() {
    let kit = Kit::new();
    let steps = steps(&kit, &["a.example", "poison.example", "b.example", "a.example"]);
    let outcomes = door(&kit).batch(&steps).unwrap();
    assert!(matches!(outcomes[0], Some(Outcome::Done(_))));
    assert_eq!(outcomes[1], Some(Outcome::Internal));
    assert!(matches!(outcomes[2], Some(Outcome::Done(_))));
    assert!(matches!(outcomes[3], Some(Outcome::Refused(_))));
    assert!(is_registered(&kit, "a.example") && is_registered(&kit, "b.example"));
    assert!(!is_registered(&kit, "poison.example"));
    assert_eq!(kit.view().header().index, steps[3].index);
    assert!(!inside_verb());
    verify_digest(&kit.view()).unwrap();
}

#[test]
fn the_offender_is_journalled_and_its_resend_answered() {
    let kit = Kit::new();
    let mut steps = steps(&kit, &["poison.example"]);
    door(&kit).batch(&steps).unwrap();
    let entry = steps[0].entry.clone().unwrap();
    let row = kit.view().get(&JOURNAL, &(steps[0].index, 0)).unwrap().unwrap();
    assert_eq!((row.outcome, row.svtrid), (Outcome::Internal, entry.command.svtrid));
    assert_eq!(journal::remembered(&kit.view(), &row.svtrid).unwrap(), Some(Outcome::Internal));
    // also where the defect is mended meanwhile: the answer was given
    steps[0].index += 1;
    let mended = Door { store: kit.solo.store(), carry_out };
    assert_eq!(mended.batch(&steps).unwrap(), [Some(Outcome::Internal)]);
    assert!(!is_registered(&kit, "poison.example"));
}

#[test]
fn a_panic_inside_storage_is_a_fault() {
    let kit = Kit::new();
    let name = DomainName::parse("broken.example").unwrap();
    let mut tx = kit.solo.store().begin();
    // a row that create takes for absent: the store's own assertion panics on it
    tx.add(&DOMAIN_SPONSOR, &(3, name)).unwrap();
    let index = kit.view().header().index;
    tx.commit(index, Arc::from([].as_slice()));
    let steps = steps(&kit, &["a.example", "broken.example"]);
    let before = kit.view().header().clone();
    match super::apply_batch(kit.solo.store(), &steps) {
        Err(Fault::Panicked(why)) => assert!(why.contains("domain_sponsor"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(*kit.view().header(), before);
    assert!(!is_registered(&kit, "a.example"));
}

#[test]
fn a_panic_of_the_early_check_is_left_to_apply() {
    let panics = super::guarded(|| -> u8 { panic!("a defect") });
    assert!(panics.is_err() && !inside_verb());
    let kit = Kit::new();
    assert_eq!(super::early_refusal(&kit.view(), &Actor::System, &Verb::Beat).unwrap(), None);
}

#[test]
fn an_entry_of_the_replication_layer_is_passed_over() {
    let kit = Kit::new();
    let mut steps = steps(&kit, &["a.example", "poison.example", "b.example"]);
    steps[2].entry = None;
    let outcomes = door(&kit).batch(&steps).unwrap();
    assert_eq!(outcomes[1..], [Some(Outcome::Internal), None]);
    assert_eq!(kit.view().header().meta, steps[2].meta);
    assert!(door(&kit).batch(&[]).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_comes_to_what_single_steps_come_to(picks in proptest::collection::vec(0..6usize, 1..12)) {
        let pool = ["a.example", "poison-a.example", "b.example", "poison-b.example", "x_.example", "c.example"];
        let names: Vec<&str> = picks.into_iter().map(|i| pool[i]).collect();
        let (together, apart) = (Kit::new(), Kit::new());
        let batch = door(&together).batch(&steps(&together, &names)).unwrap();
        let singles: Vec<_> = steps(&apart, &names)
            .iter()
            .flat_map(|step| door(&apart).batch(std::slice::from_ref(step)).unwrap())
            .collect();
        prop_assert_eq!(batch, singles);
        let (one, other) = (together.view(), apart.view());
        prop_assert_eq!(one.header(), other.header());
        verify_digest(&one).unwrap();
    }
}
