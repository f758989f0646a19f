//! Which addresses can be glue: globally reachable unicast (IANA special-purpose registries, RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Global,
    /// Set aside for documentation (RFC 5737, RFC 3849, RFC 9637): for test repositories.
    Documentation,
    /// Private, loopback, multicast, reserved …: can't serve a zone.
    None,
}

/// An address block: first address as bits, prefix length.
type Block4 = (Ipv4Addr, u32);
type Block6 = (Ipv6Addr, u32);

const DOCUMENTATION_4: [Block4; 3] = [
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
];

const UNREACHABLE_4: [Block4; 11] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

const DOCUMENTATION_6: [Block6; 2] =
    [(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20)];

const UNREACHABLE_6: [Block6; 11] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Classifies an address.
pub fn reach(address: &IpAddr) -> Reach {
    let (documentation, unreachable) = match address {
        IpAddr::V4(a) => (in4(*a, &DOCUMENTATION_4), in4(*a, &UNREACHABLE_4)),
        IpAddr::V6(a) => (in6(*a, &DOCUMENTATION_6), in6(*a, &UNREACHABLE_6)),
    };
    match (documentation, unreachable) {
        (true, _) => Reach::Documentation,
        (false, true) => Reach::None,
        (false, false) => Reach::Global,
    }
}

fn in4(address: Ipv4Addr, blocks: &[Block4]) -> bool {
    blocks.iter().any(|(first, bits)| (address.to_bits() ^ first.to_bits()) >> (32 - bits) == 0)
}

fn in6(address: Ipv6Addr, blocks: &[Block6]) -> bool {
    blocks.iter().any(|(first, bits)| (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies() {
        let cases = [
            ("208.77.190.196", Reach::Global),
            ("2602:800:900e:1257::4", Reach::Global),
            ("1080::8:800:200c:417a", Reach::Global),
            ("2620:4f:8000::1", Reach::Global),
            ("192.0.2.1", Reach::Documentation),
            ("2001:db8::1", Reach::Documentation),
            ("3fff:1::1", Reach::Documentation),
            ("0.0.0.0", Reach::None),
            ("10.1.2.3", Reach::None),
            ("127.0.0.1", Reach::None),
            ("224.0.0.1", Reach::None),
            ("255.255.255.255", Reach::None),
            ("::", Reach::None),
            ("::1", Reach::None),
            ("::ffff:208.77.190.196", Reach::None),
            ("fe80::1", Reach::None),
            ("fd00::1", Reach::None),
            ("ff02::1", Reach::None),
        ];
        for (text, expected) in cases {
            assert_eq!(reach(&text.parse().unwrap()), expected, "{text}");
        }
    }
}
