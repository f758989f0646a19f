//! `login` on the wire (RFC 5730 section 2.9.1.1). What it takes to be let in is decided in `dispatch`.

use crate::secret::Secret;
use crate::xml::types::{collapse, language, sized, token};
use crate::xml::{El, Syntax};

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
