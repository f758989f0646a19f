//! Programs that this one starts: the registry, reference servers, etcd. Each is ended by its process id, at the
//! latest when its handle is dropped.

use crate::process;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env,
    error::Error,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a program may take to stop when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long the kernel may take to take a killed process apart.
const GONE_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// A program that runs.
pub struct Program {
    child: Child,
    log: PathBuf,
}

/// A program of this project, which lies beside this one.
///
/// # Errors
/// It is not built; says how.
pub fn ours(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let path = env::current_exe()?.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is not built: cargo build --release --workspace --bins", path.display()).into())
}

impl Program {
    /// Starts a program whose output goes to a file, which is emptied before.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Program, Box<dyn Error>> {
        let output = File::create(log).map_err(|e| format!("{}: {e}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
        Ok(Program { child, log: log.to_owned() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The error of a program that has ended by itself, with what it wrote last.
    ///
    /// # Errors
    /// It has.
    pub fn must_run(&mut self) -> Result<(), Box<dyn Error>> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        Err(format!("a program ended ({status}); {}:\n{}", self.log.display(), last.join("\n")).into())
    }

    /// Asks it to stop and waits for it.
    ///
    /// # Errors
    /// It did not within its time, or did not stop as it should.
    pub fn stop(mut self) -> Result<(), Box<dyn Error>> {
        signal(self.id(), Signal::TERM);
        let until = Instant::now() + STOP_LIMIT;
        while Instant::now() < until {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("it ended with {status} when asked to stop").into()),
                None => sleep(LOOK),
            }
        }
        Err("it did not stop in time and was killed".into())
    }

    /// Ends it and what it started at once, as a loss of power would but for the disk, and waits until they have
    /// let go of their files and ports.
    pub fn kill(mut self) {
        let ids: Vec<u32> = process::children(self.id()).chain([self.id()]).collect();
        for id in &ids {
            signal(*id, Signal::KILL);
        }
        // a failure means that it is gone already
        let _ = self.child.wait();
        let until = Instant::now() + GONE_LIMIT;
        while ids.iter().any(|id| process::holds_files(*id)) && Instant::now() < until {
            sleep(LOOK);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        signal(self.id(), Signal::TERM);
        let until = Instant::now() + STOP_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(LOOK);
        }
        // both fail if it is gone, which is what is wanted
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signals a process; one that is gone needs none.
pub fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Program {
        Program::start(Command::new("sleep").arg("600"), &dir.join("log")).unwrap()
    }

    #[test]
    fn a_program_ends_with_its_handle() {
        let dir = tempfile::tempdir().unwrap();
        for kill in [true, false] {
            let mut program = sleeper(dir.path());
            program.must_run().unwrap();
            let id = program.id();
            if kill {
                program.kill();
            } else {
                drop(program);
            }
            assert!(!Path::new(&format!("/proc/{id}")).exists());
        }
    }

    #[test]
    fn what_a_program_said_last_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo the reason >&2; exit 3"]);
        let mut program = Program::start(&mut command, &dir.path().join("log")).unwrap();
        let told = loop {
            if let Err(told) = program.must_run() {
                break told.to_string();
            }
        };
        assert!(told.contains("the reason") && told.contains('3'), "{told}");
    }
}
