//! Wrong authInfos: a few are mistakes, many are guesses. From the fourth of a session on each is answered after a
//! pause that doubles, and the tenth ends the session; a new one costs a login.

use std::time::Duration;

use registry::{Backend, Refusal};
use tokio::time::sleep;

use crate::denial::Denial;
use crate::result::ResultCode;
use crate::session::Session;

/// Wrong authInfos of a session that are answered at once.
const FREE: u32 = 3;
/// The wrong authInfo that ends a session.
const LAST: u32 = 10;
/// The longest pause, in seconds.
const PAUSE_MAX_S: u64 = 10;

impl<B: Backend> Session<B> {
    /// The answer to a command that was denied, later and harder if it gave a wrong authInfo.
    pub(crate) async fn denied(&mut self, denial: Denial) -> Denial {
        if denial.refusal != Some(Refusal::AuthInfoWrong.reason()) {
            return denial;
        }
        self.wrong_authinfos += 1;
        sleep(pause(self.wrong_authinfos)).await;
        match self.wrong_authinfos {
            LAST.. => Denial { code: ResultCode::AuthenticationEnding, ..denial },
            _ => denial,
        }
    }
}

/// Before the answer to the `nth` wrong authInfo.
fn pause(nth: u32) -> Duration {
    let seconds = match nth.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => 1_u64.checked_shl(doublings).map_or(PAUSE_MAX_S, |s| s.min(PAUSE_MAX_S)),
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<u64> = (1..=LAST).map(|nth| pause(nth).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 10, 10, 10]);
        assert_eq!(pause(u32::MAX).as_secs(), PAUSE_MAX_S);
    }
}
