//! Every way the registry says no. A refusal is part of the replicated outcome and names the offending value;
//! its EPP code is chosen in one place, `epp::result`. No personal datum and no secret is ever carried.

use crate::{contact::ContactFault, contact::ContactRole, dnssec::DsFault, name::NameFault, tld::MarkKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::Fault;

/// What part of a command named the thing that a refusal is about. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// The object of the command itself.
    Object,
    Registrant,
    Contact,
    NameServer,
}

/// What stands before the thing's name in a sentence.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            About::Object => "",
            About::Registrant => "registrant ",
            About::Contact => "contact ",
            About::NameServer => "name server ",
        })
    }
}

/// A reason to refuse. The order is replicated: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    // who
    NotOperator,
    NotSponsor { about: About, object: String },
    AuthenticationFailed,
    AuthInfoWrong,
    // names
    NameSyntax { about: About, name: String, fault: NameFault },
    NotServed { name: String },
    NotRegistrable { name: String },
    ReservedHyphens { name: String },
    FakeALabel { name: String },
    IdnUnsupported { name: String },
    Reserved { name: String },
    Blocked { name: String },
    // objects
    Exists { object: String },
    NotFound { about: About, object: String },
    // domains
    PeriodUnit { months: u16 },
    PeriodOutOfRange { years: u16 },
    RegistrantRequired,
    RegistrantForbidden { handle: String },
    ContactRequired { role: ContactRole },
    ContactsForbidden { handle: String },
    ContactRepeated { role: ContactRole, handle: String },
    TooManyContacts { handle: String, most: u16 },
    HostAttributesUnsupported,
    HostRepeated { host: String },
    TooManyHosts { host: String, most: u16 },
    GlueMissing { host: String },
    KeyDataUnsupported,
    MaxSigLifeUnsupported,
    DsInvalid { key_tag: u16, fault: DsFault },
    DsRepeated { key_tag: u16 },
    TooManyDs { key_tag: u16, most: u16 },
    // hosts
    SuperordinateMissing { domain: String },
    HostNotAllowed { host: String },
    AddressesForbidden { host: String, address: String },
    AddressNotGlobal { address: String },
    AddressRepeated { address: String },
    TooManyAddresses { address: String, most: u16 },
    // contacts
    ContactsUnsupported,
    HandleSyntax { handle: String },
    ContactInvalid { fault: ContactFault },
    // poll
    MessageNotFound { id: String },
    // policy
    RegistrarInvalid { field: String, why: String },
    TldInvalid { field: String, why: String },
    NamesBelowTld { tld: String },
    LabelSyntax { label: String },
    NotMarked { name: String, kind: MarkKind },
    RepositoryFounded,
    SponsorRequired,
    RepositoryInvalid { field: String, why: String },
    TooManySubordinates { domain: String, most: u16 },
    Suspended,
    NotSuspended { registrar: String },
    KeyEpochInvalid { epoch: u32, why: String },
    NodeInvalid { id: u64, why: String },
    Marked { name: String, kind: MarkKind },
    TooManySessions { most: u32 },
}

impl Refusal {
    /// A short stable word for metrics and counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Refusal::NotOperator => "not_operator",
            Refusal::NotSponsor { .. } => "not_sponsor",
            Refusal::AuthenticationFailed => "authentication_failed",
            Refusal::AuthInfoWrong => "authinfo_wrong",
            Refusal::NameSyntax { .. } => "name_syntax",
            Refusal::NotServed { .. } => "not_served",
            Refusal::NotRegistrable { .. } => "not_registrable",
            Refusal::ReservedHyphens { .. } => "reserved_hyphens",
            Refusal::FakeALabel { .. } => "fake_a_label",
            Refusal::IdnUnsupported { .. } => "idn_unsupported",
            Refusal::Reserved { .. } => "reserved",
            Refusal::Blocked { .. } => "blocked",
            Refusal::Exists { .. } => "exists",
            Refusal::NotFound { .. } => "not_found",
            Refusal::PeriodUnit { .. } => "period_unit",
            Refusal::PeriodOutOfRange { .. } => "period_out_of_range",
            Refusal::RegistrantRequired => "registrant_required",
            Refusal::RegistrantForbidden { .. } => "registrant_forbidden",
            Refusal::ContactRequired { .. } => "contact_required",
            Refusal::ContactsForbidden { .. } => "contacts_forbidden",
            Refusal::ContactRepeated { .. } => "contact_repeated",
            Refusal::TooManyContacts { .. } => "too_many_contacts",
            Refusal::HostAttributesUnsupported => "host_attributes_unsupported",
            Refusal::HostRepeated { .. } => "host_repeated",
            Refusal::TooManyHosts { .. } => "too_many_hosts",
            Refusal::GlueMissing { .. } => "glue_missing",
            Refusal::KeyDataUnsupported => "key_data_unsupported",
            Refusal::MaxSigLifeUnsupported => "max_sig_life_unsupported",
            Refusal::DsInvalid { .. } => "ds_invalid",
            Refusal::DsRepeated { .. } => "ds_repeated",
            Refusal::TooManyDs { .. } => "too_many_ds",
            Refusal::SuperordinateMissing { .. } => "superordinate_missing",
            Refusal::HostNotAllowed { .. } => "host_not_allowed",
            Refusal::AddressesForbidden { .. } => "addresses_forbidden",
            Refusal::AddressNotGlobal { .. } => "address_not_global",
            Refusal::AddressRepeated { .. } => "address_repeated",
            Refusal::TooManyAddresses { .. } => "too_many_addresses",
            Refusal::ContactsUnsupported => "contacts_unsupported",
            Refusal::HandleSyntax { .. } => "handle_syntax",
            Refusal::ContactInvalid { .. } => "contact_invalid",
            Refusal::MessageNotFound { .. } => "message_not_found",
            Refusal::RegistrarInvalid { .. } => "registrar_invalid",
            Refusal::TldInvalid { .. } => "tld_invalid",
            Refusal::NamesBelowTld { .. } => "names_below_tld",
            Refusal::LabelSyntax { .. } => "label_syntax",
            Refusal::NotMarked { .. } => "not_marked",
            Refusal::RepositoryFounded => "repository_founded",
            Refusal::SponsorRequired => "sponsor_required",
            Refusal::RepositoryInvalid { .. } => "repository_invalid",
            Refusal::TooManySubordinates { .. } => "too_many_subordinates",
            Refusal::Suspended => "suspended",
            Refusal::NotSuspended { .. } => "not_suspended",
            Refusal::KeyEpochInvalid { .. } => "key_epoch_invalid",
            Refusal::NodeInvalid { .. } => "node_invalid",
            Refusal::Marked { .. } => "marked",
            Refusal::TooManySessions { .. } => "too_many_sessions",
        }
    }
}

/// The sentence that a registrar reads: what was wrong, and where it helps, what to do.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotOperator => f.write_str("only the operator may do this"),
            Refusal::NotSponsor { about, object } => {
                write!(f, "{about}{object} is sponsored by another registrar")
            }
            Refusal::AuthenticationFailed => f.write_str("authentication failed"),
            Refusal::AuthInfoWrong => f.write_str("the authorization information does not match"),
            Refusal::NameSyntax { about, name, fault } => {
                write!(f, "{about}{name:?} is not a valid name: {fault}")
            }
            Refusal::NotServed { name } => write!(f, "{name} is not in a zone served here"),
            Refusal::NotRegistrable { name } => {
                write!(f, "{name} is not exactly one label below a zone served here")
            }
            Refusal::ReservedHyphens { name } => {
                write!(f, "{name}: hyphens in the third and fourth position are reserved")
            }
            Refusal::FakeALabel { name } => write!(f, "{name} is not a valid A-label (IDNA 2008)"),
            Refusal::IdnUnsupported { name } => {
                write!(f, "{name}: this zone takes no internationalized names")
            }
            Refusal::Reserved { name } => write!(f, "{name} is reserved"),
            Refusal::Blocked { name } => write!(f, "{name} is blocked"),
            Refusal::Exists { object } => write!(f, "{object} exists already"),
            Refusal::NotFound { about, object } => write!(f, "{about}{object} does not exist"),
            Refusal::PeriodUnit { .. } => f.write_str("registration periods are whole years: use unit y"),
            Refusal::PeriodOutOfRange { years } => {
                write!(f, "a period of {years} years is outside of 1 to 10 years")
            }
            Refusal::RegistrantRequired => f.write_str("a registrant is required in this zone"),
            Refusal::RegistrantForbidden { .. } => {
                f.write_str("this zone takes no registrant (minimum data)")
            }
            Refusal::ContactRequired { role } => {
                write!(f, "a contact of type {role} is required in this zone")
            }
            Refusal::ContactsForbidden { .. } => f.write_str("this zone takes no contacts (minimum data)"),
            Refusal::ContactRepeated { role, handle } => write!(f, "{role} contact {handle} is given twice"),
            Refusal::TooManyContacts { most, .. } => write!(f, "more than {most} contacts of one type"),
            Refusal::HostAttributesUnsupported => {
                f.write_str("name servers are host objects here: use hostObj, not hostAttr")
            }
            Refusal::HostRepeated { host } => write!(f, "name server {host} is given twice"),
            Refusal::TooManyHosts { most, .. } => write!(f, "more than {most} name servers"),
            Refusal::GlueMissing { host } => {
                write!(f, "name server {host} lies in a zone served here and has no address")
            }
            Refusal::KeyDataUnsupported => {
                f.write_str("DNSSEC data is taken as dsData only, without keyData")
            }
            Refusal::MaxSigLifeUnsupported => f.write_str("maxSigLife is not supported"),
            Refusal::DsInvalid { key_tag, fault } => write!(f, "DS with key tag {key_tag}: {fault}"),
            Refusal::DsRepeated { key_tag } => write!(f, "DS with key tag {key_tag} is given twice"),
            Refusal::TooManyDs { most, .. } => write!(f, "more than {most} DS records"),
            Refusal::SuperordinateMissing { domain } => {
                write!(f, "the superordinate domain {domain} does not exist")
            }
            Refusal::HostNotAllowed { host } => {
                write!(f, "{host} is a single label or a zone served here and can't be a host")
            }
            Refusal::AddressesForbidden { host, .. } => {
                write!(f, "{host} lies outside of the zones served here and takes no addresses")
            }
            Refusal::AddressNotGlobal { address } => {
                write!(f, "{address} is not a globally reachable unicast address")
            }
            Refusal::AddressRepeated { address } => write!(f, "address {address} is given twice"),
            Refusal::TooManyAddresses { most, .. } => write!(f, "more than {most} addresses"),
            Refusal::ContactsUnsupported => f.write_str("no zone served here takes contacts"),
            Refusal::HandleSyntax { handle } => {
                write!(f, "{handle:?} is not an identifier of 3 to 16 letters, digits and -._")
            }
            Refusal::ContactInvalid { fault } => write!(f, "{fault}"),
            Refusal::MessageNotFound { id } => write!(f, "there is no message {id} in your queue"),
            Refusal::RegistrarInvalid { field, why } => write!(f, "registrar {field}: {why}"),
            Refusal::TldInvalid { field, why } => write!(f, "TLD {field}: {why}"),
            Refusal::NamesBelowTld { tld } => {
                write!(f, "{tld} can't become a zone: it is registered as a name, or hosts lie below it")
            }
            Refusal::LabelSyntax { label } => write!(f, "{label:?} is not a label of the zone"),
            Refusal::NotMarked { name, kind } => write!(f, "{name} is not {kind}"),
            Refusal::RepositoryFounded => f.write_str("the repository is founded already"),
            Refusal::SponsorRequired => f.write_str("say which registrar is to sponsor the object"),
            Refusal::RepositoryInvalid { field, why } => write!(f, "repository {field}: {why}"),
            Refusal::TooManySubordinates { domain, most } => write!(f, "{domain} has {most} hosts already"),
            Refusal::Suspended => f.write_str("this registrar is suspended; ask the registry's operator"),
            Refusal::NotSuspended { registrar } => write!(f, "{registrar} is not suspended"),
            Refusal::KeyEpochInvalid { epoch, why } => write!(f, "key epoch {epoch} {why}"),
            Refusal::NodeInvalid { id, why } => write!(f, "node {id} {why}"),
            Refusal::Marked { name, kind } => write!(f, "{name} is {kind} already; take that back first"),
            Refusal::TooManySessions { most } => {
                write!(f, "at most {most} sessions of this registrar at a time on this node; close one first")
            }
        }
    }
}

/// What ends a verb early: a refusal (data), a stale premise (the accepting node rebuilds the command, decision
/// 12), or a storage fault (the node stops).
#[derive(Debug)]
pub enum Stop {
    Refused(Refusal),
    Superseded,
    Fault(Fault),
}

impl From<Refusal> for Stop {
    fn from(r: Refusal) -> Stop {
        Stop::Refused(r)
    }
}

impl From<Fault> for Stop {
    fn from(f: Fault) -> Stop {
        Stop::Fault(f)
    }
}
