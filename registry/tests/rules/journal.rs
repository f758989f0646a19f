//! The journal as an audit reads it: who did what to which object, what came of it, and what was there before.

use crate::kit::*;
use registry::{
    Actor, Outcome, Refusal, Reply, Verb,
    journal::JournalRow,
    registrar::{RegistrarPassword, RegistrarUpdate},
    tables::JOURNAL,
    tld::MarkKind,
};
use storage::Read;

fn last(kit: &Kit) -> JournalRow {
    let view = kit.view();
    view.range_rev(&JOURNAL, ..).next().unwrap().unwrap().1
}

fn told(row: &JournalRow) -> Vec<String> {
    row.changes.iter().map(|change| format!("{}: {}", change.field, change.old)).collect()
}

#[test]
fn a_row_tells_who_did_what_to_which_object() {
    let kit = Kit::new();
    kit.pass(DAY);
    let command = kit.command(&BETA, create(domain("A.example")));
    kit.pass(SECOND);
    let outcome = kit.send(&command);
    let row = last(&kit);
    assert_eq!((&row.by, &*row.verb, &*row.object), (&BETA, "domain_create", "A.example"));
    assert_eq!((row.svtrid, row.issued, row.at, row.due), (command.svtrid, command.issued, kit.now(), None));
    assert_eq!((row.outcome, row.changes), (outcome, Vec::new()));
}

#[test]
fn refused_commands_stand_there_too() {
    let kit = Kit::new();
    let refusal = kit.refused(&ALPHA, mark("a", MarkKind::Blocked));
    let row = last(&kit);
    assert_eq!((&*row.verb, &*row.object), ("mark_name", "a.example"));
    assert_eq!((refusal, row.outcome), (Refusal::NotOperator, Outcome::Refused(Refusal::NotOperator)));
}

#[test]
fn a_change_keeps_what_was_there() {
    let kit = Kit::new();
    kit.done(&operator(), mark("a", MarkKind::Reserved));
    assert_eq!(last(&kit).changes, []);
    kit.pass(DAY);
    kit.done(&operator(), mark("a", MarkKind::Reserved));
    assert_eq!(told(&last(&kit)), ["mark: reserved", "since: 2026-01-01T00:00:00.000Z", "note: "]);
    kit.pass(DAY);
    kit.done(&operator(), unmark("a", MarkKind::Reserved));
    assert_eq!(told(&last(&kit))[..2], ["mark: reserved", "since: 2026-01-01T00:00:00.000Z"]);
}

#[test]
fn a_changed_registrar_keeps_what_it_was() {
    let kit = Kit::new();
    let update = RegistrarUpdate {
        handle: "alpha".into(),
        name: Some("Alpha and Sons".into()),
        url: Some(Some("https://alpha.example".into())),
        sessions_max: Some(100),
        ..RegistrarUpdate::default()
    };
    kit.done(&operator(), update_registrar(update));
    assert_eq!(told(&last(&kit)), ["name: alpha Names Ltd.", "url: none"]);
}

#[test]
fn no_secret_stands_there() {
    let kit = Kit::new().with_contacts();
    let new = RegistrarPassword { handle: "alpha".into(), password: password("alpha") };
    assert_eq!(kit.done(&ALPHA, Verb::RegistrarPassword(Box::new(new))), Reply::Ok);
    assert_eq!(told(&last(&kit)), ["password: (sealed)"]);
    let view = kit.view();
    let rows: Vec<_> = view.range(&JOURNAL, ..).map(Result::unwrap).collect();
    let text = format!("{rows:?}");
    for personal in ["Ada", "Testville", "Test Street", "31.2012", "ada@"] {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[test]
fn time_alone_leaves_no_row() {
    let kit = Kit::new();
    let before = kit.view().header().digest;
    kit.pass(SECOND);
    kit.beat();
    kit.tick(500);
    kit.done(&Actor::System, Verb::Mark);
    assert_eq!(kit.view().header().digest, before);
    assert_eq!(kit.view().header().state_time, kit.now().0);
}

#[test]
fn a_mark_of_the_log_tells_the_digest_right_after_it() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    let header = kit.view().header().clone();
    let marked = kit.done(&Actor::System, Verb::Mark);
    assert_eq!(marked, Reply::Marked { index: header.index + 1, digest: header.digest });
}
