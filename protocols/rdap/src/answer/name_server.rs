//! Name servers, alone and in a domain's answer.

use std::net::IpAddr;

use registry::DomainName;
use registry::view::{HostView, NameServerView, unicode};

use super::{Answer, Asked, events, status};
use crate::object::{IpAddresses, Link, NameServer};

impl Asked<'_> {
    pub(super) fn name_server(&self, host: &HostView, at: &str) -> Answer {
        let link = self.topmost_self("nameserver", host.name.as_str());
        let mut object = object(&host.name, &host.roid, &host.statuses, &host.addresses, link);
        object.entities.push(self.inner_registrar(&host.registrar));
        object.events = events(host.created, None, host.updated, at);
        self.found(&object)
    }

    /// In a domain's answer.
    pub(super) fn delegate<'b>(&'b self, server: &'b NameServerView) -> NameServer<'b> {
        let link = self.inner_self("nameserver", server.name.as_str());
        object(&server.name, &server.roid, &server.statuses, &server.addresses, link)
    }
}

fn object<'a>(
    name: &'a DomainName,
    roid: &'a str,
    statuses: &[&'static str],
    addresses: &[IpAddr],
    link: Link<'a>,
) -> NameServer<'a> {
    NameServer {
        object_class_name: "nameserver",
        handle: roid,
        ldh_name: name.as_str(),
        unicode_name: unicode(name),
        ip_addresses: ip_addresses(addresses),
        status: status::words(statuses),
        entities: Vec::new(),
        events: Vec::new(),
        links: vec![link],
    }
}

fn ip_addresses(addresses: &[IpAddr]) -> Option<IpAddresses> {
    let of = |v4: bool| addresses.iter().filter(|a| a.is_ipv4() == v4).map(IpAddr::to_string).collect();
    (!addresses.is_empty()).then(|| IpAddresses { v4: of(true), v6: of(false) })
}
