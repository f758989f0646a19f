//! A scenario from its first line to its last: what happens, and the text as it should read.

use super::{
    FOLDER, diff,
    frame::Frame,
    pretty,
    schema::Document,
    text::{Item, Step, parse},
    world::{Client, REGISTRARS, World, code},
};
use net::Fingerprint;
use registry::{
    Outcome, Verb,
    registrar::{RegistrarResume, RegistrarSuspend, RegistrarUpdate, SESSIONS_DEFAULT},
    tld::{MarkKind, MarkName, UnmarkName},
};
use std::{collections::BTreeMap, fs, path::Path};
use tokio::runtime;

/// What came of a file.
#[derive(Debug)]
pub struct Played {
    /// How the text differs from what happened.
    pub difference: Option<String>,
    /// The text with what happened in it.
    pub text: String,
    /// Every frame, of both sides.
    pub documents: Vec<Document>,
}

/// Plays a file.
///
/// # Errors
/// A file that can't be read or is no scenario, or a step that can't be carried out; with its line.
///
/// # Panics
/// The server closes a connection where it should answer.
pub fn play(path: &Path) -> Result<Played, String> {
    let old = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let steps = parse(&old).map_err(|why| format!("{}: {why}", path.display()))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let (lines, documents) = runtime.block_on(async {
        let mut stage = Stage::new(path);
        let mut lines = Vec::new();
        for item in steps {
            let origin = format!("{}:{}", path.display(), item.number);
            let recorded = stage.perform(&item, &origin).await.map_err(|why| format!("{origin}: {why}"))?;
            lines.extend(item.source.into_iter().chain(recorded));
        }
        Ok::<_, String>((lines, stage.documents))
    })?;
    let text = lines.join("\n") + "\n";
    Ok(Played { difference: diff::lines(&old, &text), text, documents })
}

/// Below an answer after which the server has closed the connection.
const CLOSED: &str = "closed";

struct Stage {
    world: World,
    sessions: BTreeMap<String, Client>,
    /// Whose turn it is.
    speaker: Option<String>,
    documents: Vec<Document>,
}

impl Stage {
    fn new(path: &Path) -> Stage {
        assert!(path.starts_with(FOLDER), "{} is not in {FOLDER}", path.display());
        let world = World::found();
        Stage { world, sessions: BTreeMap::new(), speaker: None, documents: Vec::new() }
    }

    /// Carries a step out; the lines that belong below it.
    async fn perform(&mut self, item: &Item, origin: &str) -> Result<Vec<String>, String> {
        let (mark, before) = (self.world.mark(), self.world.refusals());
        let mut lines = match &item.step {
            Step::Remark => return Ok(Vec::new()),
            Step::At(to) => self.world.set(*to).map(|()| Vec::new()),
            Step::Pass(ms) => self.world.set(self.world.now().plus_ms(*ms)).map(|()| Vec::new()),
            Step::Operator(words) => self.operate(words).map(|()| Vec::new()),
            Step::As(name) => self.take_floor(name).await.map(|()| Vec::new()),
            Step::Connect { name, certificate } => {
                self.connect(name, *certificate, origin).await;
                Ok(Vec::new())
            }
            Step::Greeting => self.greeting(),
            Step::Send { frame, valid, times: 1 } => self.exchange(frame, *valid, origin).await,
            Step::Send { frame, times, .. } => return self.repeat(frame, *times, origin).await,
        }?;
        let closed = lines.pop_if(|last| last == CLOSED);
        let after = self.world.refusals();
        let more = after.into_iter().filter(|(reason, count)| before.get(reason) != Some(count));
        lines.extend(more.map(|(reason, _)| format!("refused: {reason}")));
        lines.extend(self.world.journal(mark).into_iter().map(|row| format!("journal: {row}")));
        lines.extend(closed);
        Ok(lines)
    }

    /// The session keeps to its registrar, so a second one of the same registrar is called `alpha.2`.
    async fn take_floor(&mut self, name: &str) -> Result<(), String> {
        if !self.sessions.contains_key(name) {
            let handle = name.split('.').next().unwrap_or_default();
            if !REGISTRARS.contains(&handle) {
                return Err(format!("there is no connection '{name}' and no registrar of this name"));
            }
            let client = self.world.login(handle).await;
            self.sessions.insert(name.to_owned(), client);
        }
        self.speaker = Some(name.to_owned());
        Ok(())
    }

    async fn connect(&mut self, name: &str, certificate: Option<u8>, origin: &str) {
        let client = self.world.connect(certificate.map(|octet| Fingerprint([octet; 32]))).await;
        self.said(&client.greeting, origin);
        self.sessions.insert(name.to_owned(), client);
        self.speaker = Some(name.to_owned());
    }

    fn greeting(&self) -> Result<Vec<String>, String> {
        let name = self.speaker.as_ref().ok_or("nobody is connected")?;
        shown(&self.sessions[name].greeting)
    }

    async fn exchange(&mut self, frame: &Frame, valid: bool, origin: &str) -> Result<Vec<String>, String> {
        let (answer, name) = self.send(frame, valid, 1, origin).await?;
        self.said(&answer, origin);
        let mut lines = shown(&answer)?;
        // RFC 5730 section 3: with these codes the server closes the connection
        if code(&answer).is_some_and(|code| code == 1500 || code >= 2500) {
            let mut client = self.sessions.remove(&name).ok_or("the session is gone")?;
            self.speaker = None;
            match client.listen().await {
                None => lines.push(CLOSED.to_owned()),
                Some(more) => {
                    return Err(format!("the connection should be closed, and the server says {more}"));
                }
            }
        }
        Ok(lines)
    }

    /// Sends a frame many times for no other reason than to fill a place: each must succeed, and none is shown.
    async fn repeat(&mut self, frame: &Frame, times: usize, origin: &str) -> Result<Vec<String>, String> {
        for n in 1..=times {
            let (answer, _) = self.send(frame, true, n, origin).await?;
            if code(&answer) != Some(1000) {
                return Err(format!("number {n} is answered {answer}"));
            }
        }
        Ok(vec![format!("S: 1000 to each of {times}")])
    }

    async fn send(
        &mut self,
        frame: &Frame,
        valid: bool,
        n: usize,
        origin: &str,
    ) -> Result<(String, String), String> {
        let octets = frame.octets(&Path::new(FOLDER).join("frames"), n)?;
        let name = self.speaker.clone().ok_or("say who acts first, with 'as' or 'connect'")?;
        let client = self.sessions.get_mut(&name).ok_or("the session is gone")?;
        let answer = client.send(&octets).await;
        self.documents.push(Document { origin: format!("{origin} (C)"), octets, valid });
        Ok((answer, name))
    }

    fn said(&mut self, answer: &str, origin: &str) {
        let octets = answer.as_bytes().to_vec();
        self.documents.push(Document { origin: format!("{origin} (S)"), octets, valid: true });
    }

    fn operate(&self, words: &[String]) -> Result<(), String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verb = match words.as_slice() {
            ["reserve", name] => mark(name, MarkKind::Reserved)?,
            ["block", name] => mark(name, MarkKind::Blocked)?,
            ["unreserve", name] => unmark(name, MarkKind::Reserved)?,
            ["unblock", name] => unmark(name, MarkKind::Blocked)?,
            ["accredit", handle] => World::registrar(handle, None, SESSIONS_DEFAULT),
            ["suspend", handle] => {
                let (handle, note) = ((*handle).to_owned(), String::new());
                Verb::RegistrarSuspend(RegistrarSuspend { handle, note })
            }
            ["resume", handle] => Verb::RegistrarResume(RegistrarResume { handle: (*handle).to_owned() }),
            ["limit", handle, most] => {
                let sessions_max = Some(most.parse().map_err(|e| format!("{most}: {e}"))?);
                let handle = (*handle).to_owned();
                Verb::RegistrarUpdate(Box::new(RegistrarUpdate {
                    handle,
                    sessions_max,
                    ..Default::default()
                }))
            }
            ["accredit", handle, "with", "certificate", octet] => {
                let octet = octet.parse().map_err(|e| format!("{octet}: {e}"))?;
                World::registrar(handle, Some(octet), SESSIONS_DEFAULT)
            }
            other => return Err(format!("the operator does not know how to {}", other.join(" "))),
        };
        match self.world.operate(verb) {
            Outcome::Done(_) => Ok(()),
            other => Err(format!("the operator's command came to {other:?}")),
        }
    }
}

/// An answer as it stands in a transcript.
fn shown(answer: &str) -> Result<Vec<String>, String> {
    let lines = pretty::lines(answer).map_err(|why| format!("{why} in {answer}"))?;
    Ok(["S:".to_owned()].into_iter().chain(lines).collect())
}

fn mark(name: &str, kind: MarkKind) -> Result<Verb, String> {
    let (label, tld) = split(name)?;
    Ok(Verb::MarkName(MarkName { tld, label, kind, note: String::new() }))
}

fn unmark(name: &str, kind: MarkKind) -> Result<Verb, String> {
    let (label, tld) = split(name)?;
    Ok(Verb::UnmarkName(UnmarkName { tld, label, kind }))
}

fn split(name: &str) -> Result<(String, String), String> {
    let (label, tld) = name.split_once('.').ok_or_else(|| format!("{name} lies in no zone"))?;
    Ok((label.to_owned(), tld.to_owned()))
}
