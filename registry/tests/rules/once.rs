//! Once, and only once: a command that is sent again gets the answer it had.

use crate::kit::*;
use registry::{
    Actor, Command, DomainName, Outcome, Refusal, Reply, SvTrid, Timestamp, Verb,
    journal::{self, JournalRow, Searched},
    tables::{DOMAIN, JOURNAL, OUTCOME, OUTCOME_UNTIL},
};
use std::sync::Arc;
use storage::{Read, SimDisk, verify_digest};

fn remembered(kit: &Kit) -> usize {
    let view = kit.view();
    let outcomes = view.range(&OUTCOME, ..).map(Result::unwrap).count();
    assert_eq!(view.keys(&OUTCOME_UNTIL, ..).map(Result::unwrap).count(), outcomes);
    outcomes
}

fn journalled(kit: &Kit) -> usize {
    kit.view().range(&JOURNAL, ..).map(Result::unwrap).count()
}

fn created(name: &str) -> Outcome {
    let expiry = START.plus_years(1);
    Outcome::Done(Reply::DomainCreated { name: name.into(), created: START, expiry })
}

/// The registry after a stop and a start: memory is empty, and built again from the journal.
fn restart(kit: Kit, disk: &SimDisk) -> Kit {
    let now = kit.now();
    let store = kit.solo.store();
    if store.freeze() {
        store.drain(Some(u64::MAX)).unwrap();
    }
    drop(kit);
    let kit = Kit::over(open(disk), now);
    assert_eq!(remembered(&kit), 0);
    rebuild(&kit);
    kit
}

fn rebuild(kit: &Kit) -> usize {
    let header = kit.view().header().clone();
    let mut tx = kit.solo.store().begin();
    let count = journal::rebuild(&mut tx).unwrap();
    tx.commit(header.index, header.meta);
    assert_eq!(kit.view().header().digest, header.digest);
    count
}

fn founded_on(disk: &SimDisk) -> Kit {
    let kit = Kit::over(open(disk), START);
    for (by, verb) in founding() {
        kit.done(&by, verb);
    }
    kit
}

#[test]
fn a_resend_gets_the_stored_outcome_and_changes_nothing() {
    let kit = Kit::new();
    let first = kit.command(&ALPHA, create(domain("a.example")));
    let second = kit.command(&BETA, create(domain("a.example")));
    let refused = Outcome::Refused(Refusal::Exists { object: "a.example".into() });
    assert_eq!(kit.send(&first), created("a.example"));
    assert_eq!(kit.send(&second), refused);
    let (digest, rows) = (kit.view().header().digest, journalled(&kit));
    for later in [0, SECOND, 58 * SECOND, 30 * SECOND, 90 * SECOND] {
        kit.pass(later);
        assert_eq!(kit.send(&first), created("a.example"));
        assert_eq!(kit.send(&second), refused);
    }
    assert_eq!((kit.view().header().digest, journalled(&kit)), (digest, rows));
}

#[test]
fn a_resent_refusal_stays_one_where_it_would_succeed_now() {
    let kit = Kit::new();
    let early = kit.command(&ALPHA, create_host("ns1.a.example", &[]));
    let missing = Outcome::Refused(Refusal::SuperordinateMissing { domain: "a.example".into() });
    assert_eq!(kit.send(&early), missing);
    kit.done(&ALPHA, create(domain("a.example")));
    assert_eq!(kit.send(&early), missing);
    kit.done(&ALPHA, create_host("ns1.a.example", &[]));
}

#[test]
fn what_comes_late_or_from_the_future_is_not_carried_out() {
    let kit = Kit::new();
    let late = kit.command(&ALPHA, create(domain("late.example")));
    let in_time = kit.command(&ALPHA, create(domain("in-time.example")));
    kit.pass(60 * SECOND);
    assert!(matches!(kit.send(&in_time), Outcome::Done(_)));
    kit.pass(1);
    assert_eq!(kit.send(&late), Outcome::Expired);
    // not remembered either: it is late for ever
    assert_eq!(kit.send(&late), Outcome::Expired);
    let ahead =
        |ms| Command { issued: kit.now().plus_ms(ms), ..kit.command(&ALPHA, create(domain("b.example"))) };
    assert_eq!(kit.send(&ahead(60 * SECOND + 1)), Outcome::Expired);
    assert!(matches!(kit.send(&ahead(60 * SECOND)), Outcome::Done(_)));
    // time itself is never late
    let tick = Command { issued: Timestamp(0), ..kit.command(&Actor::System, Verb::Tick { limit: 1 }) };
    assert!(matches!(kit.send(&tick), Outcome::Done(_)));
}

#[test]
fn forgotten_after_three_minutes_and_then_expired() {
    let kit = Kit::new();
    let command = kit.command(&ALPHA, create(domain("a.example")));
    kit.send(&command);
    kit.pass(journal::REMEMBERED_MS);
    assert_eq!(kit.send(&command), created("a.example"));
    kit.pass(1);
    assert_eq!(kit.send(&command), Outcome::Expired);
    // the journal knows it for ever
    let row = searched(&kit, &command.svtrid).unwrap();
    assert_eq!((row.outcome, &*row.object), (created("a.example"), "a.example"));
    assert_eq!(searched(&kit, &svtrid(999)), None);
}

#[test]
fn the_memory_of_outcomes_is_bounded() {
    let kit = Kit::new();
    let mut most = 0;
    for n in 0..400 {
        kit.run(&ALPHA, create(domain(&format!("n{n}.example"))));
        most = most.max(remembered(&kit));
        kit.pass(SECOND);
    }
    // three minutes of one a second, both ends counted, and the founding commands of the first second
    assert!(most <= 181 + founding().len(), "{most}");
    for _ in 0..400 {
        kit.run(&ALPHA, create(domain("n0.example")));
    }
    kit.pass(181 * SECOND);
    // also where nobody commands anything: what a burst left behind goes by itself
    kit.beat();
    assert_eq!(remembered(&kit), 0);
}

#[test]
fn a_start_builds_the_memory_again() {
    let disk = SimDisk::new();
    let kit = founded_on(&disk);
    kit.pass(4 * DAY);
    let old = kit.command(&ALPHA, create(domain("old.example")));
    kit.send(&old);
    kit.pass(100 * SECOND);
    let done = kit.command(&ALPHA, create(domain("a.example")));
    let refused = kit.command(&ALPHA, create(domain("a_.example")));
    let sent: Vec<_> = [&done, &refused].map(|command| kit.send(command)).into();
    kit.pass(100 * SECOND);
    kit.beat();
    let kit = restart(kit, &disk);
    assert_eq!(remembered(&kit), 2);
    assert_eq!([&done, &refused].map(|command| kit.send(command)).as_slice(), sent);
    assert_eq!(kit.send(&old), Outcome::Expired);
    assert_eq!(rebuild(&kit), 2, "a second time adds nothing");
    assert_eq!(remembered(&kit), 2);
    verify_digest(&kit.view()).unwrap();
}

/// Rows of due work count from instants long past; they must not end the search for recent commands.
#[test]
fn a_start_finds_commands_behind_overdue_work() {
    let disk = SimDisk::new();
    let kit = founded_on(&disk);
    for n in 0..20 {
        kit.done(&ALPHA, create(domain(&format!("n{n}.example"))));
    }
    kit.set(START.plus_years(1).plus_ms(30 * DAY));
    let before = kit.command(&ALPHA, create(domain("b.example")));
    let outcome = kit.send(&before);
    assert_eq!(kit.tick(500), (20, false));
    let kit = restart(kit, &disk);
    assert_eq!(remembered(&kit), 1);
    assert_eq!(kit.send(&before), outcome);
    let name = DomainName::parse("b.example").unwrap();
    assert!(kit.view().has(&DOMAIN, &name).unwrap());
}

#[test]
fn due_work_is_not_taken_for_the_command_that_settled_it() {
    let disk = SimDisk::new();
    let kit = founded_on(&disk);
    kit.done(&ALPHA, create(domain("a.example")));
    kit.set(START.plus_years(2));
    let command = kit.command(&BETA, create(domain("a.example")));
    let refused = Outcome::Refused(Refusal::Exists { object: "a.example".into() });
    assert_eq!(kit.send(&command), refused);
    assert_eq!(searched(&kit, &command.svtrid).unwrap().outcome, refused);
    let kit = restart(kit, &disk);
    assert_eq!(kit.send(&command), refused);
    // a tick has no row of its own, whatever it did
    kit.set(START.plus_years(3));
    let tick = kit.command(&Actor::System, Verb::Tick { limit: 500 });
    assert_eq!(kit.send(&tick), Outcome::Done(Reply::Ticked { done: 1, more: false }));
    assert_eq!(searched(&kit, &tick.svtrid), None);
}

#[test]
fn an_imported_journal_is_searched_by_time_not_by_length() {
    let kit = Kit::new();
    for n in 0..50 {
        kit.run(&ALPHA, create(domain(&format!("n{n}.example"))));
    }
    kit.pass(DAY);
    kit.beat();
    let mut tx = kit.solo.store().begin();
    for (until, id) in tx.keys(&OUTCOME_UNTIL, ..).collect::<Result<Vec<_>, _>>().unwrap() {
        let key = tx.get(&OUTCOME, &id).unwrap().unwrap();
        tx.remove(&OUTCOME, &id, &key).unwrap();
        tx.drop_key(&OUTCOME_UNTIL, &(until, id)).unwrap();
    }
    let header = tx.header().clone();
    tx.commit(header.index, Arc::clone(&header.meta));
    assert_eq!(rebuild(&kit), 0);
    kit.run(&ALPHA, create(domain("last.example")));
    assert_eq!(rebuild(&kit), 1);
}

/// The row of a command, however old it is.
fn searched(kit: &Kit, svtrid: &SvTrid) -> Option<JournalRow> {
    match journal::search(&kit.view(), svtrid, Timestamp(0), || true).unwrap() {
        Searched::Found(row) => Some(*row),
        Searched::Absent => None,
        Searched::GivenUp => panic!("somebody waits"),
    }
}

#[test]
fn a_search_ends_where_no_command_of_its_time_can_stand() {
    let kit = Kit::new();
    let command = kit.command(&ALPHA, create(domain("a.example")));
    // a clock may be ahead by as much as this, so the row was written before the instant that it names
    let ahead = Command { issued: kit.now().plus_ms(60 * SECOND), ..command.clone() };
    kit.send(&ahead);
    kit.pass(DAY);
    kit.run(&ALPHA, create(domain("b.example")));
    let search = |since| journal::search(&kit.view(), &command.svtrid, since, || true).unwrap();
    assert!(matches!(search(ahead.issued), Searched::Found(_)));
    assert_eq!(search(ahead.issued.plus_ms(1)), Searched::Absent);
    assert_eq!(search(kit.now()), Searched::Absent);
}

#[test]
fn a_search_that_nobody_waits_for_is_given_up() {
    let kit = Kit::new();
    for n in 0..30 {
        kit.run(&ALPHA, create(domain(&format!("n{n}.example"))));
    }
    let search = |wanted| journal::search(&kit.view(), &svtrid(999), Timestamp(0), || wanted).unwrap();
    assert_eq!((search(true), search(false)), (Searched::Absent, Searched::GivenUp));
}
