//! A load: many connections that carry one operation after the other, spread over a few threads, each with a
//! runtime of its own so that no operation wakes another core.
//!
//! Not here: what an operation is (`drive`), how a result looks (`report`).

mod pace;
mod record;

pub use record::{Answers, Record, Window, Word};

use crate::process::Processes;
use pace::Pace;
use std::{
    cell::{Cell, RefCell},
    error::Error,
    io,
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    task::LocalSet,
    time::{sleep, sleep_until, timeout_at},
};

/// How much load, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Plan {
    /// Connections, each with one operation at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub connections: u32,
    /// Seconds of the measurement
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Seconds of load before it
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Operations a second, whether connections are free or not (open loop); as fast as they come free without it
    #[arg(long)]
    pub rate: Option<f64>,
    /// Threads of the generator; one for each core without it
    #[arg(long)]
    pub threads: Option<usize>,
}

/// What a load is put on.
pub trait Target: Send + Sync + 'static {
    type Line: Line;

    /// Opens the connection with this number and makes it ready for operations.
    fn connect(&self, number: usize) -> impl Future<Output = io::Result<Self::Line>>;
}

/// One connection.
pub trait Line: 'static {
    /// Carries out the next operation and says what was answered.
    fn operate(&mut self, answers: &mut Answers) -> impl Future<Output = io::Result<()>>;
}

/// What came of a load.
pub struct Measured {
    pub record: Record,
    /// Operations of an open loop that were due and not begun.
    pub missed: u64,
    /// Processor time of the watched processes, and of this one, during the measurement.
    pub served: Option<Duration>,
    pub generated: Duration,
}

/// From the last connection to the first operation.
const BREATH: Duration = Duration::from_millis(20);
/// How long operations under way at the end are waited for.
const GRACE: Duration = Duration::from_secs(2);
/// Between attempts to open a connection that broke.
const RECONNECT: Duration = Duration::from_millis(50);

/// Opens all connections, puts the load on them, and closes them. `servers` are the processes whose processor time
/// is of interest.
///
/// # Errors
/// A connection can't be opened at the beginning. Later failures are counted.
pub async fn run<T: Target>(
    target: Arc<T>,
    plan: &Plan,
    servers: &Processes,
) -> Result<Measured, Box<dyn Error>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let connections = plan.connections as usize;
    let threads = plan.threads.unwrap_or(cores).clamp(1, connections);
    let (begin, begun) = watch::channel(None);
    let (tell, mut opened) = mpsc::channel(threads);
    let mut records = Vec::new();
    for first in 0..threads {
        let numbers = (first..connections).step_by(threads).collect();
        let (target, begun, tell) = (target.clone(), begun.clone(), tell.clone());
        let (send, record) = oneshot::channel();
        thread::Builder::new().name(format!("load-{first}")).spawn(move || {
            if let Some(record) = one_thread(&target, numbers, begun, &tell) {
                // the receiver is gone if the run was given up
                let _ = send.send(record);
            }
        })?;
        records.push(record);
    }
    drop(tell);
    for _ in 0..threads {
        opened.recv().await.ok_or("a thread of the generator ended")??;
    }
    let start = Instant::now() + BREATH;
    let measure = start + Duration::from_secs_f64(plan.warm_up);
    let window = Window { start, measure, end: measure + Duration::from_secs_f64(plan.seconds) };
    let pace = plan.rate.map_or_else(Pace::closed, |rate| Pace::open(rate, window));
    begin.send(Some((window, pace.clone())))?;

    sleep_until(window.measure.into()).await;
    let (served, generated) = (servers.time(), Processes::this().time());
    sleep_until(window.end.into()).await;
    let since = |before: Option<Duration>, now: Option<Duration>| Some(now?.saturating_sub(before?));
    let served = since(served, servers.time());
    let generated = since(generated, Processes::this().time()).unwrap_or_default();
    let mut all = Record::new(window);
    for record in records {
        all.merge(&record.await.map_err(|_| "a thread of the generator ended before its time")?);
    }
    Ok(Measured { record: all, missed: pace.missed(window), served, generated })
}

type Begin = watch::Receiver<Option<(Window, Pace)>>;
type Opened = mpsc::Sender<Result<(), String>>;

/// The work of one thread; `None` if the run is given up.
fn one_thread<T: Target>(
    target: &Arc<T>,
    numbers: Vec<usize>,
    begin: Begin,
    opened: &Opened,
) -> Option<Record> {
    match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let work = LocalSet::new();
            runtime.block_on(work.run_until(connected(target, numbers, begin, opened)))
        }
        Err(cause) => {
            // nobody listens if the run is given up already
            let _ = opened.blocking_send(Err(format!("a runtime can't be made: {cause}")));
            None
        }
    }
}

async fn connected<T: Target>(
    target: &Arc<T>,
    numbers: Vec<usize>,
    mut begin: Begin,
    opened: &Opened,
) -> Option<Record> {
    let opening: Vec<_> = numbers
        .into_iter()
        .map(|number| {
            let target = target.clone();
            tokio::task::spawn_local(async move { (number, target.connect(number).await) })
        })
        .collect();
    let mut lines = Vec::new();
    for task in opening {
        match task.await {
            Ok((number, Ok(line))) => lines.push((number, line)),
            Ok((number, Err(cause))) => {
                let _ = opened.send(Err(format!("connection {number}: {cause}"))).await;
                return None;
            }
            Err(panic) => {
                let _ = opened.send(Err(format!("a connection can't be opened: {panic}"))).await;
                return None;
            }
        }
    }
    opened.send(Ok(())).await.ok()?;
    let (window, pace) = begin.wait_for(Option::is_some).await.ok()?.clone()?;
    let record = Rc::new(RefCell::new(Record::new(window)));
    let workers: Vec<_> = lines
        .into_iter()
        .map(|(number, line)| {
            let busy = Rc::new(Cell::new(None));
            let worker = Worker { target: target.clone(), number, line: Some(line), busy: busy.clone() };
            (tokio::task::spawn_local(worker.run(window, pace.clone(), record.clone())), busy)
        })
        .collect();
    let patience = window.end + GRACE;
    for (worker, busy) in workers {
        let ended = timeout_at(patience.into(), worker).await;
        if let (Err(_), Some(begun)) = (ended, busy.get()) {
            record.borrow_mut().unanswered(begun, patience);
        }
    }
    Some(record.replace(Record::new(window)))
}

struct Worker<T: Target> {
    target: Arc<T>,
    number: usize,
    /// `None` after it broke.
    line: Option<T::Line>,
    /// When the operation under way was due.
    busy: Rc<Cell<Option<Instant>>>,
}

impl<T: Target> Worker<T> {
    async fn run(mut self, window: Window, pace: Pace, record: Rc<RefCell<Record>>) {
        let mut answers = Answers::default();
        sleep_until(window.start.into()).await;
        let mut free = Instant::now();
        while let Some(due) = pace.next(free, window.end).await {
            answers.clear();
            self.busy.set(Some(due));
            self.operate(&mut answers).await;
            self.busy.set(None);
            free = Instant::now();
            record.borrow_mut().note(due, free, &answers);
        }
    }

    async fn operate(&mut self, answers: &mut Answers) {
        if self.line.is_none() {
            match self.target.connect(self.number).await {
                Ok(line) => self.line = Some(line),
                Err(_) => {
                    answers.bad(Word::Text("no connection"), 1);
                    return sleep(RECONNECT).await;
                }
            }
        }
        if let Some(line) = &mut self.line
            && line.operate(answers).await.is_err()
        {
            self.line = None;
            answers.clear();
            answers.bad(Word::Text("broken connection"), 1);
        }
    }
}
