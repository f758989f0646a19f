//! A `cluster.toml` as text, with the comments that a reader needs. What it writes reads back as the same value.

use super::{ClusterFile, NodeSection, limits};
use std::fmt::{self, Display, Formatter, Write};

impl Display for ClusterFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# The nodes that found a cluster. `namingo-admin cluster init --config cluster.toml` makes their\n\
             # certificates and keys, `namingo-node run --config cluster.toml --id N` starts one. After founding,\n\
             # the replicated membership is the truth; this file then says where the node listens.\n\n\
             [cluster]\n",
        )?;
        key(f, "name", &quoted(&self.name), "for people; appears in certificates")?;
        key(
            f,
            "data_dir",
            &quoted(&self.data_dir.to_string_lossy()),
            "relative to this file; holds node-N/",
        )?;
        key(f, "profile", &quoted(&self.profile.to_string()), "election times: region or continent")?;
        let keep = self.log_keep_mib.to_string();
        key(f, "log_keep_mib", &keep, "log kept for nodes that were away, in MiB")?;
        let memory = self.das_memory_mib.to_string();
        key(f, "das_memory_mib", &memory, "for fingerprints of names, in MiB; DAS reads the file beyond it")?;
        let cache = self.state_cache_mib.to_string();
        key(f, "state_cache_mib", &cache, "page cache of the state file, in MiB")?;
        f.write_str("\n[repository]\n")?;
        let repository = &self.repository;
        key(f, "name", &quoted(&repository.name), "the directory of the data inside node-N/")?;
        key(f, "roid_suffix", &quoted(&repository.roid_suffix), "of the ROIDs of hosts and contacts")?;
        key(
            f,
            "documentation_addresses",
            &repository.documentation_addresses.to_string(),
            "true lets hosts have 192.0.2.1 and the like: for tests",
        )?;
        if let Some(text) = &self.terms.text {
            key(f, "terms", &quoted(text), "end every answer of WHOIS and RDAP")?;
        }
        if let Some(url) = &self.terms.url {
            key(f, "terms_url", &quoted(url), "the page with the terms")?;
        }
        limits::write(f, &self.limits)?;
        self.nodes.iter().try_for_each(|(id, node)| Section(*id, node).fmt(f))
    }
}

/// One section, after an empty line.
pub(super) struct Section<'a>(pub u64, pub &'a NodeSection);

impl Display for Section<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        section(f, self.0, self.1)
    }
}

fn section(f: &mut Formatter<'_>, id: u64, node: &NodeSection) -> fmt::Result {
    write!(f, "\n[node.{id}]\n")?;
    key(f, "role", &quoted(&node.role.to_string()), "voter, standby or edge")?;
    for (name, address) in node.addresses.named() {
        key(f, name, &quoted(&address.to_string()), purpose(name))?;
    }
    if let Some(url) = &node.addresses.rdap_url {
        key(f, "rdap_url", &quoted(url), "the public base URL of RDAP")?;
    }
    if let (Some(certificate), Some(secret)) = (&node.epp_certificate, &node.epp_key) {
        key(f, "epp_certificate", &quoted(&certificate.to_string_lossy()), "PEM chain")?;
        key(f, "epp_key", &quoted(&secret.to_string_lossy()), "PEM")?;
    }
    Ok(())
}

fn purpose(service: &str) -> &'static str {
    match service {
        "raft" => "other nodes connect here, with mutual TLS",
        "admin" => "administrators connect here, with mutual TLS",
        "metrics" => "plain HTTP: /metrics, /healthz, /readyz",
        "epp" => "TLS",
        "whois" => "port 43 in public",
        "das" => "one name per line",
        "rdap" => "plain HTTP, for a proxy that ends TLS",
        _ => "",
    }
}

pub(super) fn key(f: &mut Formatter<'_>, name: &str, value: &str, comment: &str) -> fmt::Result {
    let assignment = format!("{name} = {value}");
    writeln!(f, "{assignment:<32} # {comment}")
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing into a String can't fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
