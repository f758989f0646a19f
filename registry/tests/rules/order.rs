//! The order of every replicated enum: the first byte of an encoded value is its variant's place, and old logs and
//! files hold that byte. Variants are added at the end.

use crate::{keys::*, kit::*, nodes::*};
use registry::{
    About, Actor, Outcome, Refusal, Reply, Timestamp, Verb,
    authinfo::Strength,
    contact::{ContactFault, ContactRole, Item, PostalKind},
    dnssec::DsFault,
    domain::{NameServers, Unit},
    keys::Stage,
    name::NameFault,
    node::{NodeRole, NodeState},
    poll::News,
    registrar::{RegistrarPassword, RegistrarResume, RegistrarSuspend, RegistrarUpdate},
    status::Status,
    tld::{DataModel, MarkKind},
};
use storage::codec::encode;

/// One value of each variant, in order. The match makes the list complete: a new variant does not compile before it
/// stands here.
macro_rules! pinned {
    ($test:ident $kind:ident { $($variant:ident = $value:expr,)* }) => {
        #[test]
        fn $test() {
            fn name(value: &$kind) -> &'static str {
                match value { $($kind::$variant { .. } => stringify!($variant),)* }
            }
            for (place, value) in [$($value),*].iter().enumerate() {
                assert_eq!(usize::from(encode(value)[0]), place, "{}", name(value));
            }
            let names = [$(($value, stringify!($variant))),*];
            assert!(names.iter().all(|(value, stated)| name(value) == *stated));
        }
    };
}

const T: Timestamp = Timestamp(0);

pinned! { verbs Verb {
    Beat = Verb::Beat,
    Tick = Verb::Tick { limit: 1 },
    Mark = Verb::Mark,
    RepositoryFound = found("main", "NAMINGO"),
    RegistrarCreate = create_registrar(registrar("alpha")),
    RegistrarPassword = Verb::RegistrarPassword(Box::new(RegistrarPassword {
        handle: "alpha".into(),
        password: password("alpha"),
    })),
    TldCreate = create_tld(zone("test", DataModel::Minimum, &[], "TEST")),
    MarkName = mark("a", MarkKind::Blocked),
    UnmarkName = unmark("a", MarkKind::Blocked),
    DomainCreate = create(domain("a.example")),
    HostCreate = create_host("ns1.a.example", &[]),
    ContactCreate = create_contact(contact("sh8013")),
    PollAck = ack(1),
    RegistrarSuspend = Verb::RegistrarSuspend(RegistrarSuspend { handle: "alpha".into(), note: String::new() }),
    RegistrarResume = Verb::RegistrarResume(RegistrarResume { handle: "alpha".into() }),
    KeyPropose = propose(1, 1),
    KeyActivate = activate(1, 1),
    Reseal = reseal(1, Vec::new()),
    KeyRetire = retire(1, T),
    AuthInfoUnset = unset_authinfo(1, &[], &[]),
    KeyRetired = retired(1),
    NodeAllocate = allocate(NodeRole::Voter, 0),
    NodeRemove = remove(1),
    RegistrarUpdate = Verb::RegistrarUpdate(Box::new(RegistrarUpdate { handle: "alpha".into(), ..Default::default() })),
} }

pinned! { stages Stage {
    Proposed = Stage::Proposed,
    Active = Stage::Active { since: T },
    Retiring = Stage::Retiring { since: T, at: T },
    Retired = Stage::Retired { at: T },
} }

pinned! { node_roles NodeRole {
    Voter = NodeRole::Voter,
    Standby = NodeRole::Standby,
    Edge = NodeRole::Edge,
} }

pinned! { node_states NodeState { Allocated = NodeState::Allocated, Removed = NodeState::Removed, } }

pinned! { outcomes Outcome {
    Done = Outcome::Done(Reply::Ok),
    Refused = Outcome::Refused(Refusal::PeriodUnit { months: 1 }),
    Internal = Outcome::Internal,
    Expired = Outcome::Expired,
    Superseded = Outcome::Superseded,
} }

pinned! { replies Reply {
    Ok = Reply::Ok,
    DomainCreated = Reply::DomainCreated { name: String::new(), created: T, expiry: T },
    HostCreated = Reply::HostCreated { name: String::new(), created: T },
    ContactCreated = Reply::ContactCreated { handle: String::new(), created: T },
    Ticked = Reply::Ticked { done: 0, more: false },
    Acknowledged = Reply::Acknowledged { left: 0, next: None },
    RegistrarCreated = Reply::RegistrarCreated { id: 1 },
    TldCreated = Reply::TldCreated { id: 1 },
    Marked = Reply::Marked { index: 1, digest: 1 },
    NodeAllocated = Reply::NodeAllocated { id: 1 },
    NameMarked = Reply::NameMarked { registered: false },
} }

pinned! { actors Actor {
    Registrar = ALPHA,
    Operator = operator(),
    System = Actor::System,
} }

pinned! { news News {
    DomainAutoRenewed = News::DomainAutoRenewed { name: String::new(), expiry: T },
} }

pinned! { strengths Strength {
    Empty = Strength::Empty,
    Weak = Strength::Weak,
    Rfc9154 = Strength::Rfc9154,
} }

pinned! { statuses Status {
    ClientDeleteProhibited = Status::ClientDeleteProhibited,
    ClientHold = Status::ClientHold,
    ClientRenewProhibited = Status::ClientRenewProhibited,
    ClientTransferProhibited = Status::ClientTransferProhibited,
    ClientUpdateProhibited = Status::ClientUpdateProhibited,
    ServerDeleteProhibited = Status::ServerDeleteProhibited,
    ServerHold = Status::ServerHold,
    ServerRenewProhibited = Status::ServerRenewProhibited,
    ServerTransferProhibited = Status::ServerTransferProhibited,
    ServerUpdateProhibited = Status::ServerUpdateProhibited,
} }

pinned! { data_models DataModel { Minimum = DataModel::Minimum, Maximum = DataModel::Maximum, } }

pinned! { mark_kinds MarkKind { Reserved = MarkKind::Reserved, Blocked = MarkKind::Blocked, } }

pinned! { subjects About {
    Object = About::Object,
    Registrant = About::Registrant,
    Contact = About::Contact,
    NameServer = About::NameServer,
} }

pinned! { contact_roles ContactRole {
    Admin = ContactRole::Admin,
    Billing = ContactRole::Billing,
    Tech = ContactRole::Tech,
} }

pinned! { contact_faults ContactFault {
    PostalMissing = ContactFault::PostalMissing,
    PostalRepeated = ContactFault::PostalRepeated,
    NotAscii = ContactFault::NotAscii,
    NameEmpty = ContactFault::NameEmpty,
    CityEmpty = ContactFault::CityEmpty,
    Country = ContactFault::Country,
    VoiceSyntax = ContactFault::VoiceSyntax,
    FaxSyntax = ContactFault::FaxSyntax,
    EmailSyntax = ContactFault::EmailSyntax,
    DiscloseEmpty = ContactFault::DiscloseEmpty,
} }

pinned! { ds_faults DsFault {
    Algorithm = DsFault::Algorithm { number: 0 },
    DigestType = DsFault::DigestType { number: 0 },
    DigestLength = DsFault::DigestLength { digest: [].into(), expected: 0 },
} }

pinned! { name_faults NameFault {
    Empty = NameFault::Empty,
    TooLong = NameFault::TooLong,
    LabelEmpty = NameFault::LabelEmpty,
    LabelTooLong = NameFault::LabelTooLong,
    LabelCharacter = NameFault::LabelCharacter,
    LabelHyphen = NameFault::LabelHyphen,
    AllNumericTld = NameFault::AllNumericTld,
    NotAscii = NameFault::NotAscii,
} }

pinned! { postal_kinds PostalKind { Int = PostalKind::Int, Loc = PostalKind::Loc, } }

pinned! { disclosed_items Item {
    Name = Item::Name(PostalKind::Int),
    Org = Item::Org(PostalKind::Int),
    Address = Item::Address(PostalKind::Int),
    Voice = Item::Voice,
    Fax = Item::Fax,
    Email = Item::Email,
} }

pinned! { units Unit { Year = Unit::Year, Month = Unit::Month, } }

pinned! { name_server_forms NameServers {
    Objects = NameServers::Objects(Vec::new()),
    Attributes = NameServers::Attributes,
} }
