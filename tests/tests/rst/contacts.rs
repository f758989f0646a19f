//! epp-07: contact create, then info.

use crate::{
    sheet::{Sheet, Values},
    tester::{Row, Tally, Tester, Told, elements, object},
};
use tests::scenario::world::World;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A value that the schema of RFC 5733 allows.
fn made_up(column: &str, values: &mut Values) -> String {
    let digits = "0123456789";
    match column {
        "id" => {
            let length = 3 + usize::from(values.random("0123456789ABCD", 1).as_bytes()[0] % 14);
            values.random(LETTERS, length)
        }
        "postalInfoType" => ["int", "loc"][usize::from(values.random("01", 1) == "1")].to_owned(),
        "cc" => {
            let codes = ["AQ", "BR", "DE", "JP", "NL", "TV", "US", "ZA"];
            codes[usize::from(values.random("01234567", 1).as_bytes()[0] - b'0')].to_owned()
        }
        // 17 characters at most
        "voice" | "fax" => format!("+{}.{}", values.random("123456789", 3), values.random(digits, 12)),
        "voiceExt" | "faxExt" => values.random(digits, 4),
        "email" => format!("{}@{}.example", values.random(LETTERS, 64), values.random(LETTERS, 12)),
        "pc" => values.random(LETTERS, 16),
        _ => values.random(LETTERS, 32),
    }
}

#[tokio::test]
async fn epp_07_contact_create() {
    let Some(sheet) = Sheet::load("epp-07-data") else { return };
    let world = World::found();
    let mut tester = Tester::login(&world, "alpha").await;
    let mut values = Values::new("test", made_up);
    for (number, row) in sheet.rows(&mut values).enumerate() {
        if tester.judge(number, &row, &create(&row)).await {
            let id = elements("id", [&*row["id"]]);
            let info = tester.accepted(&object("info", "contact", &id)).await;
            shows(&Told::of(&info), &row);
        }
    }
    assert_eq!(tester.finish(), Tally { passed: 1, refused: 35, skipped: 0 });
}

fn create(row: &Row<'_>) -> String {
    let leaf = |name: &str, column: &str| elements(name, [&*row[column]]);
    let streets = elements("street", ["street1", "street2", "street3"].map(|column| &*row[column]));
    let address =
        [streets, leaf("city", "city"), leaf("sp", "sp"), leaf("pc", "pc"), leaf("cc", "cc")].concat();
    let inside = format!(
        "{}<postalInfo type=\"{}\">{}{}<addr>{address}</addr></postalInfo><voice x=\"{}\">{}</voice>\
         <fax x=\"{}\">{}</fax>{}<authInfo>{}</authInfo>",
        leaf("id", "id"),
        row["postalInfoType"],
        leaf("name", "name"),
        leaf("org", "org"),
        row["voiceExt"],
        row["voice"],
        row["faxExt"],
        row["fax"],
        leaf("email", "email"),
        leaf("pw", "authInfo"),
    );
    object("create", "contact", &inside)
}

fn shows(told: &Told, row: &Row<'_>) {
    for column in ["id", "name", "org", "city", "sp", "pc", "cc", "voice", "fax", "email"] {
        assert_eq!(told.one(column), row[column], "{column}");
    }
    assert_eq!(told.all("street"), ["street1", "street2", "street3"].map(|column| &*row[column]));
    assert_eq!(told.attributes("postalInfo", "type"), [&*row["postalInfoType"]]);
    assert_eq!(told.attributes("voice", "x"), [&*row["voiceExt"]]);
    assert_eq!(told.attributes("fax", "x"), [&*row["faxExt"]]);
    assert_eq!((told.one("clID"), told.one("crID")), ("alpha", "alpha"));
    assert!(told.one("roid").ends_with("-NAMINGO") && told.all("pw").is_empty());
}
