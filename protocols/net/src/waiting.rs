//! How long a connection is waited for: until a deadline, and no longer than the node runs.
//!
//! A kept connection moves its deadline with every answer. Here that costs one look at the clock: the timer stays as it
//! was set, and looks at the deadline when it goes off. Likewise a connection leaves word once that it wants to hear
//! of a shutdown. Both would otherwise take locks that all connections share, several times for each query.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::shutdown::Shutdown;

/// Why something is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The node is stopping.
    Stopping,
    /// The deadline has passed.
    TooLong,
}

/// The deadline of one connection, and its ear for a shutdown.
pub struct Waiting {
    shutdown: Shutdown,
    /// It was asked for before this connection began.
    is_late: bool,
    heard: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whom the shutdown will wake.
    heard_by: Option<Waker>,
    timer: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Waiting {
    /// The deadline is `time` from now.
    pub fn new(shutdown: Shutdown, time: Duration) -> Waiting {
        let timer = Box::pin(sleep(time));
        let mut ear = shutdown.clone();
        let heard = Box::pin(async move { ear.requested().await });
        let (is_late, deadline) = (shutdown.is_requested(), timer.deadline());
        Waiting { shutdown, is_late, heard, heard_by: None, timer, deadline }
    }

    /// Moves the deadline to `time` from now.
    pub fn allow(&mut self, time: Duration) {
        self.deadline = Instant::now() + time;
        if self.deadline < self.timer.deadline() {
            self.timer.as_mut().reset(self.deadline);
        }
    }

    /// Waits for `work`, but not past the deadline.
    ///
    /// # Errors
    /// [`Over::TooLong`].
    pub async fn in_time<F: Future>(&mut self, work: F) -> Result<F::Output, Over> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_deadline(cx).map(Err),
        })
        .await
    }

    /// Waits for `work`, but not past the deadline nor a shutdown; where one was asked for already, not at all.
    ///
    /// # Errors
    /// [`Over`], with the reason.
    pub async fn unless_over<F: Future>(&mut self, work: F) -> Result<F::Output, Over> {
        if self.is_stopping() {
            return Err(Over::Stopping);
        }
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending if self.poll_shutdown(cx).is_ready() => Poll::Ready(Err(Over::Stopping)),
            Poll::Pending => self.poll_deadline(cx).map(Err),
        })
        .await
    }

    fn is_stopping(&self) -> bool {
        self.is_late || self.shutdown.is_news()
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_stopping() {
            return Poll::Ready(());
        }
        if self.heard_by.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        self.heard_by = Some(cx.waker().clone());
        self.heard.as_mut().poll(cx)
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.deadline <= self.timer.deadline() {
                return Poll::Ready(Over::TooLong);
            }
            let deadline = self.deadline;
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::shutdown;
    use std::future::{pending, ready};
    use tokio::time::{advance, timeout};

    const TIME: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn the_deadline_moves_both_ways() {
        let (_trigger, shutdown) = shutdown();
        let begun = Instant::now();
        let mut waiting = Waiting::new(shutdown, TIME);
        for _ in 0..5 {
            advance(TIME - Duration::from_secs(1)).await;
            assert_eq!(waiting.unless_over(ready(7)).await, Ok(7));
            waiting.allow(TIME);
        }
        assert_eq!(waiting.unless_over(pending::<()>()).await, Err(Over::TooLong));
        assert_eq!(begun.elapsed().as_secs(), 5 * 9 + 10);
        waiting.allow(TIME);
        waiting.allow(Duration::from_secs(2));
        assert_eq!(waiting.in_time(pending::<()>()).await, Err(Over::TooLong));
        assert_eq!(begun.elapsed().as_secs(), 5 * 9 + 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_is_heard_while_waiting_and_before() {
        let (trigger, shutdown) = shutdown();
        let mut waiting = Waiting::new(shutdown.clone(), TIME);
        let waiting = tokio::spawn(async move {
            // polled twice before: the word that was left must still count
            for _ in 0..2 {
                drop(timeout(Duration::from_secs(1), waiting.unless_over(pending::<()>())).await);
            }
            let over = waiting.unless_over(pending::<()>()).await;
            (over, waiting.in_time(ready(7)).await, waiting.unless_over(ready(7)).await)
        });
        tokio::time::sleep(Duration::from_secs(3)).await;
        trigger.request();
        let ended = waiting.await.unwrap();
        assert_eq!(ended, (Err(Over::Stopping), Ok(7), Err(Over::Stopping)));
        assert_eq!(Waiting::new(shutdown, TIME).unless_over(ready(7)).await, Err(Over::Stopping));
    }

    #[tokio::test(start_paused = true)]
    async fn another_task_hears_it_too() {
        let (trigger, shutdown) = shutdown();
        let mut waiting = Waiting::new(shutdown, TIME);
        drop(timeout(Duration::from_secs(1), waiting.unless_over(pending::<()>())).await);
        let elsewhere = tokio::spawn(async move { waiting.unless_over(pending::<()>()).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        trigger.request();
        assert_eq!(elsewhere.await.unwrap(), Err(Over::Stopping));
    }
}
