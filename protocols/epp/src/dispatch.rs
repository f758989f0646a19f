//! From a command to its answer: the gates behind the schema's, then one match.
//!
//! Reads are answered from a linearizable view; writes go through [`registry::execute`], which checks early and
//! submits. What may be done is decided in `registry`, never here.

use std::sync::Arc;

use registry::view::Waiting;
use registry::{Actor, Backend, Freshness, Refusal, Reply, Stop, SvTrid, contact, domain, host};
use storage::View;

use crate::authinfo::AuthInfo;
use crate::denial::{Denial, decided, failed, short_reason, stopped, unsealed};
use crate::request::{Command, Verb};
use crate::response::{Answer, Checked, Data, Queue};
use crate::result::ResultCode;
use crate::session::{Client, Session};
use crate::subject::Subject;
use crate::xml::{Ns, Offender};
use crate::{contact as contact_wire, domain as domain_wire, host as host_wire};

impl<B: Backend> Session<B> {
    /// Answers one command.
    pub(crate) async fn answer(&mut self, command: Command, svtrid: SvTrid) -> Result<Answer, Denial> {
        let Command { verb, extension } = command;
        match (&verb, &self.client) {
            (Verb::Absent(name), _) => return Err(absent(name)),
            (Verb::Login(login), None) => {
                return self.login(login, extension.unknown.as_deref(), svtrid).await;
            }
            _ => {}
        }
        let client = Arc::clone(self.client()?);
        check_announced(&client, &verb)?;
        if let Some(uri) = extension.unknown {
            return Err(unknown_extension(&uri));
        }
        let secdns = client.announced.contains(&Ns::SecDns);
        if extension.secdns.is_some() && !secdns {
            return Err(unknown_extension(Ns::SecDns.uri()));
        }
        let by = client.actor();
        let answered = match verb {
            Verb::Login(_) => Err(Denial::new(ResultCode::CommandUse, "the session is logged in already")),
            Verb::Absent(name) => Err(absent(name)),
            Verb::Foreign { uri } => Err(unknown_object(&uri)),
            Verb::Logout => Ok(Answer { code: ResultCode::OkEnding, data: Data::None, queue: None }),
            Verb::Poll(asked) => return self.poll(asked, &client, svtrid).await,
            Verb::DomainCheck(names) => {
                let kept = &self.site.kept;
                let look = |db: &View, name: &str| domain::check::availability(db, kept, &by, name);
                self.check(names, Data::DomainChecked, look).await
            }
            Verb::HostCheck(names) => {
                self.check(names, Data::HostChecked, |db, name| host::check::availability(db, &by, name))
                    .await
            }
            Verb::ContactCheck(names) => self.check(names, Data::ContactChecked, contact::availability).await,
            Verb::DomainInfo(asked) => self.domain_info(asked, &by, secdns).await,
            Verb::HostInfo(name) => self.host_info(name).await,
            Verb::ContactInfo(asked) => self.contact_info(asked, &client).await,
            Verb::DomainCreate(asked) => {
                self.domain_create(asked, extension.secdns.unwrap_or_default(), by, svtrid).await
            }
            Verb::HostCreate(asked) => self.host_create(asked, by, svtrid).await,
            Verb::ContactCreate(asked) => self.contact_create(asked, &client, svtrid).await,
        };
        let mut answer = match answered {
            Ok(answer) => answer,
            Err(denial) => return Err(self.denied(denial).await),
        };
        answer.queue = self.waiting(client.id).await;
        Ok(answer)
    }

    async fn check(
        &self,
        names: Vec<String>,
        data: fn(Vec<Checked>) -> Data,
        look: impl Fn(&View, &str) -> Result<Option<Refusal>, Stop>,
    ) -> Result<Answer, Denial> {
        let most = self.site.limits.checks_max;
        if names.len() > most {
            let reason = format!("at most {most} objects can be checked in one command");
            return Err(Denial::new(ResultCode::ParameterPolicy, reason));
        }
        let view = self.view().await?;
        let line = |name: String| {
            let taken = look(&view, &name)?.map(|refusal| short_reason(&refusal));
            Ok(Checked { name, taken })
        };
        let lines: Result<Vec<Checked>, Stop> = names.into_iter().map(line).collect();
        Ok(Answer::ok(data(lines.map_err(failed)?)))
    }

    async fn domain_info(
        &self,
        asked: domain_wire::info::Info,
        by: &Actor,
        secdns: bool,
    ) -> Result<Answer, Denial> {
        let view = self.view().await?;
        let subject = Subject::new(Ns::Domain, asked.name.as_str());
        let (name, domain, mut standing) =
            domain::info::find(&view, by, &asked.name).map_err(|stop| stopped(stop, &subject))?;
        if let Some((secret, roid)) = given(asked.authinfo)? {
            let stored = domain::info::authinfo_of(&view, &domain, roid.as_deref());
            let stored = stored.map_err(|stop| stopped(stop, &subject))?;
            self.must_match(stored.as_ref(), &secret)?;
            standing = domain::info::Standing::Full;
        }
        let info = domain::info::info(&view, &self.site.kept, name, domain, standing, asked.hosts);
        let info = info.map_err(|stop| stopped(stop, &subject))?;
        Ok(Answer::ok(Data::DomainInfo { info: Box::new(info), secdns }))
    }

    async fn host_info(&self, name: String) -> Result<Answer, Denial> {
        let view = self.view().await?;
        let info = host::info::info(&view, &name);
        let subject = Subject::new(Ns::Host, name);
        Ok(Answer::ok(Data::HostInfo(Box::new(info.map_err(|stop| stopped(stop, &subject))?))))
    }

    async fn contact_info(&self, asked: contact_wire::info::Info, client: &Client) -> Result<Answer, Denial> {
        let view = self.view().await?;
        let subject = Subject::new(Ns::Contact, asked.handle.as_str());
        let (id, found, mut standing) = contact::info::find(&view, &client.actor(), &asked.handle)
            .map_err(|stop| stopped(stop, &subject))?;
        if let Some((secret, _)) = given(asked.authinfo)? {
            self.must_match(found.authinfo.as_ref(), &secret)?;
            standing = domain::info::Standing::Full;
        }
        let info = contact::info::info(&view, id, found, standing).map_err(|stop| stopped(stop, &subject))?;
        let data =
            contact::open(&self.site.keys, &client.repository, &info.contact.handle, &info.contact.sealed);
        let data = Box::new(data.map_err(|fault| unsealed(&fault))?);
        Ok(Answer::ok(Data::ContactInfo { info: Box::new(info), data }))
    }

    async fn domain_create(
        &self,
        asked: domain_wire::create::Create,
        secdns: domain::SecDns,
        by: Actor,
        svtrid: SvTrid,
    ) -> Result<Answer, Denial> {
        let subject = Subject::new(Ns::Domain, asked.name.as_str());
        if let Some(handle) = asked.contact_without_role() {
            let offender = subject.at("contact", handle);
            return Err(Denial::new(ResultCode::ParameterMissing, "a contact needs a type").at(offender));
        }
        let secret = new_secret(&asked.authinfo)?;
        let create = asked.command(&self.site, &secret, secdns).map_err(|fault| unsealed(&fault))?;
        self.submit(registry::Verb::DomainCreate(Box::new(create)), by, &subject, svtrid).await
    }

    async fn host_create(
        &self,
        asked: host_wire::create::Create,
        by: Actor,
        svtrid: SvTrid,
    ) -> Result<Answer, Denial> {
        let subject = Subject::new(Ns::Host, asked.name.as_str());
        let create = asked.command().map_err(|address| {
            let reason = format!("'{}' is not an IP address of the given version", address.text);
            Denial::new(ResultCode::ParameterSyntax, reason).at(subject.at("addr", &address.text))
        })?;
        self.submit(registry::Verb::HostCreate(Box::new(create)), by, &subject, svtrid).await
    }

    async fn contact_create(
        &self,
        asked: contact_wire::create::Create,
        client: &Client,
        svtrid: SvTrid,
    ) -> Result<Answer, Denial> {
        let secret = new_secret(&asked.authinfo)?;
        let create = asked.command(&self.site, &client.repository, &secret);
        let create = create.map_err(|fault| unsealed(&fault))?;
        let overlong = asked.overlong_extension();
        let subject = Subject::contact(asked.handle, asked.data);
        if let Some((element, number)) = overlong {
            let reason = format!("the extension of '{element}' is too long");
            return Err(Denial::new(ResultCode::ParameterSyntax, reason).at(subject.at(element, &number)));
        }
        self.submit(registry::Verb::ContactCreate(Box::new(create)), client.actor(), &subject, svtrid).await
    }

    /// Carries a write out and turns its outcome into an answer.
    async fn submit(
        &self,
        verb: registry::Verb,
        by: Actor,
        subject: &Subject,
        svtrid: SvTrid,
    ) -> Result<Answer, Denial> {
        let outcome = registry::execute(&self.backend, verb, by, svtrid).await;
        decided(outcome, subject).map(|reply| Answer::ok(told(reply)))
    }

    fn must_match(&self, stored: Option<&registry::authinfo::AuthInfo>, secret: &str) -> Result<(), Denial> {
        match registry::authinfo::matches(&self.site.keys, stored, secret) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let reason = "the authInfo is not that of the object, or none is set".to_owned();
                Err(Denial { reason, ..Denial::refused(&Refusal::AuthInfoWrong) })
            }
            Err(fault) => Err(unsealed(&fault)),
        }
    }

    /// The state of the message queue, for answers to other commands. From this node's own data: it is a hint.
    pub(crate) async fn waiting(&self, registrar: u64) -> Option<Queue> {
        let view = self.backend.view(Freshness::Local).await.ok()?;
        let Waiting { count, id } = self.site.kept.waiting(&view, registrar).ok()??;
        Some(Queue { count, id, message: None })
    }
}

/// The gate of objects: known here, and announced at login.
fn check_announced(client: &Client, verb: &Verb) -> Result<(), Denial> {
    match verb.object() {
        Some(object) if !client.announced.contains(&object) => Err(unknown_object(object.uri())),
        Some(_) => Ok(()),
        None => match verb {
            Verb::Foreign { uri } => Err(unknown_object(uri)),
            _ => Ok(()),
        },
    }
}

fn absent(name: &str) -> Denial {
    Denial::new(ResultCode::UnimplementedCommand, format!("{name} is not implemented"))
}

fn unknown_object(uri: &str) -> Denial {
    let offender = Offender::new(Ns::Epp, "objURI", uri);
    Denial::new(ResultCode::UnimplementedObject, "not in the greeting, or not announced at login")
        .at(offender)
}

pub(crate) fn unknown_extension(uri: &str) -> Denial {
    let offender = Offender::new(Ns::Epp, "extURI", uri);
    let reason = "not in the greeting, not announced at login, or not an extension of this command";
    Denial::new(ResultCode::UnimplementedExtension, reason).at(offender)
}

/// A password to be compared.
// DEVIATION: an empty one counts as not given, since some clients always send the element.
fn given(authinfo: Option<AuthInfo>) -> Result<Option<(String, Option<String>)>, Denial> {
    match authinfo {
        None => Ok(None),
        Some(AuthInfo::Password { secret, .. }) if secret.reveal().is_empty() => Ok(None),
        Some(AuthInfo::Password { secret, roid }) => Ok(Some((secret.reveal().to_owned(), roid))),
        Some(AuthInfo::Extended) => Err(extended()),
    }
}

/// A password to be set.
fn new_secret(authinfo: &AuthInfo) -> Result<String, Denial> {
    match authinfo {
        AuthInfo::Password { secret, .. } => Ok(secret.reveal().to_owned()),
        AuthInfo::Extended => Err(extended()),
    }
}

fn extended() -> Denial {
    Denial::new(ResultCode::UnimplementedOption, "authInfo is taken as pw only")
}

fn told(reply: Reply) -> Data {
    match reply {
        Reply::DomainCreated { name, created, expiry } => Data::DomainCreated { name, created, expiry },
        Reply::HostCreated { name, created } => Data::HostCreated { name, created },
        Reply::ContactCreated { handle, created } => Data::ContactCreated { handle, created },
        Reply::Ok
        | Reply::Ticked { .. }
        | Reply::Acknowledged { .. }
        | Reply::RegistrarCreated { .. }
        | Reply::TldCreated { .. }
        | Reply::Marked { .. }
        | Reply::NodeAllocated { .. }
        | Reply::NameMarked { .. } => Data::None,
    }
}
