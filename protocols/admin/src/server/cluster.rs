//! The cluster's state and leadership.

use super::{Context, Control, Handle};
use crate::wire::{ClusterQuery, ClusterStatus, Failure, Kind, LeaderTransfer, NewLeader};
use registry::Backend;

impl<B: Backend, C: Control> Handle<B, C> for ClusterQuery {
    async fn handle(self, context: &Context<B, C>) -> Result<ClusterStatus, Failure> {
        Ok(context.site().control.status().await)
    }
}

impl<B: Backend, C: Control> Handle<B, C> for LeaderTransfer {
    async fn handle(self, context: &Context<B, C>) -> Result<NewLeader, Failure> {
        let transfer = context.site().control.transfer(self.to).await;
        transfer
            .map(|leader| NewLeader { leader })
            .map_err(|why| Failure::new(Kind::Refused, "not_transferred", why))
    }
}
