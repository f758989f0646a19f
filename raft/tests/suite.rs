//! openraft's own test suite over our log and state machine.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use openraft::{
    StorageError,
    testing::log::{StoreBuilder, Suite},
};
use raft::{Live, LogStore, Machine, Progress};
use registry::tables;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use storage::{Log, LogWriter, SimDisk, Store};

struct Builder;

/// What must live beside a log and a state: the log's writer, and a drain that asks no log, since the suite applies
/// entries that it never appended.
struct Beside {
    _writer: LogWriter,
    stop: Arc<AtomicBool>,
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl StoreBuilder<Live, LogStore<Live>, Machine<Live>, Beside> for Builder {
    async fn build(&self) -> Result<(Beside, LogStore<Live>, Machine<Live>), StorageError<Live>> {
        let log = Arc::new(Log::open(Arc::new(SimDisk::new())).expect("an empty disk has room for a log"));
        let writer = log.spawn_writer().expect("a thread");
        let store = Arc::new(Store::memory(tables::ALL));
        let stop = Arc::new(AtomicBool::new(false));
        let (drained, halt) = (store.clone(), stop.clone());
        thread::spawn(move || {
            while !halt.load(Ordering::Acquire) {
                drained.drain(Some(u64::MAX)).expect("memory takes every row");
                thread::sleep(Duration::from_millis(1));
            }
        });
        let machine = Machine::new(store, Arc::new(Progress::default()), Arc::new(|_| {}));
        let machine = machine.expect("an empty header reads");
        Ok((Beside { _writer: writer, stop }, LogStore::new(log), machine))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storage_suite_of_openraft_passes() {
    Suite::<Live, LogStore<Live>, Machine<Live>, Builder, Beside>::test_all(Builder).await.unwrap();
}
