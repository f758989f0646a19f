//! What is refused of the numbers of nodes.

use super::{Case, agree};
use crate::{kit::*, nodes::*};
use registry::{
    Refusal,
    node::{ID_MAX, NodeRole},
};

fn invalid(id: u64, why: &str) -> Refusal {
    Refusal::NodeInvalid { id, why: why.into() }
}

#[test]
fn nodes_are_refused() {
    agree(nodes());
}

pub fn nodes() -> Vec<Case> {
    let kit = Kit::new();
    let beyond = "is beyond 1000000, the highest number of a node";
    let mut cases = vec![
        (kit.refused(&ALPHA, allocate(NodeRole::Edge, 3)), Refusal::NotOperator),
        (kit.refused(&operator(), allocate(NodeRole::Edge, ID_MAX)), invalid(ID_MAX + 1, beyond)),
        (kit.refused(&ALPHA, remove(1)), Refusal::NotOperator),
        (kit.refused(&operator(), remove(0)), invalid(0, "is not the number of a node")),
    ];
    kit.done(&operator(), remove(1));
    cases.push((kit.refused(&operator(), remove(1)), invalid(1, "is removed already")));
    cases
}
