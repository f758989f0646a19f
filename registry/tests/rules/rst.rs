//! ICANN's rows for contact, host and domain create, as far as they are about rules. What only the schema or the
//! reading of a frame can refuse (a type that is no type, text too long, an address that is none) is counted here
//! and tried where frames are read.

use crate::{
    kit::*,
    sheet::{Sheet, Values},
};
use registry::{
    Outcome, Verb,
    contact::{ContactData, Phone, Postal, PostalKind},
    dnssec::Ds,
    domain::{DomainCreate, NameServers, Period, SecDns, Unit},
    host::HostCreate,
    tld::DataModel,
};
use std::{collections::BTreeMap, net::IpAddr};

type Row<'a> = BTreeMap<&'a str, String>;

/// Rows that were tried here, that are for the frame's reader, and that a registry of this kind is not given.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    rules: usize,
    frames: usize,
    skipped: usize,
}

impl Tally {
    /// Runs the command of a row, if it can be made, and compares with what ICANN expects.
    fn judge(&mut self, kit: &Kit, number: usize, row: &Row<'_>, verb: Option<Verb>) {
        let Some(verb) = verb else {
            assert_eq!(row["passOrFail"], "fail", "row {number} can't be made: {row:?}");
            self.frames += 1;
            return;
        };
        let outcome = kit.run(&ALPHA, verb);
        match &*row["passOrFail"] {
            "pass" => assert!(matches!(outcome, Outcome::Done(_)), "row {number}: {outcome:?} {row:?}"),
            _ => assert!(matches!(outcome, Outcome::Refused(_)), "row {number}: {outcome:?} {row:?}"),
        }
        self.rules += 1;
    }
}

#[test]
fn contact_create() {
    let Some(sheet) = Sheet::load("epp-07-data") else { return };
    let kit = Kit::new();
    let mut tally = Tally::default();
    let mut values = Values::new("test", contact_value);
    for (number, row) in sheet.rows(&mut values).enumerate() {
        let verb = contact_data(&row).map(|data| create_contact(contact_of(&row["id"], &data)));
        tally.judge(&kit, number, &row, verb);
    }
    assert_eq!(tally, Tally { rules: 30, frames: 6, skipped: 0 });
}

fn contact_value(column: &str, values: &mut Values) -> String {
    let letters = "ABCDEFabcdef0123456789";
    match column {
        "id" => values.random(letters, 16),
        "postalInfoType" => "int".into(),
        "cc" => "NL".into(),
        "voice" | "fax" => format!("+31.{}", values.random("0123456789", 9)),
        "voiceExt" | "faxExt" => values.random("0123456789", 3),
        "email" => format!("{}@example.com", values.random(letters, 8)),
        _ => values.random(letters, 12),
    }
}

/// `None` where no frame that the schema takes says this.
fn contact_data(row: &Row<'_>) -> Option<ContactData> {
    let kind = match &*row["postalInfoType"] {
        "int" => PostalKind::Int,
        "loc" => PostalKind::Loc,
        _ => return None,
    };
    let text = |column: &str| Some(row[column].clone()).filter(|t| t.chars().count() <= 255);
    let phone =
        |number: &str, x: &str| Some(Phone { number: row[number].clone(), extension: Some(row[x].clone()) });
    Some(ContactData {
        postal: vec![Postal {
            kind,
            name: text("name")?,
            org: Some(text("org")?),
            street: vec![text("street1")?, text("street2")?, text("street3")?],
            city: text("city")?,
            state: Some(text("sp")?),
            postal_code: Some(row["pc"].clone()),
            country: row["cc"].clone(),
        }],
        voice: phone("voice", "voiceExt"),
        fax: phone("fax", "faxExt"),
        email: row["email"].clone(),
        disclose: None,
    })
}

#[test]
fn host_create() {
    let Some(sheet) = Sheet::load("epp-11-data") else { return };
    let kit = Kit::new();
    let mut tally = Tally::default();
    let mut values = Values::new("example", |column, _| panic!("nothing to make up for {column}"));
    for (number, row) in sheet.rows(&mut values).enumerate() {
        if row["createParentFirst"] == "true" {
            let labels: Vec<&str> = row["name"].rsplit('.').take(2).collect();
            kit.run(&ALPHA, create(domain(&format!("{}.{}", labels[1], labels[0]))));
        }
        let verb = addresses(&row["ip"], &row["addr"]).map(|addresses| {
            Verb::HostCreate(Box::new(HostCreate { name: row["name"].clone(), addresses, sponsor: None }))
        });
        tally.judge(&kit, number, &row, verb);
    }
    assert_eq!(tally, Tally { rules: 8, frames: 11, skipped: 0 });
}

fn addresses(version: &str, text: &str) -> Option<Vec<IpAddr>> {
    match version {
        "" => Some(Vec::new()),
        "v4" => text.parse().ok().map(|a| vec![IpAddr::V4(a)]),
        "v6" => text.parse().ok().map(|a| vec![IpAddr::V6(a)]),
        _ => None,
    }
}

#[test]
fn domain_create_with_contacts() {
    let kit = Kit::new().with_contacts();
    if let Some(tally) = domain_create(&kit, "test", DataModel::Maximum) {
        assert_eq!(tally, Tally { rules: 11, frames: 10, skipped: 29 });
    }
}

#[test]
fn domain_create_without_contacts() {
    if let Some(tally) = domain_create(&Kit::new(), "example", DataModel::Minimum) {
        assert_eq!(tally, Tally { rules: 9, frames: 10, skipped: 31 });
    }
}

fn domain_create(kit: &Kit, tld: &'static str, model: DataModel) -> Option<Tally> {
    let sheet = Sheet::load("epp-14-data")?;
    for host in ["ns1.epp-14.rst.icann", "ns2.epp-14.rst.icann"] {
        kit.done(&BETA, create_host(host, &[]));
    }
    let mut tally = Tally::default();
    let mut values = Values::new(tld, |column, values| match column {
        "registrant" => "reg-1".into(),
        "keyTag" => values.random("123456789", 4),
        _ => panic!("nothing to make up for {column}"),
    });
    for (number, row) in sheet.rows(&mut values).enumerate() {
        let glue = row["hostModel"] == "attributes" && !row["ns1"].is_empty();
        let other_model = row["dataModel"] == "maximum" && model == DataModel::Minimum;
        if glue || other_model || row["secDNSInterface"] == "keyData" {
            tally.skipped += 1;
            continue;
        }
        tally.judge(kit, number, &row, domain_of(&row, model).map(create));
    }
    Some(tally)
}

fn domain_of(row: &Row<'_>, model: DataModel) -> Option<DomainCreate> {
    let unit = match &*row["periodUnit"] {
        "y" => Unit::Year,
        "m" => Unit::Month,
        _ => return None,
    };
    let digest: Option<Box<[u8]>> = row["digest"]
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let ds = Ds {
        key_tag: row["keyTag"].parse().ok()?,
        algorithm: row["dsDataAlg"].parse().ok()?,
        digest_type: row["digestType"].parse().ok()?,
        digest: digest?,
    };
    let servers = [&row["ns1"], &row["ns2"]].into_iter().filter(|host| !host.is_empty()).cloned().collect();
    let base = match model {
        DataModel::Maximum => {
            DomainCreate { registrant: Some(row["registrant"].clone()), ..thick(&row["name"]) }
        }
        DataModel::Minimum => domain(&row["name"]),
    };
    Some(DomainCreate {
        period: Some(Period { number: row["period"].parse().ok()?, unit }),
        name_servers: NameServers::Objects(servers),
        secdns: SecDns { ds: vec![ds], ..SecDns::default() },
        ..base
    })
}
