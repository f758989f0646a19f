//! epp-14: domain create, then info (object model, dsData interface), in a zone of either data model and for both
//! registrars.

use crate::{
    sheet::{Sheet, Values},
    tester::{Row, Tally, Tester, Told, elements, object},
};
use registry::Timestamp;
use tests::scenario::world::World;

const SECDNS: &str = "urn:ietf:params:xml:ns:secDNS-1.1";
/// Fixed names, which another registrar may have made.
const SERVERS: [&str; 2] = ["ns1.epp-14.rst.icann", "ns2.epp-14.rst.icann"];

#[tokio::test]
async fn epp_14_domain_create_with_contacts() {
    // eleven rows about glue in attributes and eighteen about keyData
    create_all("test", &Tally { passed: 2, refused: 19, skipped: 29 }).await;
}

#[tokio::test]
async fn epp_14_domain_create_without_contacts() {
    // beside these, the two about a registrant
    create_all("example", &Tally { passed: 2, refused: 17, skipped: 31 }).await;
}

async fn create_all(tld: &'static str, expected: &Tally) {
    let Some(sheet) = Sheet::load("epp-14-data") else { return };
    let world = World::found();
    let mut first = Tester::login(&world, "beta").await;
    for host in SERVERS {
        first.accepted(&object("create", "host", &elements("name", [host]))).await;
    }
    for handle in ["alpha", "beta"] {
        let mut tester = Tester::login(&world, handle).await;
        prepare_contacts(&mut tester, handle).await;
        give_rows(&mut tester, &sheet, tld, handle).await;
        give_case_text(&mut tester, tld, handle).await;
        assert_eq!(tester.finish(), *expected);
    }
}

/// The contacts that a registrar's domains have.
pub async fn prepare_contacts(tester: &mut Tester, handle: &str) {
    let postal = "<postalInfo type=\"int\"><name>Some One</name><addr><city>Somewhere</city><cc>NL</cc></addr>\
                  </postalInfo><email>some@one.example</email><authInfo><pw/></authInfo>";
    let inside = elements("id", [&*contact(handle)]) + postal;
    tester.accepted(&object("create", "contact", &inside)).await;
}

fn contact(handle: &str) -> String {
    format!("rst-{handle}")
}

/// A domain with what its zone demands and nothing else.
pub fn bare(name: &str, tld: &str, handle: &str) -> String {
    let contacts = if takes_contacts(tld) { contacts(&contact(handle), handle) } else { String::new() };
    let authinfo = "<authInfo><pw/></authInfo>";
    object("create", "domain", &[&elements("name", [name]), &*contacts, authinfo].concat())
}

fn takes_contacts(tld: &str) -> bool {
    tld == "test"
}

fn contacts(registrant: &str, handle: &str) -> String {
    let contact = contact(handle);
    format!(
        "<registrant>{registrant}</registrant><contact type=\"admin\">{contact}</contact>\
         <contact type=\"tech\">{contact}</contact>"
    )
}

async fn give_rows(tester: &mut Tester, sheet: &Sheet, tld: &'static str, handle: &str) {
    let mut values = Values::new(tld, |column, values| match column {
        // stands for a contact that exists
        "registrant" => "{AUTO}".to_owned(),
        "keyTag" => values.random("123456789", 4),
        _ => panic!("nothing to make up for {column}"),
    });
    // drawn so that the names of the two registrars differ
    values.random(handle, handle.len());
    for (number, mut row) in sheet.rows(&mut values).enumerate() {
        // the rows after those about glue have no ns1, and say 'attributes' only because their cell is blank
        let glue = row["hostModel"] == "attributes" && !row["ns1"].is_empty();
        let other_model = row["dataModel"] == "maximum" && !takes_contacts(tld);
        if glue || other_model || row["secDNSInterface"] == "keyData" {
            tester.tally.skipped += 1;
            continue;
        }
        if row["registrant"] == "{AUTO}" {
            row.insert("registrant", contact(handle));
        }
        if tester.judge(number, &row, &create(&row, tld, handle)).await {
            let name = elements("name", [&*row["name"]]);
            let info = tester.accepted(&object("info", "domain", &name)).await;
            shows(&Told::of(&info), &row, tld, handle);
        }
    }
}

fn create(row: &Row<'_>, tld: &str, handle: &str) -> String {
    let contacts = if takes_contacts(tld) { contacts(&row["registrant"], handle) } else { String::new() };
    let inside = format!(
        "{}<period unit=\"{}\">{}</period><ns>{}</ns>{contacts}<authInfo><pw>{}</pw></authInfo>",
        elements("name", [&*row["name"]]),
        row["periodUnit"],
        row["period"],
        elements("hostObj", servers(row)),
        "2fooBAR-2fooBAR-2fooBAR",
    );
    let secdns = format!(
        "<extension><create xmlns=\"{SECDNS}\"><dsData>{}{}{}{}</dsData></create></extension>",
        elements("keyTag", [&*row["keyTag"]]),
        elements("alg", [&*row["dsDataAlg"]]),
        elements("digestType", [&*row["digestType"]]),
        elements("digest", [&*row["digest"]]),
    );
    object("create", "domain", &inside) + &secdns
}

fn servers<'r>(row: &'r Row<'_>) -> Vec<&'r str> {
    [&*row["ns1"], &*row["ns2"]].into_iter().filter(|name| !name.is_empty()).collect()
}

fn shows(told: &Told, row: &Row<'_>, tld: &str, handle: &str) {
    assert_eq!(told.one("name"), row["name"].to_ascii_lowercase());
    assert!(told.one("roid").ends_with(&format!("-{}", tld.to_ascii_uppercase())));
    assert_eq!(told.attributes("status", "s"), ["ok"]);
    let linked = usize::from(takes_contacts(tld));
    assert_eq!(told.all("registrant"), vec![&*row["registrant"]; linked]);
    assert_eq!(told.attributes("contact", "type"), ["admin", "tech"][..2 * linked]);
    assert_eq!(told.all("contact"), vec![&*contact(handle); 2 * linked]);
    assert_eq!(told.all("hostObj"), servers(row));
    assert_eq!((told.one("clID"), told.one("crID")), (handle, handle));
    let [created, expiry] =
        ["crDate", "exDate"].map(|name| Timestamp::parse(told.one(name)).expect("a time"));
    assert_eq!(expiry, created.plus_years(row["period"].parse().expect("a number of years")));
    for (element, column) in [("keyTag", "keyTag"), ("alg", "dsDataAlg"), ("digestType", "digestType")] {
        assert_eq!(told.one(element), row[column], "{element}");
    }
    assert_eq!(told.one("digest"), row["digest"]);
    assert!(told.all("pw").is_empty());
}

/// What the case demands beside its rows: the other host model and the other data model are refused.
async fn give_case_text(tester: &mut Tester, tld: &str, handle: &str) {
    let name = format!("rst-epp-14-{handle}.{tld}");
    let with = |servers: &str, contacts: &str| {
        let name = elements("name", [&*name]);
        object("create", "domain", &format!("{name}{servers}{contacts}<authInfo><pw/></authInfo>"))
    };
    let (own, none) = (contacts(&contact(handle), handle), String::new());
    let (right, wrong) = if takes_contacts(tld) { (own, none) } else { (none, own) };
    let attributes = format!("<ns><hostAttr><hostName>{}</hostName></hostAttr></ns>", SERVERS[0]);
    let unknown = format!("<ns><hostObj>ns1.{handle}.rst.icann</hostObj></ns>");
    tester.refused(&with(&attributes, &right)).await;
    tester.refused(&with(&unknown, &right)).await;
    tester.refused(&with("", &wrong)).await;
    tester.accepted(&with("", &right)).await;
}
