//! A node that was found to hold another state than the cluster stops, and does not start again as if nothing had been.

use crate::{data::write_durably, failure::Failure};
use std::{fs, io, path::Path};

/// The file in the node's directory that keeps it from starting.
const FILE: &str = "withdrawn";

/// Notes the finding and words it.
pub fn record(dir: &Path, why: &str) -> Failure {
    let path = dir.join(FILE);
    if let Err(error) = write_durably(dir, &path, &format!("{why}\n")) {
        tracing::error!(path = %path.display(), %error, "the withdrawal could not be noted");
    }
    Failure::at("this node is withdrawn: its state is not the cluster's", why)
}

/// Refuses the start of a withdrawn node.
///
/// # Errors
/// It is withdrawn, or whether it is can't be read; says why and what to do.
pub fn refuse(dir: &Path) -> Result<(), Failure> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(why) => Err(Failure::at(
            path.display(),
            format!(
                "{}; it serves nobody before its state is replaced: keep the directory for inspection",
                why.trim()
            ),
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => {
            Err(Failure::at(path.display(), format!("whether this node is withdrawn can't be read: {e}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_node_does_not_start() {
        let dir = std::env::temp_dir().join(format!("namingo-withdrawal-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert!(refuse(&dir).is_ok());
        assert!(record(&dir, "after entry 7 its digest is 00").to_string().contains("entry 7"));
        let said = refuse(&dir).unwrap_err().to_string();
        assert!(said.contains("entry 7") && said.lines().count() == 1, "{said}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing beside it is left");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn where_it_can_not_be_read_whether_a_node_is_withdrawn_it_does_not_start() {
        let dir = std::env::temp_dir().join(format!("namingo-withdrawal-unread-{}", std::process::id()));
        fs::create_dir_all(dir.join(FILE)).unwrap();
        let said = refuse(&dir).unwrap_err().to_string();
        assert!(said.contains("can't be read") && said.lines().count() == 1, "{said}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
