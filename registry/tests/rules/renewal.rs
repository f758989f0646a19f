//! Time at work: expiries bring renewals, at their very instants, whoever notices first.

use crate::kit::*;
use registry::{
    Actor, DomainName, Refusal, Timestamp, Verb,
    domain::{self, DomainCreate},
    due,
    journal::JournalRow,
    poll::{self, News},
    tables::{DUE, JOURNAL},
    view,
};
use storage::{Read, verify_digest};

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn stored_expiry(kit: &Kit, text: &str) -> Timestamp {
    domain::by_name(&kit.view(), &name(text)).unwrap().unwrap().expiry
}

fn shown_expiry(kit: &Kit, text: &str) -> Timestamp {
    let view = kit.view();
    let public = view::domain(&view, &view::Kept::default(), &name(text)).unwrap().unwrap().expiry;
    let (_, registrars, _) = domain::info::find(&view, &ALPHA, text).unwrap();
    assert_eq!(public, registrars.expiry);
    public
}

/// Rows of the newest log entry, in order of steps.
fn last_rows(kit: &Kit) -> Vec<JournalRow> {
    let view = kit.view();
    let index = view.header().index;
    view.range(&JOURNAL, (index, 0)..=(index, u16::MAX)).map(|row| row.unwrap().1).collect()
}

#[test]
fn at_the_instant_of_expiry_and_not_before() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    let expiry = START.plus_years(1);
    kit.set(expiry.plus_ms(-1));
    assert!(!due::is_due(&kit.view(), kit.now()).unwrap());
    assert_eq!(kit.tick(500), (0, false));
    kit.set(expiry);
    assert!(due::is_due(&kit.view(), kit.now()).unwrap());
    assert_eq!(kit.tick(500), (1, false));
    assert_eq!(stored_expiry(&kit, "a.example"), START.plus_years(2));
    assert_eq!(kit.tick(500), (0, false));
    let due: Vec<_> = kit.view().keys(&DUE, ..).map(Result::unwrap).collect();
    assert_eq!(due, [(START.plus_years(2).0, due::EXPIRY, name("a.example"))]);
}

#[test]
fn years_count_from_the_expiry_however_late_they_are_counted() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(DomainCreate { period: years(2), ..domain("a.example") }));
    kit.done(&ALPHA, create(domain("b.example")));
    let noticed = START.plus_years(4).plus_ms(17 * DAY);
    kit.set(noticed);
    kit.beat();
    // a missed year of one name is an item: a tick takes those that are due, oldest first, and says if more is
    assert_eq!(kit.tick(500), (2, true));
    assert_eq!(kit.tick(500), (2, true));
    assert_eq!(kit.tick(500), (2, true));
    assert_eq!(kit.tick(500), (1, false));
    for text in ["a.example", "b.example"] {
        assert_eq!(stored_expiry(&kit, text), START.plus_years(5));
    }
    let view = kit.view();
    let rows: Vec<JournalRow> = view.range(&JOURNAL, ..).map(|row| row.unwrap().1).collect();
    let of_b = rows.iter().filter(|row| row.due.is_some() && &*row.object == "b.example");
    let seen: Vec<_> = of_b.map(|row| (row.due.unwrap(), row.at)).collect();
    let years = [1, 2, 3, 4].map(|n| (START.plus_years(n), noticed));
    assert_eq!(seen, years);
    verify_digest(&view).unwrap();
}

#[test]
fn the_29th_of_february_becomes_the_28th_and_stays_it() {
    let kit = Kit::new();
    kit.set(at("2028-02-29T10:00:00Z"));
    kit.done(&ALPHA, create(DomainCreate { period: years(4), ..domain("four.example") }));
    kit.done(&ALPHA, create(domain("one.example")));
    assert_eq!(stored_expiry(&kit, "four.example"), at("2032-02-29T10:00:00Z"));
    assert_eq!(stored_expiry(&kit, "one.example"), at("2029-02-28T10:00:00Z"));
    kit.set(at("2032-03-01T00:00:00Z"));
    while kit.tick(500).1 {}
    assert_eq!(stored_expiry(&kit, "four.example"), at("2033-02-28T10:00:00Z"));
    assert_eq!(stored_expiry(&kit, "one.example"), at("2033-02-28T10:00:00Z"));
}

#[test]
fn a_tick_takes_its_limit_and_no_tick_takes_more_than_500() {
    let kit = Kit::new();
    for n in 0..1203 {
        kit.done(&ALPHA, create(domain(&format!("n{n}.example"))));
    }
    kit.set(START.plus_years(1));
    assert_eq!(kit.tick(0), (1, true));
    assert_eq!(kit.tick(2), (2, true));
    assert_eq!(kit.tick(u16::MAX), (500, true));
    assert_eq!(last_rows(&kit).len(), 500);
    assert_eq!(kit.tick(500), (500, true));
    assert_eq!(kit.tick(500), (200, false));
    assert_eq!(kit.tick(500), (0, false));
}

#[test]
fn a_command_settles_what_it_touches_before_it_is_checked() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&ALPHA, create(domain("untouched.example")));
    kit.set(START.plus_years(3).plus_ms(DAY));
    kit.refused(&BETA, create(domain("A.example")));
    let rows = last_rows(&kit);
    let told: Vec<_> = rows.iter().map(|row| (&*row.verb, &*row.object, row.due)).collect();
    let renewed = |year| ("auto_renew", "a.example", Some(START.plus_years(year)));
    assert_eq!(told, [renewed(1), renewed(2), renewed(3), ("domain_create", "A.example", None)]);
    assert_eq!((&rows[0].by, &rows[3].by), (&Actor::System, &BETA));
    assert_eq!(&*rows[1].changes[0].old, START.plus_years(2).to_string());
    assert_eq!(stored_expiry(&kit, "a.example"), START.plus_years(4));
    assert_eq!(stored_expiry(&kit, "untouched.example"), START.plus_years(1));
    // a host touches its superordinate domain, however deep it lies
    kit.done(&ALPHA, create_host("ns1.deep.untouched.example", &[]));
    assert_eq!(last_rows(&kit).len(), 4);
    assert_eq!(stored_expiry(&kit, "untouched.example"), START.plus_years(4));
    assert_eq!(kit.tick(500), (0, false));
}

/// Nobody was there to tick when they fell due: whoever asks first sees each name renewed.
#[test]
fn after_ten_days_of_downtime_the_first_command_sees_each_name_renewed_before_any_tick() {
    let kit = Kit::new();
    let stop = START.plus_years(1);
    // five fall due during the downtime, one just before its end, one right after it
    let due_on: Vec<_> = [1, 3, 5, 7, 9].map(|day| stop.plus_ms(day * DAY)).into();
    for (n, due) in due_on.iter().enumerate() {
        kit.set(Timestamp(due.0 - (stop.0 - START.0)));
        kit.done(&ALPHA, create(domain(&format!("n{n}.example"))));
    }
    kit.pass(DAY);
    kit.done(&ALPHA, create(domain("ends.example")));
    kit.pass(1);
    kit.done(&ALPHA, create(domain("later.example")));
    let back = stop.plus_ms(10 * DAY);
    let expiries = ["ends.example", "later.example"].map(|text| stored_expiry(&kit, text));
    assert_eq!(expiries, [back, back.plus_ms(1)]);
    kit.set(stop);
    kit.beat();
    assert!(!due::is_due(&kit.view(), kit.now()).unwrap());

    kit.set(back);
    let renewed = |n: usize| due_on[n].plus_years(1);
    // create of the same name; it is the command that moves time
    let exists = |text: &str| Refusal::Exists { object: text.into() };
    kit.refused(&BETA, create(domain("n0.example")));
    assert_eq!(stored_expiry(&kit, "n0.example"), renewed(0));
    // info, by registrars and by the public
    assert_eq!(stored_expiry(&kit, "n1.example"), due_on[1]);
    assert_eq!(shown_expiry(&kit, "n1.example"), renewed(1));
    // check: the name is not free for a moment
    let view = kit.view();
    assert_eq!(
        domain::check::availability(&view, &view::Kept::default(), &BETA, "n2.example").unwrap(),
        Some(exists("n2.example"))
    );
    drop(view);
    // a host below it
    kit.done(&ALPHA, create_host("ns1.n3.example", &[]));
    assert_eq!(stored_expiry(&kit, "n3.example"), renewed(3));
    // a host below it that is refused
    kit.refused(&BETA, create_host("ns1.n4.example", &[]));
    assert_eq!(stored_expiry(&kit, "n4.example"), renewed(4));
    assert_eq!(shown_expiry(&kit, "ends.example"), back.plus_years(1));
    assert_eq!(shown_expiry(&kit, "later.example"), back.plus_ms(1));

    // what nobody touched is left for the tick
    assert_eq!(kit.tick(500), (3, false));
    for (n, _) in due_on.iter().enumerate() {
        assert_eq!(stored_expiry(&kit, &format!("n{n}.example")), renewed(n));
    }
    verify_digest(&kit.view()).unwrap();
}

#[test]
fn views_show_what_is_due_as_done_and_write_nothing() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.set(START.plus_years(2));
    // a view knows the time of its state, not of a clock
    assert_eq!(shown_expiry(&kit, "a.example"), START.plus_years(1));
    kit.beat();
    assert_eq!(shown_expiry(&kit, "a.example"), START.plus_years(3));
    assert_eq!(stored_expiry(&kit, "a.example"), START.plus_years(1));
    while kit.tick(500).1 {}
    assert_eq!(shown_expiry(&kit, "a.example"), START.plus_years(3));
    assert_eq!(stored_expiry(&kit, "a.example"), START.plus_years(3));
}

#[test]
fn the_sponsor_hears_of_each_renewal() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&BETA, create(domain("b.example")));
    assert_eq!(poll::first(&kit.view(), 3).unwrap(), None);
    kit.set(START.plus_years(2));
    while kit.tick(500).1 {}
    let (first, message, waiting) = poll::first(&kit.view(), 3).unwrap().unwrap();
    let news = News::DomainAutoRenewed { name: "a.example".into(), expiry: START.plus_years(2) };
    assert_eq!((message.at, message.news, waiting), (START.plus_years(1), news, 2));
    assert_eq!(poll::waiting(&kit.view(), 4).unwrap(), 2);
    assert_eq!(poll::waiting(&kit.view(), 5).unwrap(), 0);
    // nobody takes another's message
    kit.refused(&BETA, ack(first));
    let reply = kit.done(&ALPHA, ack(first));
    let (second, later, waiting) = poll::first(&kit.view(), 3).unwrap().unwrap();
    assert_eq!(reply, registry::Reply::Acknowledged { left: 1, next: Some(second) });
    assert_eq!((later.at, waiting), (START.plus_years(2), 1));
    assert_eq!(kit.refused(&ALPHA, ack(first)), Refusal::MessageNotFound { id: first.to_string() });
    assert_eq!(kit.done(&ALPHA, ack(second)), registry::Reply::Acknowledged { left: 0, next: None });
    assert_eq!(poll::first(&kit.view(), 3).unwrap(), None);
}

#[test]
fn messages_may_be_acknowledged_out_of_order_and_new_ones_come_behind() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    let renew = |n: u8| {
        kit.set(START.plus_years(n));
        assert_eq!(kit.tick(500), (1, false));
    };
    (1..=3).for_each(renew);
    let ids = || -> Vec<u64> {
        kit.view().range(&registry::tables::POLL, ..).map(|row| row.unwrap().0.1).collect()
    };
    let [one, two, three] = ids()[..] else { panic!("three messages wait") };
    let acked = |left, next| registry::Reply::Acknowledged { left, next };
    assert_eq!(kit.done(&ALPHA, ack(two)), acked(2, Some(one)));
    assert_eq!(kit.done(&ALPHA, ack(three)), acked(1, Some(one)));
    assert_eq!(kit.done(&ALPHA, ack(one)), acked(0, None));
    renew(4);
    let (four, _, waiting) = poll::first(&kit.view(), 3).unwrap().unwrap();
    assert_eq!((ids(), waiting), (vec![four], 1));
    renew(5);
    assert_eq!(poll::first(&kit.view(), 3).unwrap().unwrap().0, four);
    assert_eq!(poll::waiting(&kit.view(), 3).unwrap(), 2);
    verify_digest(&kit.view()).unwrap();
}

#[test]
fn the_last_year_of_the_calendar_is_not_renewed_for_ever() {
    let kit = Kit::new();
    kit.set(at("9998-06-01T00:00:00Z"));
    kit.done(&ALPHA, create(domain("a.example")));
    kit.set(Timestamp(i64::MAX));
    kit.beat();
    while kit.tick(500).1 {}
    assert_eq!(stored_expiry(&kit, "a.example"), Timestamp::LAST);
    assert_eq!(shown_expiry(&kit, "a.example"), Timestamp::LAST);
    let verb = Verb::Tick { limit: 1 };
    assert_eq!(kit.done(&Actor::System, verb), registry::Reply::Ticked { done: 0, more: false });
}

#[test]
fn a_stray_due_row_does_not_stop_time() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    let mut tx = kit.solo.store().begin();
    tx.add(&DUE, &(START.0, due::EXPIRY, name("ghost.example"))).unwrap();
    tx.add(&DUE, &(START.0, due::EXPIRY, name("a.example"))).unwrap();
    let header = tx.header().clone();
    tx.commit(header.index, header.meta);
    kit.set(START.plus_years(1));
    assert_eq!(kit.tick(500), (3, false));
    assert_eq!(stored_expiry(&kit, "a.example"), START.plus_years(2));
    verify_digest(&kit.view()).unwrap();
}
