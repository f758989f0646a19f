//! `namingo-admin tld …`

use crate::{
    answer::{Answer, Stop},
    table::{Sheet, columns},
    target::Target,
};
use admin::{
    CallError, Client,
    wire::{
        ContactRole, DataModel, Failure, Mark, MarkKind, MarkList, Marked, TldCreate, TldList, TldMark,
        TldShow, TldUnmark, TldView,
    },
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{
    fmt::Write,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Labels in one request; the node takes [`TldMark::LABELS_MAX`].
const PART: usize = 500;
/// Octets of a file of labels.
const FILE_MAX: u64 = 64 << 20;
/// Labels with a remark that are shown to people; programs get all of them.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a zone to the repository.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld create example --minimum-data\n  \
        namingo-admin tld create test --require admin,tech --roid-suffix TEST")]
    Create(Create),
    /// All zones.
    #[command(after_long_help = "Example:\n  namingo-admin tld list")]
    List,
    /// One zone: its policy, and how many names are reserved and blocked.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld show example\n  \
        namingo-admin tld show example --names --json")]
    Show {
        /// The zone
        tld: String,
        /// List the reserved and blocked names, too
        #[arg(long)]
        names: bool,
    },
    /// Reserve names: registrars can't register them, the operator can.
    ///
    /// A name that is registered stays so, and the answer says so. A blocked name must be unblocked first.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld reserve example nic www --note \"for the registry\"\n  \
        namingo-admin tld reserve example --file reserved.txt")]
    Reserve(Marking),
    /// Block names: nobody can register them.
    ///
    /// A name that is registered stays so, and the answer says so. A reserved name must be unreserved first.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld block example offensive --note \"court order 12/26\"\n  \
        namingo-admin tld block example --file blocked.txt")]
    Block(Marking),
    /// Take reservations back.
    #[command(after_long_help = "Example:\n  namingo-admin tld unreserve example nic")]
    Unreserve(Names),
    /// Take blocks back.
    #[command(after_long_help = "Example:\n  namingo-admin tld unblock example offensive")]
    Unblock(Names),
}

#[derive(Debug, Args)]
pub struct Create {
    /// The zone; more than one label is possible (co.example)
    tld: String,
    /// Domains carry neither registrant nor contacts; otherwise a registrant is required
    #[arg(long)]
    minimum_data: bool,
    /// Contact types that every domain needs: admin, billing, tech
    #[arg(long, value_name = "TYPE", value_delimiter = ',', conflicts_with = "minimum_data")]
    require: Vec<ContactRole>,
    /// Ends the ROIDs of its domains: 1 to 8 letters, digits, underscores [default: the zone's last label, if it is such]
    #[arg(long, value_name = "SUFFIX")]
    roid_suffix: Option<String>,
}

#[derive(Debug, Args)]
pub struct Names {
    /// The zone
    tld: String,
    /// The labels: "nic" for nic.example
    #[arg(required_unless_present = "file")]
    labels: Vec<String>,
    /// A file with one label per line, "-" for standard input; lines that begin with # are skipped
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Marking {
    #[command(flatten)]
    names: Names,
    /// A remark for operators, not public
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

/// A zone with its marked names.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    tld: &'a TldView,
    names: &'a [Mark],
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let client = target.client()?;
        match self {
            Command::Create(create) => create.run(&client).await,
            Command::List => list(&client).await,
            Command::Show { tld, names } => show(&client, tld, names).await,
            Command::Reserve(marking) => marking.run(&client, MarkKind::Reserved).await,
            Command::Block(marking) => marking.run(&client, MarkKind::Blocked).await,
            Command::Unreserve(names) => names.unmark(&client, MarkKind::Reserved).await,
            Command::Unblock(names) => names.unmark(&client, MarkKind::Blocked).await,
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<Answer, Stop> {
        let roid_suffix = match self.roid_suffix {
            Some(given) => given,
            None => suffix_of(&self.tld)?,
        };
        let create = TldCreate {
            model: if self.minimum_data { DataModel::Minimum } else { DataModel::Maximum },
            contacts_required: self.require,
            roid_suffix,
            name: self.tld,
        };
        let written = client.call(&create).await?;
        Answer::new(&written, format!("the zone {} is served (svTRID {})", create.name, written.svtrid))
    }
}

/// The zone's last label in upper case, where it can be the suffix of ROIDs as it is.
fn suffix_of(zone: &str) -> Result<String, Stop> {
    let last = zone.rsplit('.').next().unwrap_or_default();
    if (1..=8).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(last.to_ascii_uppercase());
    }
    let why = format!("{last:?} can't end ROIDs; give --roid-suffix, 1 to 8 letters, digits and underscores");
    Err(Stop::Usage(why))
}

async fn list(client: &Client) -> Result<Answer, Stop> {
    let all = client.call(&TldList {}).await?;
    let row = |tld: &TldView| {
        [
            tld.name.clone(),
            tld.model.to_string(),
            words(&tld.contacts_required),
            tld.reserved.to_string(),
            tld.blocked.to_string(),
            tld.created.to_string(),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    Answer::new(&all, columns(["ZONE", "DATA", "REQUIRES", "RESERVED", "BLOCKED", "CREATED"], &rows))
}

fn words(roles: &[ContactRole]) -> String {
    match roles {
        [] => "-".to_owned(),
        roles => roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

async fn show(client: &Client, name: String, names: bool) -> Result<Answer, Stop> {
    let tld = client.call(&TldShow { name: name.clone() }).await?;
    let mut text = Sheet::default()
        .with("zone", &tld.name)
        .with("data", &tld.model)
        .with("requires", &words(&tld.contacts_required))
        .with("ROID suffix", &tld.roid_suffix)
        .with("created", &tld.created)
        .with("reserved", &tld.reserved)
        .with("blocked", &tld.blocked)
        .text();
    if !names {
        return Answer::new(&tld, text);
    }
    let marks = all_marks(client, name).await?;
    let rows: Vec<_> = marks
        .iter()
        .map(|m| {
            [format!("{}.{}", m.label, tld.name), m.kind.to_string(), m.since.to_string(), m.note.clone()]
        })
        .collect();
    text.push('\n');
    text.push_str(&columns(["NAME", "IS", "SINCE", "NOTE"], &rows));
    Answer::new(&Whole { tld: &tld, names: &marks }, text)
}

async fn all_marks(client: &Client, name: String) -> Result<Vec<Mark>, Stop> {
    let mut marks: Vec<Mark> = Vec::new();
    loop {
        let after = marks.last().map(|mark| mark.label.clone());
        let page = client.call(&MarkList { name: name.clone(), after }).await?;
        let ended = !page.more || page.marks.is_empty();
        marks.extend(page.marks);
        if ended {
            return Ok(marks);
        }
    }
}

impl Marking {
    async fn run(self, client: &Client, kind: MarkKind) -> Result<Answer, Stop> {
        let labels = self.names.labels()?;
        let part = |labels| TldMark { name: self.names.tld.clone(), kind, labels, note: self.note.clone() };
        done(&in_parts(client, labels, part).await?, &kind.to_string(), &self.names.tld)
    }
}

impl Names {
    async fn unmark(self, client: &Client, kind: MarkKind) -> Result<Answer, Stop> {
        let labels = self.labels()?;
        let part = |labels| TldUnmark { name: self.tld.clone(), kind, labels };
        done(&in_parts(client, labels, part).await?, &format!("no longer {kind}"), &self.tld)
    }

    fn labels(&self) -> Result<Vec<String>, Stop> {
        let mut labels = self.labels.clone();
        if let Some(file) = &self.file {
            let text = read(file).map_err(|e| Stop::Usage(format!("{}: {e}", file.display())))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            labels.extend(lines.map(str::to_owned));
        }
        Ok(labels)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let from: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    if from.take(FILE_MAX).read_to_string(&mut text)? as u64 == FILE_MAX {
        return Err(io::Error::other("more than 64 MiB of labels"));
    }
    Ok(text)
}

/// Sends a list in parts and adds up the answers.
async fn in_parts<O: admin::wire::Operation<Reply = Marked>>(
    client: &Client,
    labels: Vec<String>,
    part: impl Fn(Vec<String>) -> O,
) -> Result<Marked, Stop> {
    let mut sum = Marked::default();
    for some in labels.chunks(PART) {
        match client.call(&part(some.to_vec())).await {
            Ok(marked) => {
                sum.done += marked.done;
                sum.registered.extend(marked.registered);
                sum.rejected.extend(marked.rejected);
            }
            Err(CallError::Failed(failure)) if sum.done > 0 => {
                let message = format!("after {} labels of earlier parts: {}", sum.done, failure.message);
                return Err(CallError::Failed(Failure { message, ..failure }).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sum)
}

fn done(marked: &Marked, what: &str, zone: &str) -> Result<Answer, Stop> {
    let mut text = match marked.done {
        1 => format!("1 name is {what} in {zone}\n"),
        n => format!("{n} names are {what} in {zone}\n"),
    };
    let registered =
        marked.registered.iter().map(|label| format!("registered, and stays so: {label}.{zone}"));
    let rejected = marked.rejected.iter().map(|r| format!("refused: {}: {}", r.label, r.failure));
    some(&mut text, registered, "registered");
    some(&mut text, rejected, "refused");
    Ok(Answer::new(marked, text)?.complete(marked.rejected.is_empty()))
}

/// The first lines, and how many more there are.
fn some(text: &mut String, mut lines: impl ExactSizeIterator<Item = String>, what: &str) {
    for line in lines.by_ref().take(SHOWN) {
        // Writing into a String can't fail.
        let _ = writeln!(text, "{line}");
    }
    if lines.len() > 0 {
        let _ = writeln!(text, "and {} more are {what}; --json lists all", lines.len());
    }
}
