//! Answers that are kept say what the state says: a server that was asked again and again answers like one that never
//! was, whatever happens in between.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod client;

use client::{Server, seed, server_of};
use registry::registrar::RegistrarUpdate;
use registry::{Actor, Command, Entry, Outcome, Solo, SvTrids, Timestamp, Verb};

const ASKED: &[&str] = &["example.test", "EXAMPLE.test.", "team.test", "plain.example", "free.example"];

/// A registry whose public answers are asked for in between.
struct Watched {
    solo: Solo,
    ids: SvTrids,
    server: Server,
}

impl Watched {
    /// Writes at an instant.
    fn write(&self, verb: Verb, at: Timestamp) {
        let (by, svtrid) = (Actor::Operator("test".into()), self.ids.next());
        let command = Command { svtrid, issued: at, by, verb };
        let outcome = self.solo.run_entry(Entry { at, command }).unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }

    /// Asks for everything, more often than it takes for an answer to be kept.
    async fn answers(&self) -> Vec<String> {
        let unasked = server_of(self.solo.clone()).await;
        let mut answers = Vec::new();
        for name in ASKED {
            let path = format!("/domain/{name}");
            let expected = unasked.get(&path).await.body;
            for _ in 0..4 {
                assert_eq!(self.server.get(&path).await.body, expected, "{name}");
            }
            answers.push(expected);
        }
        answers
    }
}

#[tokio::test]
async fn an_answer_that_is_kept_says_what_the_state_says() {
    let solo = seed::repository();
    let watched = Watched { server: server_of(solo.clone()).await, ids: SvTrids::new(2, 2), solo };
    let first = watched.answers().await;

    // nothing but the time
    let mut now = watched.solo.now();
    watched.write(Verb::Beat, now);
    let beaten = watched.answers().await;
    assert!(first.iter().zip(&beaten).take(4).all(|(before, after)| before != after));

    // the registrar of the first three
    let url = Some(Some("https://elsewhere.example/".into()));
    let update = RegistrarUpdate { handle: "alpha".into(), url, ..RegistrarUpdate::default() };
    watched.write(Verb::RegistrarUpdate(Box::new(update)), now);
    let moved = watched.answers().await;
    assert!(moved[..3].iter().all(|answer| answer.contains("https://elsewhere.example/")));

    // a name that was free
    watched.write(Verb::DomainCreate(Box::new(seed::minimal("free.example", "alpha"))), now);
    let registered = watched.answers().await;
    assert!(moved[4].contains("404") && registered[4].contains("free.example"), "{registered:?}");

    // the expiry of all, in which nothing is written to the domains
    now = now.plus_years(2).plus_ms(3_600_000);
    watched.write(Verb::Beat, now);
    let renewed = watched.answers().await;
    let next = "\"eventAction\":\"expiration\",\"eventDate\":\"2029-";
    assert!(renewed[..4].iter().all(|answer| answer.contains(next)), "{renewed:?}");
}
