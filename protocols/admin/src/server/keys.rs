//! The epochs of the sealing keys: who holds which, what is still sealed with them, a new one, the end of an old one.

use super::{Context, Control, Handle, scan};
use crate::wire::{
    EpochView, Failure, Instant, KeyRetire, KeyRotate, KeyRotated, KeysQuery, KeysView, Kind, SilentNode,
    Written,
};
use registry::{
    Backend, Verb,
    authinfo::AuthInfo,
    keys::{self, Fingerprint, KeyActivate, KeyEpoch, KeyPropose, Stage},
    tables::{CONTACT, DOMAIN, KEY_EPOCH, REGISTRAR},
};
use std::{collections::BTreeMap, future::Future};
use storage::{Fault, Read, View};

/// Epochs that a node holds, or why it did not tell.
pub type Held = Result<BTreeMap<u32, Fingerprint>, String>;

/// What a node offers of the sealing keys. Secrets stay where they are.
pub trait KeyHolder {
    /// What every voter and standby holds, by node.
    fn held_keys(&self) -> impl Future<Output = BTreeMap<u64, Held>> + Send;

    /// Draws a secret for an epoch that is not in use and keeps it on this node; one that was `proposed` and is here
    /// is taken again. Its fingerprint, or why there is none.
    fn draw_key(
        &self,
        epoch: u32,
        proposed: Option<Fingerprint>,
    ) -> impl Future<Output = Result<Fingerprint, String>> + Send;

    /// Brings the secret of an epoch from this node to every voter and standby. Who holds it then, or who does not.
    fn spread_key(&self, epoch: u32) -> impl Future<Output = Result<Vec<u64>, String>> + Send;
}

impl<B: Backend, C: Control> Handle<B, C> for KeysQuery {
    async fn handle(self, context: &Context<B, C>) -> Result<KeysView, Failure> {
        let held = context.site().control.held_keys().await;
        scan(context.view().await?, move |view| Ok(overview(view, &held)?)).await
    }
}

impl<B: Backend, C: Control> Handle<B, C> for KeyRotate {
    /// The secret is on every node before anything is sealed with it: proposed, distributed, then made current.
    async fn handle(self, context: &Context<B, C>) -> Result<KeyRotated, Failure> {
        let (epoch, proposed) = next(&context.view().await?)?;
        let control = &context.site().control;
        let fingerprint = control.draw_key(epoch, proposed).await.map_err(not_rotated)?;
        if proposed != Some(fingerprint) {
            context.write(Verb::KeyPropose(KeyPropose { epoch, fingerprint })).await?;
        }
        let mut nodes = control.spread_key(epoch).await.map_err(not_rotated)?;
        nodes.sort_unstable();
        let (svtrid, _) = context.write(Verb::KeyActivate(KeyActivate { epoch, fingerprint })).await?;
        Ok(KeyRotated { epoch, fingerprint: fingerprint.to_string(), nodes, svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for KeyRetire {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let retire = keys::KeyRetire { epoch: self.epoch, at: self.at.0 };
        let (svtrid, _) = context.write(Verb::KeyRetire(retire)).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

fn not_rotated(why: String) -> Failure {
    Failure::new(Kind::Unavailable, "key_not_distributed", why)
}

/// The next epoch, and the fingerprint that a rotation which did not end has proposed for it.
fn next(view: &View) -> Result<(u32, Option<Fingerprint>), Failure> {
    if keys::current(view)?.is_none() {
        let why = "the first key epoch is not registered yet; the leader does it within a second, try again";
        return Err(Failure::new(Kind::Unavailable, "no_key_epoch", why));
    }
    let epoch = keys::next(view)?;
    Ok((epoch, view.get(&KEY_EPOCH, &epoch)?.map(|known| known.fingerprint)))
}

fn overview(view: &View, held: &BTreeMap<u64, Held>) -> Result<KeysView, Fault> {
    let mut epochs: BTreeMap<u32, EpochView> =
        keys::all(view)?.into_iter().map(|(number, known)| (number, shown(number, &known, held))).collect();
    count(view, &mut epochs)?;
    let silent = held.iter().filter_map(|(id, told)| {
        let why = told.as_ref().err()?.clone();
        Some(SilentNode { id: *id, why })
    });
    Ok(KeysView {
        current: keys::current(view)?,
        silent: silent.collect(),
        epochs: epochs.into_values().collect(),
    })
}

fn shown(number: u32, known: &KeyEpoch, held: &BTreeMap<u64, Held>) -> EpochView {
    let told = || held.iter().filter_map(|(id, told)| Some((*id, told.as_ref().ok()?.get(&number).copied())));
    let nodes = |wanted: fn(Option<Fingerprint>, Fingerprint) -> bool| -> Vec<u64> {
        told().filter(|(_, found)| wanted(*found, known.fingerprint)).map(|(id, _)| id).collect()
    };
    let (stage, since, ends) = match known.stage {
        Stage::Proposed => ("proposed", None, None),
        Stage::Active { since } => ("active", Some(since), None),
        Stage::Retiring { since, at } => ("retiring", Some(since), Some(at)),
        Stage::Retired { at } => ("retired", None, Some(at)),
    };
    EpochView {
        epoch: number,
        fingerprint: Some(known.fingerprint.to_string()),
        stage: stage.to_owned(),
        since: since.map(Instant),
        ends: ends.map(Instant),
        held_by: nodes(|found, known| found == Some(known)),
        missing_on: if known.is_needed() { nodes(|found, _| found.is_none()) } else { Vec::new() },
        differs_on: nodes(|found, known| found.is_some_and(|other| other != known)),
        ..EpochView::default()
    }
}

/// Looks at every contact, registrar and domain: seconds for each million.
fn count(view: &View, epochs: &mut BTreeMap<u32, EpochView>) -> Result<(), Fault> {
    let mut at = |epoch: u32, add: fn(&mut EpochView)| {
        let unregistered = || EpochView { epoch, stage: "unregistered".to_owned(), ..EpochView::default() };
        add(epochs.entry(epoch).or_insert_with(unregistered));
    };
    let made_with = |authinfo: Option<AuthInfo>| authinfo.map(|a| a.epoch);
    for item in view.range(&CONTACT, ..) {
        let (_, contact) = item?;
        at(contact.sealed.epoch, |epoch| epoch.contacts += 1);
        made_with(contact.authinfo).into_iter().for_each(|number| at(number, |epoch| epoch.authinfo += 1));
    }
    for item in view.range(&REGISTRAR, ..) {
        at(item?.1.password.epoch, |epoch| epoch.passwords += 1);
    }
    for item in view.range(&DOMAIN, ..) {
        made_with(item?.1.authinfo).into_iter().for_each(|number| at(number, |epoch| epoch.authinfo += 1));
    }
    Ok(())
}
