//! Result codes (RFC 5730 section 3) and the one place where the registry's refusals get theirs.
//!
//! Not here: which element a refusal is about (`subject`).

use registry::Refusal;
use registry::contact::ContactFault;
use registry::dnssec::DsFault;

use crate::xml::Gate;

/// The codes that this server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum ResultCode {
    Ok = 1000,
    NoMessages = 1300,
    MessageWaits = 1301,
    OkEnding = 1500,
    UnknownCommand = 2000,
    CommandSyntax = 2001,
    CommandUse = 2002,
    ParameterMissing = 2003,
    ParameterRange = 2004,
    ParameterSyntax = 2005,
    UnimplementedVersion = 2100,
    UnimplementedCommand = 2101,
    UnimplementedOption = 2102,
    UnimplementedExtension = 2103,
    Authentication = 2200,
    Authorization = 2201,
    AuthInfo = 2202,
    Exists = 2302,
    DoesNotExist = 2303,
    Association = 2305,
    ParameterPolicy = 2306,
    UnimplementedObject = 2307,
    Failed = 2400,
    FailedEnding = 2500,
    AuthenticationEnding = 2501,
    SessionLimit = 2502,
}

impl ResultCode {
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The text of RFC 5730.
    pub fn message(self) -> &'static str {
        match self {
            ResultCode::Ok => "Command completed successfully",
            ResultCode::NoMessages => "Command completed successfully; no messages",
            ResultCode::MessageWaits => "Command completed successfully; ack to dequeue",
            ResultCode::OkEnding => "Command completed successfully; ending session",
            ResultCode::UnknownCommand => "Unknown command",
            ResultCode::CommandSyntax => "Command syntax error",
            ResultCode::CommandUse => "Command use error",
            ResultCode::ParameterMissing => "Required parameter missing",
            ResultCode::ParameterRange => "Parameter value range error",
            ResultCode::ParameterSyntax => "Parameter value syntax error",
            ResultCode::UnimplementedVersion => "Unimplemented protocol version",
            ResultCode::UnimplementedCommand => "Unimplemented command",
            ResultCode::UnimplementedOption => "Unimplemented option",
            ResultCode::UnimplementedExtension => "Unimplemented extension",
            ResultCode::Authentication => "Authentication error",
            ResultCode::Authorization => "Authorization error",
            ResultCode::AuthInfo => "Invalid authorization information",
            ResultCode::Exists => "Object exists",
            ResultCode::DoesNotExist => "Object does not exist",
            ResultCode::Association => "Object association prohibits operation",
            ResultCode::ParameterPolicy => "Parameter value policy error",
            ResultCode::UnimplementedObject => "Unimplemented object service",
            ResultCode::Failed => "Command failed",
            ResultCode::FailedEnding => "Command failed; server closing connection",
            ResultCode::AuthenticationEnding => "Authentication error; server closing connection",
            ResultCode::SessionLimit => "Session limit exceeded; server closing connection",
        }
    }

    /// The code of a frame that a gate stopped.
    pub fn of_gate(gate: Gate) -> ResultCode {
        match gate {
            Gate::WellFormed | Gate::Schema => ResultCode::CommandSyntax,
            Gate::KnownVerb => ResultCode::UnknownCommand,
        }
    }

    /// The code of a refusal.
    pub fn of_refusal(refusal: &Refusal) -> ResultCode {
        match refusal {
            Refusal::NotOperator | Refusal::NotSponsor { .. } => ResultCode::Authorization,
            Refusal::AuthenticationFailed => ResultCode::Authentication,
            // What let the client in holds no longer; nothing more is taken from it.
            Refusal::Suspended => ResultCode::AuthenticationEnding,
            Refusal::TooManySessions { .. } => ResultCode::SessionLimit,
            Refusal::AuthInfoWrong => ResultCode::AuthInfo,
            Refusal::NameSyntax { .. }
            | Refusal::FakeALabel { .. }
            | Refusal::HandleSyntax { .. }
            | Refusal::LabelSyntax { .. }
            | Refusal::RegistrarInvalid { .. }
            | Refusal::TldInvalid { .. }
            | Refusal::RepositoryInvalid { .. }
            | Refusal::KeyEpochInvalid { .. }
            | Refusal::NodeInvalid { .. } => ResultCode::ParameterSyntax,
            Refusal::Exists { .. } | Refusal::RepositoryFounded => ResultCode::Exists,
            Refusal::NotFound { .. }
            | Refusal::SuperordinateMissing { .. }
            | Refusal::MessageNotFound { .. }
            | Refusal::NotMarked { .. }
            | Refusal::NotSuspended { .. } => ResultCode::DoesNotExist,
            Refusal::PeriodOutOfRange { .. } => ResultCode::ParameterRange,
            Refusal::RegistrantRequired | Refusal::ContactRequired { .. } | Refusal::SponsorRequired => {
                ResultCode::ParameterMissing
            }
            // RFC 5910 section 5.2.1 asks for 2102 where maxSigLife is not supported.
            Refusal::MaxSigLifeUnsupported | Refusal::HostAttributesUnsupported => {
                ResultCode::UnimplementedOption
            }
            Refusal::ContactsUnsupported => ResultCode::UnimplementedObject,
            Refusal::NamesBelowTld { .. } => ResultCode::Association,
            Refusal::DsInvalid { fault, .. } => of_ds(fault),
            Refusal::ContactInvalid { fault } => of_contact(*fault),
            Refusal::NotServed { .. }
            | Refusal::NotRegistrable { .. }
            | Refusal::ReservedHyphens { .. }
            | Refusal::IdnUnsupported { .. }
            | Refusal::Reserved { .. }
            | Refusal::Blocked { .. }
            | Refusal::PeriodUnit { .. }
            | Refusal::RegistrantForbidden { .. }
            | Refusal::ContactsForbidden { .. }
            | Refusal::ContactRepeated { .. }
            | Refusal::TooManyContacts { .. }
            | Refusal::HostRepeated { .. }
            | Refusal::TooManyHosts { .. }
            | Refusal::GlueMissing { .. }
            | Refusal::KeyDataUnsupported
            | Refusal::DsRepeated { .. }
            | Refusal::TooManyDs { .. }
            | Refusal::HostNotAllowed { .. }
            | Refusal::AddressesForbidden { .. }
            | Refusal::AddressNotGlobal { .. }
            | Refusal::AddressRepeated { .. }
            | Refusal::TooManyAddresses { .. }
            | Refusal::TooManySubordinates { .. }
            | Refusal::Marked { .. } => ResultCode::ParameterPolicy,
        }
    }
}

fn of_ds(fault: &DsFault) -> ResultCode {
    match fault {
        DsFault::Algorithm { .. } | DsFault::DigestType { .. } => ResultCode::ParameterPolicy,
        DsFault::DigestLength { .. } => ResultCode::ParameterSyntax,
    }
}

fn of_contact(fault: ContactFault) -> ResultCode {
    match fault {
        ContactFault::PostalMissing => ResultCode::ParameterMissing,
        ContactFault::PostalRepeated => ResultCode::ParameterPolicy,
        ContactFault::Country => ResultCode::ParameterRange,
        ContactFault::NotAscii
        | ContactFault::NameEmpty
        | ContactFault::CityEmpty
        | ContactFault::VoiceSyntax
        | ContactFault::FaxSyntax
        | ContactFault::EmailSyntax
        | ContactFault::DiscloseEmpty => ResultCode::ParameterSyntax,
    }
}
