//! The product beside what it is measured against, in one run: both take turns in short slices, so that whatever
//! else the machine does meets both, and the median slice of each counts.

mod create;
mod query;
mod reference;

use crate::{
    commands::Outcome,
    dev::{Dev, Home},
    drive::epp::Accounts,
    load::{self, Measured, Plan, Target},
    names::Population,
    process::Processes,
    registrars,
    report::{self, Row, Table, grouped},
    seed::{Seeds, seed},
};
use std::{error::Error, pin::Pin, sync::Arc};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Contest {
    /// WHOIS with fixed answers
    Whois,
    /// RDAP with a fixed body over hyper
    Rdap,
    /// DAS, one question at a time, with fixed lines
    Das,
    /// DAS, 32 questions at a time, with fixed lines
    DasPipelined,
    /// EPP check at the leader and through a follower, with fixed frames over TLS
    EppCheck,
    /// EPP info, likewise
    EppInfo,
    /// EPP create on three voters with puts into etcd's three members
    EppCreate,
}

#[derive(Debug, clap::Args)]
pub struct Settings {
    what: Contest,
    #[command(flatten)]
    home: Home,
    #[command(flatten)]
    population: Population,
    #[command(flatten)]
    accounts: Accounts,
    /// In .test, with three contacts and two name servers, instead of .example without any
    #[arg(long)]
    thick: bool,
    /// Connections; given several times, each is a comparison of its own. Without it 32, for creates also 128
    #[arg(long)]
    connections: Vec<u32>,
    /// Slices of each
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    slices: u16,
    /// Seconds of a slice; 20 for creates and 5 for others without it
    #[arg(long)]
    seconds: Option<f64>,
    /// Seconds of load before each slice
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Operations a second, whether connections are free or not (open loop), for both sides; as fast as connections
    /// come free without it
    #[arg(long)]
    rate: Option<f64>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

impl Settings {
    /// Starts what it needs, compares, ends it.
    ///
    /// # Errors
    /// A program does not start, the registry can't be seeded.
    pub async fn run(self) -> Outcome {
        let (folder, _temporary) = self.home.folder()?;
        let dev = Dev::start(&folder, self.nodes(), self.home.port_offset).await?;
        let accounts = registrars::ensure(&self.accounts, &dev.data_dir)?;
        let seeds = Seeds { names: self.population.names, thick: self.thick, own: false };
        seed(&dev.place, seeds, accounts.clone()).await?;
        let term = dev.place.term().await?;
        let mut tables = match self.what {
            Contest::EppCreate => create::compare(&self, &dev, accounts).await?,
            _ => query::compare(&self, &dev, accounts).await?,
        };
        let elections = dev.place.term().await? - term;
        let memory = dev.processes().peak_memory() >> 20;
        let note =
            format!("in the whole run: {elections} elections, at most {memory} MiB of memory in a process");
        tables.iter_mut().for_each(|table| table.notes.push(note.clone()));
        report::print(&tables, self.json)?;
        dev.stop()
    }

    /// Voters of the registry: queries are answered by a node alone, EPP asks a cluster.
    fn nodes(&self) -> u16 {
        match self.what {
            Contest::Whois | Contest::Rdap | Contest::Das | Contest::DasPipelined => 1,
            Contest::EppCheck | Contest::EppInfo | Contest::EppCreate => 3,
        }
    }

    fn plans(&self) -> Vec<Plan> {
        let usual = if self.what == Contest::EppCreate { 20.0 } else { 5.0 };
        let connections = match (self.what, self.connections.as_slice()) {
            (Contest::EppCreate, []) => vec![32, 128],
            (_, []) => vec![32],
            (_, asked) => asked.to_vec(),
        };
        let plan = |connections| Plan {
            connections,
            seconds: self.seconds.unwrap_or(usual),
            warm_up: self.warm_up,
            rate: self.rate,
            threads: None,
        };
        connections.into_iter().map(plan).collect()
    }

    /// Lets the contestants take turns, for each number of connections: tables of the medians.
    async fn contest(&self, about: &str, contestants: &[Contestant]) -> Tables {
        let mut tables = Vec::new();
        for plan in self.plans() {
            let rows = take_turns(contestants, &plan, self.slices).await?;
            let Plan { connections, seconds, .. } = plan;
            let (names, slices) = (grouped(self.population.names), self.slices);
            let title = format!(
                "{about}; {names} names, {connections} connections, {slices} slices of {seconds} s each"
            );
            tables.push(Table::compared(title, rows));
        }
        Ok(tables)
    }

    /// How names are drawn, for a title.
    fn drawn(&self) -> String {
        self.population.zipf.map_or_else(|| "uniform".into(), |exponent| format!("Zipf {exponent}"))
    }
}

type Tables = Result<Vec<Table>, Box<dyn Error>>;
type Slice = Pin<Box<dyn Future<Output = Result<Measured, Box<dyn Error>>>>>;

/// Something that load is put on in slices.
pub struct Contestant {
    what: String,
    load: Box<dyn Fn(&Plan) -> Slice>,
}

impl Contestant {
    pub fn new<T: Target>(what: impl Into<String>, target: T, servers: Processes) -> Contestant {
        let shared = Arc::new((Arc::new(target), servers));
        let load = Box::new(move |plan: &Plan| -> Slice {
            let (shared, plan) = (shared.clone(), plan.clone());
            Box::pin(async move { load::run(shared.0.clone(), &plan, &shared.1).await })
        });
        Contestant { what: what.into(), load }
    }

    pub fn name(&self) -> &str {
        &self.what
    }

    /// One slice.
    pub async fn slice(&self, plan: &Plan) -> Result<Row, Box<dyn Error>> {
        let measured = (self.load)(plan).await?;
        Ok(Row::new(&self.what, &measured))
    }
}

/// The median row of each contestant.
pub async fn take_turns(
    contestants: &[Contestant],
    plan: &Plan,
    slices: u16,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows: Vec<Vec<Row>> = contestants.iter().map(|_| Vec::new()).collect();
    for slice in 1..=slices {
        for (contestant, rows) in contestants.iter().zip(&mut rows) {
            let row = contestant.slice(plan).await?;
            eprintln!("slice {slice} of {slices}, {}: {:.0} a second", row.what, row.rate);
            rows.push(row);
        }
    }
    Ok(contestants.iter().zip(&rows).map(|(contestant, rows)| Row::median(&contestant.what, rows)).collect())
}
