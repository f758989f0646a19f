//! Zones, and the labels in them that are reserved or blocked.

use super::{ContactRole, Failure, Instant, Operation, Written};
use registry::tld;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whether domains of a zone carry contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataModel {
    Minimum,
    Maximum,
}

/// What a marked label is: registrable by the operator alone, or by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    Reserved,
    Blocked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TldCreate {
    pub name: String,
    pub model: DataModel,
    /// Contact types that every domain needs beside the registrant.
    #[serde(default)]
    pub contacts_required: Vec<ContactRole>,
    /// Ends the ROIDs of its domains.
    pub roid_suffix: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TldList {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TldShow {
    pub name: String,
}

/// A zone and its policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TldView {
    pub name: String,
    pub model: DataModel,
    pub contacts_required: Vec<ContactRole>,
    pub roid_suffix: String,
    pub created: Instant,
    /// How many labels are reserved.
    pub reserved: u64,
    /// How many labels are blocked.
    pub blocked: u64,
}

/// Reserves or blocks labels; one that is marked so already gets the new note. Names that are registered stay so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TldMark {
    pub name: String,
    pub kind: MarkKind,
    /// At most [`TldMark::LABELS_MAX`].
    pub labels: Vec<String>,
    #[serde(default)]
    pub note: String,
}

impl TldMark {
    /// Labels in one request; send long lists in parts.
    pub const LABELS_MAX: usize = 1000;
}

/// Takes reservations or blocks away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TldUnmark {
    pub name: String,
    pub kind: MarkKind,
    /// At most [`TldMark::LABELS_MAX`].
    pub labels: Vec<String>,
}

/// How many labels were done, and which were not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    pub done: u64,
    /// Of the labels done, those whose names are registered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registered: Vec<String>,
    pub rejected: Vec<Rejected>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    pub label: String,
    pub failure: Failure,
}

/// The marked labels of a zone in their order, page by page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkList {
    pub name: String,
    /// The last label of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkPage {
    pub marks: Vec<Mark>,
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub label: String,
    pub kind: MarkKind,
    pub since: Instant,
    pub note: String,
}

impl Operation for TldCreate {
    const NAME: &'static str = "tld/create";
    type Reply = Written;
}

impl Operation for TldList {
    const NAME: &'static str = "tld/list";
    type Reply = Vec<TldView>;
}

impl Operation for TldShow {
    const NAME: &'static str = "tld/show";
    type Reply = TldView;
}

impl Operation for TldMark {
    const NAME: &'static str = "tld/mark";
    type Reply = Marked;
}

impl Operation for TldUnmark {
    const NAME: &'static str = "tld/unmark";
    type Reply = Marked;
}

impl Operation for MarkList {
    const NAME: &'static str = "tld/marks";
    type Reply = MarkPage;
}

impl From<tld::DataModel> for DataModel {
    fn from(model: tld::DataModel) -> DataModel {
        match model {
            tld::DataModel::Minimum => DataModel::Minimum,
            tld::DataModel::Maximum => DataModel::Maximum,
        }
    }
}

impl From<DataModel> for tld::DataModel {
    fn from(model: DataModel) -> tld::DataModel {
        match model {
            DataModel::Minimum => tld::DataModel::Minimum,
            DataModel::Maximum => tld::DataModel::Maximum,
        }
    }
}

impl From<tld::MarkKind> for MarkKind {
    fn from(kind: tld::MarkKind) -> MarkKind {
        match kind {
            tld::MarkKind::Reserved => MarkKind::Reserved,
            tld::MarkKind::Blocked => MarkKind::Blocked,
        }
    }
}

impl From<MarkKind> for tld::MarkKind {
    fn from(kind: MarkKind) -> tld::MarkKind {
        match kind {
            MarkKind::Reserved => tld::MarkKind::Reserved,
            MarkKind::Blocked => tld::MarkKind::Blocked,
        }
    }
}

impl fmt::Display for DataModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataModel::Minimum => "minimum",
            DataModel::Maximum => "maximum",
        })
    }
}

impl FromStr for DataModel {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<DataModel, Self::Err> {
        match s {
            "minimum" => Ok(DataModel::Minimum),
            "maximum" => Ok(DataModel::Maximum),
            _ => Err("a data model is minimum (no contacts) or maximum"),
        }
    }
}

impl fmt::Display for MarkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MarkKind::Reserved => "reserved",
            MarkKind::Blocked => "blocked",
        })
    }
}
