//! What every socket between nodes is told.

use rustix::net::sockopt;
use std::{io, time::Duration};
use tokio::net::TcpStream;

/// How long the other side's system may leave what was sent unacknowledged, or a probe unanswered, before the
/// connection is over. Without it a connection that a silent partition has cut hangs for a quarter of an hour, and one
/// on which nothing is sent for ever.
const UNHEARD_MAX: Duration = Duration::from_secs(5);
/// After how long a silent connection is probed, how often, and how many probes may be lost.
const PROBE_AFTER: Duration = Duration::from_secs(2);
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBES_LOST: u32 = 3;

/// Small frames leave at once, and a peer that is not there any more is noticed.
pub(super) fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, PROBE_AFTER)?;
    sockopt::set_tcp_keepintvl(tcp, PROBE_EVERY)?;
    sockopt::set_tcp_keepcnt(tcp, PROBES_LOST)?;
    let unheard_ms = u32::try_from(UNHEARD_MAX.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(tcp, unheard_ms)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_peer_that_is_not_there_any_more_is_noticed_in_seconds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&tcp).unwrap();
        assert!(sockopt::socket_keepalive(&tcp).unwrap());
        assert_eq!(sockopt::tcp_user_timeout(&tcp).unwrap(), 5_000);
        assert!(sockopt::tcp_keepidle(&tcp).unwrap() <= UNHEARD_MAX);
    }
}
