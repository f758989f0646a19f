//! Questions: the product beside a server that answers as many octets without looking anything up.

use super::{Contest, Contestant, Settings, Tables, reference::Reference};
use crate::{
    dev::Dev,
    drive::{
        Public,
        das::Das,
        epp::{self, Account, Epp, Work},
        rdap::Rdap,
        whois::Whois,
    },
    place::{At, DAS, EPP, RDAP, WHOIS},
    reference::Kind,
};
use std::error::Error;

/// Octets of a line of the reference for DAS, and questions at a time when pipelined.
const DAS_LINE: usize = 20;
const PIPELINE: usize = 32;

pub async fn compare(s: &Settings, dev: &Dev, accounts: Vec<Account>) -> Tables {
    match s.what {
        Contest::Whois => {
            let product = Whois(public(s, dev, WHOIS).await?);
            let reference = Reference::start(Kind::Whois, product.sample().await?.len())?;
            let other = Whois(at_reference(s, &reference));
            let about = format!("WHOIS, a connection for each query, {}", s.drawn());
            s.contest(&about, &two(dev, &reference, other, product)).await
        }
        Contest::Rdap => {
            let product = Rdap(public(s, dev, RDAP).await?);
            let reference = Reference::start(Kind::Http, product.sample().await?.len())?;
            let other = Rdap(at_reference(s, &reference));
            let about = format!("RDAP, kept connections, {}", s.drawn());
            s.contest(&about, &two(dev, &reference, other, product)).await
        }
        Contest::Das => das(s, dev, 1).await,
        Contest::DasPipelined => das(s, dev, PIPELINE).await,
        Contest::EppCheck => epp(s, dev, accounts, Work::Check(s.population.clone())).await,
        Contest::EppInfo => epp(s, dev, accounts, Work::Info(s.population.clone())).await,
        Contest::EppCreate => Err("creates are compared with etcd".into()),
    }
}

async fn public(s: &Settings, dev: &Dev, port: u16) -> Result<Public, Box<dyn Error>> {
    Ok(Public::new(dev.place.addresses(port).await?, &s.population, epp::zone(s.thick)))
}

fn at_reference(s: &Settings, reference: &Reference) -> Public {
    Public::new(vec![reference.address], &s.population, epp::zone(s.thick))
}

fn two<T: crate::load::Target>(dev: &Dev, reference: &Reference, other: T, product: T) -> [Contestant; 2] {
    [
        Contestant::new("reference", other, reference.processes()),
        Contestant::new("namingo", product, dev.processes()),
    ]
}

async fn das(s: &Settings, dev: &Dev, pipeline: usize) -> Tables {
    let reference = Reference::start(Kind::Das, DAS_LINE)?;
    let other = Das { public: at_reference(s, &reference), pipeline };
    let product = Das { public: public(s, dev, DAS).await?, pipeline };
    let together = if pipeline == 1 { "one question".into() } else { format!("{pipeline} questions") };
    let about = format!("DAS, kept connections, {together} at a time, {}", s.drawn());
    s.contest(&about, &two(dev, &reference, other, product)).await
}

/// The leader and a follower, each with all the sessions.
async fn epp(s: &Settings, dev: &Dev, accounts: Vec<Account>, work: Work) -> Tables {
    let leader = dev.at(At::Leader).addresses(EPP).await?;
    let follower = dev.at(At::Follower).addresses(EPP).await?;
    let load = |addresses| Epp::new(addresses, accounts.clone(), s.thick, &work);
    let leading = load(leader)?;
    let reference = Reference::start(Kind::EppTls, leading.sample().await?.len())?;
    let contestants = [
        Contestant::new("reference", load(vec![reference.address])?, reference.processes()),
        Contestant::new("namingo, leader", leading, dev.processes()),
        Contestant::new("namingo, follower", load(follower)?, dev.processes()),
    ];
    let what = if s.what == Contest::EppInfo { "info" } else { "check" };
    s.contest(&format!("EPP {what} over TLS, three nodes, linearizable, {}", s.drawn()), &contestants).await
}
