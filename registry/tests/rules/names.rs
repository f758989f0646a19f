//! Names: what is one, where it stands among zones, and what real labels come to.

use crate::kit::*;
use proptest::{collection::vec, prelude::*};
use registry::{
    Actor, DomainName, Refusal,
    domain::check,
    name::{LABEL_MAX, LabelForm, NAME_MAX, NameFault, label_form},
    tld::{self, DataModel, Place},
    view::{DasStatus, Kept, das},
};
use std::collections::BTreeMap;

/// RFC 1035 and RFC 1123 said again, label by label.
fn is_name(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let ldh = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.len() <= NAME_MAX
        && labels.iter().all(|l| (1..=LABEL_MAX).contains(&l.len()) && l.chars().all(ldh))
        && labels.iter().all(|l| !l.starts_with('-') && !l.ends_with('-'))
        && labels.last().is_some_and(|l| l.chars().any(|c| !c.is_ascii_digit()))
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-zA-Z0-9-]{1,8}",
        2 => "[ab-]{1,3}",
        1 => "[a-z0-9]{60,66}",
        1 => "[0-9]{1,3}",
        1 => "[a-z._!é ]{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parse_takes_names_and_folds_them(labels in vec(label(), 1..6)) {
        let text = labels.join(".");
        match DomainName::parse(&text) {
            Ok(name) => {
                prop_assert!(is_name(&text), "{text:?} was taken");
                prop_assert_eq!(name.as_str(), text.to_ascii_lowercase());
                prop_assert_eq!(DomainName::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(name.suffixes().count(), name.labels().count());
                prop_assert_eq!(name.suffixes().next(), Some(name));
            }
            Err(_) => prop_assert!(!is_name(&text), "{text:?} was refused"),
        }
    }

    #[test]
    fn no_text_makes_parse_panic(text in ".{0,40}") {
        let parsed = DomainName::parse(&text);
        prop_assert_eq!(parsed.is_ok(), is_name(&text));
        let form = label_form(&text);
        prop_assert_eq!(form == LabelForm::Plain, text.as_bytes().get(2..4) != Some(b"--"));
    }

    #[test]
    fn long_names(sizes in vec(1..=63usize, 1..8)) {
        let text = sizes.iter().map(|n| "a".repeat(*n)).collect::<Vec<_>>().join(".");
        let fault = if text.len() > NAME_MAX { Some(NameFault::TooLong) } else { None };
        prop_assert_eq!(DomainName::parse(&text).err(), fault);
    }

    /// What the punycode algorithm makes of any lower-case word outside ASCII is an A-label; a letter more is not
    /// what encoding would give.
    #[test]
    fn a_labels_are_what_encoding_gives(word in "[a-z]{0,5}[àéîöüñçß日本語кот]{1,4}[a-z]{0,5}") {
        let encoded = format!("xn--{}", idna::punycode::encode_str(&word).unwrap());
        prop_assert_eq!(label_form(&encoded), LabelForm::ALabel, "{}", encoded);
        let form = label_form(&format!("{encoded}-"));
        prop_assert_eq!(form, LabelForm::FakeALabel);
    }

    /// Whatever stands behind `xn--`: an A-label decodes and encodes back to itself.
    #[test]
    fn an_a_label_is_its_own_round_trip(tail in "[a-z0-9-]{1,20}[a-z0-9]") {
        let label = format!("xn--{tail}");
        let decoded = idna::punycode::decode_to_string(&tail);
        if label_form(&label) == LabelForm::ALabel {
            let text = decoded.unwrap();
            prop_assert!(!text.is_ascii());
            prop_assert_eq!(idna::punycode::encode_str(&text).unwrap(), tail);
        } else {
            prop_assert_eq!(label_form(&label), LabelForm::FakeALabel);
        }
    }

    /// Any set of zones, any name: the longest zone that matches decides.
    #[test]
    fn the_longest_zone_decides(zones in vec(vec("[ab]", 1..4), 1..5), name in vec("[abc]", 1..6)) {
        let kit = Kit::empty();
        kit.done(&operator(), found("main", "NAMINGO"));
        let mut taken: Vec<String> = Vec::new();
        for labels in zones {
            let zone_name = labels.join(".");
            let verb = create_tld(zone(&zone_name, DataModel::Minimum, &[], "Z"));
            if let registry::Outcome::Done(_) = kit.run(&operator(), verb) {
                taken.push(zone_name);
            }
        }
        prop_assert!(!taken.is_empty());
        let text = name.join(".");
        let matching = |z: &&String| text == **z || text.ends_with(&format!(".{z}"));
        let longest = taken.iter().filter(matching).max_by_key(|z| z.len());
        let name = DomainName::parse(&text).unwrap();
        let place = tld::place(&kit.view(), &name).unwrap();
        match (place, longest) {
            (Place::Foreign, None) => {}
            (Place::Zone { zone }, Some(longest)) => prop_assert_eq!((zone.as_str(), &text), (&**longest, longest)),
            (Place::Registrable { zone, name: registrable, .. }, Some(longest)) => {
                prop_assert_eq!((zone.as_str(), &registrable), (&**longest, &name));
                prop_assert_eq!(name.labels().count(), zone.labels().count() + 1);
                // no zone lies below a name that can be registered
                let below = format!(".{text}");
                prop_assert!(!taken.iter().any(|z| z.ends_with(&below)), "{text} is above a zone of {taken:?}");
            }
            (Place::Below { domain }, Some(longest)) => {
                let zone = domain.parent().unwrap();
                prop_assert_eq!(zone.as_str(), longest);
                let end = format!(".{domain}");
                prop_assert!(text.ends_with(&end));
            }
            (place, longest) => prop_assert!(false, "{text} stands {place:?}, the longest zone is {longest:?}"),
        }
    }
}

#[test]
fn a_zone_inside_a_zone() {
    let kit = Kit::new().with_contacts();
    kit.done(&ALPHA, create(thick("shop.test")));
    kit.done(&operator(), create_tld(zone("co.test", DataModel::Minimum, &[], "CO")));
    kit.done(&operator(), create_tld(zone("deep.co.test", DataModel::Minimum, &[], "DEEP")));
    for text in ["a.co.test", "a.deep.co.test"] {
        kit.done(&ALPHA, create(domain(text)));
        kit.done(&ALPHA, create_host(&format!("ns1.{text}"), &["208.77.190.196"]));
    }
    for text in ["co.test", "deep.co.test", "x.a.co.test", "x.shop.test"] {
        let refused = kit.refused(&ALPHA, create(thick(text)));
        assert_eq!(refused, Refusal::NotRegistrable { name: text.into() });
    }
    let words =
        ["co.test", "b.co.test", "shop.test", "x_.test", "b.invalid"].map(|n| das(&kit.view(), n).unwrap());
    use DasStatus::*;
    assert_eq!(words, [Invalid, Free, Registered, Invalid, Invalid]);
}

#[test]
fn a_zone_above_zones_leaves_their_names_alone() {
    let kit = Kit::new();
    kit.done(&operator(), create_tld(zone("co.shop", DataModel::Minimum, &[], "CO")));
    kit.done(&ALPHA, create(domain("a.co.shop")));
    kit.done(&ALPHA, create_host("ns1.a.co.shop", &["208.77.190.196"]));
    kit.done(&operator(), create_tld(zone("shop", DataModel::Minimum, &[], "SHOP")));
    kit.done(&BETA, create(domain("b.shop")));
    let place = tld::place(&kit.view(), &DomainName::parse("ns1.a.co.shop").unwrap()).unwrap();
    assert_eq!(place.domain().unwrap().as_str(), "a.co.shop");
}

/// Where the shared data is, beside the checkout.
fn real_labels() -> Option<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/real-labels.txt");
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {path} is absent, so no real label was tried");
    }
    text
}

#[test]
fn real_labels_are_taken_or_refused_for_a_stated_reason() {
    let Some(text) = real_labels() else { return };
    let view = Kit::new().view();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for label in text.lines() {
        let answer =
            check::availability(&view, &Kept::default(), &Actor::System, &format!("{label}.example"))
                .unwrap();
        let reason = answer.as_ref().map_or("free", Refusal::reason);
        *reasons.entry(reason).or_default() += 1;
        let is_idn = matches!(reason, "idn_unsupported" | "fake_a_label");
        assert_eq!(label.starts_with("xn--"), is_idn, "{label}: {reason}");
    }
    let count = |reason| reasons.get(reason).copied().unwrap_or(0);
    assert_eq!(count("idn_unsupported") + count("fake_a_label"), 841, "{reasons:?}");
    assert_eq!(reasons.values().sum::<usize>(), text.lines().count());
    println!("{reasons:?}");
}
