//! The greeting (RFC 5730 section 2.4): who serves, and what exists here.

use registry::{Timestamp, contact};
use storage::{Fault, Read};

use crate::xml::{Ns, Writer};

/// What a client may announce at login: the objects and extensions that exist here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    pub objects: Vec<Ns>,
    pub extensions: Vec<Ns>,
}

impl Menu {
    /// Contacts are offered where a zone takes them.
    ///
    /// # Errors
    /// A storage fault.
    pub fn read(db: &impl Read) -> Result<Menu, Fault> {
        let mut objects = vec![Ns::Domain, Ns::Host];
        if contact::are_taken(db)? {
            objects.push(Ns::Contact);
        }
        Ok(Menu { objects, extensions: vec![Ns::SecDns] })
    }
}

/// The document.
pub fn to_xml(server: &str, now: Timestamp, menu: &Menu) -> Vec<u8> {
    let mut writer = Writer::document();
    writer.element("epp", &[("xmlns", Ns::Epp.uri())], |w| {
        w.element("greeting", &[], |w| {
            w.leaf("svID", server);
            w.leaf("svDate", &now.to_string());
            w.element("svcMenu", &[], |w| {
                w.leaf("version", "1.0");
                w.leaf("lang", "en");
                menu.objects.iter().for_each(|ns| w.leaf("objURI", ns.uri()));
                w.element("svcExtension", &[], |w| {
                    menu.extensions.iter().for_each(|ns| w.leaf("extURI", ns.uri()));
                });
            });
            write_data_policy(w);
        });
    });
    writer.finish()
}

/// Data is collected to administer and to provision, seen by us and (where disclosed) by the public, and kept as
/// stated in the registry's policy.
fn write_data_policy(w: &mut Writer) {
    w.element("dcp", &[], |w| {
        w.element("access", &[], |w| w.empty("all", &[]));
        w.element("statement", &[], |w| {
            w.element("purpose", &[], |w| {
                w.empty("admin", &[]);
                w.empty("prov", &[]);
            });
            w.element("recipient", &[], |w| {
                w.empty("ours", &[]);
                w.empty("public", &[]);
            });
            w.element("retention", &[], |w| w.empty("stated", &[]));
        });
    });
}
