//! A frame as a request: the root, the command around its verb, and the transaction identifier of the client.
//!
//! The gates of the schema end here; whether the client may do what it asks is for `dispatch`.

use crate::ext::{self, Extension};
use crate::login::{self, Login};
use crate::poll::{self, Poll};
use crate::xml::types::{collapse, token, word};
use crate::xml::{El, Limits, Ns, Seq, Syntax, tree};
use crate::{contact, domain, host};

/// A frame after reading. The client's identifier is known even where the rest is refused, if it could be found.
#[derive(Debug)]
pub struct Frame {
    pub cltrid: Option<String>,
    pub request: Result<Request, Syntax>,
}

#[derive(Debug)]
pub enum Request {
    Hello,
    Command(Box<Command>),
}

#[derive(Debug)]
pub struct Command {
    pub verb: Verb,
    pub extension: Extension,
}

/// What is asked for. The strings are as the client sent them, white space aside.
#[derive(Debug)]
pub enum Verb {
    Login(Login),
    Logout,
    Poll(Poll),
    DomainCheck(Vec<String>),
    DomainInfo(domain::info::Info),
    DomainCreate(domain::create::Create),
    HostCheck(Vec<String>),
    HostInfo(String),
    HostCreate(host::create::Create),
    ContactCheck(Vec<String>),
    ContactInfo(contact::info::Info),
    ContactCreate(contact::create::Create),
    /// Well-formed and valid, and not there yet; named as `domain:renew`.
    Absent(&'static str),
    /// A command on objects of a namespace that nobody here knows.
    Foreign {
        uri: String,
    },
}

impl Verb {
    /// The name in logs and metrics: a fixed vocabulary.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Login(_) => "login",
            Verb::Logout => "logout",
            Verb::Poll(Poll::Request) => "poll:req",
            Verb::Poll(Poll::Acknowledge { .. }) => "poll:ack",
            Verb::DomainCheck(_) => "domain:check",
            Verb::DomainInfo(_) => "domain:info",
            Verb::DomainCreate(_) => "domain:create",
            Verb::HostCheck(_) => "host:check",
            Verb::HostInfo(_) => "host:info",
            Verb::HostCreate(_) => "host:create",
            Verb::ContactCheck(_) => "contact:check",
            Verb::ContactInfo(_) => "contact:info",
            Verb::ContactCreate(_) => "contact:create",
            Verb::Absent(name) => name,
            Verb::Foreign { .. } => "foreign",
        }
    }

    /// The namespace of the object that the command is about.
    pub fn object(&self) -> Option<Ns> {
        let name = self.name();
        match name.split_once(':').map_or(name, |(object, _)| object) {
            "domain" => Some(Ns::Domain),
            "host" => Some(Ns::Host),
            "contact" => Some(Ns::Contact),
            _ => None,
        }
    }
}

/// The verbs of RFC 5730.
const VERBS: [&str; 10] =
    ["check", "create", "delete", "info", "login", "logout", "poll", "renew", "transfer", "update"];

/// Reads a frame.
pub fn parse(frame: &[u8]) -> Frame {
    match tree(frame, &Limits::default()) {
        Ok(root) => Frame { cltrid: cltrid_of(&root), request: request(&root) },
        Err(syntax) => Frame { cltrid: scavenged_cltrid(frame), request: Err(syntax) },
    }
}

fn request(root: &El<'_>) -> Result<Request, Syntax> {
    if !root.is(&Ns::Epp, "epp") {
        let uri = Ns::Epp;
        return Err(Syntax::schema(root, format!("the root must be 'epp' of the namespace {}", uri.uri())));
    }
    check_verb_is_known(root)?;
    root.seq(|s| match s.opt("hello", |_| Ok(Request::Hello))? {
        Some(hello) => Ok(hello),
        None => s.one("command", command),
    })
}

/// This gate comes before the schema's: what RFC 5730 does not name as a command is 2000, whatever is in it.
fn check_verb_is_known(root: &El<'_>) -> Result<(), Syntax> {
    let Some(first) = root.children.first() else { return Ok(()) };
    if ["greeting", "response", "extension"].iter().any(|other| first.is(&Ns::Epp, other)) {
        return Err(Syntax::unknown_verb(first));
    }
    let verb = if first.is(&Ns::Epp, "command") { first.children.first() } else { None };
    let known = |verb: &El<'_>| verb.ns == Ns::Epp && VERBS.contains(&verb.local);
    let missing = |verb: &El<'_>| verb.ns == Ns::Epp && matches!(verb.local, "extension" | "clTRID");
    match verb {
        Some(verb) if !known(verb) && !missing(verb) => Err(Syntax::unknown_verb(verb)),
        _ => Ok(()),
    }
}

/// `commandType`.
fn command(element: &El<'_>) -> Result<Request, Syntax> {
    element.seq(|s| {
        let verb = verb(s)?;
        let extension = s.opt("extension", |e| ext::parse(e, verb.name()))?.unwrap_or_default();
        s.opt("clTRID", token(3, 64))?;
        Ok(Request::Command(Box::new(Command { verb, extension })))
    })
}

fn verb(s: &mut Seq<'_, '_>) -> Result<Verb, Syntax> {
    let name = s.peek().map(|verb| verb.local);
    let known = name.and_then(|name| VERBS.into_iter().find(|verb| *verb == name));
    match known {
        Some("login") => s.one("login", |e| login::parse(e).map(Verb::Login)),
        Some("logout") => s.one("logout", |_| Ok(Verb::Logout)),
        Some("poll") => s.one("poll", |e| poll::parse(e).map(Verb::Poll)),
        Some(verb) => s.one(verb, |e| on_object(e, verb)),
        None => Err(s.expected("a command")),
    }
}

/// `readWriteType` and `transferType`: one element of another namespace.
fn on_object(element: &El<'_>, verb: &str) -> Result<Verb, Syntax> {
    const OPS: [(&str, ()); 5] =
        [("approve", ()), ("cancel", ()), ("query", ()), ("reject", ()), ("request", ())];
    element.seq(|s| {
        if verb == "transfer" {
            word(element, "the attribute op", &s.required_attr("op")?, &OPS)?;
        }
        let object = s.foreign().ok_or_else(|| s.expected("an object"))?;
        // DEVIATION: the schema would take any element of the namespace here.
        if matches!(object.ns, Ns::Domain | Ns::Host | Ns::Contact) && object.local != verb {
            return Err(Syntax::schema(object, format!("'{verb}' must hold an element of the same name")));
        }
        of_object(object)
    })
}

/// The content models, one line each.
fn of_object(object: &El<'_>) -> Result<Verb, Syntax> {
    let absent = |name: &'static str| move |()| Verb::Absent(name);
    match (&object.ns, object.local) {
        (Ns::Domain, "check") => domain::check::parse(object).map(Verb::DomainCheck),
        (Ns::Domain, "info") => domain::info::parse(object).map(Verb::DomainInfo),
        (Ns::Domain, "create") => domain::create::parse(object).map(Verb::DomainCreate),
        (Ns::Domain, "delete") => domain::delete::parse(object).map(absent("domain:delete")),
        (Ns::Domain, "renew") => domain::renew::parse(object).map(absent("domain:renew")),
        (Ns::Domain, "transfer") => domain::transfer::parse(object).map(absent("domain:transfer")),
        (Ns::Domain, "update") => domain::update::parse(object).map(absent("domain:update")),
        (Ns::Host, "check") => host::check::parse(object).map(Verb::HostCheck),
        (Ns::Host, "info") => host::info::parse(object).map(Verb::HostInfo),
        (Ns::Host, "create") => host::create::parse(object).map(Verb::HostCreate),
        (Ns::Host, "delete") => host::delete::parse(object).map(absent("host:delete")),
        (Ns::Host, "update") => host::update::parse(object).map(absent("host:update")),
        (Ns::Contact, "check") => contact::check::parse(object).map(Verb::ContactCheck),
        (Ns::Contact, "info") => contact::info::parse(object).map(Verb::ContactInfo),
        (Ns::Contact, "create") => contact::create::parse(object).map(Verb::ContactCreate),
        (Ns::Contact, "delete") => contact::delete::parse(object).map(absent("contact:delete")),
        (Ns::Contact, "transfer") => contact::transfer::parse(object).map(absent("contact:transfer")),
        (Ns::Contact, "update") => contact::update::parse(object).map(absent("contact:update")),
        (Ns::Domain | Ns::Host | Ns::Contact, verb) => {
            Err(Syntax::schema(object, format!("these objects have no '{verb}'")))
        }
        (foreign, _) => Ok(Verb::Foreign { uri: foreign.uri().to_owned() }),
    }
}

/// The identifier of a well-formed frame, wherever in the command it stands.
fn cltrid_of(root: &El<'_>) -> Option<String> {
    let element = root.child("command")?.child("clTRID")?;
    token(3, 64)(element).ok()
}

/// The identifier of a frame that is not XML: what stands between the only pair of `clTRID` tags, if it is plain.
fn scavenged_cltrid(frame: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(frame).ok()?;
    let (before, rest) = text.split_once("clTRID>")?;
    let (value, after) = rest.split_once("</")?;
    let tag = before.rsplit('<').next()?;
    let plain =
        !value.contains(['<', '>', '&']) && value.chars().all(|c| !c.is_control() || c.is_whitespace());
    let only = after.matches("clTRID>").count() == 1 && !tag.contains(['/', '>', ' ']);
    let value = collapse(value);
    (plain && only && (3..=64).contains(&value.chars().count())).then(|| value.into_owned())
}
