//! Registries as real processes: started as an operator starts them, killed, started again.
//!
//! Ports: every registry takes an offset of its own, drawn from a lock file, so that tests run side by side.

use crate::epp;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a registry may take to be ready on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A program of this project, built beside the tests.
///
/// # Panics
/// It is not built.
pub fn program(name: &str) -> PathBuf {
    let exe = env::current_exe().expect("the test's own path");
    let found = exe.ancestors().skip(1).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built: run tests/run, or cargo build --workspace first"))
}

/// A block of ports that no other running test uses.
pub struct Ports {
    pub offset: u16,
    _lock: fs::File,
}

impl Ports {
    /// # Panics
    /// No block is free.
    pub fn take() -> Ports {
        let dir = env::temp_dir().join("namingo-test-ports");
        fs::create_dir_all(&dir).expect("a folder for port locks");
        for block in 1..40_u16 {
            let offset = block * 1000;
            let Ok(lock) = fs::File::create(dir.join(offset.to_string())) else { continue };
            if lock.try_lock().is_ok() {
                return Ports { offset, _lock: lock };
            }
        }
        panic!("no block of ports is free");
    }
}

/// A registry made by `namingo-node dev`.
pub struct Registry {
    pub data_dir: PathBuf,
    pub ports: Ports,
    dev: Option<Child>,
    /// Nodes started by hand, by id.
    by_hand: Vec<(u64, Child)>,
    voters: u64,
    nodes: u64,
    /// What the nodes log, as `RUST_LOG` says it.
    logging: &'static str,
    _dir: TempDir,
}

impl Registry {
    /// Starts one with so many voters and edges and waits until all of them are ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn start(voters: u64, edges: u64) -> Registry {
        Registry::start_logging(voters, edges, "")
    }

    /// As [`Registry::start`], with the filter of logs given, as in `RUST_LOG`; an empty one means the usual.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn start_logging(voters: u64, edges: u64, logging: &'static str) -> Registry {
        let dir = TempDir::new().expect("a temporary folder");
        let ports = Ports::take();
        let data_dir = dir.path().join("dev");
        let mut registry = Registry {
            data_dir,
            ports,
            dev: None,
            by_hand: Vec::new(),
            voters,
            nodes: voters + edges,
            logging,
            _dir: dir,
        };
        registry.dev(voters, edges);
        registry.wait_ready();
        registry
    }

    fn dev(&mut self, voters: u64, edges: u64) {
        let path = self.data_dir.with_extension("log");
        drop(fs::File::create(&path).expect("a log file"));
        // nodes that are started by hand write there too: each at the end
        let log = fs::OpenOptions::new().append(true).open(path).expect("the log file");
        let mut command = Command::new(program("namingo-node"));
        if !self.logging.is_empty() {
            command.env("RUST_LOG", self.logging);
        }
        let child = command
            .args(["dev", "--nodes", &voters.to_string(), "--edges", &edges.to_string()])
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--port-offset", &self.ports.offset.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log file"))
            .stderr(log)
            .spawn()
            .expect("namingo-node starts");
        self.dev = Some(child);
    }

    /// What the nodes wrote to their log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.data_dir.with_extension("log")).unwrap_or_default()
    }

    /// Waits until the log holds a text: its lines are written by a thread of their own.
    ///
    /// # Panics
    /// It does not within a minute.
    pub fn wait_logged(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.log().contains(text) {
            assert!(Instant::now() < until, "no line of the log has {text:?}:\n{}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// The address of a service of a node; `base` is its port on node 1 without offset.
    pub fn at(&self, node: u64, base: u16) -> SocketAddr {
        // edges begin at +300, also behind a single voter
        let place = if node <= self.voters { node - 1 } else { node - self.voters - 1 + self.voters.max(3) };
        let step = u16::try_from(place).expect("a small number of nodes") * 100;
        SocketAddr::from(([127, 0, 0, 1], base + step + self.ports.offset))
    }

    pub fn nodes(&self) -> impl Iterator<Item = u64> + use<> {
        1..=self.nodes
    }

    /// Counts one more node, which was added beside those of the start; its ports come after theirs.
    pub fn added(&mut self) {
        self.nodes += 1;
    }

    /// Waits until every node answers `/readyz` with 200.
    ///
    /// # Panics
    /// One does not within a minute.
    pub fn wait_ready(&self) {
        for node in self.nodes() {
            self.wait_node(node);
        }
    }

    /// Waits until one node is ready.
    ///
    /// # Panics
    /// It is not within a minute.
    pub fn wait_node(&self, node: u64) {
        let until = Instant::now() + READY_LIMIT;
        while !self.is_ready(node) {
            assert!(Instant::now() < until, "node {node} is not ready; its log:\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    pub fn is_ready(&self, node: u64) -> bool {
        http(self.at(node, 7090), "GET", "/readyz").is_ok_and(|(status, _)| status == 200)
    }

    /// A metric of a node without labels.
    ///
    /// # Panics
    /// The node does not tell it.
    pub fn metric(&self, node: u64, name: &str) -> f64 {
        let (_, text) = http(self.at(node, 7090), "GET", "/metrics").expect("metrics");
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in\n{text}")).parse().expect("a number")
    }

    /// A counter or gauge of a node, with its labels as they are written; 0 where nothing was counted yet.
    ///
    /// # Panics
    /// The node does not answer.
    pub fn count(&self, node: u64, sample: &str) -> f64 {
        let (_, text) = http(self.at(node, 7090), "GET", "/metrics").expect("metrics");
        let found = text.lines().find_map(|l| l.strip_prefix(sample)?.strip_prefix(' '));
        found.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// The memory that the process of a single node has resident, in octets.
    ///
    /// # Panics
    /// It does not run.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.dev_pid());
        let status = fs::read_to_string(&path).expect("a process that runs");
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// The node that leads, once one does.
    ///
    /// # Panics
    /// None does within a minute.
    pub fn leader(&self) -> u64 {
        let until = Instant::now() + READY_LIMIT;
        loop {
            let leads = |node: &u64| {
                http(self.at(*node, 7090), "GET", "/metrics")
                    .is_ok_and(|(_, text)| text.contains("\nnamingo_raft_is_leader 1\n"))
            };
            if let Some(node) = self.nodes().find(leads) {
                return node;
            }
            assert!(Instant::now() < until, "no node leads; log:\n{}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// The process of a node, found by what it was started with.
    ///
    /// # Panics
    /// It does not run.
    pub fn pid(&self, node: u64) -> i32 {
        self.find_pid(node).unwrap_or_else(|| panic!("node {node} does not run"))
    }

    fn find_pid(&self, node: u64) -> Option<i32> {
        let config = self.data_dir.join("cluster.toml");
        let runs = |pid: &i32| {
            let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
            let words: Vec<&[u8]> = line.split(|b| *b == 0).collect();
            words.contains(&config.as_os_str().as_encoded_bytes())
                && words.windows(2).any(|w| w[0] == b"--id" && w[1] == node.to_string().as_bytes())
        };
        let all =
            fs::read_dir("/proc").expect("/proc").filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        all.into_iter().find(runs)
    }

    /// Ends a node's process at once, as `kill -9` does.
    ///
    /// # Panics
    /// It does not run, or goes on.
    pub fn kill(&mut self, node: u64) {
        let pid = rustix::process::Pid::from_raw(self.pid(node)).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("the process is ours");
        if let Some(at) = self.by_hand.iter().position(|(id, _)| *id == node) {
            drop(self.by_hand.remove(at).1.wait());
        }
        wait_gone(pid.as_raw_pid());
    }

    /// Starts a node by hand, with the command that `dev` prints, and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub fn start_by_hand(&mut self, node: u64) {
        self.spawn_by_hand(node);
        self.wait_node(node);
    }

    /// Starts a node by hand and does not wait for it.
    ///
    /// # Panics
    /// It can't be started.
    pub fn spawn_by_hand(&mut self, node: u64) {
        self.spawn_with(node, &[]);
    }

    /// Starts a node by hand with variables in its environment, and does not wait for it.
    ///
    /// # Panics
    /// It can't be started.
    pub fn spawn_with(&mut self, node: u64, environment: &[(&str, &str)]) {
        let log = fs::OpenOptions::new().append(true).open(self.data_dir.with_extension("log"));
        self.spawn(node, environment, log.expect("the log file").into());
    }

    /// Starts a node by hand that logs everything, into a pipe that nobody reads.
    ///
    /// # Panics
    /// It can't be started.
    pub fn spawn_unread(&mut self, node: u64) {
        self.spawn(node, &[("RUST_LOG", "trace")], Stdio::piped());
    }

    fn spawn(&mut self, node: u64, environment: &[(&str, &str)], log: Stdio) {
        let child = Command::new(program("namingo-node"))
            .arg("run")
            .arg("--config")
            .arg(self.data_dir.join("cluster.toml"))
            .args(["--id", &node.to_string()])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("namingo-node starts");
        self.by_hand.push((node, child));
    }

    /// Starts several nodes by hand at the same time and waits until all are ready.
    ///
    /// # Panics
    /// One does not become ready.
    pub fn start_all_by_hand(&mut self, nodes: &std::collections::BTreeSet<u64>) {
        for node in nodes {
            self.spawn_by_hand(*node);
        }
        for node in nodes {
            self.wait_node(*node);
        }
    }

    /// Ends every node's process at once.
    ///
    /// # Panics
    /// One does not run.
    pub fn kill_all(&mut self) {
        for node in self.nodes() {
            self.kill(node);
        }
    }

    /// Stops a node's process without ending it, as a hung machine does.
    ///
    /// # Panics
    /// It does not run.
    pub fn pause(&self, node: u64) {
        self.signal(node, rustix::process::Signal::STOP);
    }

    /// Lets a paused node go on.
    ///
    /// # Panics
    /// It does not run.
    pub fn resume(&self, node: u64) {
        self.signal(node, rustix::process::Signal::CONT);
    }

    fn signal(&self, node: u64, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid(node)).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the process is ours");
    }

    /// Replaces a text in the registry's `cluster.toml`; the registry must not run.
    ///
    /// # Panics
    /// The text is not there.
    pub fn configure(&self, old: &str, new: &str) {
        let path = self.data_dir.join("cluster.toml");
        let text = fs::read_to_string(&path).expect("cluster.toml");
        assert!(text.contains(old), "{old} in\n{text}");
        fs::write(&path, text.replace(old, new)).expect("cluster.toml can be written");
    }

    /// An EPP session at a node, logged in.
    ///
    /// # Panics
    /// It can't be opened.
    pub fn session(&self, node: u64, registrar: &str) -> epp::Session {
        let mut session = epp::Session::open(self.at(node, 7700));
        session.login(registrar, &format!("{registrar}-secret"));
        session
    }

    /// Runs `namingo-admin` on this registry; its output, and whether it succeeded.
    ///
    /// # Panics
    /// It can't be started.
    pub fn admin(&self, node: u64, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program("namingo-admin"))
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--node", &node.to_string()])
            .args(arguments)
            .output()
            .expect("namingo-admin starts");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text.into_owned())
    }

    /// How many members have the digest that a majority has, all of them having hashed their rows again; and what was
    /// said. 0 where the command did not succeed.
    pub fn equal_members(&self, node: u64) -> (usize, String) {
        let asked = ["cluster", "status", "--digest", "--recompute", "--json"];
        let (done, said) = self.admin(node, &asked);
        let report: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        let majority = &report["majority"];
        let is_equal = |member: &&serde_json::Value| {
            majority.is_string()
                && member["digest"] == *majority
                && member["differs"] == false
                && member["remark"] == "recomputed: equal"
        };
        let members = report["members"].as_array().map_or(&[][..], Vec::as_slice);
        (if done { members.iter().filter(is_equal).count() } else { 0 }, said)
    }

    /// Asks the whole registry to stop and waits for it; the exit was a success.
    ///
    /// # Panics
    /// The dev command does not run.
    pub fn stop(&mut self) -> bool {
        let mut dev = self.dev.take().expect("dev runs");
        terminate(&dev);
        dev.wait().is_ok_and(|status| status.success())
    }

    /// Starts the dev command again on the same data.
    pub fn restart(&mut self, voters: u64, edges: u64) {
        self.dev(voters, edges);
        self.wait_ready();
    }

    /// The process id of the dev command.
    ///
    /// # Panics
    /// It does not run.
    pub fn dev_pid(&self) -> u32 {
        self.dev.as_ref().expect("dev runs").id()
    }

    /// Ends the dev command at once; its nodes must follow it.
    ///
    /// # Panics
    /// It does not run, or a node outlives it.
    pub fn kill_dev(&mut self) {
        let own = |node: &u64| self.by_hand.iter().all(|(id, _)| id != node);
        let nodes: Vec<i32> = self.nodes().filter(own).filter_map(|node| self.find_pid(node)).collect();
        let mut dev = self.dev.take().expect("dev runs");
        dev.kill().expect("the process is ours");
        drop(dev.wait());
        nodes.into_iter().for_each(wait_gone);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for (_, child) in &mut self.by_hand {
            drop(child.kill());
            drop(child.wait());
        }
        if let Some(mut dev) = self.dev.take() {
            terminate(&dev);
            let until = Instant::now() + Duration::from_secs(20);
            while matches!(dev.try_wait(), Ok(None)) && Instant::now() < until {
                sleep(Duration::from_millis(20));
            }
            drop(dev.kill());
            drop(dev.wait());
        }
    }
}

/// Waits until a process that was killed, or whose parent was, is gone: until it no longer holds its ports and locks.
///
/// # Panics
/// It is there after ten seconds.
fn wait_gone(pid: i32) {
    let until = Instant::now() + Duration::from_secs(10);
    while holds_files(pid) {
        assert!(Instant::now() < until, "process {pid} goes on");
        sleep(Duration::from_millis(5));
    }
}

/// Whether a process may still hold files: its first thread can be gone while others are not.
fn holds_files(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|s| threads > 1 || !s.contains(") Z "))
}

fn terminate(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // a process that is gone already needs no signal
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// One HTTP request; status and body.
///
/// # Errors
/// The connection.
pub fn http(at: SocketAddr, method: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = connect(at)?;
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    Ok((status, body))
}

/// One WHOIS query.
///
/// # Errors
/// The connection.
pub fn whois(at: SocketAddr, query: &str) -> std::io::Result<String> {
    let mut stream = connect(at)?;
    write!(stream, "{query}\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Asks DAS for the statuses of many names over one connection, pipelined in chunks.
///
/// # Errors
/// The connection.
pub fn das(at: SocketAddr, names: &[String]) -> std::io::Result<Vec<String>> {
    let stream = connect(at)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut statuses = Vec::with_capacity(names.len());
    for chunk in names.chunks(500) {
        let query: String = chunk.iter().map(|name| format!("{name}\n")).collect();
        stream.write_all(query.as_bytes())?;
        for name in chunk {
            let mut line = String::new();
            answers.read_line(&mut line)?;
            let (asked, status) = line.trim_end().split_once(' ').unwrap_or_default();
            if asked != name {
                return Err(std::io::Error::other(format!("asked for {name}, answered was {line:?}")));
            }
            statuses.push(status.to_owned());
        }
    }
    Ok(statuses)
}

/// A connection with time-outs for reading.
///
/// # Errors
/// It does not come about.
pub fn connect(at: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&at, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Where the project's shared data lies, or a loud word that a test is skipped.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if root.exists() {
        return Some(root);
    }
    eprintln!("SKIPPED: {} is absent; this test checked nothing of it", root.display());
    None
}
