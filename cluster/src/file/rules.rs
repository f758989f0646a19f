//! Rules of a `cluster.toml` that go beyond the form of one key.

use super::{ClusterFile, ConfigError, NodeSection, Terms, read::Lines};
use crate::Role;
use std::net::SocketAddr;

/// More nodes than anybody founds a cluster with.
const MAX_NODES: usize = 64;
/// Characters of the terms, which end every answer of WHOIS.
const MAX_TERMS: usize = 4000;
/// Names in the node's directory that a repository can't have.
const TAKEN: &[&str] = &["keys"];

pub(super) fn check(file: &ClusterFile, lines: &Lines) -> Result<(), ConfigError> {
    names(file, lines)?;
    terms(&file.terms, lines)?;
    if file.nodes.len() > MAX_NODES {
        return Err(lines.error("node", format!("more than {MAX_NODES} nodes")));
    }
    for (id, node) in &file.nodes {
        epp(*id, node, lines)?;
        reachable(*id, node, lines)?;
    }
    addresses(file, lines)
}

fn names(file: &ClusterFile, lines: &Lines) -> Result<(), ConfigError> {
    let printable = |s: &str| s.chars().all(|c| !c.is_control()) && s.trim() == s;
    if !(1..=64).contains(&file.name.chars().count()) || !printable(&file.name) {
        return Err(lines.error("cluster.name", "a name is 1 to 64 printable characters"));
    }
    if file.data_dir.as_os_str().is_empty() {
        return Err(lines.error("cluster.data_dir", "an empty path; \".\" is the file's own directory"));
    }
    let repository = &file.repository;
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=32).contains(&repository.name.len()) || !repository.name.bytes().all(label) {
        let why = "a name is 1 to 32 lower-case letters, digits and hyphens: it names a directory";
        return Err(lines.error("repository.name", why));
    }
    if TAKEN.contains(&repository.name.as_str()) {
        let why = format!("{:?} is the name of another directory of a node", repository.name);
        return Err(lines.error("repository.name", why));
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !(1..=8).contains(&repository.roid_suffix.len()) || !repository.roid_suffix.bytes().all(word) {
        let why = "a suffix is 1 to 8 letters, digits and underscores (RFC 5730, roidType)";
        return Err(lines.error("repository.roid_suffix", why));
    }
    Ok(())
}

fn terms(terms: &Terms, lines: &Lines) -> Result<(), ConfigError> {
    let printable = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n');
    let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_TERMS && printable(text);
    if terms.text.as_deref().is_some_and(|text| !fits(text)) {
        let why = format!("the terms are 1 to {MAX_TERMS} printable characters, on one line or several");
        return Err(lines.error("repository.terms", why));
    }
    if terms.url.as_deref().is_some_and(|url| !is_url(url)) {
        let why = "the page with the terms is a URL such as \"https://registry.example/terms\"";
        return Err(lines.error("repository.terms_url", why));
    }
    Ok(())
}

/// Good enough to be shown: a scheme, a host, nothing that would end it early.
fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>".contains(&b));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && plain(rest)) && url.len() <= 255
}

fn epp(id: u64, node: &NodeSection, lines: &Lines) -> Result<(), ConfigError> {
    let key = |name: &str| format!("node.{id}.{name}");
    if node.role == Role::Edge && node.addresses.epp.is_some() {
        return Err(lines.error(&key("epp"), "an edge holds no keys and serves no EPP; remove the line"));
    }
    let pair = [("epp_certificate", &node.epp_certificate), ("epp_key", &node.epp_key)];
    if let [(_, Some(_)), (missing, None)] | [(missing, None), (_, Some(_))] = pair {
        let other = if missing == "epp_key" { "epp_certificate" } else { "epp_key" };
        return Err(lines.error(&key(other), format!("needs {missing} beside it")));
    }
    if node.epp_certificate.is_some() && node.addresses.epp.is_none() {
        return Err(lines.error(&key("epp_certificate"), "this node has no epp address to use it for"));
    }
    Ok(())
}

/// What other machines must reach can't be "any address", and a URL must be one.
fn reachable(id: u64, node: &NodeSection, lines: &Lines) -> Result<(), ConfigError> {
    for (name, address) in node.addresses.named().take(2) {
        if address.ip().is_unspecified() {
            let why = format!("\"{address}\" is no address that others can connect to; name one interface");
            return Err(lines.error(&format!("node.{id}.{name}"), why));
        }
    }
    let Some(url) = &node.addresses.rdap_url else { return Ok(()) };
    if !is_url(url) || url.contains(['?', '#']) || !url.ends_with('/') {
        let why =
            format!("{url:?} is not a base URL such as \"https://rdap.example/\", with a slash at its end");
        return Err(lines.error(&format!("node.{id}.rdap_url"), why));
    }
    Ok(())
}

/// No two listeners share an address. "Any address" clashes within its node only: other nodes have other machines.
fn addresses(file: &ClusterFile, lines: &Lines) -> Result<(), ConfigError> {
    let mut taken: Vec<(u64, &str, SocketAddr)> = Vec::new();
    for (id, node) in &file.nodes {
        for (name, address) in node.addresses.named() {
            let clash = taken.iter().find(|(other_id, _, other)| {
                let any = address.ip().is_unspecified() || other.ip().is_unspecified();
                address.port() == other.port() && if any { id == other_id } else { address == *other }
            });
            if let Some((other_id, other_name, _)) = clash {
                let other = format!("node.{other_id}.{other_name}");
                let line = lines.of(&other).map(|line| format!(" in line {line}")).unwrap_or_default();
                let why = format!("\"{address}\" is taken by {other}{line}");
                return Err(lines.error(&format!("node.{id}.{name}"), why));
            }
            taken.push((*id, name, address));
        }
    }
    Ok(())
}
