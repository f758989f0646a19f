//! The numbers of nodes: allocated once, removed for ever.

use crate::kit::*;
use proptest::prelude::*;
use registry::{
    Reply, Verb,
    node::{self, Node, NodeAllocate, NodeRemove, NodeRole, NodeState},
};
use std::collections::BTreeSet;

pub fn allocate(role: NodeRole, at_least: u64) -> Verb {
    Verb::NodeAllocate(NodeAllocate { role, at_least })
}

pub fn remove(id: u64) -> Verb {
    Verb::NodeRemove(NodeRemove { id, role: NodeRole::Voter })
}

fn allocated(kit: &Kit, role: NodeRole, at_least: u64) -> u64 {
    match kit.done(&operator(), allocate(role, at_least)) {
        Reply::NodeAllocated { id } => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_is_one_more_than_all_before_and_keeps_its_role() {
    let kit = Kit::new();
    assert_eq!(allocated(&kit, NodeRole::Edge, 3), 4);
    assert_eq!(allocated(&kit, NodeRole::Voter, 3), 5);
    kit.done(&operator(), remove(5));
    assert_eq!(allocated(&kit, NodeRole::Standby, 3), 6);
    assert_eq!(allocated(&kit, NodeRole::Standby, 9), 10);
    let at = |id| node::find(&kit.view(), id).unwrap();
    assert_eq!(at(4), Some(Node { role: NodeRole::Edge, state: NodeState::Allocated }));
    assert_eq!(at(5), Some(Node { role: NodeRole::Voter, state: NodeState::Removed }));
    assert_eq!(at(1), None);
}

#[test]
fn a_founder_that_is_removed_has_a_row_from_then_on() {
    let kit = Kit::new();
    assert!(!node::is_removed(&kit.view(), 2).unwrap());
    kit.done(&operator(), remove(2));
    assert!(node::is_removed(&kit.view(), 2).unwrap());
    assert!(!node::is_removed(&kit.view(), 1).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever is removed between, and whatever the asking node believes, no number comes twice.
    #[test]
    fn no_number_comes_twice(steps in prop::collection::vec((0_u64..20, any::<bool>()), 1..20)) {
        let kit = Kit::new();
        let mut seen = BTreeSet::new();
        for (at_least, gone) in steps {
            let id = allocated(&kit, NodeRole::Voter, at_least);
            prop_assert!(id > at_least && seen.insert(id), "{} again", id);
            if gone {
                kit.done(&operator(), remove(id));
            }
        }
    }
}
