//! Domains: what the operator registers, and how it sees them.

use super::{
    Context, Control, Handle,
    password::{keyless, random},
};
use crate::wire::{
    ContactLink, DomainCreate, DomainCreated, DomainShow, DomainView, Ds, Failure, Instant, Kind,
};
use registry::{
    Backend, Reply, Verb,
    authinfo::{NewAuthInfo, Strength},
    dnssec,
    domain::{self, NameServers, Period, SecDns, Unit, info},
    tld,
    view::Kept,
};
use storage::View;

impl<B: Backend, C: Control> Handle<B, C> for DomainCreate {
    async fn handle(self, context: &Context<B, C>) -> Result<DomainCreated, Failure> {
        let authinfo = match &self.authinfo {
            None => NewAuthInfo { strength: Strength::Empty, stored: None },
            Some(given) => {
                NewAuthInfo::make(&context.site().keys, random()?, given.expose()).map_err(|_| keyless())?
            }
        };
        let create = domain::DomainCreate {
            name: self.name,
            period: self.years.map(|number| Period { number, unit: Unit::Year }),
            name_servers: NameServers::Objects(self.name_servers),
            registrant: self.registrant,
            contacts: self.contacts.into_iter().map(|link| (link.role.into(), link.handle)).collect(),
            authinfo,
            secdns: SecDns { ds: self.ds.iter().map(record).collect::<Result<_, _>>()?, ..SecDns::default() },
            sponsor: Some(self.sponsor),
        };
        match context.write(Verb::DomainCreate(Box::new(create))).await? {
            (svtrid, Reply::DomainCreated { name, created, expiry }) => Ok(DomainCreated {
                svtrid: svtrid.to_string(),
                name,
                created: Instant(created),
                expiry: Instant(expiry),
            }),
            (svtrid, other) => {
                let message = format!("{svtrid} was done, with the answer of another command: {other:?}");
                Err(Failure::new(Kind::Internal, "internal", message))
            }
        }
    }
}

fn record(ds: &Ds) -> Result<dnssec::Ds, Failure> {
    let digest = octets(&ds.digest).ok_or_else(|| {
        Failure::bad_request("ds_digest", format!("the digest of DS {} is not hexadecimal", ds.key_tag))
    })?;
    Ok(dnssec::Ds {
        key_tag: ds.key_tag,
        algorithm: ds.algorithm,
        digest_type: ds.digest_type,
        digest: digest.into(),
    })
}

/// Octets from hexadecimal digits, at most 64 of them.
pub(super) fn octets(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) || digits.len() > 128 {
        return None;
    }
    let pair = |i: usize| {
        let pair = digits.get(i..i + 2)?;
        // from_str_radix takes a sign
        pair.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok())?
    };
    (0..digits.len()).step_by(2).map(pair).collect()
}

impl<B: Backend, C: Control> Handle<B, C> for DomainShow {
    async fn handle(self, context: &Context<B, C>) -> Result<DomainView, Failure> {
        let view = context.view().await?;
        let (name, domain, standing) = info::find(&view, &context.by, &self.name)?;
        shown(&view, info::info(&view, &Kept::default(), name, domain, standing, info::Hosts::All)?)
    }
}

fn shown(view: &View, info: info::Info) -> Result<DomainView, Failure> {
    let mark = match tld::place(view, &info.name)? {
        tld::Place::Registrable { tld, name, .. } => tld::mark_of(view, &tld, &name)?,
        _ => None,
    };
    let domain = info.domain;
    let names = |names: Vec<registry::DomainName>| names.iter().map(ToString::to_string).collect();
    Ok(DomainView {
        name: info.name.to_string(),
        roid: info.roid,
        statuses: info.statuses.into_iter().map(str::to_owned).collect(),
        mark: mark.map(|mark| mark.kind.into()),
        sponsor: info.sponsor,
        created: Instant(domain.created),
        creator: info.creator,
        updated: domain.updated.map(Instant),
        updater: info.updater,
        expiry: Instant(domain.expiry),
        registrant: info.registrant,
        contacts: info
            .contacts
            .into_iter()
            .map(|(role, handle)| ContactLink { role: role.into(), handle })
            .collect(),
        name_servers: names(info.hosts),
        subordinate_hosts: names(info.subordinates),
        ds: domain.ds.iter().map(shown_ds).collect(),
        authinfo_set: domain.authinfo.is_some(),
    })
}

fn shown_ds(ds: &dnssec::Ds) -> Ds {
    Ds {
        key_tag: ds.key_tag,
        algorithm: ds.algorithm,
        digest_type: ds.digest_type,
        digest: ds.digest.iter().map(|octet| format!("{octet:02X}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_only() {
        assert_eq!(octets("00fFa1"), Some(vec![0, 255, 161]));
        assert_eq!(octets(""), Some(vec![]));
        for bad in ["0", "0g", "+1", "é0", &"0".repeat(130)] {
            assert_eq!(octets(bad), None, "{bad}");
        }
    }
}
