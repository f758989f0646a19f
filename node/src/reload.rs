//! A new EPP certificate without a restart: on SIGHUP the files are read again. Sessions that are open go on; files
//! that can't be used change nothing.

use crate::{failure::Failure, node::Demo};
use net::{Fingerprint, Shutdown, Tls, tls::Identity};
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The certificate of a service, where it comes from and where it is used.
pub struct Certificate {
    pub tls: Tls,
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// Takes SIGHUP, which would end the process otherwise. One that comes before [`run`] is kept. `dev` in one process
/// leaves it alone: there it means that the terminal was closed, and the registry should end with it.
///
/// # Errors
/// Signals can't be listened for.
pub fn hangups(demo: Demo) -> Result<Option<Signal>, Failure> {
    if demo == Demo::InProcess {
        return Ok(None);
    }
    signal(SignalKind::hangup()).map(Some).map_err(|e| Failure::at("signals can't be listened for", e))
}

/// Reads the certificate again with each signal, until the shutdown is requested.
pub async fn run(mut hangups: Signal, certificate: Option<Certificate>, mut shutdown: Shutdown) {
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => return,
            came = hangups.recv() => if came.is_none() { return },
        }
        match &certificate {
            None => tracing::info!("SIGHUP: this node has no EPP certificate to read again"),
            Some(certificate) => certificate.reload(),
        }
    }
}

impl Certificate {
    fn reload(&self) {
        match self.replace() {
            Ok(fingerprint) => {
                tracing::info!(%fingerprint, "SIGHUP: new EPP connections get the certificate as it is now");
            }
            Err(why) => tracing::error!(%why, "SIGHUP: the EPP certificate in use stays"),
        }
    }

    fn replace(&self) -> Result<Fingerprint, net::tls::TlsError> {
        let identity = Identity::load(&self.chain, &self.key)?;
        let fingerprint = identity.fingerprint();
        self.tls.replace(identity.server_config()?);
        Ok(fingerprint)
    }
}
