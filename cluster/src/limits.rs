//! What a node holds at a time and how patient it is: the section `[limits]` of `cluster.toml`, for each node alike.

/// The limits of a node; what the file does not say has the value of [`Limits::default`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Writes of registrars that a node has accepted and whose outcome it awaits; further ones wait up to 5 s.
    pub writes: u32,
    /// Proposals that the leader has before it, from all nodes.
    pub proposals: u32,
    pub epp: EppLimits,
    pub whois: ServiceLimits,
    pub das: ServiceLimits,
    pub rdap: ServiceLimits,
}

/// The limits of one service of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Connections at a time.
    pub connections: u32,
    /// Connections at a time from one IPv4 address or IPv6 /64; not more than `connections`.
    pub connections_per_source: u32,
    /// How long a client may be silent where the server waits for it.
    pub idle_s: u32,
    /// How long a client may take to accept an answer.
    pub answer_s: u32,
}

/// The limits of EPP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EppLimits {
    /// `idle_s` counts once a registrar has logged in; `answer_s` is for a frame in either direction.
    pub service: ServiceLimits,
    /// How long a client may be silent before it has logged in.
    pub login_s: u32,
    /// Memory for frames of more than 16 KiB, of all sessions, in MiB.
    pub frames_mib: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        let public = |connections_per_source, idle_s| ServiceLimits {
            connections: 2000,
            connections_per_source,
            idle_s,
            answer_s: 30,
        };
        Limits {
            writes: 512,
            proposals: 2048,
            epp: EppLimits {
                // a registrar behind one address must be told 2502, not be cut
                service: ServiceLimits {
                    connections: 5000,
                    connections_per_source: 1000,
                    idle_s: 600,
                    answer_s: 30,
                },
                login_s: 60,
                frames_mib: 64,
            },
            whois: public(100, 10),
            das: public(100, 30),
            // the proxy that ends TLS is one source
            rdap: public(1000, 15),
        }
    }
}

impl Limits {
    /// Connections that the services of a node hold together at most.
    pub fn connections(&self) -> u64 {
        let services = [self.epp.service, self.whois, self.das, self.rdap];
        services.iter().map(|service| u64::from(service.connections)).sum()
    }
}
