//! How many connections, or other places, one network neighbour may hold at a time.
//!
//! Counted by IPv4 address and by IPv6 /64, the smallest block that a single customer usually gets: otherwise one
//! host could take every seat of a listener by cycling through its addresses.
//!
//! A site that has a whole /48 has 65,536 of these, but hosters give out /64s, and hundreds of their customers share a /48:
//! they can't be held to one source's share. So a neighbourhood, an IPv6 /48 or an IPv4 /24, has a share of its own, which is
//! wide: half of all there is. What crowds of neighbourhoods do is told by the count of connections that waited for a seat.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Counts = BTreeMap<IpAddr, usize>;

/// Counts are kept in so many parts, each behind a lock of its own, that two cores seldom wait for each other.
const PARTS: usize = 16;

/// Places that are taken, counted by source. Clones share them.
#[derive(Clone, Debug)]
pub struct Sources {
    most: usize,
    block: fn(IpAddr) -> IpAddr,
    parts: Arc<[Mutex<Counts>; PARTS]>,
}

impl Sources {
    /// No source may hold more than `most` places.
    pub fn new(most: usize) -> Sources {
        Sources { most, block: block_of, parts: Arc::default() }
    }

    /// No neighbourhood may.
    pub fn neighbourhoods(most: usize) -> Sources {
        Sources { block: neighbourhood_of, ..Sources::new(most) }
    }

    /// Counts a place for `address` until the returned value is dropped; `None` if that source is at its
    /// limit.
    pub fn admit(&self, address: IpAddr) -> Option<Admitted> {
        let block = (self.block)(address);
        let mut open = locked(part(&self.parts, block));
        let held = open.entry(block).or_insert(0);
        if *held >= self.most {
            if *held == 0 {
                open.remove(&block);
            }
            return None;
        }
        *held += 1;
        drop(open);
        Some(Admitted { block, parts: Arc::clone(&self.parts) })
    }
}

/// One place that is taken.
#[derive(Debug)]
pub struct Admitted {
    block: IpAddr,
    parts: Arc<[Mutex<Counts>; PARTS]>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = locked(part(&self.parts, self.block));
        if let Some(held) = open.get_mut(&self.block) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.block);
            }
        }
    }
}

/// The part that a block's count stands in: neighbours stand in different ones.
fn part(parts: &[Mutex<Counts>; PARTS], block: IpAddr) -> &Mutex<Counts> {
    let sum = match block {
        IpAddr::V4(v4) => v4.octets().iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet)),
        IpAddr::V6(v6) => v6.octets().iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet)),
    };
    &parts[usize::from(sum) % PARTS]
}

/// The counts stay right when a holder of the lock panics: each change is one assignment.
fn locked(open: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What counts as one source: an IPv4 address, or an IPv6 /64.
pub fn block_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// Whose crowd a source may belong to: an IPv4 /24, or an IPv6 /48.
pub fn neighbourhood_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_is_held_to_its_limit_and_freed_again() {
        let sources = Sources::new(2);
        let first = sources.admit(ip("192.0.2.1"));
        let second = sources.admit(ip("192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(sources.admit(ip("192.0.2.1")).is_none());
        assert!(sources.admit(ip("192.0.2.2")).is_some());
        drop(first);
        assert!(sources.admit(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_block_are_one_source_and_mapped_ones_are_ipv4() {
        let sources = Sources::new(1);
        let _held = sources.admit(ip("2001:db8:1:2::1"));
        assert!(sources.admit(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(sources.admit(ip("2001:db8:1:3::1")).is_some());
        let _mapped = sources.admit(ip("::ffff:192.0.2.1"));
        assert!(sources.admit(ip("192.0.2.1")).is_none());
    }

    #[test]
    fn sources_of_one_neighbourhood_share_its_limit() {
        let sources = Sources::neighbourhoods(1);
        let _held = (sources.admit(ip("2001:db8:1:2::1")), sources.admit(ip("192.0.2.1")));
        for (near, far) in [("2001:db8:1:3::1", "2001:db8:2:2::1"), ("192.0.2.2", "192.0.3.1")] {
            assert!(sources.admit(ip(near)).is_none());
            assert!(sources.admit(ip(far)).is_some());
        }
    }

    #[test]
    fn nothing_is_kept_for_sources_that_left() {
        let sources = Sources::new(1);
        drop(sources.admit(ip("192.0.2.1")));
        assert!(sources.parts.iter().all(|part| locked(part).is_empty()));
    }
}
