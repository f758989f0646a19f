//! Creates: three voters beside three members of etcd, which put about as many octets. The sessions of both are
//! spread over all nodes.

use super::{Contestant, Settings, Tables};
use crate::{
    dev::Dev,
    drive::{
        epp::{Account, Epp, Work},
        etcd::Etcd,
    },
    etcd::{Members, VALUE_BYTES},
    place::EPP,
};

pub async fn compare(s: &Settings, dev: &Dev, accounts: Vec<Account>) -> Tables {
    // on the same disk as the registry
    let members = Members::start(dev.data_dir.parent().map(Into::into)).await?;
    let epp = Epp::new(dev.place.addresses(EPP).await?, accounts, s.thick, &Work::Create)?;
    epp.furnish().await?;
    let etcd = Etcd::new(members.clients.clone(), VALUE_BYTES);
    let contestants = [
        Contestant::new("etcd put", etcd, members.processes()),
        Contestant::new("namingo create", epp, dev.processes()),
    ];
    let objects =
        if s.thick { "three contacts, two name servers" } else { "neither contacts nor name servers" };
    s.contest(&format!("EPP create over TLS, three voters, {objects}"), &contestants).await
}
