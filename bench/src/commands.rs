//! The subcommands that put one load on one service and print what came of it.

use crate::{
    drive::{
        Public,
        das::Das,
        epp::{self, Accounts, Epp, Work},
        rdap::Rdap,
        whois::Whois,
    },
    load::{self, Plan, Target},
    names::Population,
    place::{self, Place},
    process::Processes,
    report::{self, Row, Table},
};
use std::{error::Error, net::SocketAddr, sync::Arc};

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn Error>>;

/// What every load has.
#[derive(Debug, clap::Args)]
pub struct Common {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    plan: Plan,
    /// A process whose processor time counts as the servers'; may be given several times. Without it: the
    /// processes that listen where the load goes, and those beside them
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Common {
    fn servers(&self, addresses: &[SocketAddr]) -> Processes {
        if self.pid.is_empty() { Processes::behind(addresses) } else { Processes::of(self.pid.clone()) }
    }

    async fn report<T: Target>(&self, what: &str, target: Arc<T>, addresses: &[SocketAddr]) -> Outcome {
        let measured = load::run(target, &self.plan, &self.servers(addresses)).await?;
        let loop_kind =
            self.plan.rate.map_or_else(|| "closed loop".into(), |r| format!("open loop at {r} per second"));
        let title = format!(
            "{what}, {} connections, {loop_kind}, {} s, to {}",
            self.plan.connections,
            self.plan.seconds,
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        );
        Ok(report::print(&[Table::plain(title, vec![Row::new(what, &measured)])], self.json)?)
    }
}

#[derive(Debug, clap::Args)]
pub struct EppLoad {
    #[command(subcommand)]
    verb: EppVerb,
}

#[derive(Debug, clap::Subcommand)]
enum EppVerb {
    /// domain:check of one name
    Check(EppRead),
    /// domain:info
    Info(EppRead),
    /// domain:create of new names
    Create(EppCreate),
}

#[derive(Debug, clap::Args)]
struct EppRead {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    accounts: Accounts,
    #[command(flatten)]
    population: Population,
    /// Names of .test instead of .example
    #[arg(long)]
    thick: bool,
}

#[derive(Debug, clap::Args)]
struct EppCreate {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    accounts: Accounts,
    /// In .test, with three contacts and two name servers, instead of .example without any
    #[arg(long)]
    thick: bool,
}

impl EppLoad {
    pub async fn run(self) -> Outcome {
        let (what, common, accounts, thick, work) = match self.verb {
            EppVerb::Check(c) => ("epp check", c.common, c.accounts, c.thick, Work::Check(c.population)),
            EppVerb::Info(c) => ("epp info", c.common, c.accounts, c.thick, Work::Info(c.population)),
            EppVerb::Create(c) => ("epp create", c.common, c.accounts, c.thick, Work::Create),
        };
        let addresses = common.place.addresses(place::EPP).await?;
        let epp = Epp::new(addresses.clone(), accounts.list(), thick, &work)?;
        epp.furnish().await?;
        common.report(what, Arc::new(epp), &addresses).await
    }
}

/// A load of questions from the public.
#[derive(Debug, clap::Args)]
pub struct PublicLoad {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    population: Population,
    /// Names of .test instead of .example
    #[arg(long)]
    thick: bool,
}

impl PublicLoad {
    async fn public(&self, port: u16) -> Result<(Public, Vec<SocketAddr>), Box<dyn Error>> {
        let addresses = self.common.place.addresses(port).await?;
        Ok((Public::new(addresses.clone(), &self.population, epp::zone(self.thick)), addresses))
    }

    pub async fn whois(self) -> Outcome {
        let (public, addresses) = self.public(place::WHOIS).await?;
        self.common.report("whois", Arc::new(Whois(public)), &addresses).await
    }

    pub async fn rdap(self) -> Outcome {
        let (public, addresses) = self.public(place::RDAP).await?;
        self.common.report("rdap", Arc::new(Rdap(public)), &addresses).await
    }
}

#[derive(Debug, clap::Args)]
pub struct DasLoad {
    #[command(flatten)]
    load: PublicLoad,
    /// Questions that are sent together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pipeline: u32,
}

impl DasLoad {
    pub async fn run(self) -> Outcome {
        let (public, addresses) = self.load.public(place::DAS).await?;
        let das = Das { public, pipeline: self.pipeline as usize };
        self.load.common.report("das", Arc::new(das), &addresses).await
    }
}
