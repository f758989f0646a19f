//! `namingo-admin keys …`

use crate::{
    answer::{Answer, Stop},
    table::{columns, or_dash},
    target::Target,
};
use admin::wire::{EpochView, Instant, KeyRetire, KeyRotate, KeysQuery, KeysView};
use clap::Subcommand;
use cluster::{export_keys, import_keys};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The key epochs: how much is sealed with each, and which nodes hold it.
    ///
    /// Looks at every contact and domain, which takes seconds for each million. Exit status 1 if a node that needs a
    /// key lacks it or holds another.
    #[command(after_long_help = "Example:\n  namingo-admin keys list")]
    List,
    /// Write the sealing keys of a node of this machine into a file, as a backup (works without a node).
    ///
    /// Whoever has the file can read every contact. Keep it apart from the backups of the data, and safe.
    #[command(after_long_help = "Example:\n  \
        namingo-admin --data-dir data --node 1 keys export /media/safe/namingo.keys")]
    Export {
        /// A file that does not exist yet; only its owner may read it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Bring the keys of an exported file to a node of this machine (works without a node).
    ///
    /// A running node takes them up by itself. A key that the node holds is never replaced.
    #[command(after_long_help = "Example:\n  \
        namingo-admin --data-dir data --node 2 keys import /media/safe/namingo.keys")]
    Import {
        /// What `keys export` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Draw a new key, bring it to every voter and standby, and seal with it from then on.
    ///
    /// What older keys sealed is sealed anew in the background. If a node can't be reached nothing changes; the same
    /// command, once more, goes on from there.
    #[command(after_long_help = "Example:\n  namingo-admin keys rotate")]
    Rotate,
    /// Announce when an old key goes out of use.
    ///
    /// AuthInfo that was set while it was current can't be made anew: what is left of it is unset at the announced
    /// time. Tell the registrars before. Then the epoch is retired, and its key may be removed from the nodes.
    #[command(after_long_help = "Example:\n  namingo-admin keys retire 1 --at 2027-03-01")]
    Retire {
        /// The epoch's number
        epoch: u32,
        /// When: a date, or an instant as 2027-03-01T12:00:00Z
        #[arg(long, value_name = "TIME")]
        at: Instant,
    },
}

/// What was exported, for programs.
#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    epochs: Vec<u32>,
}

/// What was imported, for programs.
#[derive(Serialize)]
struct Imported {
    added: Vec<u32>,
    present: Vec<u32>,
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        match self {
            Command::List => {
                let view = target.client()?.call(&KeysQuery {}).await?;
                let sound = view.epochs.iter().all(|e| e.missing_on.is_empty() && e.differs_on.is_empty());
                Ok(Answer::new(&view, text(&view))?.complete(sound))
            }
            Command::Export { file } => export(target, file),
            Command::Import { file } => import(target, &file),
            Command::Rotate => {
                let done = target.client()?.call(&KeyRotate {}).await?;
                let text = format!(
                    "new records are sealed with epoch {} ({}); nodes {} hold its key (svTRID {})\nOlder records are \
                     sealed anew in the background: see keys list. Export the keys again for your backup.",
                    done.epoch,
                    done.fingerprint,
                    list(&done.nodes),
                    done.svtrid
                );
                Answer::new(&done, text)
            }
            Command::Retire { epoch, at } => {
                let written = target.client()?.call(&KeyRetire { epoch, at }).await?;
                let text = format!(
                    "authInfo of epoch {epoch} is unset at {at}, then the epoch is retired (svTRID {})",
                    written.svtrid
                );
                Answer::new(&written, text)
            }
        }
    }
}

fn export(target: &Target, file: PathBuf) -> Result<Answer, Stop> {
    let (dir, _) = target.directory()?;
    let epochs: Vec<_> =
        export_keys(&dir, &file).map_err(|e| Stop::Failed(e.to_string()))?.into_iter().collect();
    let mut text = format!("{} holds now:\n", file.display());
    for (epoch, fingerprint) in &epochs {
        // Writing into a String can't fail.
        let _ = writeln!(text, "  epoch {epoch}  {}", hexadecimal(fingerprint));
    }
    text.push_str(
        "Whoever has this file can read every contact: keep it apart from other backups, and safe.",
    );
    Answer::new(&Exported { file, epochs: epochs.into_iter().map(|(epoch, _)| epoch).collect() }, text)
}

fn import(target: &Target, file: &std::path::Path) -> Result<Answer, Stop> {
    let (dir, id) = target.directory()?;
    let done = import_keys(&dir, id, file).map_err(|e| Stop::Failed(e.to_string()))?;
    let text = match done.added.as_slice() {
        [] => format!("node {id} holds all of these keys already"),
        added => format!("node {id} holds the keys of epochs {} now", list(added)),
    };
    Answer::new(&Imported { added: done.added, present: done.present }, text)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn list(numbers: &[impl ToString]) -> String {
    match numbers {
        [] => "-".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

fn text(view: &KeysView) -> String {
    let heading = [
        "EPOCH",
        "STAGE",
        "FINGERPRINT",
        "SINCE",
        "ENDS",
        "CONTACTS",
        "PASSWORDS",
        "AUTHINFO",
        "HELD BY",
        "REMARK",
    ];
    let rows: Vec<_> = view.epochs.iter().map(|epoch| row(view, epoch)).collect();
    let mut out = columns(heading, &rows);
    for node in &view.silent {
        // Writing into a String can't fail.
        let _ = writeln!(out, "node {} did not tell what it holds: {}", node.id, node.why);
    }
    out
}

fn row(view: &KeysView, e: &EpochView) -> [String; 10] {
    let current = if view.current == Some(e.epoch) { "*" } else { "" };
    let mut remarks = Vec::new();
    if !e.missing_on.is_empty() {
        remarks.push(format!("MISSING on {}", list(&e.missing_on)));
    }
    if !e.differs_on.is_empty() {
        remarks.push(format!("ANOTHER KEY on {}", list(&e.differs_on)));
    }
    if e.stage == "retired" {
        remarks.push("its key may be removed".to_owned());
    }
    [
        format!("{}{current}", e.epoch),
        e.stage.clone(),
        or_dash(e.fingerprint.as_ref()),
        or_dash(e.since),
        or_dash(e.ends),
        e.contacts.to_string(),
        e.passwords.to_string(),
        e.authinfo.to_string(),
        list(&e.held_by),
        remarks.join("; "),
    ]
}
