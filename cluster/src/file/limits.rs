//! `[limits]` as text: read with its ranges, written where it differs from the defaults.

use super::{ConfigError, read::Section, write::key};
use crate::{EppLimits, Limits, ServiceLimits};
use std::{
    fmt::{self, Formatter},
    ops::RangeInclusive,
};

const LIMITS: &[&str] = &["writes", "proposals", "epp", "whois", "das", "rdap"];
const SERVICE: &[&str] = &["connections", "connections_per_source", "idle_s", "answer_s"];
const EPP: &[&str] =
    &["connections", "connections_per_source", "idle_s", "answer_s", "login_s", "frames_mib"];

/// A connection between nodes carries 1,024 requests at a time; other questions must find room beside writes.
const WRITES: RangeInclusive<u32> = 1..=1000;
const PROPOSALS: RangeInclusive<u32> = 1..=100_000;
const CONNECTIONS: RangeInclusive<u32> = 1..=1_000_000;
const SECONDS: RangeInclusive<u32> = 1..=86_400;
/// One frame, at the least, has to find room.
const FRAMES_MIB: RangeInclusive<u32> = 4..=65_536;

pub(super) fn read(root: &Section<'_>) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let Some(section) = root.optional_section("limits", LIMITS)? else { return Ok(default) };
    let writes = section.within("writes", &WRITES)?.unwrap_or(default.writes);
    let proposals = section.within("proposals", &PROPOSALS)?.unwrap_or(default.proposals.max(writes));
    if proposals < writes {
        let why = format!("the leader takes fewer than the {writes} writes of one node");
        return Err(section.error("proposals", why));
    }
    let of = |name: &str, default: ServiceLimits| match section.optional_section(name, SERVICE)? {
        Some(found) => service(&found, default),
        None => Ok(default),
    };
    Ok(Limits {
        writes,
        proposals,
        epp: epp(&section, default.epp)?,
        whois: of("whois", default.whois)?,
        das: of("das", default.das)?,
        rdap: of("rdap", default.rdap)?,
    })
}

fn epp(section: &Section<'_>, default: EppLimits) -> Result<EppLimits, ConfigError> {
    let Some(found) = section.optional_section("epp", EPP)? else { return Ok(default) };
    Ok(EppLimits {
        service: service(&found, default.service)?,
        login_s: found.within("login_s", &SECONDS)?.unwrap_or(default.login_s),
        frames_mib: found.within("frames_mib", &FRAMES_MIB)?.unwrap_or(default.frames_mib),
    })
}

fn service(section: &Section<'_>, default: ServiceLimits) -> Result<ServiceLimits, ConfigError> {
    let connections = section.within("connections", &CONNECTIONS)?.unwrap_or(default.connections);
    let own = section.within("connections_per_source", &CONNECTIONS)?;
    if own.is_some_and(|own| own > connections) {
        let why = format!("one source may have more than all together ({connections})");
        return Err(section.error("connections_per_source", why));
    }
    Ok(ServiceLimits {
        connections,
        connections_per_source: own.unwrap_or(default.connections_per_source.min(connections)),
        idle_s: section.within("idle_s", &SECONDS)?.unwrap_or(default.idle_s),
        answer_s: section.within("answer_s", &SECONDS)?.unwrap_or(default.answer_s),
    })
}

/// What differs from the defaults.
pub(super) fn write(f: &mut Formatter<'_>, limits: &Limits) -> fmt::Result {
    let default = Limits::default();
    let keys = [
        ("writes", limits.writes, default.writes, "writes of registrars under way at a node"),
        ("proposals", limits.proposals, default.proposals, "and before the leader, from all nodes"),
    ];
    table(f, "limits", &keys)?;
    let of_epp = |e: EppLimits| [e.login_s, e.frames_mib];
    let [[login_s, frames_mib], [old_login_s, old_frames_mib]] = [of_epp(limits.epp), of_epp(default.epp)];
    let more = [
        ("login_s", login_s, old_login_s, "from the greeting to the login"),
        ("frames_mib", frames_mib, old_frames_mib, "memory for frames of more than 16 KiB"),
    ];
    let epp = service_keys(limits.epp.service, default.epp.service);
    table(f, "limits.epp", &[epp.as_slice(), &more].concat())?;
    for (name, own, default) in [
        ("limits.whois", limits.whois, default.whois),
        ("limits.das", limits.das, default.das),
        ("limits.rdap", limits.rdap, default.rdap),
    ] {
        table(f, name, &service_keys(own, default))?;
    }
    Ok(())
}

/// A key, its value, its default, and what it means.
type Line = (&'static str, u32, u32, &'static str);

fn service_keys(own: ServiceLimits, default: ServiceLimits) -> [Line; 4] {
    // where there are fewer connections, the default of the next key is another
    let per_source = default.connections_per_source.min(own.connections);
    [
        ("connections", own.connections, default.connections, "at a time"),
        ("connections_per_source", own.connections_per_source, per_source, "of one address, or IPv6 /64"),
        ("idle_s", own.idle_s, default.idle_s, "silence"),
        ("answer_s", own.answer_s, default.answer_s, "for a client to take an answer"),
    ]
}

fn table(f: &mut Formatter<'_>, name: &str, lines: &[Line]) -> fmt::Result {
    let mut differing = lines.iter().filter(|(_, own, default, _)| own != default).peekable();
    if differing.peek().is_some() {
        write!(f, "\n[{name}]\n")?;
    }
    differing.try_for_each(|(name, own, _, comment)| key(f, name, &own.to_string(), comment))
}
