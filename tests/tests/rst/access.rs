//! epp-08 and epp-12: what one registrar may do with the objects of another.

use crate::{
    domains::prepare_contacts,
    tester::{Tester, elements, object},
};
use tests::scenario::world::World;

/// Of the two commands of the case, update does not exist yet.
#[tokio::test]
async fn epp_08_contact_access() {
    let world = World::found();
    let mut owner = Tester::login(&world, "alpha").await;
    prepare_contacts(&mut owner, "alpha").await;
    let id = elements("id", ["rst-alpha"]);
    owner.accepted(&object("info", "contact", &id)).await;
    let mut other = Tester::login(&world, "beta").await;
    assert_eq!(other.refused(&object("info", "contact", &id)).await, 2201);
    let update = format!("{id}<chg><email>other@one.example</email></chg>");
    other.refused(&object("update", "contact", &update)).await;
    owner.finish();
    other.finish();
}

/// The case is about host update alone. As long as that is absent this says so; when it comes, the case wants 2201.
#[tokio::test]
async fn epp_12_host_access_waits_for_host_update() {
    let world = World::found();
    let mut owner = Tester::login(&world, "alpha").await;
    let name = elements("name", ["ns1.epp-12.rst.icann"]);
    owner.accepted(&object("create", "host", &name)).await;
    let mut other = Tester::login(&world, "beta").await;
    let update = format!("{name}<add><status s=\"clientUpdateProhibited\"/></add>");
    assert_eq!(other.refused(&object("update", "host", &update)).await, 2101);
    println!("SKIPPED: epp-12 needs host:update, which is answered 2101");
    owner.finish();
    other.finish();
}
