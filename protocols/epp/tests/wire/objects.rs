//! Commands on objects: what is created is read back, who may see what, and why a command is refused.

use crate::kit::{DAY, Kit, POLL, command, contact_create, ds, name, object, object_with, thick, thin};

#[tokio::test]
async fn objects_are_created_and_read_back() {
    let kit = Kit::new();
    let mut alpha = kit.login("alpha").await;
    for handle in ["reg-1", "adm-1"] {
        let answer = alpha.expect(&contact_create(handle), 1000).await;
        assert!(answer.contains(&format!("<contact:id>{handle}</contact:id>")), "{answer}");
    }
    let outside = object("create", "host", &name("ns1.example.com"));
    alpha.expect(&outside, 1000).await;
    alpha.expect(&outside, 2302).await;
    let ns = "<ns><hostObj>ns1.example.com</hostObj></ns>";
    let answer = alpha.expect(&object_with("create", "domain", &thick("Shop.test", ns), &ds()), 1000).await;
    for part in
        ["<domain:name>shop.test</domain:name>", "<domain:exDate>2028-01-01T00:00:00.000Z</domain:exDate>"]
    {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let glue = "<name>ns1.shop.test</name><addr>192.0.2.5</addr><addr ip=\"v6\">2001:db8::5</addr>";
    alpha.expect(&object("create", "host", glue), 1000).await;

    let info = alpha.expect(&object("info", "domain", &name("shop.test")), 1000).await;
    for part in [
        "-TEST</domain:roid><domain:status s=\"ok\"/><domain:registrant>reg-1</domain:registrant>",
        "<domain:contact type=\"admin\">adm-1</domain:contact><domain:contact type=\"tech\">adm-1</domain:contact>",
        "<domain:ns><domain:hostObj>ns1.example.com</domain:hostObj></domain:ns>",
        "<domain:host>ns1.shop.test</domain:host><domain:clID>alpha</domain:clID><domain:crID>alpha</domain:crID>",
        "<secDNS:keyTag>12345</secDNS:keyTag><secDNS:alg>13</secDNS:alg>",
    ] {
        assert!(info.contains(part), "{part} in {info}");
    }
    assert!(!info.contains("pass"), "{info}");
    let none = alpha.expect(&object("info", "domain", "<name hosts=\"none\">shop.test</name>"), 1000).await;
    assert!(!none.contains("domain:ns>") && !none.contains("domain:host>"), "{none}");

    let host = alpha.expect(&object("info", "host", &name("NS1.shop.test")), 1000).await;
    for part in [
        "<host:addr ip=\"v4\">192.0.2.5</host:addr><host:addr ip=\"v6\">2001:db8::5</host:addr>",
        "<host:status s=\"ok\"/>",
    ] {
        assert!(host.contains(part), "{part} in {host}");
    }
    let contact = alpha.expect(&object("info", "contact", "<id>REG-1</id>"), 1000).await;
    for part in [
        "<contact:id>reg-1</contact:id>",
        "<contact:status s=\"ok\"/><contact:status s=\"linked\"/>",
        "<contact:name>Jürgen &amp; Søn</contact:name><contact:org>Ö &lt;AB&gt;</contact:org>",
        "<contact:street>Allé 1</contact:street><contact:street></contact:street><contact:city>Malmö</contact:city>",
        "<contact:voice x=\"12\">+46.401234</contact:voice>",
        "<contact:disclose flag=\"1\"><contact:name type=\"loc\"/><contact:email/></contact:disclose>",
    ] {
        assert!(contact.contains(part), "{part} in {contact}");
    }
    alpha.judge();
}

#[tokio::test]
async fn what_others_may_see_depends_on_the_authinfo() {
    let kit = Kit::new();
    let mut alpha = kit.login("alpha").await;
    alpha.expect(&contact_create("reg-1"), 1000).await;
    alpha.expect(&contact_create("adm-1"), 1000).await;
    alpha.expect(&object("create", "domain", &thick("shop.test", "")), 1000).await;
    let mut beta = kit.login("beta").await;
    let domain = |pw: &str| object("info", "domain", &format!("<name>shop.test</name>{pw}"));
    let contact = |pw: &str| object("info", "contact", &format!("<id>reg-1</id>{pw}"));
    let pw = |text: &str| format!("<authInfo><pw>{text}</pw></authInfo>");

    let shown = beta.expect(&domain(""), 1000).await;
    assert!(!shown.contains("registrant") && shown.contains("<domain:clID>alpha</domain:clID>"), "{shown}");
    assert!(beta.expect(&domain(&pw("domain-pass")), 1000).await.contains("registrant"));
    beta.expect(&domain(&pw("wrong")), 2202).await;
    beta.expect(&domain("<authInfo><ext><x xmlns=\"urn:x\"/></ext></authInfo>"), 2102).await;
    let roid = alpha.expect(&contact(""), 1000).await;
    let roid = roid.split("<contact:roid>").nth(1).unwrap().split('<').next().unwrap();
    let by_roid = |text: &str| format!("<authInfo><pw roid=\"{roid}\">{text}</pw></authInfo>");
    assert!(beta.expect(&domain(&by_roid("contact-pass")), 1000).await.contains("registrant"));
    beta.expect(&domain(&by_roid("domain-pass")), 2202).await;

    beta.expect(&contact(""), 2201).await;
    beta.expect(&contact(&pw("")), 2201).await;
    beta.expect(&contact(&pw("wrong")), 2202).await;
    assert!(beta.expect(&contact(&pw("contact-pass")), 1000).await.contains("Malmö"));
    alpha.judge();
    beta.judge();
}

#[tokio::test]
async fn a_check_answers_each_object_with_a_reason() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&thin("taken.example"), 1000).await;
    let names = ["Free.example", "TAKEN.example", "bad_.example", "a.b.example", "x.org"].map(name).concat();
    let answer = client.expect(&object("check", "domain", &names), 1000).await;
    for part in [
        "<domain:name avail=\"1\">Free.example</domain:name></domain:cd>",
        "<domain:name avail=\"0\">TAKEN.example</domain:name><domain:reason>In use</domain:reason>",
        "<domain:name avail=\"0\">bad_.example</domain:name><domain:reason>Invalid name</domain:reason>",
        "<domain:reason>Not one label below a zone</domain:reason>",
        "<domain:reason>Not in a zone served here</domain:reason>",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let hosts = ["ns1.example.com", "!", "ns1.taken.example", "ns1.free.example"].map(name).concat();
    let answer = client.expect(&object("check", "host", &hosts), 1000).await;
    for part in [
        "<host:name avail=\"1\">ns1.taken.example</host:name>",
        "<host:name avail=\"1\">ns1.free.example</host:name>",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let mut beta = kit.login("beta").await;
    let answer = beta.expect(&object("check", "host", &name("ns1.taken.example")), 1000).await;
    assert!(answer.contains("<host:reason>Superordinate is another's</host:reason>"), "{answer}");
    beta.judge();
    client.expect(&object("check", "contact", "<id>abc</id><id>a b</id>"), 1000).await;
    client.expect(&object("check", "domain", &name("a.example").repeat(6)), 2306).await;
    client.judge();
}

#[tokio::test]
async fn refusals_name_the_element_at_fault() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&contact_create("adm-1"), 1000).await;
    let create = |inside: &str| object("create", "domain", inside);
    let contact = |of: &str, to: &str| contact_create("abc").replace(of, to);
    let signed = |(of, to): (&str, &str)| {
        let inside = "<name>a.example</name><authInfo><pw/></authInfo>";
        object_with("create", "domain", inside, &ds().replace(of, to))
    };
    for (frame, code, value) in [
        (create(&thick("a.test", "")), 2303, ">reg-1</registrant>"),
        (thin("a.org"), 2306, ">a.org</name>"),
        (thin("a_.example"), 2005, ">a_.example</name>"),
        (
            create("<name>a.example</name><period unit=\"y\">11</period><authInfo><pw/></authInfo>"),
            2004,
            ">11</period>",
        ),
        (
            create("<name>a.example</name><registrant>adm-1</registrant><authInfo><pw/></authInfo>"),
            2306,
            ">adm-1</registrant>",
        ),
        (
            create("<name>a.example</name><period unit=\"m\">12</period><authInfo><pw/></authInfo>"),
            2306,
            ">12</period>",
        ),
        (
            create(
                "<name>a.example</name><ns><hostObj>bad_ns.icann</hostObj></ns><authInfo><pw/></authInfo>",
            ),
            2005,
            ">bad_ns.icann</hostObj>",
        ),
        (create(&thick("a.test", "").replace("reg-1", "no.pe")), 2303, ">no.pe</registrant>"),
        (
            create(
                &thick("a.test", "")
                    .replace("reg-1", "adm-1")
                    .replace(">adm-1</contact>", ">no.pe</contact>"),
            ),
            2303,
            ">no.pe</contact>",
        ),
        (signed(("<alg>13", "<alg>5")), 2306, ">5</alg>"),
        (signed(("<digestType>2", "<digestType>1")), 2306, ">1</digestType>"),
        (signed(("abab<", "<")), 2005, &format!(">{}</digest>", "AB".repeat(30))),
        (contact("SE<", "XX<"), 2004, ">XX</cc>"),
        (contact("+46.401234", "+0.12345"), 2005, ">+0.12345</voice>"),
        (contact("j@example.com", "é@example.com"), 2005, ">é@example.com</email>"),
        (contact("<name type=\"loc\"/><email/></disclose>", "</disclose>"), 2005, "<disclose xmlns="),
        (
            create("<name>a.example</name><ns><hostObj>ns1.a.org</hostObj></ns><authInfo><pw/></authInfo>"),
            2303,
            ">ns1.a.org</hostObj>",
        ),
        (
            create("<name>a.test</name><contact>adm-1</contact><authInfo><pw/></authInfo>"),
            2003,
            ">adm-1</contact>",
        ),
        (object("create", "host", "<name>ns1.a.example</name><addr>1.2.3</addr>"), 2005, ">1.2.3</addr>"),
        (object("create", "host", "<name>ns1.a.example</name><addr>::1</addr>"), 2005, ">::1</addr>"),
        (object("create", "host", &name("ns1.a.example")), 2303, ">ns1.a.example</name>"),
        (object("info", "host", &name("ns9.example.com")), 2303, ">ns9.example.com</name>"),
        (object("info", "contact", "<id>nobody</id>"), 2303, ">nobody</id>"),
        (contact_create("a b"), 2005, ">a b</id>"),
        (
            contact_create("abc").replace("x=\"12\"", &format!("x=\"{}\"", "1".repeat(33))),
            2005,
            ">+46.401234</voice>",
        ),
    ] {
        let answer = client.expect(&frame, code).await;
        assert!(answer.contains(value), "{value} in {answer}");
    }
    client.judge();
}

#[tokio::test]
async fn country_codes_are_kept_in_upper_case_and_empty_streets_not_at_all() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&contact_create("abc").replace("SE<", "se<").replace("Allé 1", " "), 1000).await;
    let info = client.expect(&object("info", "contact", "<id>abc</id>"), 1000).await;
    assert!(info.contains("<contact:cc>SE</contact:cc>") && !info.contains("contact:street"), "{info}");
    client.judge();
}

#[tokio::test]
async fn messages_wait_until_they_are_acknowledged() {
    let kit = Kit::new();
    let mut client = kit.login("alpha").await;
    client.expect(&thin("old.example"), 1000).await;
    client.expect(&command(POLL), 1300).await;
    kit.pass(366 * DAY);
    let other = client.expect(&object("check", "domain", &name("new.example")), 1000).await;
    assert!(other.contains("<msgQ count=\"1\" id=\""), "{other}");
    let message = client.expect(&command(POLL), 1301).await;
    for part in
        ["<qDate>2027-01-01T00:00:00.000Z</qDate>", "<domain:exDate>2028-01-01T00:00:00.000Z</domain:exDate>"]
    {
        assert!(message.contains(part), "{part} in {message}");
    }
    let id = message.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
    client.expect(&command("<poll op=\"ack\"/>"), 2003).await;
    client.expect(&command("<poll op=\"ack\" msgID=\"x\"/>"), 2303).await;
    client.expect(&command("<poll op=\"ack\" msgID=\"999999\"/>"), 2303).await;
    let left = client.expect(&command(&format!("<poll op=\"ack\" msgID=\"{id}\"/>")), 1000).await;
    assert!(!left.contains("msgQ"), "{left}");
    client.expect(&command(POLL), 1300).await;
    client.judge();
}
