//! epp-04, epp-05 and epp-06: checks of names and identifiers that are malformed, registered and free.

use crate::{
    domains::{bare, prepare_contacts},
    tester::{Tester, Told, elements, object},
};
use tests::scenario::world::World;

/// What may be said of one that is malformed instead of `avail="0"`.
const SYNTAX: [u16; 3] = [2001, 2004, 2005];

/// Checks each alone, as a client must where one malformed name may cost the whole command; then the others at once.
async fn check_all(tester: &mut Tester, kind: &str, bad: &[&str], taken: &[&str], free: &[&str]) {
    let element = if kind == "contact" { "id" } else { "name" };
    for name in bad {
        let (code, answer) = tester.send(&object("check", kind, &elements(element, [*name]))).await;
        let refused = SYNTAX.contains(&code);
        assert!(refused || (code == 1000 && availability(&answer, element) == [false]), "{name}: {answer}");
    }
    let both = elements(element, taken.iter().chain(free).copied());
    let answer = tester.accepted(&object("check", kind, &both)).await;
    let expected: Vec<bool> = taken.iter().map(|_| false).chain(free.iter().map(|_| true)).collect();
    assert_eq!(availability(&answer, element), expected, "{answer}");
    assert_eq!(Told::of(&answer).all("reason").len(), taken.len(), "{answer}");
}

fn availability(answer: &str, element: &str) -> Vec<bool> {
    let told = Told::of(answer);
    let flag = |flag: &str| match flag {
        "1" | "true" => true,
        "0" | "false" => false,
        other => panic!("{other} in {answer}"),
    };
    told.attributes(element, "avail").into_iter().map(flag).collect()
}

#[tokio::test]
async fn epp_04_domain_check() {
    let world = World::found();
    let mut tester = Tester::login(&world, "alpha").await;
    prepare_contacts(&mut tester, "alpha").await;
    for tld in ["test", "example"] {
        let name = |label: &str| format!("{label}.{tld}");
        tester.accepted(&bare(&name("registered"), tld, "alpha")).await;
        let bad = [
            name("-rst"),
            name("rst-"),
            name("r_st"),
            name("r st"),
            name("!"),
            name(""),
            name("rst..rst"),
            name("xx--rst"),
            name(&"r".repeat(64)),
            name(&format!("xn--{}", "0".repeat(59))),
            name(&["r".repeat(63), "r".repeat(63), "r".repeat(63), "r".repeat(63)].join(".")),
            String::new(),
        ];
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        let (taken, folded) = (name("registered"), name("REGISTERED"));
        let (free, test) = (name("Rst-Epp-04-Free"), name("test---validate"));
        check_all(&mut tester, "domain", &bad, &[&taken, &folded], &[&free, &test]).await;
    }
    tester.finish();
}

#[tokio::test]
async fn epp_05_host_check() {
    let world = World::found();
    let mut tester = Tester::login(&world, "alpha").await;
    let registered = "ns1.epp-05.rst.icann";
    tester.accepted(&object("create", "host", &elements("name", [registered]))).await;
    tester.accepted(&bare("rst.example", "example", "alpha")).await;
    let long = format!("{}.rst.icann", "r".repeat(64));
    let bad = ["!.epp-05.rst.icann", "-ns1.rst.icann", "ns1..icann", "ns_1.rst.icann", "", &long];
    let free = ["NS2.epp-05.rst.icann", "ns1.rst.example"];
    check_all(&mut tester, "host", &bad, &[registered, "NS1.EPP-05.RST.ICANN"], &free).await;
    tester.finish();
}

#[tokio::test]
async fn epp_06_contact_check() {
    let world = World::found();
    let mut tester = Tester::login(&world, "alpha").await;
    prepare_contacts(&mut tester, "alpha").await;
    let bad = ["", "r", "rs", "a2345678901234567", "r st", "rst!", "rüst"];
    check_all(&mut tester, "contact", &bad, &["rst-alpha", "RST-Alpha"], &["rst-free", "RST-Free2"]).await;
    tester.finish();
}
