//! openraft's own test suite over our log and state machine.

use openraft::{
    StorageError,
    testing::log::{StoreBuilder, Suite},
};
use raft::{Hooks, Live, LogStore, Machine, Progress};
use registry::tables;
use std::sync::Arc;
use storage::{Log, LogWriter, SimDisk, Store};

struct Builder;

impl StoreBuilder<Live, LogStore<Live>, Machine<Live>, LogWriter> for Builder {
    async fn build(&self) -> Result<(LogWriter, LogStore<Live>, Machine<Live>), StorageError<Live>> {
        let log = Arc::new(Log::open(&SimDisk::new()).expect("an empty disk has room for a log"));
        let writer = log.spawn_writer().expect("a thread");
        let store = Arc::new(Store::memory(tables::ALL));
        // the suite applies entries that it never appended
        let hooks = Hooks { synced: Arc::new(|| Some(u64::MAX)), on_apply: Arc::new(|_, _| {}) };
        let machine =
            Machine::new(store, Arc::new(Progress::default()), hooks).expect("an empty header reads");
        Ok((writer, LogStore::new(log), machine))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storage_suite_of_openraft_passes() {
    Suite::<Live, LogStore<Live>, Machine<Live>, Builder, LogWriter>::test_all(Builder).await.unwrap();
}
