//! epp-11: host create, then info (object model).

use crate::{
    domains,
    sheet::{Sheet, Values},
    tester::{Row, Tally, Tester, Told, elements, object},
};
use std::net::IpAddr;
use tests::scenario::world::World;

#[tokio::test]
async fn epp_11_host_create_in_a_zone_with_contacts() {
    create_all("test").await;
}

#[tokio::test]
async fn epp_11_host_create_in_a_zone_without_contacts() {
    create_all("example").await;
}

async fn create_all(tld: &'static str) {
    let Some(sheet) = Sheet::load("epp-11-data") else { return };
    let world = World::found();
    let mut tester = Tester::login(&world, "alpha").await;
    domains::prepare_contacts(&mut tester, "alpha").await;
    let mut values = Values::new(tld, |column, _| panic!("nothing to make up for {column}"));
    for (number, row) in sheet.rows(&mut values).enumerate() {
        if row["createParentFirst"] == "true" {
            create_parent(&mut tester, tld, &row["name"]).await;
        }
        if tester.judge(number, &row, &create(&row)).await {
            let name = elements("name", [&*row["name"]]);
            let info = tester.accepted(&object("info", "host", &name)).await;
            shows(&Told::of(&info), &row);
        }
    }
    assert_eq!(tester.finish(), Tally { passed: 3, refused: 16, skipped: 0 });
}

/// Rows that try the same host again find the parent there.
async fn create_parent(tester: &mut Tester, tld: &str, host: &str) {
    let label = host.strip_suffix(&format!(".{tld}")).and_then(|rest| rest.rsplit('.').next());
    let name = format!("{}.{tld}", label.expect("a name below the zone"));
    let (code, answer) = tester.send(&domains::bare(&name, tld, "alpha")).await;
    assert!(matches!(code, 1000 | 2302), "{name}: {answer}");
}

fn create(row: &Row<'_>) -> String {
    let address = match &*row["ip"] {
        "" => String::new(),
        version => format!("<addr ip=\"{version}\">{}</addr>", row["addr"]),
    };
    object("create", "host", &(elements("name", [&*row["name"]]) + &address))
}

fn shows(told: &Told, row: &Row<'_>) {
    assert_eq!(told.one("name"), row["name"].to_ascii_lowercase());
    let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
    let sent: Vec<IpAddr> = Some(&*row["addr"]).filter(|text| !text.is_empty()).map(ip).into_iter().collect();
    assert_eq!(told.all("addr").into_iter().map(ip).collect::<Vec<_>>(), sent);
    let version = Some(&*row["ip"]).filter(|version| !version.is_empty());
    assert_eq!(told.attributes("addr", "ip"), version.into_iter().collect::<Vec<_>>());
    assert_eq!(told.attributes("status", "s"), ["ok"]);
    assert_eq!((told.one("clID"), told.one("crID")), ("alpha", "alpha"));
}
