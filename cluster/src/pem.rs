//! A certificate and its key as text.

use std::fmt;
use zeroize::Zeroize;

/// PEM of a certificate and of its PKCS#8 key; the key is wiped when dropped and never shown.
pub(crate) struct Pem {
    pub certificate: String,
    pub key: String,
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pem")
    }
}

impl Drop for Pem {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}
