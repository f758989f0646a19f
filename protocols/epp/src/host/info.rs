//! `host:info` (RFC 5732 section 3.1.2).

use std::net::IpAddr;

use registry::host::info::Info;

use crate::domain::label;
use crate::xml::{El, Ns, Syntax, Writer};

/// `sNameType`: one name.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<String, Syntax> {
    element.seq(|s| s.one("name", label))
}

/// `infDataType`.
pub fn render(w: &mut Writer, info: &Info) {
    w.element("host:infData", &[("xmlns:host", Ns::Host.uri())], |w| {
        w.leaf("host:name", info.host.name.as_str());
        w.leaf("host:roid", &info.roid);
        info.statuses.iter().for_each(|word| w.empty("host:status", &[("s", word)]));
        for address in &info.host.addresses {
            let version = if matches!(address, IpAddr::V4(_)) { "v4" } else { "v6" };
            w.leaf_with("host:addr", &[("ip", version)], &address.to_string());
        }
        w.leaf("host:clID", &info.sponsor);
        w.leaf("host:crID", &info.creator);
        w.plain("host:crDate", info.host.created);
        if let Some(updater) = &info.updater {
            w.leaf("host:upID", updater);
        }
        if let Some(updated) = info.host.updated {
            w.plain("host:upDate", updated);
        }
    });
}
