//! `namingo-admin domain …`

use crate::{
    answer::{Answer, Stop},
    password::secret,
    table::Sheet,
    target::Target,
};
use admin::wire::{ContactLink, ContactRole, DomainCreate, DomainShow, DomainView, Ds, Secret};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a domain for a registrar; a reserved name, too.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin domain create nic.example --registrar alpha --years 10\n  \
        namingo-admin domain create shop.test --registrar alpha --registrant sh8013 --admin sh8013 \\\n      \
        --tech sh8014 --ns ns1.example.net --ns ns2.example.net")]
    Create(Create),
    /// A domain with everything that the registry knows of it.
    #[command(after_long_help = "Example:\n  namingo-admin domain show example.test")]
    Show {
        /// The domain
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct Create {
    /// The domain
    name: String,
    /// The registrar that will sponsor it, by clID
    #[arg(long, value_name = "CLID")]
    registrar: String,
    /// How long, 1 to 10 [default: 1]
    #[arg(long, value_name = "N")]
    years: Option<u16>,
    /// The registrant, by contact handle
    #[arg(long, value_name = "HANDLE")]
    registrant: Option<String>,
    /// An administrative contact; may be repeated
    #[arg(long, value_name = "HANDLE")]
    admin: Vec<String>,
    /// A billing contact; may be repeated
    #[arg(long, value_name = "HANDLE")]
    billing: Vec<String>,
    /// A technical contact; may be repeated
    #[arg(long, value_name = "HANDLE")]
    tech: Vec<String>,
    /// A name server that exists as a host object; may be repeated
    #[arg(long, value_name = "HOST")]
    ns: Vec<String>,
    /// A DS record as in a zone file, in quotes: "12345 13 2 49FD…"; may be repeated
    #[arg(long, value_name = "RECORD")]
    ds: Vec<Ds>,
    /// The authorization information [default: unset, so that it can't be transferred]
    #[arg(long, value_name = "TEXT", value_parser = secret)]
    authinfo: Option<Secret>,
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let client = target.client()?;
        match self {
            Command::Create(create) => {
                let sponsor = create.registrar.clone();
                let created = client.call(&create.operation()).await?;
                let text = format!(
                    "{} is registered for {sponsor} until {} (svTRID {})",
                    created.name, created.expiry, created.svtrid
                );
                Answer::new(&created, text)
            }
            Command::Show { name } => {
                let shown = client.call(&DomainShow { name }).await?;
                Answer::new(&shown, text(&shown))
            }
        }
    }
}

impl Create {
    fn operation(self) -> DomainCreate {
        let given = [
            (ContactRole::Admin, self.admin),
            (ContactRole::Billing, self.billing),
            (ContactRole::Tech, self.tech),
        ];
        let contacts = given
            .into_iter()
            .flat_map(|(role, handles)| handles.into_iter().map(move |handle| ContactLink { role, handle }));
        DomainCreate {
            name: self.name,
            sponsor: self.registrar,
            years: self.years,
            registrant: self.registrant,
            contacts: contacts.collect(),
            name_servers: self.ns,
            ds: self.ds,
            authinfo: self.authinfo,
        }
    }
}

fn text(d: &DomainView) -> String {
    Sheet::default()
        .with("domain", &d.name)
        .with("ROID", &d.roid)
        .with_each("status", &d.statuses)
        .with_optional("label is", d.mark)
        .with("registrar", &d.sponsor)
        .with_optional("registrant", d.registrant.as_ref())
        .with_each("contact", d.contacts.iter().map(|link| format!("{} {}", link.role, link.handle)))
        .with_each("name server", &d.name_servers)
        .with_each("host below", &d.subordinate_hosts)
        .with_each("DS", &d.ds)
        .with("authInfo", if d.authinfo_set { "set" } else { "unset" })
        .with("created", &at(d.created, d.creator.as_deref()))
        .with_optional("updated", d.updated.map(|updated| at(updated, d.updater.as_deref())))
        .with("expires", &d.expiry)
        .text()
}

fn at(instant: impl std::fmt::Display, by: Option<&str>) -> String {
    match by {
        Some(by) => format!("{instant} by {by}"),
        None => instant.to_string(),
    }
}
