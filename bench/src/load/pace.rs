//! When operations are due. A closed loop sends as soon as a connection is free; an open loop at a given rate,
//! whether connections are free or not, so that a stall of the server is not hidden by a generator that waits with
//! it.

use super::record::Window;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// The shortest sleep between two looks at the clock; the kernel does not wake much sooner.
const NAP: Duration = Duration::from_micros(50);

/// Hands out the instants at which operations are due; shared by all connections.
#[derive(Clone)]
pub struct Pace(Option<Arc<Open>>);

struct Open {
    /// One for each operation that is due and not taken.
    due: Semaphore,
    taken: AtomicU64,
    start: Instant,
    rate: f64,
}

impl Pace {
    /// As fast as connections come free.
    pub fn closed() -> Pace {
        Pace(None)
    }

    /// So many operations a second, from the window's start to its end.
    pub fn open(rate: f64, window: Window) -> Pace {
        let open =
            Arc::new(Open { due: Semaphore::new(0), taken: AtomicU64::new(0), start: window.start, rate });
        // A thread of its own: its sleeps end within tens of microseconds, those of the runtime within a
        // millisecond.
        let clock = open.clone();
        thread::spawn(move || clock.run(window.end));
        Pace(Some(open))
    }

    /// The instant at which the next operation is due, once it is; `None` after the end. `free` is when the
    /// connection came free.
    pub async fn next(&self, free: Instant, end: Instant) -> Option<Instant> {
        let Some(open) = &self.0 else { return (free < end).then_some(free) };
        open.due.acquire().await.ok()?.forget();
        let number = open.taken.fetch_add(1, Ordering::Relaxed);
        Some(open.start + Duration::from_secs_f64(number as f64 / open.rate))
    }

    /// Operations that were due before the end and found no connection; 0 for a closed loop.
    pub fn missed(&self, window: Window) -> u64 {
        self.0.as_ref().map_or(0, |open| {
            let due = (window.end - window.start).as_secs_f64() * open.rate;
            (due as u64).saturating_sub(open.taken.load(Ordering::Relaxed))
        })
    }
}

impl Open {
    fn run(&self, end: Instant) {
        let mut told = 0;
        loop {
            let now = Instant::now();
            if now >= end {
                return self.due.close();
            }
            let due = ((now.saturating_duration_since(self.start)).as_secs_f64() * self.rate) as usize;
            if due > told {
                self.due.add_permits(due - told);
                told = due;
            }
            let next = self.start + Duration::from_secs_f64((told + 1) as f64 / self.rate);
            thread::sleep(next.min(end).saturating_duration_since(now).max(NAP));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(ms: u64) -> Window {
        let start = Instant::now();
        Window { start, measure: start, end: start + Duration::from_millis(ms) }
    }

    #[tokio::test]
    async fn operations_are_due_at_their_rate_however_late_they_are_taken() {
        let w = window(60_000);
        let pace = Pace::open(1000.0, w);
        let mut due = Vec::new();
        // one connection that is slower than the rate
        while due.len() < 20 {
            due.push(pace.next(Instant::now(), w.end).await.unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(1)), "{due:?}");
        assert_eq!((due[0], pace.missed(w)), (w.start, 60_000 - 20));
    }

    #[tokio::test]
    async fn a_closed_loop_is_due_at_once_until_the_end() {
        let w = window(1000);
        let pace = Pace::closed();
        assert_eq!(pace.next(w.start, w.end).await, Some(w.start));
        assert_eq!(pace.next(w.end, w.end).await, None);
        assert_eq!(pace.missed(w), 0);
    }
}
