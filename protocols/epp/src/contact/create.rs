//! `contact:create` (RFC 5733 section 3.2.1).

use registry::Timestamp;
use registry::contact::{self, ContactCreate, ContactData, Phone};
use registry::seal::SealFault;

use super::{disclose, handle, phone, postal};
use crate::authinfo::{self, AuthInfo};
use crate::site::Site;
use crate::xml::types::{collapse, sized};
use crate::xml::{El, Ns, Syntax, Writer};

/// A create as it was sent.
#[derive(Debug)]
pub struct Create {
    pub handle: String,
    pub data: ContactData,
    pub authinfo: AuthInfo,
}

/// `createType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Create, Syntax> {
    element.seq(|s| {
        let handle = s.one("id", handle)?;
        let postal = s.many("postalInfo", 1..=2, postal)?;
        let voice = s.opt("voice", phone)?;
        // the schema takes an empty number; for a fax it says that there is none
        let fax = s.opt("fax", phone)?.filter(|fax| !fax.number.is_empty());
        let email = s.one("email", email)?;
        let authinfo = s.one("authInfo", authinfo::parse)?;
        let disclose = s.opt("disclose", disclose)?;
        Ok(Create { handle, data: ContactData { postal, voice, fax, email, disclose }, authinfo })
    })
}

/// `minTokenType`: not empty, otherwise free.
pub(super) fn email(element: &El<'_>) -> Result<String, Syntax> {
    element.leaf(|_, text| sized(element, collapse(text).into_owned(), 1, usize::MAX))
}

/// Characters of a telephone extension; the schema sets no bound.
const EXTENSION_MAX: usize = 32;

impl Create {
    /// The element, and its number, whose extension is longer than is kept.
    pub fn overlong_extension(&self) -> Option<(&'static str, String)> {
        let overlong =
            |phone: &Phone| phone.extension.as_ref().is_some_and(|x| x.chars().count() > EXTENSION_MAX);
        let given = [("voice", &self.data.voice), ("fax", &self.data.fax)];
        given.into_iter().find_map(|(element, phone)| {
            phone.as_ref().filter(|phone| overlong(phone)).map(|phone| (element, phone.number.clone()))
        })
    }

    /// The command: personal data sealed, authInfo hashed.
    ///
    /// # Errors
    /// This node holds no keys.
    pub fn command(&self, site: &Site, repository: &str, secret: &str) -> Result<ContactCreate, SealFault> {
        let sealed = contact::seal(&site.keys, repository, &self.handle, site.draw(), &self.data)?;
        let authinfo = site.authinfo(secret)?;
        Ok(ContactCreate::new(self.handle.clone(), &self.data, sealed, authinfo))
    }
}

/// `creDataType`.
pub fn render(w: &mut Writer, handle: &str, created: Timestamp) {
    w.element("contact:creData", &[("xmlns:contact", Ns::Contact.uri())], |w| {
        w.leaf("contact:id", handle);
        w.plain("contact:crDate", created);
    });
}
