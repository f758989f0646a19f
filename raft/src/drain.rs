//! The thread that turns frozen generations into durable ones, behind apply and never past what the log has made
//! durable.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use storage::{Drained, Fault, Log, Store};

/// How often the thread looks for a frozen generation.
const LOOK: Duration = Duration::from_millis(20);
/// How long a stop waits for the log to become durable past the last generation.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Called with the fault that ended draining: the node must stop.
pub type OnFault = Arc<dyn Fn(String) + Send + Sync>;
/// Called with rows and time of each drain.
pub type OnDrain = Arc<dyn Fn(usize, Duration) + Send + Sync>;

/// The drain thread; dropping it stops it without a last drain.
pub struct Drain {
    stop: Arc<AtomicBool>,
    store: Arc<Store>,
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

impl Drain {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        store: Arc<Store>,
        log: Arc<Log>,
        on_fault: OnFault,
        on_drain: OnDrain,
    ) -> io::Result<Drain> {
        store.space().resume();
        store.hurry(false);
        let stop = Arc::new(AtomicBool::new(false));
        let (s, l, halt) = (store.clone(), log.clone(), stop.clone());
        let thread = thread::Builder::new().name("drain".into()).spawn(move || {
            while !halt.load(Ordering::Acquire) {
                if let Err(fault) = step(&s, &l, &on_drain) {
                    on_fault(fault.to_string());
                    return;
                }
                thread::sleep(LOOK);
            }
        })?;
        Ok(Drain { stop, store, log, thread: Some(thread) })
    }

    /// Stops the thread and makes everything that is applied durable, so that the next start has nothing to redo.
    ///
    /// # Errors
    /// A storage fault, or a log that does not become durable in time.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.halt();
        // a log that never held an entry, as before the founding: there is nothing that could be drained
        if self.log.synced().is_none() {
            return Ok(());
        }
        let until = Instant::now() + STOP_LIMIT;
        let none: OnDrain = Arc::new(|_, _| {});
        // twice: what was frozen already, then what is applied since
        for _ in 0..2 {
            self.store.freeze();
            while step(&self.store, &self.log, &none)? == Progressed::Waits {
                if Instant::now() > until {
                    return Err(Fault::Io(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the log does not become durable",
                    )));
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }

    /// A drain that waits for room on a full disk gives up: the log has what it would have written.
    fn halt(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.store.space().give_up();
        self.store.hurry(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.halt();
    }
}

#[derive(PartialEq, Eq)]
enum Progressed {
    Done,
    Waits,
}

fn step(store: &Store, log: &Log, on_drain: &OnDrain) -> Result<Progressed, Fault> {
    let began = Instant::now();
    match store.drain(log.synced())? {
        Drained::LogBehind { .. } => Ok(Progressed::Waits),
        Drained::Done { rows, .. } => {
            on_drain(rows, began.elapsed());
            Ok(Progressed::Done)
        }
        Drained::Nothing | Drained::Cancelled => Ok(Progressed::Done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry::tables;
    use storage::{Options, SimDisk};

    #[test]
    fn a_drain_that_waits_for_room_can_be_stopped() {
        let disk = SimDisk::new();
        let log = Arc::new(Log::open(Arc::new(SimDisk::new())).unwrap());
        log.append(vec![(1, Arc::from(*b"entry"))], Box::new(|r| r.unwrap()));
        log.flush().unwrap();
        let store = Store::open(Arc::new(disk.clone()), tables::ALL, Options::default()).unwrap();
        let store = Arc::new(store);
        store.begin().commit(1, Arc::default());
        assert!(store.freeze());
        disk.full_after(0);
        let failed = Arc::new(AtomicBool::new(false));
        let heard = failed.clone();
        let on_fault: OnFault = Arc::new(move |_| heard.store(true, Ordering::Release));
        let drain = Drain::spawn(store.clone(), log, on_fault, Arc::new(|_, _| {})).unwrap();
        while !store.space().is_full() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!failed.load(Ordering::Acquire), "waiting is no fault");
        assert!(drain.finish().is_err(), "and what is not written is not called durable");
        assert_eq!(store.drained_index(), 0);
    }
}
