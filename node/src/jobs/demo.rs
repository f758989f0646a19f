//! Fills an empty repository with the demonstration data of `dev`: two zones, three registrars, a domain with
//! contacts and name servers. Every step may have been done before.

use super::Jobs;
use crate::node::random;
use registry::{
    Actor, Backend, DomainName, Freshness, Outcome, Refusal, Unavailable, Verb,
    authinfo::{NewAuthInfo, Strength},
    contact::{self, ContactCreate, ContactData, ContactRole, Disclose, Item, Phone, Postal, PostalKind},
    domain::{self, DomainCreate, NameServers, SecDns},
    host::HostCreate,
    password,
    registrar::{PostalAddress, Profile, RegistrarCreate},
    seal::{Keys, SealFault},
    tld::{DataModel, TldCreate},
};
use std::{sync::Arc, time::Duration};

/// The registrars of the demonstration, with their IANA ids (those reserved for tests).
pub const REGISTRARS: [(&str, u32); 3] = [("alpha", 9995), ("beta", 9996), ("gamma", 9997)];
/// The domain that is there from the start.
pub const DOMAIN: &str = "example.test";

/// Sessions of a demonstration registrar on one node: more than a load generator opens, less than an attack does.
const SESSIONS_MAX: u32 = 200;

const LOOK: Duration = Duration::from_millis(50);

impl Jobs {
    /// Runs until the data is there; acts where the node leads.
    pub async fn demonstrate(self, keys: Arc<Keys>) {
        while !self.is_demonstrated().await {
            if self.cluster.is_leader()
                && let Err(why) = self.fill(&keys).await
            {
                tracing::debug!(%why, "the demonstration data is not complete yet");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the data can be read on this node.
    pub async fn demonstrated(&self) {
        while !self.is_demonstrated().await {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn is_demonstrated(&self) -> bool {
        let Ok(view) = self.cluster.view(Freshness::Local).await else { return false };
        DomainName::parse(DOMAIN).is_ok_and(|name| matches!(domain::by_name(&view, &name), Ok(Some(_))))
    }

    async fn fill(&self, keys: &Keys) -> Result<(), String> {
        let view = self.cluster.view(Freshness::Linearizable).await.map_err(|e| e.to_string())?;
        let repository =
            registry::repository::load(&view).map_err(|_| "the repository is not founded yet")?.name;
        drop(view);
        let sealed = |e: SealFault| e.to_string();
        let mut steps = zones();
        for (handle, iana_id) in REGISTRARS {
            let secret = format!("{handle}-secret");
            let password =
                password::seal(keys, &repository, handle, (random(), random()), &secret).map_err(sealed)?;
            steps.push(registrar(handle, iana_id, password));
        }
        steps.push(domain("demo-dns.example", None, &[]));
        for n in 1..=2 {
            steps.push(host(n));
        }
        for (handle, name) in
            [("demo-holder", "Robin Holder"), ("demo-admin", "Ada Admin"), ("demo-tech", "Toni Tech")]
        {
            let data = person(name);
            let sealed = contact::seal(keys, &repository, handle, random(), &data).map_err(sealed)?;
            let mut create = ContactCreate::new(handle.into(), &data, sealed, unset());
            create.sponsor = Some("alpha".into());
            steps.push(Verb::ContactCreate(Box::new(create)));
        }
        steps.push(domain(DOMAIN, Some("demo-holder"), &["ns1.demo-dns.example", "ns2.demo-dns.example"]));
        for step in steps {
            self.once(step).await?;
        }
        Ok(())
    }

    async fn once(&self, verb: Verb) -> Result<(), String> {
        let what = verb.object();
        match self.submit(verb, Actor::Operator("dev".into())).await {
            Ok(Outcome::Done(_) | Outcome::Refused(Refusal::Exists { .. })) => Ok(()),
            Ok(Outcome::Refused(no)) => Err(format!("{what}: {no}")),
            Ok(other) => Err(format!("{what}: {other:?}")),
            Err(Unavailable::Unknown { svtrid }) => {
                Err(format!("{what}: {svtrid} may have been carried out"))
            }
            Err(why) => Err(format!("{what}: {why}")),
        }
    }
}

fn zones() -> Vec<Verb> {
    let zone = |name: &str, model, contacts_required, roid_suffix: &str| {
        let create =
            TldCreate { name: name.into(), model, contacts_required, roid_suffix: roid_suffix.into() };
        Verb::TldCreate(Box::new(create))
    };
    vec![
        zone("test", DataModel::Maximum, vec![ContactRole::Admin, ContactRole::Tech], "TEST"),
        zone("example", DataModel::Minimum, Vec::new(), "EXAMPLE"),
    ]
}

fn registrar(handle: &str, iana_id: u32, password: registry::seal::Sealed) -> Verb {
    let profile = Profile {
        name: format!("Registrar {} (demonstration)", handle[..1].to_uppercase() + &handle[1..]),
        iana_id: Some(iana_id),
        url: Some(format!("https://{handle}.example/")),
        whois_server: Some(format!("whois.{handle}.example")),
        rdap_url: Some(format!("https://rdap.{handle}.example/")),
        abuse_email: Some(format!("abuse@{handle}.example")),
        abuse_phone: Some("+1.2025550100".into()),
        address: Some(PostalAddress {
            street: vec!["2 Registrar Square".into()],
            city: "Exampleton".into(),
            state: None,
            postal_code: Some("00000".into()),
            country: "NL".into(),
        }),
        phone: Some("+1.2025550101".into()),
        fax: None,
        email: Some(format!("info@{handle}.example")),
    };
    Verb::RegistrarCreate(Box::new(RegistrarCreate {
        handle: handle.into(),
        profile,
        password,
        certificate: None,
        sessions_max: SESSIONS_MAX,
    }))
}

fn domain(name: &str, registrant: Option<&str>, name_servers: &[&str]) -> Verb {
    let contacts = match registrant {
        Some(_) => vec![(ContactRole::Admin, "demo-admin".into()), (ContactRole::Tech, "demo-tech".into())],
        None => Vec::new(),
    };
    Verb::DomainCreate(Box::new(DomainCreate {
        name: name.into(),
        period: None,
        name_servers: NameServers::Objects(name_servers.iter().map(|n| (*n).to_owned()).collect()),
        registrant: registrant.map(Into::into),
        contacts,
        authinfo: unset(),
        secdns: SecDns::default(),
        sponsor: Some("alpha".into()),
    }))
}

fn host(n: u8) -> Verb {
    let addresses = vec![[192, 0, 2, n].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)].into()];
    let sponsor = Some("alpha".into());
    Verb::HostCreate(Box::new(HostCreate { name: format!("ns{n}.demo-dns.example"), addresses, sponsor }))
}

fn person(name: &str) -> ContactData {
    ContactData {
        postal: vec![Postal {
            kind: PostalKind::Int,
            name: name.into(),
            org: Some("Example Organization".into()),
            street: vec!["1 Example Street".into()],
            city: "Exampleton".into(),
            state: Some("EX".into()),
            postal_code: Some("00000".into()),
            country: "NL".into(),
        }],
        voice: Some(Phone { number: "+31.201234567".into(), extension: None }),
        fax: None,
        email: "info@holder.example".into(),
        disclose: Some(Disclose { show: true, items: vec![Item::Org(PostalKind::Int)] }),
    }
}

fn unset() -> NewAuthInfo {
    NewAuthInfo { strength: Strength::Empty, stored: None }
}
