//! What goes wrong, and when: drawn from the seed.

use super::{
    client,
    net::Weather,
    rng::Rng,
    runtime::Sim,
    world::{Inner, NODES, VOTERS, World},
};
use openraft::type_config::TypeConfigExt;
use raft::ClockState;
use registry::{
    Actor, Outcome, Reply, Verb,
    registrar::{Profile, RegistrarCreate},
    repository::RepositoryFound,
    seal::{Context, Keys, NONCE, SECRET},
    tld::{DataModel, TldCreate},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How long the acceptance of a clock may be on its way.
const ACCEPT_LIMIT_MS: u64 = 1_500;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

impl World {
    /// Boots everything, founds the cluster and the repository, and enters two registrars.
    ///
    /// # Errors
    /// What does not work although nothing was broken yet.
    pub async fn found(self: &Arc<Self>) -> Result<(), String> {
        for id in NODES {
            self.boot(id);
        }
        while self.nodes().len() < NODES.len() {
            Sim::sleep(ms(5)).await;
            self.stop_at_violation()?;
        }
        let founders = self.founders();
        let mut founding = Vec::new();
        for id in NODES {
            let (node, group) = self.node(id).ok_or("a node went away")?;
            let founders = founders.clone();
            founding.push(group.spawn(async move { node.found(&founders).await }));
        }
        for founded in founding {
            founded.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        }
        loop {
            if self.leader().is_some() {
                break;
            }
            Sim::sleep(ms(20)).await;
            self.stop_at_violation()?;
        }
        self.fill().await
    }

    async fn fill(&self) -> Result<(), String> {
        let operator = || Actor::Operator("simulation".into());
        let found =
            RepositoryFound { name: "main".into(), roid_suffix: "SIM".into(), documentation_addresses: true };
        client::submit(self, 1, operator(), Verb::RepositoryFound(found)).await.ok_or("not founded")?;
        let tld = TldCreate {
            name: "example".into(),
            model: DataModel::Minimum,
            contacts_required: Vec::new(),
            roid_suffix: "EXAMPLE".into(),
        };
        match client::submit(self, 2, operator(), Verb::TldCreate(Box::new(tld))).await {
            Some(Outcome::Done(Reply::TldCreated { id })) => self.lock().history.tld = id,
            other => return Err(format!("no zone: {other:?}")),
        }
        for handle in ["alpha", "beta"] {
            match client::submit(self, 3, operator(), registrar(handle)).await {
                Some(Outcome::Done(Reply::RegistrarCreated { id })) => {
                    self.lock().history.registrars.push(id);
                }
                other => return Err(format!("no registrar: {other:?}")),
            }
        }
        Ok(())
    }

    /// # Errors
    /// The violation that was found.
    pub fn stop_at_violation(&self) -> Result<(), String> {
        self.found_violation().map_or(Ok(()), Err)
    }

    /// Breaks things until `until`.
    ///
    /// # Errors
    /// The violation that was found.
    pub async fn torment(self: &Arc<Self>, until: Duration) -> Result<(), String> {
        let mut asleep: BTreeMap<u64, Duration> = BTreeMap::new();
        while self.elapsed() < until {
            let pause = self.lock().rng.between(30, 500);
            Sim::sleep(ms(pause)).await;
            self.stop_at_violation()?;
            let now = self.elapsed();
            let due: Vec<u64> = asleep.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
            for id in due {
                asleep.remove(&id);
                self.boot(id);
            }
            self.accept_clocks();
            for id in self.strike() {
                self.crash(id);
                let rest = self.lock().rest_ms();
                asleep.insert(id, now + ms(rest));
            }
        }
        Ok(())
    }

    /// One fault, or the end of some; returns the machines that lose power.
    fn strike(self: &Arc<Self>) -> Vec<u64> {
        let leader = self.leader().map(|node| node.id());
        let mut inner = self.lock();
        match inner.rng.below(100) {
            0..6 => inner.rng.pick(&NODES).into_iter().collect(),
            6..12 => leader.into_iter().collect(),
            12..15 => NODES.into_iter().filter(|_| inner.rng.permille(500)).collect(),
            15..20 => NODES.to_vec(),
            20..27 => {
                part(&mut inner);
                Vec::new()
            }
            27..33 => {
                let (from, to) = (inner.rng.pick(&NODES), inner.rng.pick(&NODES));
                inner.weather.cut.extend(from.zip(to).filter(|(a, b)| a != b));
                Vec::new()
            }
            33..36 => {
                let peer = inner.rng.pick(&NODES);
                inner.weather.hung.extend(peer);
                Vec::new()
            }
            36..44 => {
                slow(&mut inner);
                Vec::new()
            }
            44..51 => {
                let Inner { rng, weather, .. } = &mut *inner;
                (weather.lost_permille, weather.repeated_permille) = (rng.below(150), rng.below(150));
                weather.delay_ms = rng.between(1, 40);
                Vec::new()
            }
            51..58 => inner.slowest().into_iter().collect(),
            58..62 => {
                drop(inner);
                self.turn_a_clock();
                Vec::new()
            }
            62..68 => {
                let to = inner.rng.pick(&VOTERS);
                drop(inner);
                self.hand_over(to);
                Vec::new()
            }
            _ => {
                self.set_clocks_right();
                inner.calm();
                Vec::new()
            }
        }
    }

    fn turn_a_clock(&self) {
        const YEAR_MS: i64 = 365 * 24 * 3_600_000;
        let mut inner = self.lock();
        // the operator's word must not meet a clock that was turned while it travelled
        if inner.now_ms < inner.clocks_accepted_ms + ACCEPT_LIMIT_MS {
            return;
        }
        let id = inner.rng.pick(&NODES).unwrap();
        let wrong_ms =
            inner.rng.pick(&[3_000, -8_000, 45_000, -45_000, 3_600_000, -3_600_000, YEAR_MS]).unwrap();
        inner.note(format_args!("the clock of {id} is wrong by {wrong_ms} ms"));
        self.set_clock(id, wrong_ms);
    }

    fn set_clocks_right(&self) {
        NODES.iter().for_each(|id| self.set_clock(*id, 0));
    }

    /// The operator looks at the clocks, finds them right, and says so where a node waits for it.
    fn accept_clocks(&self) {
        if !self.are_clocks_right() {
            return;
        }
        for (node, group) in NODES.iter().filter_map(|id| self.node(*id)) {
            if matches!(node.clock_state(), ClockState::Jumped { .. } | ClockState::Gap { .. }) {
                let mut inner = self.lock();
                inner.clocks_accepted_ms = inner.now_ms;
                drop(inner);
                drop(group.spawn(async move { node.accept_clock().await }));
            }
        }
    }

    fn hand_over(self: &Arc<Self>, to: Option<u64>) {
        let via = self.lock().rng.pick(&NODES);
        if let (Some(to), Some((node, group))) = (to, via.and_then(|via| self.node(via))) {
            let world = self.clone();
            drop(group.spawn(async move {
                let done = node.transfer(to).await;
                world.lock().note(format_args!("leadership to {to}: {done:?}"));
            }));
        }
    }

    fn all_have(&self, index: u64) -> bool {
        let last = self.lock().truth.last();
        let nodes = self.nodes();
        nodes.len() == NODES.len() && nodes.iter().all(|n| n.store().applied() >= index.max(last))
    }

    /// Mends everything and waits until all nodes have applied the same.
    ///
    /// # Errors
    /// A violation, or a cluster that does not come back within `limit`.
    pub async fn mend(self: &Arc<Self>, limit: Duration) -> Result<u64, String> {
        self.set_clocks_right();
        self.lock().calm();
        for id in NODES {
            if self.is_down(id) {
                self.boot(id);
            }
        }
        let until = self.elapsed() + limit;
        // the nodes must have seen that their clocks are right again
        Sim::sleep(ms(2500)).await;
        self.accept_clocks();
        let operator = Actor::Operator("simulation".into());
        let marked = client::submit(self, 1, operator, Verb::Mark).await;
        let Some(Outcome::Done(Reply::Marked { index, .. })) = marked else {
            self.stop_at_violation()?;
            return Err(format!("after everything was mended no command gets through: {marked:?}"));
        };
        // attempts that clients gave up may still bring entries
        while !self.all_have(index) {
            Sim::sleep(ms(1)).await;
            self.stop_at_violation()?;
            if self.elapsed() > until {
                let told: Vec<String> = self.nodes().iter().map(|n| { let s = n.status(); format!("{} {} of term {} led by {:?}: log {} committed {} applied {} purged {} drained {} matched {:?}", s.id, s.state, s.term, s.leader, s.last_log, s.committed, s.applied, s.purged, s.drained, s.matched) }).collect();
                return Err(format!(
                    "after everything was mended some node does not reach index {index}: {}",
                    told.join("; ")
                ));
            }
        }
        Ok(index)
    }
}

impl Inner {
    /// How long a machine stays down: mostly as long as a process needs to be restarted.
    fn rest_ms(&mut self) -> u64 {
        if self.rng.permille(700) { self.rng.between(5, 400) } else { self.rng.between(400, 3000) }
    }

    /// The machine whose disk is furthest behind: when it loses power, most is unsynced.
    fn slowest(&self) -> Option<u64> {
        let slow = self.machines.iter().filter(|(_, machine)| machine.sync_ms >= 60);
        slow.max_by_key(|(_, machine)| machine.sync_ms).map(|(id, _)| *id)
    }

    fn calm(&mut self) {
        let snapshot_calls = self.weather.snapshot_calls;
        self.weather = Weather { snapshot_calls, ..Weather::default() };
        for machine in self.machines.values_mut() {
            (machine.sync_ms, machine.full) = (2, false);
        }
        self.note(format_args!("all is calm"));
    }
}

/// Two sides that don't hear each other.
fn part(inner: &mut Inner) {
    let side: BTreeSet<u64> = NODES.into_iter().filter(|_| inner.rng.permille(400)).collect();
    for a in NODES {
        for b in NODES {
            if side.contains(&a) != side.contains(&b) {
                inner.weather.cut.insert((a, b));
            }
        }
    }
    inner.note(format_args!("cut off: {side:?}"));
}

/// A disk that takes its time, or has no room left.
fn slow(inner: &mut Inner) {
    let Inner { rng, machines, .. } = inner;
    let id = rng.pick(&NODES).unwrap();
    let machine = machines.get_mut(&id).unwrap();
    match rng.below(3) {
        0 => machine.full = true,
        _ => machine.sync_ms = slowness(rng),
    }
    let (sync_ms, full) = (machine.sync_ms, machine.full);
    inner.note(format_args!("{id} syncs in {sync_ms} ms, full: {full}"));
}

fn slowness(rng: &mut Rng) -> u64 {
    rng.pick(&[60, 150, 600, 1500]).unwrap()
}

fn registrar(handle: &str) -> Verb {
    let context = Context { repository: "main", kind: "password", handle };
    let keys = Keys::new(&BTreeMap::from([(1, [7; SECRET])]));
    Verb::RegistrarCreate(Box::new(RegistrarCreate {
        handle: handle.into(),
        profile: Profile { name: format!("{handle} Names Ltd."), ..Profile::default() },
        password: keys.seal(&context, [2; NONCE], b"a hash").unwrap(),
        certificate: None,
        sessions_max: 100,
    }))
}
