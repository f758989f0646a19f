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
/// Rejected labels that are shown to people; programs get all of them.
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
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld reserve example nic www --note \"for the registry\"\n  \
        namingo-admin tld reserve example --file reserved.txt")]
    Reserve(Marking),
    /// Block names: nobody can register them.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin tld block example offensive --note \"court order 12/26\"\n  \
        namingo-admin tld block example --file blocked.txt")]
    Block(Marking),
    /// Make reserved or blocked names available again.
    #[command(
        visible_alias = "unreserve",
        after_long_help = "Example:\n  namingo-admin tld unblock example nic offensive"
    )]
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
    /// Ends the ROIDs of its domains: 1 to 8 letters, digits, underscores [default: the zone's last label]
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
            Command::Unblock(names) => {
                let labels = names.labels()?;
                let part = |labels| TldUnmark { name: names.tld.clone(), labels };
                done(&in_parts(&client, labels, part).await?, &format!("available again in {}", names.tld))
            }
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<Answer, Stop> {
        let last = self.tld.rsplit('.').next().unwrap_or_default();
        let suffix: String = last.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let create = TldCreate {
            model: if self.minimum_data { DataModel::Minimum } else { DataModel::Maximum },
            contacts_required: self.require,
            roid_suffix: self.roid_suffix.unwrap_or_else(|| suffix.to_ascii_uppercase()),
            name: self.tld,
        };
        let written = client.call(&create).await?;
        Answer::new(&written, format!("the zone {} is served (svTRID {})", create.name, written.svtrid))
    }
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
        done(&in_parts(client, labels, part).await?, &format!("{kind} in {}", self.names.tld))
    }
}

impl Names {
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

fn done(marked: &Marked, what: &str) -> Result<Answer, Stop> {
    let mut text = match marked.done {
        1 => format!("1 name is {what}\n"),
        n => format!("{n} names are {what}\n"),
    };
    for rejected in marked.rejected.iter().take(SHOWN) {
        // Writing into a String can't fail.
        let _ = writeln!(text, "refused: {}: {}", rejected.label, rejected.failure);
    }
    if let Some(more @ 1..) = marked.rejected.len().checked_sub(SHOWN) {
        let _ = writeln!(text, "and {more} more were refused; --json lists all");
    }
    Ok(Answer::new(marked, text)?.complete(marked.rejected.is_empty()))
}
