//! The row budget: writes are what a registry's speed is measured in, so each command's rows are counted, table by
//! table.

use crate::kit::*;
use registry::{
    Actor, Outcome, Refusal, Verb,
    contact::ContactRole,
    domain::{DomainCreate, SecDns},
    tables::*,
    tld::MarkKind,
};
use std::collections::BTreeMap;
use storage::{Drained, Read, View};

type Counts = BTreeMap<&'static str, usize>;

/// How many rows each table has.
fn counts(view: &View) -> Counts {
    let mut counts = Counts::new();
    macro_rules! count {
        ($read:ident: $($table:ident)*) => {
            $( counts.insert($table.meta().name, view.$read(&$table, ..).map(Result::unwrap).count()); )*
        };
    }
    count!(range: REPOSITORY TLD MARK REGISTRAR REGISTRAR_HANDLE REGISTRAR_IANA DOMAIN HOST HOST_NAME CONTACT
        CONTACT_HANDLE POLL POLL_QUEUE JOURNAL OUTCOME KEY_EPOCH NODE);
    count!(keys: DOMAIN_SPONSOR DOMAIN_CONTACT DOMAIN_HOST HOST_SUPERORDINATE DUE REGISTRAR_NAME
        REGISTRAR_SUSPENDED OUTCOME_UNTIL);
    assert_eq!(counts.len(), ALL.len(), "a table is not counted");
    counts
}

/// Rows that came with what `act` does, by table, and how many rows it wrote in all (a row written over or removed
/// counts, too); of tables that reach the disk.
fn cost(kit: &Kit, act: impl FnOnce(&Kit)) -> (Vec<(&'static str, usize)>, usize) {
    let store = kit.solo.store();
    if store.freeze() {
        assert!(matches!(store.drain(Some(u64::MAX)).unwrap(), Drained::Done { .. }));
    }
    let before = counts(&kit.view());
    act(kit);
    let after = counts(&kit.view());
    let in_memory = [OUTCOME.meta().name, OUTCOME_UNTIL.meta().name];
    let came = after
        .into_iter()
        .filter(|(table, _)| !in_memory.contains(table))
        .map(|(table, rows)| (table, rows - before[table]))
        .filter(|(_, rows)| *rows > 0);
    (came.collect(), store.stats().active_rows)
}

#[test]
fn a_bare_domain_is_three_rows_and_the_journal() {
    let kit = Kit::new();
    let (rows, written) = cost(&kit, |kit| {
        kit.done(&ALPHA, create(domain("a.example")));
    });
    assert_eq!(rows, [("domain", 1), ("domain_sponsor", 1), ("due", 1), ("journal", 1)]);
    assert_eq!(written, 4);
}

#[test]
fn each_contact_and_name_server_adds_one() {
    let kit = Kit::new().with_contacts();
    for host in ["ns1.a.invalid", "ns2.a.invalid", "ns3.a.invalid"] {
        kit.done(&BETA, create_host(host, &[]));
    }
    let servers = name_servers(&["ns1.a.invalid", "ns2.a.invalid", "ns3.a.invalid"]);
    let (rows, written) = cost(&kit, |kit| {
        kit.done(&ALPHA, create(DomainCreate { name_servers: servers, ..thick("a.test") }));
    });
    assert_eq!(
        rows,
        [
            ("domain", 1),
            ("domain_contact", 3),
            ("domain_host", 3),
            ("domain_sponsor", 1),
            ("due", 1),
            ("journal", 1)
        ]
    );
    assert_eq!(written, 10);
}

#[test]
fn a_contact_in_three_roles_is_one_row_and_ds_records_are_none() {
    let kit = Kit::new().with_contacts();
    let roles = [ContactRole::Admin, ContactRole::Tech, ContactRole::Billing];
    let contacts = roles.map(|role| (role, String::from("reg-1"))).to_vec();
    let secdns = SecDns { ds: (0..8).map(ds).collect(), ..SecDns::default() };
    let (rows, written) = cost(&kit, |kit| {
        kit.done(&ALPHA, create(DomainCreate { contacts, secdns, ..thick("a.test") }));
    });
    assert_eq!(
        rows,
        [("domain", 1), ("domain_contact", 1), ("domain_sponsor", 1), ("due", 1), ("journal", 1)]
    );
    assert_eq!(written, 5);
}

#[test]
fn hosts_and_contacts() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    let (outside, _) = cost(&kit, |kit| {
        kit.done(&ALPHA, create_host("ns1.a.invalid", &[]));
    });
    assert_eq!(outside, [("host", 1), ("host_name", 1), ("journal", 1)]);
    let (inside, written) = cost(&kit, |kit| {
        kit.done(&ALPHA, create_host("ns1.a.example", &["208.77.190.196", "208.77.190.197"]));
    });
    assert_eq!(inside, [("host", 1), ("host_name", 1), ("host_superordinate", 1), ("journal", 1)]);
    assert_eq!(written, 4);
    let (contact, written) = cost(&kit, |kit| {
        kit.done(&ALPHA, create_contact(contact("sh8013")));
    });
    assert_eq!(contact, [("contact", 1), ("contact_handle", 1), ("journal", 1)]);
    assert_eq!(written, 3);
}

#[test]
fn a_refused_command_is_its_journal_row_alone() {
    let kit = Kit::new().with_contacts();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.done(&operator(), mark("held", MarkKind::Reserved));
    let refused = [
        create(domain("a.example")),
        create(domain("held.example")),
        create(domain("a_.example")),
        create(domain("a.test")),
        create_host("ns1.b.example", &[]),
        create_contact(contact("reg-1")),
        ack(1),
    ];
    for verb in refused {
        let (rows, written) = cost(&kit, |kit| {
            kit.refused(&BETA, verb);
        });
        assert_eq!((rows.as_slice(), written), ([("journal", 1)].as_slice(), 1));
    }
}

#[test]
fn resent_and_expired_commands_and_passing_time_write_nothing() {
    let kit = Kit::new();
    let command = kit.command(&ALPHA, create(domain("a.example")));
    kit.send(&command);
    let late = kit.command(&ALPHA, create(domain("b.example")));
    let nothing = |act: &dyn Fn(&Kit)| assert_eq!(cost(&kit, act), (Vec::new(), 0));
    nothing(&|kit| assert!(matches!(kit.send(&command), Outcome::Done(_))));
    kit.pass(61 * SECOND);
    nothing(&|kit| assert_eq!(kit.send(&late), Outcome::Expired));
    nothing(&|kit| kit.beat());
    nothing(&|kit| assert_eq!(kit.tick(500), (0, false)));
    nothing(&|kit| {
        kit.done(&Actor::System, Verb::Mark);
    });
}

#[test]
fn settling_is_outside_of_the_budget() {
    let kit = Kit::new();
    kit.done(&ALPHA, create(domain("a.example")));
    kit.pass(366 * DAY);
    let exists = Refusal::Exists { object: "a.example".into() };
    let (rows, written) = cost(&kit, |kit| {
        assert_eq!(kit.refused(&BETA, create(domain("a.example"))), exists);
    });
    assert_eq!(rows, [("journal", 2), ("poll", 1), ("poll_queue", 1)]);
    // beside these: the domain, and the due row that moved
    assert_eq!(written, 7);
    kit.pass(366 * DAY);
    let (rows, written) = cost(&kit, |kit| assert_eq!(kit.tick(500), (1, false)));
    assert_eq!((rows.as_slice(), written), ([("journal", 1), ("poll", 1)].as_slice(), 6));
}
