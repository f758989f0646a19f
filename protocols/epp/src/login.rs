//! `login` (RFC 5730 section 2.9.1.1): what it looks like, and what it takes to be let in.
//!
//! A registrar proves itself by its password and, where the operator pinned one, by its client certificate. What
//! was wrong is logged and not told. Whoever failed too often, by source, is refused unseen (`attempts`).

use std::sync::Arc;

use registry::registrar::{self, Registrar, RegistrarPassword};
use registry::{Actor, Backend, Refusal, SvTrid, repository};
use tracing::info;

use crate::attempts::Unseen;
use crate::denial::{Denial, decided, failed, unsealed};
use crate::dispatch::unknown_extension;
use crate::greeting::Menu;
use crate::passwords::{Owner, Unchecked};
use crate::response::{Answer, Data};
use crate::result::ResultCode;
use crate::secret::Secret;
use crate::session::{Client, Session};
use crate::subject::Subject;
use crate::xml::types::{collapse, language, sized, token};
use crate::xml::{El, Ns, Offender, Syntax};

/// A login as it was sent.
#[derive(Debug)]
pub struct Login {
    pub client: String,
    pub password: Secret,
    pub new_password: Option<Secret>,
    /// Two numbers with a dot. The schema knows `1.0` alone; another one is told by 2100, not as a syntax error.
    pub version: String,
    pub language: String,
    /// Namespaces of the objects to be managed in the session.
    pub objects: Vec<String>,
    /// Namespaces of the extensions to be used in the session.
    pub extensions: Vec<String>,
}

/// `loginType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Login, Syntax> {
    element.seq(|s| {
        let client = s.one("clID", token(3, 16))?;
        let password = s.one("pw", secret)?;
        let new_password = s.opt("newPW", secret)?;
        let (version, language) = s.one("options", options)?;
        let (objects, extensions) = s.one("svcs", services)?;
        Ok(Login { client, password, new_password, version, language, objects, extensions })
    })
}

/// `pwType`.
fn secret(element: &El<'_>) -> Result<Secret, Syntax> {
    element.leaf(|_, text| sized(element, collapse(text).into_owned(), 6, 16)).map(Secret::new)
}

fn options(element: &El<'_>) -> Result<(String, String), Syntax> {
    element.seq(|s| Ok((s.one("version", version)?, s.one("lang", |e| e.leaf(|_, text| language(e, text)))?)))
}

// DEVIATION: the schema enumerates 1.0, so that any other version would be 2001; RFC 5730 has 2100 for it.
fn version(element: &El<'_>) -> Result<String, Syntax> {
    element.leaf(|_, text| {
        let version = collapse(text);
        let right = version.split_once('.').is_some_and(|(major, minor)| {
            !major.is_empty()
                && major.bytes().all(|byte| matches!(byte, b'1'..=b'9'))
                && !minor.is_empty()
                && minor.bytes().all(|byte| byte.is_ascii_digit())
        });
        if right {
            Ok(version.into_owned())
        } else {
            Err(Syntax::schema(element, "a version is written as 1.0"))
        }
    })
}

fn services(element: &El<'_>) -> Result<(Vec<String>, Vec<String>), Syntax> {
    element.seq(|s| {
        let objects = s.many("objURI", 1..=usize::MAX, uri)?;
        let extensions = s.opt("svcExtension", |e| e.seq(|s| s.many("extURI", 1..=usize::MAX, uri)))?;
        Ok((objects, extensions.unwrap_or_default()))
    })
}

/// `anyURI`: any text is one (XML Schema part 2, section 3.2.17); the greeting decides which are known.
fn uri(element: &El<'_>) -> Result<String, Syntax> {
    element.leaf(|_, text| Ok(collapse(text).into_owned()))
}

/// Why a login is refused whose registrar is suspended.
const SUSPENDED: &str = "suspended";
/// Why a login is refused without a look at its password.
const TOO_MANY: &str = "too many failures from its source";

impl<B: Backend> Session<B> {
    /// Lets a registrar in, after changing its password if it asks for that. `extension`: one of the command that nobody
    /// here knows.
    pub(crate) async fn login(
        &mut self,
        login: &Login,
        extension: Option<&str>,
        svtrid: SvTrid,
    ) -> Result<Answer, Denial> {
        // before anything that costs: a refused source must not make this node ask the leader
        self.admit_source(login, svtrid)?;
        let view = self.view().await?;
        let menu = Menu::read(&view).map_err(|fault| failed(fault.into()))?;
        let repository = repository::load(&view).map_err(failed)?.name;
        let found = registrar::by_handle(&view, &login.client).map_err(|fault| failed(fault.into()))?;
        drop(view);
        let owner = Owner { repository, handle: registrar::fold(&login.client) };
        let (id, registrar) = self.authenticate(login, found, &owner, svtrid).await?;
        // behind the password: or whoever has none could ask the leader, and fill the log, for nothing
        extension.map_or(Ok(()), |uri| Err(unknown_extension(uri)))?;
        let announced = check_options(login, &menu)?;
        let Some(seat) = self.site.sessions.enter(id, registrar.sessions_max) else {
            let most = registrar.sessions_max;
            info!(%svtrid, client = registrar.handle, peer = %self.peer.address, most, "login refused: sessions");
            return Err(Denial::refused(&Refusal::TooManySessions { most }));
        };
        if let Some(new) = &login.new_password {
            self.change_password(new, id, &registrar.handle, &owner, svtrid).await?;
        }
        info!(%svtrid, client = registrar.handle, peer = %self.peer.address, "logged in");
        let Owner { repository, .. } = owner;
        self.seat = Some(seat);
        self.client = Some(Arc::new(Client { id, handle: registrar.handle, repository, announced }));
        Ok(Answer { code: ResultCode::Ok, data: Data::None, queue: self.waiting(id).await })
    }

    async fn authenticate(
        &mut self,
        login: &Login,
        found: Option<(u64, Registrar)>,
        owner: &Owner,
        svtrid: SvTrid,
    ) -> Result<(u64, Registrar), Denial> {
        let source = self.peer.address.ip();
        let place = self.site.passwords.place(source).await?;
        // others of the source may have failed while this one waited
        self.admit_source(login, svtrid)?;
        let sealed = found.as_ref().map(|(_, registrar)| registrar.password.clone());
        let checked = self.site.passwords.check(
            place,
            self.site.keys.clone(),
            owner.clone(),
            sealed,
            login.password.clone(),
        );
        let right = checked.await?;
        let shown = self.peer.certificate.map(|fingerprint| fingerprint.0);
        let why = match found {
            None => "unknown clID",
            Some(_) if !right => "wrong password",
            Some((_, registrar)) if registrar.certificate.is_some() && registrar.certificate != shown => {
                "wrong client certificate"
            }
            Some((_, registrar)) if registrar.suspended.is_some() => SUSPENDED,
            Some(found) => {
                self.site.attempts.succeeded(source, &owner.handle);
                return Ok(found);
            }
        };
        if why != SUSPENDED {
            self.site.attempts.failed(source, &owner.handle);
        }
        Err(self.login_refused(login, why, svtrid))
    }

    /// Refuses a login from a source that failed too often.
    fn admit_source(&mut self, login: &Login, svtrid: SvTrid) -> Result<(), Denial> {
        match self.site.attempts.judge(self.peer.address.ip()) {
            Unseen::LookAt => Ok(()),
            Unseen::Refuse { tell: true } => Err(self.login_refused(login, TOO_MANY, svtrid)),
            Unseen::Refuse { tell: false } => {
                self.is_known_flood = true;
                Err(self.login_denied(TOO_MANY))
            }
        }
    }

    /// Refuses a login and writes it down.
    fn login_refused(&mut self, login: &Login, why: &'static str, svtrid: SvTrid) -> Denial {
        info!(%svtrid, client = login.client, peer = %self.peer.address, why, "login refused");
        self.login_denied(why)
    }

    /// Only whoever proved to be the registrar learns that it is suspended.
    fn login_denied(&mut self, why: &'static str) -> Denial {
        self.login_failures += 1;
        let code = if self.login_failures >= self.site.limits.login_failures_max {
            ResultCode::AuthenticationEnding
        } else {
            ResultCode::Authentication
        };
        if why == SUSPENDED {
            return Denial { code, ..Denial::refused(&Refusal::Suspended) };
        }
        let refused = Denial::refused(&Refusal::AuthenticationFailed);
        let reason = match why {
            TOO_MANY => "too many logins from your address failed; try again in a minute",
            _ => "unknown clID, wrong password or wrong client certificate",
        };
        Denial { code, reason: reason.to_owned(), ..refused }
    }

    async fn change_password(
        &self,
        new: &Secret,
        id: u64,
        handle: &str,
        owner: &Owner,
        svtrid: SvTrid,
    ) -> Result<(), Denial> {
        let random = (self.site.draw(), self.site.draw());
        let place = self.site.passwords.place(self.peer.address.ip()).await?;
        let sealed =
            self.site.passwords.seal(place, self.site.keys.clone(), owner.clone(), random, new.clone());
        let password = sealed.await?;
        let change = RegistrarPassword { handle: handle.to_owned(), password };
        let verb = registry::Verb::RegistrarPassword(Box::new(change));
        let outcome = registry::execute(&self.backend, verb, Actor::Registrar(id), svtrid).await;
        let subject = Subject::new(Ns::Epp, handle);
        decided(outcome, &subject).map(drop)
    }
}

/// Version, language and services; the namespaces that the client announces.
fn check_options(login: &Login, menu: &Menu) -> Result<Vec<Ns>, Denial> {
    let refuse = |code, local: &str, text: &str, reason: &'static str| {
        let offender = Offender::new(Ns::Epp, local, text);
        Err(Denial::new(code, reason).at(offender))
    };
    if login.version != "1.0" {
        return refuse(ResultCode::UnimplementedVersion, "version", &login.version, "the version is 1.0");
    }
    if !login.language.eq_ignore_ascii_case("en") {
        return refuse(ResultCode::UnimplementedOption, "lang", &login.language, "the language is en");
    }
    let known = |uri: &String, among: &[Ns]| among.contains(&Ns::of(uri));
    if let Some(uri) = login.objects.iter().find(|uri| !known(uri, &menu.objects)) {
        return refuse(ResultCode::UnimplementedObject, "objURI", uri, "not in the greeting");
    }
    if let Some(uri) = login.extensions.iter().find(|uri| !known(uri, &menu.extensions)) {
        return refuse(ResultCode::UnimplementedExtension, "extURI", uri, "not in the greeting");
    }
    Ok(login.objects.iter().chain(&login.extensions).map(|uri| Ns::of(uri)).collect())
}

impl From<Unchecked> for Denial {
    fn from(why: Unchecked) -> Denial {
        match why {
            Unchecked::Busy => Denial::new(ResultCode::Failed, "too many logins at a time; try again"),
            Unchecked::Sealed(fault) => unsealed(&fault),
        }
    }
}
