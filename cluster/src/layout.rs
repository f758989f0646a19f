//! Where the files of a node and of the cluster's authority lie. One place names them.

use std::path::{Path, PathBuf};

/// The list of founders, the same in every bundle.
pub const FOUNDING: &str = "founding.toml";
/// What a node that founds nothing is to be, in its own bundle.
pub const JOINING: &str = "joining.toml";
/// The certificate of the cluster's authority.
pub const CA_CERTIFICATE: &str = "ca.crt";
/// The node's own certificate, for its peers and for administrators.
pub const NODE_CERTIFICATE: &str = "node.crt";
pub const NODE_KEY: &str = "node.key";
/// The certificate that `cluster init` issued for EPP.
pub const EPP_CERTIFICATE: &str = "epp.crt";
pub const EPP_KEY: &str = "epp.key";
/// The directory of sealing keys.
pub const KEYS: &str = "keys";
/// The administration socket.
pub const ADMIN_SOCKET: &str = "admin.sock";
pub const ADMIN_CERTIFICATE: &str = "admin.crt";
pub const ADMIN_KEY: &str = "admin.key";
pub const CA_KEY: &str = "ca.key";

/// The directory of node `id`.
pub fn node_dir(data_dir: &Path, id: u64) -> PathBuf {
    data_dir.join(format!("node-{id}"))
}

/// The directory with the administrator's certificate.
pub fn admin_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("admin")
}

/// The directory with the authority's key.
pub fn ca_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("ca")
}

/// The administration socket of node `id`.
pub fn admin_socket(data_dir: &Path, id: u64) -> PathBuf {
    node_dir(data_dir, id).join(ADMIN_SOCKET)
}

/// The file name of an epoch's sealing key.
pub fn epoch_file(epoch: u32) -> String {
    format!("epoch-{epoch}.key")
}

/// The epoch that a file name in [`KEYS`] stands for.
pub(crate) fn epoch_of(file_name: &str) -> Option<u32> {
    let epoch = file_name.strip_prefix("epoch-")?.strip_suffix(".key")?.parse().ok()?;
    (epoch_file(epoch) == file_name && epoch > 0).then_some(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_read_from_exact_names_only() {
        assert_eq!(epoch_of(&epoch_file(12)), Some(12));
        for other in ["epoch-0.key", "epoch-01.key", "epoch-1.key~", "epoch-.key", "epoch-x.key", "1.key"] {
            assert_eq!(epoch_of(other), None, "{other}");
        }
    }
}
