//! The nodes of a `dev` cluster as processes: started, watched, and ended with this one.

use crate::{Ended, failure::Failure, node::DEV_PARENT};
use cluster::ClusterFile;
use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio, id},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the children are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long children may take to stop before they are killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// This program, for the commands that start a node.
///
/// # Errors
/// The system does not tell.
pub fn program() -> Result<PathBuf, Failure> {
    env::current_exe().map_err(|e| Failure::at("this program can't be found", e))
}

/// Starts every node and reports those that end, until interrupted; then stops them all.
///
/// A node that died is not started again: that is done by hand, with the command that was printed.
///
/// # Errors
/// A node can't be started, or all of them ended.
pub fn watch(file: &ClusterFile, program: &Path) -> Ended {
    let interrupted = on_interrupt()?;
    let mut children: Vec<(u64, Child)> = Vec::new();
    for id in file.nodes.keys() {
        children.push((*id, start(file, program, *id)?));
    }
    while !interrupted.load(Ordering::Acquire) {
        let before = children.len();
        children.retain_mut(|(id, child)| still_runs(*id, child, file, program));
        if children.is_empty() && before > 0 {
            say!(
                "all nodes of this command have ended; it goes on for those started by hand (Ctrl-C ends it)"
            );
        }
        thread::sleep(LOOK);
    }
    stop(children);
    Ok(())
}

fn start(file: &ClusterFile, program: &Path, node: u64) -> Result<Child, Failure> {
    Command::new(program)
        .arg("run")
        .arg("--config")
        .arg(&file.path)
        .arg("--id")
        .arg(node.to_string())
        .env(DEV_PARENT, id().to_string())
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| Failure::at(program.display(), e))
}

fn still_runs(id: u64, child: &mut Child, file: &ClusterFile, program: &Path) -> bool {
    match child.try_wait() {
        Ok(None) => true,
        Ok(Some(status)) => {
            say!(
                "node {id} ended ({status}); start it again with: {} run --config {} --id {id}",
                program.display(),
                file.path.display()
            );
            false
        }
        Err(error) => {
            say!("node {id} can't be watched: {error}");
            false
        }
    }
}

fn stop(mut children: Vec<(u64, Child)>) {
    for (id, child) in &children {
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if let Some(Err(error)) = asked {
            say!("node {id} can't be asked to stop: {error}");
        }
    }
    let until = Instant::now() + STOP_LIMIT;
    for (id, child) in &mut children {
        while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(LOOK);
        }
        if matches!(child.try_wait(), Ok(None)) {
            say!("node {id} did not stop in time and is killed");
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let seen = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::at("signals can't be listened for", e))?;
    let listening = {
        let _inside = runtime.enter();
        signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)))
    };
    let (mut term, mut int) = listening.map_err(|e| Failure::at("signals can't be listened for", e))?;
    let tell = seen.clone();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        });
        tell.store(true, Ordering::Release);
    });
    Ok(seen)
}
