//! What becomes of a registrar that is suspended while its sessions live.

use crate::kit::{Kit, command, login, name, object, thin};
use registry::{
    Verb,
    registrar::{RegistrarResume, RegistrarSuspend},
};

fn suspend(kit: &Kit<registry::Solo>) {
    let suspend = RegistrarSuspend { handle: "alpha".to_owned(), note: "unpaid".to_owned() };
    kit.operate(Verb::RegistrarSuspend(suspend));
}

#[tokio::test]
async fn the_next_command_ends_the_session_whatever_it_is() {
    let kit = Kit::new();
    let (mut reader, mut writer, mut poller) =
        (kit.login("alpha").await, kit.login("alpha").await, kit.login("alpha").await);
    let mut other = kit.login("beta").await;
    suspend(&kit);
    let answer = reader.expect(&object("info", "domain", &name("a.example")), 2501).await;
    assert!(answer.contains("this registrar is suspended") && !answer.contains("unpaid"), "{answer}");
    reader.must_be_closed().await;
    writer.expect(&thin("a.example"), 2501).await;
    writer.must_be_closed().await;
    poller.expect(&command("<poll op=\"ack\" msgID=\"7\"/>"), 2501).await;
    poller.must_be_closed().await;
    other.expect(&thin("a.example"), 1000).await;
    reader.judge();
    writer.judge();
}

#[tokio::test]
async fn a_suspended_registrar_is_told_so_at_login_once_it_has_proved_itself() {
    let kit = Kit::new();
    suspend(&kit);
    let mut client = kit.connect().await;
    let wrong = client.expect(&login("alpha", "beta-secret"), 2200).await;
    assert!(!wrong.contains("suspended"), "{wrong}");
    let right = client.expect(&login("alpha", "alpha-secret"), 2200).await;
    assert!(right.contains("this registrar is suspended"), "{right}");
    kit.operate(Verb::RegistrarResume(RegistrarResume { handle: "alpha".to_owned() }));
    client.expect(&login("alpha", "alpha-secret"), 1000).await;
    client.judge();
}

#[tokio::test]
async fn idle_sessions_end_by_themselves_and_others_stay() {
    let kit = Kit::new();
    let (sessions, backend) = (kit.site.sessions.clone(), kit.backend.clone());
    let watch = tokio::spawn(async move { sessions.watch(&backend).await });
    let (mut idle, mut second, mut other) =
        (kit.login("alpha").await, kit.login("alpha").await, kit.login("beta").await);
    suspend(&kit);
    idle.must_be_closed().await;
    second.must_be_closed().await;
    other.expect(&thin("a.example"), 1000).await;
    watch.abort();
}
