//! The tester: a session with the server, what was said, and the verdicts on rows.

use epp::xml::{El, Limits, tree};
use std::collections::BTreeMap;
use tests::scenario::{
    Document, schema,
    world::{Client, World, code},
};

/// A row of a sheet with its values made.
pub type Row<'s> = BTreeMap<&'s str, String>;

const EPP: &str = "urn:ietf:params:xml:ns:epp-1.0";

/// How many rows were accepted, refused, and not given to a registry of this kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub refused: usize,
    pub skipped: usize,
}

/// A registrar's session with everything that was said in it.
pub struct Tester {
    client: Client,
    documents: Vec<Document>,
    pub tally: Tally,
}

impl Tester {
    pub async fn login(world: &World, handle: &str) -> Tester {
        let client = world.login(handle).await;
        Tester { client, documents: Vec::new(), tally: Tally::default() }
    }

    /// Sends the inside of a command.
    pub async fn send(&mut self, inside: &str) -> (u16, String) {
        let frame =
            format!("<epp xmlns=\"{EPP}\"><command>{inside}<clTRID>RST-12345</clTRID></command></epp>");
        let answer = self.client.send(frame.as_bytes()).await;
        let code = code(&answer).expect("an answer has a code");
        if code < 2000 {
            self.said(&frame, &frame);
        }
        self.said(&frame, &answer);
        (code, answer)
    }

    fn said(&mut self, about: &str, document: &str) {
        let octets = document.as_bytes().to_vec();
        self.documents.push(Document { origin: format!("about {about}"), octets, valid: true });
    }

    /// Sends the command of a row; the answer to it where it should pass.
    pub async fn judge(&mut self, number: usize, row: &Row<'_>, inside: &str) -> bool {
        let (code, answer) = self.send(inside).await;
        let place = || format!("row {number}, {}: {inside}\nis answered {answer}", row["errorCode"]);
        match &*row["passOrFail"] {
            "pass" => assert!(code <= 1999, "{}", place()),
            "fail" => assert!(code >= 2000 && code != 2400, "{}", place()),
            other => panic!("row {number} says neither pass nor fail but {other}"),
        }
        let (passed, refused) = (usize::from(code <= 1999), usize::from(code >= 2000));
        self.tally.passed += passed;
        self.tally.refused += refused;
        passed == 1
    }

    /// Sends a command that must succeed.
    pub async fn accepted(&mut self, inside: &str) -> String {
        let (code, answer) = self.send(inside).await;
        assert!(code <= 1999, "{inside}\nis answered {answer}");
        answer
    }

    /// Sends a command that must be refused, by a rule and not by a failure.
    pub async fn refused(&mut self, inside: &str) -> u16 {
        let (code, answer) = self.send(inside).await;
        assert!(code >= 2000 && code != 2400, "{inside}\nis answered {answer}");
        code
    }

    /// Ends: the schemas judge what was said. The rows that were given are told.
    pub fn finish(self) -> Tally {
        schema::must_agree(&self.documents);
        self.tally
    }
}

/// A command on an object, with the object's namespace as default.
pub fn object(verb: &str, object: &str, inside: &str) -> String {
    let uri = format!("urn:ietf:params:xml:ns:{object}-1.0");
    format!("<{verb}><{verb} xmlns=\"{uri}\">{inside}</{verb}></{verb}>")
}

/// An element for every value; values are written as they are.
pub fn elements<'v>(name: &str, values: impl IntoIterator<Item = &'v str>) -> String {
    values.into_iter().map(|value| format!("<{name}>{value}</{name}>")).collect()
}

/// What an answer tells: all its elements, by local name, in order of appearance.
pub struct Told(Vec<(String, BTreeMap<String, String>, String)>);

impl Told {
    pub fn of(answer: &str) -> Told {
        let root = tree(answer.as_bytes(), &Limits::default()).expect("an answer is well-formed");
        let mut told = Told(Vec::new());
        told.walk(&root);
        told
    }

    fn walk(&mut self, element: &El<'_>) {
        let attributes = element.attrs.iter().map(|a| (a.local.to_owned(), a.value.to_string())).collect();
        self.0.push((element.local.to_owned(), attributes, element.text.to_string()));
        element.children.iter().for_each(|child| self.walk(child));
    }

    /// The texts of all elements of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(local, ..)| local == name).map(|(.., text)| text.as_str()).collect()
    }

    /// The text of the only element of this name.
    pub fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0]
    }

    /// An attribute of all elements of this name.
    pub fn attributes(&self, name: &str, attribute: &str) -> Vec<&str> {
        let of = self.0.iter().filter(|(local, ..)| local == name);
        of.filter_map(|(_, attributes, _)| attributes.get(attribute).map(String::as_str)).collect()
    }
}
