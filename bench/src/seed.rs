//! Registers a population of names over EPP, as fast as the registry takes them. What is there already is left
//! alone, so that a registry can be seeded again, or further.

use crate::{
    drive::{
        das,
        epp::{Account, Accounts, Epp, Frame, Session, Work, create_own},
    },
    names::{Label, label},
    place::{DAS, EPP, Place},
    report::grouped,
};
use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time};

/// Sessions at the same time.
const SESSIONS: usize = 128;
/// Between two lines about the progress.
const TELL: Duration = Duration::from_secs(5);
/// A create that the registry has no room for is sent again so often, with a pause in between.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// What a population is.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Seeds {
    /// Names in all
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub names: u64,
    /// In .test, with three contacts and two name servers, instead of .example without any
    #[arg(long)]
    pub thick: bool,
    /// Each with a contact and a name server of its own, instead of its registrar's and two that all share
    #[arg(long, requires = "thick")]
    pub own: bool,
}

#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    seeds: Seeds,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    accounts: Accounts,
}

impl Settings {
    /// Seeds a registry that runs.
    ///
    /// # Errors
    /// A name can't be registered.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let created = seed(&self.place, self.seeds, self.accounts.list()).await?;
        println!("{} names, {} of them new", grouped(self.seeds.names), grouped(created));
        Ok(())
    }
}

/// Makes the names that are missing; how many those were.
///
/// # Errors
/// The connection, or a refusal that is not about existence.
pub async fn seed(place: &Place, seeds: Seeds, accounts: Vec<Account>) -> Result<u64, Box<dyn Error>> {
    let epp = Arc::new(Epp::new(place.addresses(EPP).await?, accounts, seeds.thick, &Work::Create)?);
    epp.furnish().await?;
    let labels: Vec<Label> = (0..seeds.names).map(label).collect();
    let das = place.node(1, DAS)?;
    let free = das::free_ones(das, epp.zone(), &labels).await.map_err(|e| format!("DAS at {das}: {e}"))?;
    let missing: Arc<[Label]> = free.into_iter().map(|place| labels[place]).collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let work = Arc::new(Missing { labels: missing, next: AtomicUsize::new(0), done: AtomicU64::new(0) });
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS.min(work.labels.len()) {
        let creates = if seeds.own {
            create_own(epp.account_number(number)).to_vec()
        } else {
            vec![epp.creation(number)]
        };
        sessions.spawn(fill(epp.clone(), work.clone(), number, creates));
    }
    let (begun, mut told) = (Instant::now(), time::interval(TELL));
    told.tick().await;
    loop {
        tokio::select! {
            ended = sessions.join_next() => match ended {
                Some(ended) => ended??,
                None => return Ok(work.done.load(Ordering::Relaxed)),
            },
            _ = told.tick() => work.tell(begun),
        }
    }
}

struct Missing {
    labels: Arc<[Label]>,
    next: AtomicUsize,
    done: AtomicU64,
}

impl Missing {
    fn tell(&self, begun: Instant) {
        let done = self.done.load(Ordering::Relaxed);
        let rate = done as f64 / begun.elapsed().as_secs_f64();
        let of = grouped(self.labels.len() as u64);
        eprintln!("seeding: {} of {of} names, {} a second", grouped(done), grouped(rate as u64));
    }
}

/// The work of one session: for each label these creates, in order.
async fn fill(epp: Arc<Epp>, work: Arc<Missing>, number: usize, mut creates: Vec<Frame>) -> io::Result<()> {
    let mut session = epp.session(number).await?;
    while let Some(label) = work.labels.get(work.next.fetch_add(1, Ordering::Relaxed)) {
        for create in &mut creates {
            insist(&mut session, create.naming(label)).await?;
        }
        work.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Sends a create until there is what it creates.
async fn insist(session: &mut Session, create: &[u8]) -> io::Result<()> {
    let mut attempts = 0;
    loop {
        match session.command(create).await? {
            // it exists if an earlier attempt had an unknown outcome
            1000 | 2302 => return Ok(()),
            2400 if attempts < ATTEMPTS => {
                attempts += 1;
                time::sleep(PAUSE).await;
            }
            code => {
                let what = String::from_utf8_lossy(&create[4..]);
                return Err(io::Error::other(format!("answered {code}: {what}")));
            }
        }
    }
}
