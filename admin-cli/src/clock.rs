//! `namingo-admin clock …`

use crate::{
    answer::{Answer, Stop},
    target::Target,
};
use admin::wire::ClockAccept;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take the clock as it is, after it jumped or after a very long stop.
    ///
    /// A node whose wall clock moved by more than 10 seconds on its own does not lead, and a cluster that stood still
    /// for more than 30 days takes no command, until you have looked at the clock and said this. Ask the node whose
    /// clock it is; the leader is told as well.
    #[command(
        after_long_help = "Examples:\n  namingo-admin clock accept\n  namingo-admin --node 2 clock accept"
    )]
    Accept,
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        match self {
            Command::Accept => {
                let now = target.client()?.call(&ClockAccept {}).await?;
                Answer::new(&now, format!("accepted; the clock now: {}", now.clock))
            }
        }
    }
}
