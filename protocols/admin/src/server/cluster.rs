//! The cluster's state and leadership.

use super::{Context, Control, Handle};
use crate::wire::{
    ClockAccept, ClockNow, ClusterQuery, ClusterStatus, DigestQuery, DigestReport, Failure, Kind,
    LeaderTransfer, NewLeader,
};
use registry::Backend;

impl<B: Backend, C: Control> Handle<B, C> for ClusterQuery {
    async fn handle(self, context: &Context<B, C>) -> Result<ClusterStatus, Failure> {
        Ok(context.site().control.status().await)
    }
}

impl<B: Backend, C: Control> Handle<B, C> for DigestQuery {
    async fn handle(self, context: &Context<B, C>) -> Result<DigestReport, Failure> {
        Ok(context.site().control.digest(self.recompute).await?)
    }
}

impl<B: Backend, C: Control> Handle<B, C> for ClockAccept {
    async fn handle(self, context: &Context<B, C>) -> Result<ClockNow, Failure> {
        let accepted = context.site().control.accept_clock().await;
        accepted
            .map(|clock| ClockNow { clock })
            .map_err(|why| Failure::new(Kind::Unavailable, "leader_not_told", why))
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
