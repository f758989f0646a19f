//! What a node does in the cluster, and how patient the cluster's elections are.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a node does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes, can lead, accepts writes, serves everything.
    Voter,
    /// Holds everything and serves everything, but does not vote; can be promoted.
    Standby,
    /// Answers public queries from its own disk. Holds no sealing keys and has no EPP listener.
    Edge,
}

impl Role {
    /// Whether a node of this role is trusted with the sealing keys.
    pub fn holds_keys(self) -> bool {
        self != Role::Edge
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Voter => "voter",
            Role::Standby => "standby",
            Role::Edge => "edge",
        })
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Role, Self::Err> {
        match s {
            "voter" => Ok(Role::Voter),
            "standby" => Ok(Role::Standby),
            "edge" => Ok(Role::Edge),
            _ => Err("a role is voter, standby or edge"),
        }
    }
}

/// A named set of election and heartbeat times, by the distance between voters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// All voters in one region: round trips of a few milliseconds.
    #[default]
    Region,
    /// Voters in several regions of a continent: round trips up to about 100 ms, a slower change of leader.
    Continent,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::Region => "region",
            Profile::Continent => "continent",
        })
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Profile, Self::Err> {
        match s {
            "region" => Ok(Profile::Region),
            "continent" => Ok(Profile::Continent),
            _ => Err("a profile is region or continent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for role in [Role::Voter, Role::Standby, Role::Edge] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for profile in [Profile::Region, Profile::Continent] {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("Voter".parse::<Role>().is_err() && "world".parse::<Profile>().is_err());
    }
}
