//! What writes take from the questions of the public: each service alone, on an idle cluster and while it applies
//! creates at a steady rate, in turns.

use crate::{
    commands::Outcome,
    dev::{Dev, Home},
    drive::{
        Public,
        das::Das,
        epp::{self, Accounts, Epp, Work},
        rdap::Rdap,
        whois::Whois,
    },
    load::{self, Plan},
    names::Population,
    pair::Contestant,
    place::{At, DAS, EPP, RDAP, WHOIS},
    process::Processes,
    registrars,
    report::{self, Row, Table},
    seed::{Seeds, seed},
};
use std::{error::Error, sync::Arc};

/// Sessions that create.
const WRITERS: u32 = 32;

#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    home: Home,
    #[command(flatten)]
    population: Population,
    #[command(flatten)]
    accounts: Accounts,
    /// Names of .test, with contacts and name servers, instead of .example
    #[arg(long)]
    thick: bool,
    /// Voters
    #[arg(long, default_value_t = 3)]
    nodes: u16,
    /// Which node is asked
    #[arg(long, value_enum, default_value = "follower")]
    at: At,
    /// Creates a second
    #[arg(long, default_value_t = 1000.0)]
    creates: f64,
    /// Connections that ask
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Slices of each kind
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    slices: u16,
    /// Seconds of a slice
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

impl Settings {
    /// Starts a registry, measures, ends it.
    ///
    /// # Errors
    /// It does not start or can't be seeded.
    pub async fn run(self) -> Outcome {
        let (folder, _temporary) = self.home.folder()?;
        let dev = Dev::start(&folder, self.nodes, self.home.port_offset).await?;
        let accounts = registrars::ensure(&self.accounts, &dev.data_dir)?;
        let seeds = Seeds { names: self.population.names, thick: self.thick, own: false };
        seed(&dev.place, seeds, accounts.clone()).await?;
        let writers = Epp::new(dev.place.addresses(EPP).await?, accounts, self.thick, &Work::Create)?;
        writers.furnish().await?;
        let writers = Arc::new(writers);
        let mut tables = Vec::new();
        for service in self.services(&dev).await? {
            tables.push(self.compare(&service, &writers).await?);
        }
        report::print(&tables, self.json)?;
        dev.stop()
    }

    async fn services(&self, dev: &Dev) -> Result<Vec<Contestant>, Box<dyn Error>> {
        let place = dev.at(self.at);
        let public = async |port| -> Result<Public, Box<dyn Error>> {
            Ok(Public::new(place.addresses(port).await?, &self.population, epp::zone(self.thick)))
        };
        let nobody = Processes::default;
        Ok(vec![
            Contestant::new("WHOIS", Whois(public(WHOIS).await?), nobody()),
            Contestant::new("RDAP", Rdap(public(RDAP).await?), nobody()),
            Contestant::new("DAS", Das { public: public(DAS).await?, pipeline: 1 }, nobody()),
            Contestant::new("DAS by 32", Das { public: public(DAS).await?, pipeline: 32 }, nobody()),
        ])
    }

    async fn compare(&self, service: &Contestant, writers: &Arc<Epp>) -> Result<Table, Box<dyn Error>> {
        let plan = |connections, rate| Plan {
            connections,
            seconds: self.seconds,
            warm_up: 1.0,
            rate,
            threads: None,
        };
        let (asking, writing) = (plan(self.connections, None), plan(WRITERS, Some(self.creates)));
        let (mut idle, mut busy, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for slice in 1..=self.slices {
            idle.push(service.slice(&asking).await?);
            let nobody = Processes::default();
            let (asked, wrote) =
                tokio::join!(service.slice(&asking), load::run(writers.clone(), &writing, &nobody));
            busy.push(asked?);
            written.push(Row::new("create", &wrote?));
            eprintln!("slice {slice} of {}: {}", self.slices, service.name());
        }
        let name = service.name();
        let rows = vec![
            Row::median(format!("{name}, idle"), &idle),
            Row::median(format!("{name}, under write"), &busy),
        ];
        let title = format!("{name} while {} creates a second are applied", self.creates);
        let mut table = Table::compared(title, rows);
        table.rows.push(Row::median("creates beside it", &written));
        Ok(table)
    }
}
