//! What a panic costs: the command that panicked, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect panics")]

use super::{CarryOut, Done, Door, Step, carry_out, inside_verb};
use crate::{
    Actor, Command, DomainName, Entry, Outcome, Stop, Timestamp, Verb, due,
    journal::{self, JournalRow, Pen},
    poll,
    tables::{DOMAIN, DOMAIN_SPONSOR, DUE, JOURNAL},
};
use kit::{ALPHA, DAY, Kit, START, create, domain};
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

/// A registry that panics when it renews a name with `poison` in it.
fn poisonous_renewal(
    tx: &mut Tx<'_>,
    index: u64,
    at: Timestamp,
    c: &Command,
    pen: &mut Pen,
) -> Result<Done, Stop> {
    let poison = || DomainName::parse("poison.example").unwrap();
    let before = tx.get(&DOMAIN, &poison())?;
    let done = carry_out(tx, index, at, c, pen)?;
    let renewed = matches!(c.verb, Verb::Tick { .. }) && tx.get(&DOMAIN, &poison())? != before;
    assert!(!renewed, "a defect");
    Ok(done)
}

/// One tick, as the log brings it.
fn tick(kit: &Kit, carry_out: CarryOut, limit: u16) -> Outcome {
    let command = kit.command(&Actor::System, Verb::Tick { limit });
    let entry = Some(Entry { at: kit.now(), command });
    let step = Step { index: kit.view().header().index + 1, meta: Arc::from([].as_slice()), entry };
    Door { store: kit.solo.store(), carry_out }.batch(&[step]).unwrap().remove(0).unwrap()
}

fn expiry(kit: &Kit, name: &str) -> Timestamp {
    kit.view().get(&DOMAIN, &DomainName::parse(name).unwrap()).unwrap().unwrap().expiry
}

/// Twenty names that fall due one second after the other, the poisonous one among them, and all of them are.
fn all_due() -> Kit {
    let kit = Kit::new();
    for n in 0..20 {
        let name = if n == 7 { "poison.example".to_owned() } else { format!("n{n}.example") };
        kit.done(&ALPHA, create(domain(&name)));
        kit.pass(1000);
    }
    kit.set(START.plus_years(1).plus_ms(DAY));
    kit
}

/// Ticks as the leader makes them, until nothing is due; how many.
fn tick_until_done(kit: &Kit) -> usize {
    let mut limit = due::TICK_MAX;
    for ticks in 0..60 {
        if !due::is_due(&kit.view(), kit.now()).unwrap() {
            return ticks;
        }
        limit = due::next_limit(limit, &tick(kit, poisonous_renewal, limit));
    }
    panic!("time does not get past the poisonous name");
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

#[test]
fn a_renewal_that_panics_is_put_off_and_all_others_are_done() {
    let kit = all_due();
    assert!(tick_until_done(&kit) < 40);
    for n in (0..20).filter(|n| *n != 7) {
        let first = START.plus_years(1).plus_ms(1000 * n);
        assert_eq!(expiry(&kit, &format!("n{n}.example")), first.plus_years(1));
    }
    let due_at = START.plus_years(1).plus_ms(7000);
    assert_eq!(expiry(&kit, "poison.example"), due_at);
    let view = kit.view();
    let rows = view.range(&JOURNAL, ..).map(|row| row.unwrap().1);
    let of_poison: Vec<JournalRow> = rows.filter(|row| &*row.object == "poison.example").collect();
    let [_, put_off] = &of_poison[..] else { panic!("{of_poison:?}") };
    assert_eq!((&*put_off.verb, &put_off.outcome), (due::AUTO_RENEW, &Outcome::Internal));
    assert_eq!((put_off.due, put_off.at, &put_off.by), (Some(due_at), kit.now(), &Actor::System));
    verify_digest(&view).unwrap();
}

#[test]
fn what_was_put_off_is_tried_again_each_day_and_done_once_the_defect_is_mended() {
    let kit = all_due();
    tick_until_done(&kit);
    kit.pass(due::RETRY_MS - 1);
    assert!(!due::is_due(&kit.view(), kit.now()).unwrap());
    kit.pass(1);
    tick_until_done(&kit);
    let due_at = START.plus_years(1).plus_ms(7000);
    assert_eq!(expiry(&kit, "poison.example"), due_at);
    kit.pass(due::RETRY_MS);
    tick(&kit, carry_out, due::TICK_MAX);
    assert_eq!(expiry(&kit, "poison.example"), due_at.plus_years(1));
    assert_eq!(poll::waiting(&kit.view(), 3).unwrap(), 20);
    assert_eq!(due_rows_of_poison(&kit), [(due_at.plus_years(1).0, due::EXPIRY)]);
    verify_digest(&kit.view()).unwrap();
}

#[test]
fn what_was_put_off_is_done_by_a_command_that_touches_it_and_then_left_alone() {
    let kit = all_due();
    tick_until_done(&kit);
    let due_at = START.plus_years(1).plus_ms(7000);
    kit.refused(&ALPHA, create(domain("poison.example")));
    assert_eq!(expiry(&kit, "poison.example"), due_at.plus_years(1));
    verify_digest(&kit.view()).unwrap();
    kit.pass(due::RETRY_MS);
    tick_until_done(&kit);
    assert_eq!(expiry(&kit, "poison.example"), due_at.plus_years(1));
    assert_eq!(due_rows_of_poison(&kit), [(due_at.plus_years(1).0, due::EXPIRY)]);
    verify_digest(&kit.view()).unwrap();
}

fn due_rows_of_poison(kit: &Kit) -> Vec<(i64, u8)> {
    let rows = kit.view().keys(&DUE, ..).collect::<Result<Vec<_>, _>>().unwrap();
    let of_poison = rows.into_iter().filter(|(.., name)| name.as_str() == "poison.example");
    of_poison.map(|(instant, kind, _)| (instant, kind)).collect()
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
