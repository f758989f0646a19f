//! Repository object identifiers (RFC 5730 section 2.8): rendered from the object's number, never stored.

use crate::{refusal::Stop, repository, tld::Tld};
use storage::Read;

/// `D12-TEST`: the suffix is the TLD's.
pub fn domain(id: u64, tld: &Tld) -> String {
    format!("D{id}-{}", tld.roid_suffix)
}

/// `H12-NAMINGO`: the suffix is the repository's.
///
/// # Errors
/// A storage fault.
pub fn host(db: &impl Read, id: u64) -> Result<String, Stop> {
    Ok(of_host(id, &repository::load(db)?.roid_suffix))
}

/// `C12-NAMINGO`: the suffix is the repository's.
///
/// # Errors
/// A storage fault.
pub fn contact(db: &impl Read, id: u64) -> Result<String, Stop> {
    Ok(of_contact(id, &repository::load(db)?.roid_suffix))
}

/// A host's, with the repository's suffix.
pub(crate) fn of_host(id: u64, suffix: &str) -> String {
    format!("H{id}-{suffix}")
}

/// A contact's, with the repository's suffix.
pub(crate) fn of_contact(id: u64, suffix: &str) -> String {
    format!("C{id}-{suffix}")
}

/// 1 to 8 word characters, as the schema's `roidType` wants them.
pub fn is_suffix(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    #[test]
    fn suffixes() {
        assert!(super::is_suffix("TEST"));
        for bad in ["", "NINECHARS", "A-B", "ä"] {
            assert!(!super::is_suffix(bad), "{bad}");
        }
    }
}
