//! The example configuration on ports of its own, and its nodes as processes.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tests::process::{Ports, program};

/// How long a process may take to do what it was asked, on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The example `cluster.toml` of the project on ports of its own, after `namingo-admin cluster init`.
pub struct Example {
    pub dir: TempDir,
    pub ports: Ports,
}

impl Example {
    /// Without `cluster init`.
    pub fn bare() -> Example {
        let example = Example { dir: TempDir::new().unwrap(), ports: Ports::take() };
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../cluster.toml")).unwrap();
        fs::write(example.config(), moved(&text, example.ports.offset)).unwrap();
        example
    }

    pub fn new() -> Example {
        let example = Example::bare();
        example.init();
        example
    }

    pub fn init(&self) {
        let init = Command::new(program("namingo-admin"))
            .args(["cluster", "init", "--config"])
            .arg(self.config())
            .output()
            .unwrap();
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("cluster.toml")
    }

    pub fn node_dir(&self, id: u64) -> PathBuf {
        self.data_dir().join(format!("node-{id}"))
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data/cluster")
    }

    /// A second configuration beside the first, with a change.
    pub fn variant(&self, change: impl FnOnce(&str) -> String) -> PathBuf {
        let text = fs::read_to_string(self.config()).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text, "the change fits");
        let path = self.dir.path().join("variant.toml");
        fs::write(&path, changed).unwrap();
        path
    }

    /// Starts a node and waits until its administration socket is there: files are open and locked.
    pub fn start(&self, id: u64) -> Node {
        let node = Node::run(&self.config(), id, &self.dir.path().join(format!("node-{id}.log")));
        let socket = self.node_dir(id).join("admin.sock");
        node.until("is there", || socket.exists());
        node
    }

    pub fn at(&self, id: u16, base: u16) -> std::net::SocketAddr {
        ([127, 0, 0, 1], base + self.ports.offset + (id - 1) * 100).into()
    }
}

/// The configuration with every port moved.
pub fn moved(text: &str, offset: u16) -> String {
    let mut parts = text.split("\"127.0.0.1:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (port, rest) = part.split_once('"').expect("an address ends with a quote");
        out += &format!("\"127.0.0.1:{}\"{rest}", port.parse::<u16>().expect("a port") + offset);
    }
    out
}

/// A node's process; ends with the value.
pub struct Node {
    child: Child,
    log: PathBuf,
}

impl Node {
    fn run(config: &Path, id: u64, log: &Path) -> Node {
        let file = fs::File::create(log).unwrap();
        let mut command = Command::new(program("namingo-node"));
        command.arg("run").arg("--config").arg(config).args(["--id", &id.to_string()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Node { child, log: log.to_owned() }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn until(&self, what: &str, done: impl Fn() -> bool) {
        let until = Instant::now() + LIMIT;
        while !done() {
            assert!(Instant::now() < until, "the node never {what}; its log:\n{}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// SIGTERM, and how the process ends.
    pub fn stop(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        ended(&mut self.child)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn ended(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("the process did not end");
        }
        sleep(Duration::from_millis(10));
    }
}

/// The one line with which a node refuses to run.
pub fn refusal(config: &Path, id: u64) -> String {
    let log = config.with_extension("refused");
    let mut node = Node::run(config, id, &log);
    let status = ended(&mut node.child);
    let said = node.log();
    assert!(!status.success(), "a failure has another exit code; {said}");
    assert_eq!(said.lines().count(), 1, "one line:\n{said}");
    said.strip_prefix("namingo-node: ").unwrap_or_else(|| panic!("who speaks: {said}")).trim_end().to_owned()
}
