//! EPP documents as they go over the wire. All labels have the same length, so that a frame is rendered once and
//! asks for another name by overwriting thirteen octets.

use crate::names::{LABEL_LEN, Label};

const OPEN: &str =
    r#"<?xml version="1.0" encoding="UTF-8"?><epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><command>"#;
const CLOSE: &str = "<clTRID>bench</clTRID></command></epp>";
const DOMAIN: &str = "urn:ietf:params:xml:ns:domain-1.0";
const CONTACT: &str = "urn:ietf:params:xml:ns:contact-1.0";
const HOST: &str = "urn:ietf:params:xml:ns:host-1.0";

/// The zone without contacts, and the one that requires them.
pub const THIN_ZONE: &str = "example";
pub const THICK_ZONE: &str = "test";

/// Stands where a label belongs, and nowhere else in a frame.
const PLACEHOLDER: &str = "label-of-name";
const _: () = assert!(PLACEHOLDER.len() == LABEL_LEN);

/// Name servers of thick domains: outside of the registry, shared by all.
const NAME_SERVERS: [&str; 2] = ["ns1.bench-dns.net", "ns2.bench-dns.net"];

/// A frame with a label in it, once or more often.
#[derive(Clone, Debug)]
pub struct Frame {
    octets: Vec<u8>,
    at: Vec<usize>,
}

impl Frame {
    /// Asks for another name.
    pub fn naming(&mut self, label: &Label) -> &[u8] {
        for at in &self.at {
            self.octets[*at..*at + LABEL_LEN].copy_from_slice(label);
        }
        &self.octets
    }

    /// From the inside of a `<command>` in which `{}` stands for the label.
    fn new(command: &str) -> Frame {
        let octets = frame(&command.replace("{}", PLACEHOLDER));
        let at: Vec<usize> = memchr::memmem::find_iter(&octets, PLACEHOLDER).collect();
        assert!(!at.is_empty(), "no place for a label in {command}");
        Frame { octets, at }
    }
}

/// The octets of a frame (RFC 5734 section 4) around the inside of a `<command>`.
fn frame(command: &str) -> Vec<u8> {
    let document = format!("{OPEN}{command}{CLOSE}");
    let length = u32::try_from(document.len() + 4).expect("a short document");
    [&length.to_be_bytes(), document.as_bytes()].concat()
}

pub fn login(registrar: &str, password: &str) -> Vec<u8> {
    frame(&format!(
        "<login><clID>{registrar}</clID><pw>{password}</pw><options><version>1.0</version><lang>en</lang></options>\
         <svcs><objURI>{DOMAIN}</objURI><objURI>{CONTACT}</objURI><objURI>{HOST}</objURI></svcs></login>"
    ))
}

pub fn check(zone: &str) -> Frame {
    Frame::new(&format!(
        r#"<check><domain:check xmlns:domain="{DOMAIN}"><domain:name>{{}}.{zone}</domain:name></domain:check></check>"#
    ))
}

pub fn info(zone: &str) -> Frame {
    Frame::new(&format!(
        r#"<info><domain:info xmlns:domain="{DOMAIN}"><domain:name>{{}}.{zone}</domain:name></domain:info></info>"#
    ))
}

/// A create without contacts and name servers.
pub fn create_thin() -> Frame {
    create(THIN_ZONE, "", "")
}

/// A create with the three contacts of the registrar, see [`contacts`], and two name servers, see [`hosts`].
pub fn create_thick(registrar: &str) -> Frame {
    thick(&contact_ids(registrar), &NAME_SERVERS)
}

/// Creates a contact, a name server, and a domain that is nobody else's with them. The contact's id tells whose it is:
/// seeding may be resumed by another registrar, which may not link it.
pub fn create_own(account: usize) -> [Frame; 3] {
    const SERVER: &str = "ns.{}.bench-dns.net";
    let contact = format!("{{}}-{account:02}");
    let domain = thick(&[(); 3].map(|()| contact.clone()), &[SERVER]);
    [Frame::new(&create_contact(&contact)), Frame::new(&create_host(SERVER)), domain]
}

fn thick([registrant, admin, tech]: &[String; 3], servers: &[&str]) -> Frame {
    let servers: String =
        servers.iter().map(|host| format!("<domain:hostObj>{host}</domain:hostObj>")).collect();
    let contacts = format!(
        r#"<domain:registrant>{registrant}</domain:registrant><domain:contact type="admin">{admin}</domain:contact><domain:contact type="tech">{tech}</domain:contact>"#
    );
    create(THICK_ZONE, &format!("<domain:ns>{servers}</domain:ns>"), &contacts)
}

fn create(zone: &str, name_servers: &str, contacts: &str) -> Frame {
    Frame::new(&format!(
        r#"<create><domain:create xmlns:domain="{DOMAIN}"><domain:name>{{}}.{zone}</domain:name>{name_servers}{contacts}<domain:authInfo><domain:pw/></domain:authInfo></domain:create></create>"#
    ))
}

fn contact_ids(registrar: &str) -> [String; 3] {
    ["r", "a", "t"].map(|role| format!("b-{registrar}-{role}"))
}

/// Creates the contacts that a registrar's thick domains have.
pub fn contacts(registrar: &str) -> Vec<Vec<u8>> {
    contact_ids(registrar).iter().map(|id| frame(&create_contact(id))).collect()
}

/// Creates the name servers of thick domains.
pub fn hosts() -> Vec<Vec<u8>> {
    NAME_SERVERS.iter().map(|name| frame(&create_host(name))).collect()
}

fn create_contact(id: &str) -> String {
    format!(
        r#"<create><contact:create xmlns:contact="{CONTACT}"><contact:id>{id}</contact:id><contact:postalInfo type="int"><contact:name>Benchmark Holder</contact:name><contact:org>Example Organization</contact:org><contact:addr><contact:street>1 Example Street</contact:street><contact:city>Exampleton</contact:city><contact:pc>00000</contact:pc><contact:cc>NL</contact:cc></contact:addr></contact:postalInfo><contact:voice>+31.201234567</contact:voice><contact:email>holder@bench-dns.net</contact:email><contact:authInfo><contact:pw/></contact:authInfo></contact:create></create>"#
    )
}

fn create_host(name: &str) -> String {
    format!(
        r#"<create><host:create xmlns:host="{HOST}"><host:name>{name}</host:name></host:create></create>"#
    )
}

/// The result code of an answer (RFC 5730 section 2.6), found without reading the document; 0 without one.
pub fn code(document: &[u8]) -> u16 {
    const BEFORE: &[u8] = b"<result code=\"";
    let Some(at) = memchr::memmem::find(document, BEFORE) else { return 0 };
    let digits = document.get(at + BEFORE.len()..at + BEFORE.len() + 4).unwrap_or_default();
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::label;

    #[test]
    fn a_frame_counts_itself_and_holds_the_name() {
        let frames = [check("example"), info("test"), create_thin(), create_thick("alpha")];
        let [contact, host, domain] = create_own(98);
        let domains = frames.into_iter().chain([domain]).map(|frame| (frame, "<domain:name>LABEL."));
        let others = [(contact, "<contact:id>LABEL-98<"), (host, "<host:name>ns.LABEL.bench-dns.net<")];
        for (mut frame, expected) in domains.chain(others) {
            for n in 0..3 {
                let octets = frame.naming(&label(n)).to_vec();
                let length = u32::from_be_bytes(octets[..4].try_into().unwrap());
                assert_eq!(length as usize, octets.len());
                let text = String::from_utf8(octets[4..].to_vec()).unwrap();
                let expected = expected.replace("LABEL", std::str::from_utf8(&label(n)).unwrap());
                assert!(text.contains(&expected) && !text.contains(PLACEHOLDER), "{text}");
            }
        }
    }

    #[test]
    fn contacts_of_any_registrar_have_legal_ids() {
        for registrar in ["alpha", "bench-32"] {
            let text = String::from_utf8(create_thick(registrar).octets).unwrap();
            for id in contact_ids(registrar) {
                assert!((3..=16).contains(&id.len()), "{id}");
                assert!(text.contains(&format!(">{id}<")));
            }
        }
    }

    #[test]
    fn codes_are_found() {
        assert_eq!(code(br#"<epp><response><result code="1000"><msg>..."#), 1000);
        assert_eq!(code(br#"<epp><response><result code="23"#), 0);
        assert_eq!(code(b"<epp><greeting>"), 0);
    }
}
