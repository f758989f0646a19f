//! Sees to it that DAS finds names in memory: after a start, after a snapshot, and when there is room again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::{Loaded, Store};

/// How often it is looked whether fingerprints are missing.
const LOOK: Duration = Duration::from_secs(1);

/// Loading goes on until this is dropped, as the task is when the node stops.
#[derive(Default)]
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs until the task is dropped.
pub async fn keep_fingerprints(store: Arc<Store>) {
    let wanted = Wanted::default();
    let mut told = None;
    loop {
        if store.stats().fingerprints.is_none() {
            let (store, given_up) = (store.clone(), wanted.0.clone());
            let load = move || store.load_fingerprints(&|| !given_up.load(Ordering::Acquire));
            let came = tokio::task::spawn_blocking(load).await;
            match came {
                Ok(Ok(loaded)) => tell(loaded, &mut told),
                Ok(Err(fault)) => tracing::error!(%fault, "fingerprints of names can't be loaded"),
                Err(error) => tracing::error!(%error, "loading fingerprints of names was broken off"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says what became of it, once.
fn tell(loaded: Loaded, told: &mut Option<Loaded>) {
    match loaded {
        Loaded::Done(held) => {
            tracing::info!(keys = held.keys, bytes = held.bytes, "DAS finds names in memory");
        }
        Loaded::OverLimit { bytes, bytes_max } if !matches!(told, Some(Loaded::OverLimit { .. })) => {
            tracing::warn!(
                bytes,
                bytes_max,
                "fingerprints of all names would take more than das_memory_mib; DAS reads the state file"
            );
        }
        Loaded::OverLimit { .. } | Loaded::Later | Loaded::Nothing => {}
    }
    *told = Some(loaded);
}
