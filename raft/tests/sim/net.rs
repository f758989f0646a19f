//! The network: late, lossy, repeating, cut in one or both directions, or with a peer that hangs. A message is
//! carried by a task of its own: it outlives the sender and dies with the receiver.

use super::{
    runtime::{Seeded, Sim},
    world::{Inner, World},
};
use openraft::{async_runtime::AsyncRuntime, type_config::TypeConfigExt};
use raft::{
    NodeInfo,
    net::{CallError, Lane, Net, Service},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How often a held message looks whether the peer still hangs.
const HELD_LOOK: Duration = Duration::from_millis(40);

#[derive(Debug)]
pub struct Weather {
    /// From and to: nothing gets through.
    pub cut: BTreeSet<(u64, u64)>,
    /// Messages from and to these are held.
    pub hung: BTreeSet<u64>,
    pub lost_permille: u64,
    pub repeated_permille: u64,
    pub delay_ms: u64,
    /// How many calls were about snapshots.
    pub snapshot_calls: u64,
    /// How many more of them get through; all without it.
    pub snapshot_calls_left: Option<u64>,
    /// The first that did not, and who sent it.
    pub withheld: Option<(u64, Vec<u8>)>,
}

impl Default for Weather {
    fn default() -> Weather {
        Weather {
            cut: BTreeSet::new(),
            hung: BTreeSet::new(),
            lost_permille: 0,
            repeated_permille: 0,
            delay_ms: 2,
            snapshot_calls: 0,
            snapshot_calls_left: None,
            withheld: None,
        }
    }
}

impl Weather {
    fn is_snapshot_withheld(&mut self, from: u64, request: &[u8]) -> bool {
        match &mut self.snapshot_calls_left {
            None => false,
            Some(0) => {
                self.withheld.get_or_insert_with(|| (from, request.to_vec()));
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}

#[derive(Clone)]
pub struct SimNet {
    pub from: u64,
    pub world: Arc<World>,
}

type Answer = Result<Vec<u8>, CallError>;

enum Fate {
    Refused,
    Lost,
    Arrives { after_ms: u64, again_after_ms: Option<u64> },
}

impl SimNet {
    fn fate(&self, to: u64, lane: Lane, request: &[u8]) -> Fate {
        let octets = request.len();
        let mut inner = self.world.lock();
        let Inner { rng, weather, .. } = &mut *inner;
        let fate = if weather.cut.contains(&(self.from, to)) {
            if rng.permille(500) { Fate::Refused } else { Fate::Lost }
        } else if (lane == Lane::Snapshot && weather.is_snapshot_withheld(self.from, request))
            || rng.permille(weather.lost_permille)
        {
            Fate::Lost
        } else {
            let mut after = || rng.between(0, weather.delay_ms);
            let (after_ms, later) = (after(), 3 * after() + 5);
            let repeated = rng.permille(weather.repeated_permille);
            Fate::Arrives { after_ms, again_after_ms: repeated.then_some(later) }
        };
        weather.snapshot_calls += u64::from(lane == Lane::Snapshot);
        let from = self.from;
        match &fate {
            Fate::Arrives { after_ms, .. } => {
                inner.message(format_args!("{from} > {to} {lane:?} {octets} octets, {after_ms} ms"));
            }
            Fate::Lost | Fate::Refused => inner.message(format_args!("{from} > {to} {lane:?} lost")),
        }
        fate
    }

    /// Carries one copy of a message; the answer is told if anybody wants it.
    fn carry(&self, to: u64, request: Vec<u8>, after_ms: u64, tell: Option<oneshot::Sender<Answer>>) {
        let net = self.clone();
        drop(Seeded::spawn(async move {
            Sim::sleep(Duration::from_millis(after_ms)).await;
            while net.is_held(to) {
                Sim::sleep(HELD_LOOK).await;
            }
            let answer = net.deliver(to, request).await;
            let (back_ms, lost) = net.way_back(to);
            Sim::sleep(Duration::from_millis(back_ms)).await;
            if let (Some(tell), false) = (tell, lost) {
                // the caller may have given up
                let _ = tell.send(answer);
            }
        }));
    }

    fn is_held(&self, to: u64) -> bool {
        let inner = self.world.lock();
        inner.weather.hung.contains(&to) || inner.weather.hung.contains(&self.from)
    }

    async fn deliver(&self, to: u64, request: Vec<u8>) -> Answer {
        let Some((node, group)) = self.world.node(to) else {
            return Err(CallError::Unreachable("nobody listens there".into()));
        };
        let from = self.from;
        let answering = group.spawn(async move { node.answer(from, request).await });
        answering.await.map_err(|_| CallError::Lost("the peer went away".into()))
    }

    fn way_back(&self, to: u64) -> (u64, bool) {
        let mut inner = self.world.lock();
        let Inner { rng, weather, .. } = &mut *inner;
        let lost = weather.cut.contains(&(to, self.from)) || rng.permille(weather.lost_permille);
        (rng.between(0, weather.delay_ms), lost)
    }
}

impl Net for SimNet {
    async fn call(
        &self,
        to: u64,
        _: &NodeInfo,
        lane: Lane,
        request: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let until = Sim::now() + limit;
        let (tell, told) = oneshot::channel();
        match self.fate(to, lane, &request) {
            Fate::Refused => {
                Sim::sleep(Duration::from_millis(1)).await;
                return Err(CallError::Unreachable("cut off".into()));
            }
            Fate::Lost => {}
            Fate::Arrives { after_ms, again_after_ms } => {
                if let Some(again) = again_after_ms {
                    self.carry(to, request.clone(), again, None);
                }
                self.carry(to, request, after_ms, Some(tell));
                if let Ok(Ok(answer)) = Sim::timeout(limit, told).await {
                    return answer;
                }
            }
        }
        Sim::sleep_until(until).await;
        Err(CallError::Lost("no answer in time".into()))
    }
}
