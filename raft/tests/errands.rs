//! Errands: carried between members, answered by a clerk who is told who asks.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod support;

use raft::{Clerk, Role};
use std::{sync::Arc, time::Duration};
use support::Lab;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clerk_hears_who_asks_and_its_refusals_travel() {
    let lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter]).await;
    lab.seed().await;
    let (a, b) = (lab.node(1), lab.node(2));
    let early = a.errand(2, b"hello".to_vec(), LIMIT).await.unwrap_err();
    assert!(early.contains("still starting"), "{early}");
    let clerk: Clerk = Arc::new(|from, role, request| {
        Box::pin(async move {
            match request.as_slice() {
                b"refuse" => Err("no".to_owned()),
                b"long" => Ok(vec![0; (64 << 10) + 1]),
                other => Ok(format!("{from} {role} {}", String::from_utf8_lossy(other)).into_bytes()),
            }
        })
    });
    b.answer_errands(clerk);
    assert_eq!(a.errand(2, b"hello".to_vec(), LIMIT).await.unwrap(), b"1 voter hello");
    assert_eq!(a.errand(2, b"refuse".to_vec(), LIMIT).await.unwrap_err(), "no");
    assert!(a.errand(2, b"long".to_vec(), LIMIT).await.unwrap_err().contains("at most"));
    assert!(a.errand(2, vec![0; (64 << 10) + 1], LIMIT).await.unwrap_err().contains("at most"));
    assert!(a.errand(9, b"hello".to_vec(), LIMIT).await.unwrap_err().contains("not a member"));
}
