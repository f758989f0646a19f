//! What is refused of the epochs of the sealing keys.

use super::{Case, agree};
use crate::{keys::*, kit::*};
use registry::{About, Refusal};

fn invalid(epoch: u32, why: &str) -> Refusal {
    Refusal::KeyEpochInvalid { epoch, why: why.into() }
}

fn missing(epoch: u32) -> Refusal {
    Refusal::NotFound { about: About::Object, object: format!("key epoch {epoch}") }
}

/// Epoch 1 was replaced by epoch 2.
fn rotated() -> Kit {
    let kit = Kit::new();
    for (epoch, octet) in [(1, 1), (2, 2)] {
        kit.done(&operator(), propose(epoch, octet));
        kit.done(&operator(), activate(epoch, octet));
    }
    kit
}

#[test]
fn epochs_are_refused() {
    agree(epochs());
}

pub fn epochs() -> Vec<Case> {
    let kit = Kit::new();
    let mut cases = vec![
        (kit.refused(&ALPHA, propose(1, 1)), Refusal::NotOperator),
        (kit.refused(&operator(), propose(2, 2)), invalid(2, "the next epoch is 1")),
        (kit.refused(&operator(), activate(1, 1)), missing(1)),
    ];
    kit.done(&operator(), propose(1, 1));
    kit.done(&operator(), propose(1, 9));
    cases.extend([
        (kit.refused(&ALPHA, activate(1, 9)), Refusal::NotOperator),
        (kit.refused(&operator(), activate(1, 1)), invalid(1, "was proposed anew meanwhile; rotate again")),
        (kit.refused(&operator(), retire(1, START.plus_ms(DAY))), invalid(1, "was never in use")),
    ]);
    kit.done(&operator(), activate(1, 9));
    cases.extend([
        (kit.refused(&operator(), activate(1, 9)), invalid(1, "is no proposal any more")),
        (kit.refused(&operator(), propose(1, 1)), invalid(1, "the next epoch is 2")),
        (kit.refused(&ALPHA, reseal(1, Vec::new())), Refusal::NotOperator),
    ]);
    cases
}

#[test]
fn retirement_is_refused() {
    agree(retirement());
}

pub fn retirement() -> Vec<Case> {
    let kit = rotated();
    let end = START.plus_ms(DAY);
    let early = "has no announced time that is over";
    let names = ["a.example"; 501];
    let mut cases = vec![
        (kit.refused(&ALPHA, retire(1, end)), Refusal::NotOperator),
        (kit.refused(&operator(), retire(3, end)), missing(3)),
        (kit.refused(&operator(), retire(2, end)), invalid(2, "is the current one; rotate first")),
        (kit.refused(&operator(), retire(1, START)), invalid(1, "can be retired at a time to come only")),
        (kit.refused(&operator(), unset_authinfo(1, &[], &[])), invalid(1, early)),
    ];
    kit.done(&operator(), retire(1, end));
    kit.done(&operator(), retire(1, end.plus_ms(-SECOND)));
    cases.extend([
        (kit.refused(&operator(), unset_authinfo(1, &[], &[])), invalid(1, early)),
        (kit.refused(&operator(), retired(1)), invalid(1, early)),
    ]);
    kit.pass(DAY);
    kit.beat();
    let later = end.plus_ms(DAY);
    cases.extend([
        (kit.refused(&operator(), retire(1, later)), invalid(1, "is out of use already")),
        (
            kit.refused(&operator(), unset_authinfo(1, &names, &[])),
            invalid(1, "more than 500 objects in one command"),
        ),
        (kit.refused(&ALPHA, retired(1)), Refusal::NotOperator),
    ]);
    kit.done(&operator(), retired(1));
    cases.push((kit.refused(&operator(), retire(1, later)), invalid(1, "is out of use already")));
    cases
}
