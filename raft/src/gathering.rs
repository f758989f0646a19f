//! The requests to one peer, without those that the next one makes needless.
//!
//! Consensus sends what there is as soon as there is something: an entry, and soon after it the news that it is
//! committed, which at some hundred writes a second travels alone. But a write waits for a majority only, for few readers
//! does it matter when a peer hears of it, and every request costs both sides far more than what it carries. So
//!
//! - a peer that no write waits for gets what came together since the last request, some milliseconds later;
//! - news of a commit waits as long for entries to travel with.
//!
//! Neither waits while a reader at a peer does, nor where there is much to send.

use crate::{leading::Leading, types::Cx};
use futures_util::{
    Stream, StreamExt,
    future::{Either, select},
    stream::{self, Fuse},
};
use openraft::{
    raft::AppendEntriesRequest,
    type_config::{TypeConfigExt, alias::InstantOf},
};
use std::{pin::pin, sync::Arc, time::Duration};

/// How long what nobody waits for is held back.
const HOLD: Duration = Duration::from_millis(5);
/// After a request of so many entries the next one is sent at once.
const MANY: usize = 64;

/// The requests to `peer`, as few as they may be.
pub(crate) fn gathered<C: Cx>(
    leading: Arc<Leading<C>>,
    peer: u64,
    requests: impl Stream<Item = AppendEntriesRequest<C>> + Send + Unpin + 'static,
) -> impl Stream<Item = AppendEntriesRequest<C>> + Send + 'static {
    let first = Gathering { leading, peer, requests: requests.fuse(), last: None };
    stream::unfold(first, |mut gathering| async { Some((gathering.next().await?, gathering)) })
}

struct Gathering<C: Cx, S> {
    leading: Arc<Leading<C>>,
    peer: u64,
    requests: Fuse<S>,
    last: Option<Last<C>>,
}

/// The last request.
struct Last<C: Cx> {
    at: InstantOf<C>,
    entries: usize,
    /// Up to where it said that entries are committed.
    told: u64,
}

impl<C: Cx, S: Stream<Item = AppendEntriesRequest<C>> + Unpin> Gathering<C, S> {
    async fn next(&mut self) -> Option<AppendEntriesRequest<C>> {
        // the first one may be a probe: it is the answer that counts
        let request = match self.last.take().filter(|last| last.entries < MANY) {
            Some(last) if self.leading.needs(self.peer) => self.with_entries(last.told).await?,
            Some(last) => {
                let until = pin!(C::sleep_until(last.at + HOLD));
                select(pin!(self.leading.wants_more_than(last.told)), until).await;
                self.requests.next().await?
            }
            None => self.requests.next().await?,
        };
        let told = request.leader_commit.map_or(0, |committed| committed.index);
        self.last = Some(Last { at: C::now(), entries: request.entries.len(), told });
        Some(request)
    }

    /// The next request; it waits a moment for entries if it has none.
    async fn with_entries(&mut self, told: u64) -> Option<AppendEntriesRequest<C>> {
        let mut request = self.requests.next().await?;
        let mut time_is_up = pin!(C::sleep(HOLD));
        while request.entries.is_empty() {
            let is_wanted = pin!(self.leading.wants_more_than(told));
            match select(self.requests.next(), select(is_wanted, &mut time_is_up)).await {
                Either::Left((Some(newer), _)) => request = newer,
                Either::Left((None, _)) | Either::Right(_) => break,
            }
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leading::tests::leading;
    use crate::types::{Leader, Live, LogEntry, LogId, Payload, Vote};
    use futures_util::stream::BoxStream;
    use tokio::{
        sync::mpsc,
        time::{Instant, sleep},
    };

    type Request = AppendEntriesRequest<Live>;

    const SOON: Duration = Duration::from_millis(1);

    /// What is sent to peers of node 1, which leads three voters and an edge, 9.
    struct Wire {
        leading: Arc<Leading<Live>>,
        began: Instant,
    }

    /// The requests to one peer, before and after.
    struct Line<'w> {
        wire: &'w Wire,
        consensus: mpsc::UnboundedSender<Request>,
        sent: BoxStream<'static, Request>,
    }

    fn id(index: u64) -> LogId {
        LogId::new(Leader { term: 1, node_id: 1 }, index)
    }

    impl Wire {
        fn new() -> Wire {
            Wire { leading: Arc::new(leading(&[&[1, 2, 3]])), began: Instant::now() }
        }

        fn to(&self, peer: u64) -> Line<'_> {
            let (consensus, requests) = mpsc::unbounded_channel();
            let requests = stream::unfold(requests, |mut r| async { Some((r.recv().await?, r)) });
            let sent = gathered(self.leading.clone(), peer, Box::pin(requests)).boxed();
            Line { wire: self, consensus, sent }
        }

        /// After the first request, which is sent.
        async fn begun(&self, peer: u64) -> Line<'_> {
            let mut line = self.to(peer);
            line.offer(0, 1, 0);
            assert_eq!(line.sent().await, (1, 0, Duration::ZERO), "at once");
            line
        }
    }

    impl Line<'_> {
        /// Consensus has the entries up to the second index to send, and news of what is committed.
        fn offer(&self, prev: u64, last: u64, committed: u64) {
            let entry = |index| LogEntry { log_id: id(index), payload: Payload::Blank };
            let request = AppendEntriesRequest {
                vote: Vote::new_committed(1, 1),
                prev_log_id: Some(id(prev)),
                entries: (prev + 1..=last).map(entry).collect(),
                leader_commit: Some(id(committed)),
            };
            self.consensus.send(request).unwrap();
        }

        /// How many entries are sent next, with which news, and when.
        async fn sent(&mut self) -> (usize, u64, Duration) {
            let request = self.sent.next().await.unwrap();
            (request.entries.len(), request.leader_commit.unwrap().index, self.wire.began.elapsed())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn news_travels_with_the_next_entries() {
        let wire = Wire::new();
        let mut line = wire.begun(2).await;
        line.offer(1, 1, 1);
        line.offer(1, 2, 1);
        assert_eq!(line.sent().await, (1, 1, Duration::ZERO), "the news alone is not sent");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_is_sent_when_nothing_follows() {
        let wire = Wire::new();
        let line = wire.begun(2).await;
        line.offer(1, 1, 1);
        let Line { consensus, mut sent, .. } = line;
        drop(consensus);
        assert_eq!(sent.next().await.unwrap().leader_commit, Some(id(1)));
        assert!(sent.next().await.is_none());
        assert_eq!(wire.began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn news_alone_is_sent_after_a_moment_or_when_a_reader_wants_it() {
        let wire = Wire::new();
        let mut line = wire.begun(2).await;
        line.offer(1, 1, 1);
        assert_eq!(line.sent().await, (0, 1, HOLD));
        line.offer(1, 1, 2);
        let leading = wire.leading.clone();
        tokio::spawn(async move {
            sleep(SOON).await;
            leading.want(1);
            sleep(SOON).await;
            leading.want(2);
        });
        assert_eq!(line.sent().await, (0, 2, HOLD + 2 * SOON), "1 was told already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_no_write_waits_for_gets_what_came_meanwhile() {
        for peer in [3, 9] {
            let wire = Wire::new();
            let mut line = wire.begun(peer).await;
            line.offer(1, 4, 1);
            assert_eq!(line.sent().await, (3, 1, HOLD));
            line.offer(4, 5, 4);
            wire.leading.want(4);
            assert_eq!(line.sent().await, (1, 4, HOLD), "at once for a reader");
            line.offer(5, 5 + MANY as u64, 5);
            assert_eq!(line.sent().await, (MANY, 5, 2 * HOLD));
            line.offer(5 + MANY as u64, 6 + MANY as u64, 5);
            assert_eq!(line.sent().await, (1, 5, 2 * HOLD), "there is much to send");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_is_never_held_back() {
        let wire = Wire::new();
        let mut line = wire.to(2);
        line.offer(7, 7, 7);
        assert_eq!(line.sent().await, (0, 7, Duration::ZERO));
    }
}
