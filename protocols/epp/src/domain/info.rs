//! `domain:info` (RFC 5731 section 3.1.2).

use registry::domain::info::{Hosts, Info as Known};

use crate::authinfo::{self, AuthInfo};
use crate::xml::types::{collapse, sized, word};
use crate::xml::{El, Ns, Syntax, Writer};

/// An info as it was sent.
#[derive(Debug)]
pub struct Info {
    pub name: String,
    pub hosts: Hosts,
    pub authinfo: Option<AuthInfo>,
}

/// `infoType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Info, Syntax> {
    element.seq(|s| {
        let (name, hosts) = s.one("name", name)?;
        let authinfo = s.opt("authInfo", authinfo::parse)?;
        Ok(Info { name, hosts, authinfo })
    })
}

fn name(element: &El<'_>) -> Result<(String, Hosts), Syntax> {
    const WORDS: [(&str, Hosts); 4] =
        [("all", Hosts::All), ("del", Hosts::Delegated), ("none", Hosts::None), ("sub", Hosts::Subordinate)];
    element.leaf(|s, text| {
        let hosts = match s.attr("hosts") {
            Some(given) => word(element, "the attribute hosts", &given, &WORDS)?,
            None => Hosts::All,
        };
        Ok((sized(element, collapse(text).into_owned(), 1, 255)?, hosts))
    })
}

/// `infDataType`. The authInfo is never told (RFC 9154 section 4.3).
pub fn render(w: &mut Writer, info: &Known) {
    w.element("domain:infData", &[("xmlns:domain", Ns::Domain.uri())], |w| {
        w.leaf("domain:name", info.name.as_str());
        w.leaf("domain:roid", &info.roid);
        info.statuses.iter().for_each(|word| w.empty("domain:status", &[("s", word)]));
        if let Some(handle) = &info.registrant {
            w.leaf("domain:registrant", handle);
        }
        for (role, handle) in &info.contacts {
            w.leaf_with("domain:contact", &[("type", &role.to_string())], handle);
        }
        write_hosts(w, info);
        write_history(w, info);
    });
}

fn write_hosts(w: &mut Writer, info: &Known) {
    if !info.hosts.is_empty() {
        w.element("domain:ns", &[], |w| {
            info.hosts.iter().for_each(|name| w.leaf("domain:hostObj", name.as_str()));
        });
    }
    info.subordinates.iter().for_each(|name| w.leaf("domain:host", name.as_str()));
}

fn write_history(w: &mut Writer, info: &Known) {
    w.leaf("domain:clID", &info.sponsor);
    if let Some(creator) = &info.creator {
        w.leaf("domain:crID", creator);
    }
    w.plain("domain:crDate", info.domain.created);
    if let Some(updater) = &info.updater {
        w.leaf("domain:upID", updater);
    }
    if let Some(updated) = info.domain.updated {
        w.plain("domain:upDate", updated);
    }
    w.plain("domain:exDate", info.domain.expiry);
}
