//! `namingo-admin registrar …`

use crate::{
    answer::{Answer, Stop},
    password::{Chosen, Source},
    table::{Sheet, columns, or_dash},
    target::Target,
};
use admin::{
    Client,
    wire::{
        RegistrarCreate, RegistrarList, RegistrarPassword, RegistrarResume, RegistrarShow, RegistrarSuspend,
        RegistrarUpdate, RegistrarView, Seat, Written,
    },
};
use clap::{Args, Subcommand};
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Accredit a registrar.
    ///
    /// Without a password option a password is generated and shown once.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin registrar create alpha --name \"Alpha Ltd\"\n  \
        namingo-admin registrar create beta --name \"Beta Inc\" --iana-id 9996 --url https://beta.example \\\n      \
        --abuse-email abuse@beta.example --abuse-phone +1.5555551234 --password-stdin < beta.password")]
    Create(Box<Create>),
    /// Change what is known of a registrar, its pinned certificate, or how many sessions it may have.
    ///
    /// What is not named stays as it is; an empty text ("") empties a field. Sessions beyond a lower limit go on.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin registrar update alpha --max-sessions 200\n  \
        namingo-admin registrar update alpha --name \"Alpha and Sons Ltd\" --url https://alpha.example --fax \"\"")]
    Update(Box<Update>),
    /// All registrars.
    #[command(after_long_help = "Example:\n  namingo-admin registrar list")]
    List,
    /// One registrar.
    #[command(after_long_help = "Example:\n  namingo-admin registrar show alpha")]
    Show {
        /// The clID
        handle: String,
    },
    /// Give a registrar a new password.
    ///
    /// Sessions that are logged in stay so. Without a password option a password is generated and shown once.
    #[command(after_long_help = "Examples:\n  \
        namingo-admin registrar set-password alpha\n  \
        namingo-admin registrar set-password alpha --password-stdin < alpha.password")]
    SetPassword {
        /// The clID
        handle: String,
        #[command(flatten)]
        source: Source,
    },
    /// Keep a registrar from acting: its sessions end on every node, and it can't log in.
    ///
    /// Its domains stay as they are, and the public sees them as before. Suspending it again changes the note.
    #[command(after_long_help = "Example:\n  \
        namingo-admin registrar suspend alpha --note \"invoice 2026-17 is unpaid\"")]
    Suspend {
        /// The clID
        handle: String,
        /// Shown to operators only, at most 255 characters
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Let a suspended registrar act again.
    #[command(after_long_help = "Example:\n  namingo-admin registrar resume alpha")]
    Resume {
        /// The clID
        handle: String,
    },
}

#[derive(Debug, Args)]
pub struct Create {
    /// The clID: 3 to 16 letters, digits and -._
    handle: String,
    /// The name that the public sees
    #[arg(long)]
    name: String,
    /// The registrar's id at IANA
    #[arg(long, value_name = "NUMBER")]
    iana_id: Option<u32>,
    /// Its home page
    #[arg(long)]
    url: Option<String>,
    /// The host of its WHOIS service
    #[arg(long, value_name = "HOST")]
    whois_server: Option<String>,
    /// The base URL of its RDAP service, with a slash at its end
    #[arg(long, value_name = "URL")]
    rdap_url: Option<String>,
    /// Where abuse is reported
    #[arg(long, value_name = "ADDRESS")]
    abuse_email: Option<String>,
    /// Where abuse is reported by phone: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    abuse_phone: Option<String>,
    /// A line of its street address; up to three
    #[arg(long, value_name = "LINE", requires_all = ["city", "country"])]
    street: Vec<String>,
    /// The city of its seat
    #[arg(long, requires = "street")]
    city: Option<String>,
    /// State or province
    #[arg(long, requires = "street")]
    state: Option<String>,
    /// Postal code
    #[arg(long, value_name = "CODE", requires = "street")]
    postal_code: Option<String>,
    /// Country code of two letters
    #[arg(long, value_name = "CC", requires = "street")]
    country: Option<String>,
    /// Its telephone: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Its fax: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    fax: Option<String>,
    /// Its public e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// SHA-256 fingerprint of the client certificate that it must show when it logs in
    #[arg(long, value_name = "FINGERPRINT")]
    certificate: Option<String>,
    /// EPP sessions that it may have at a time on one node; 100 unless given
    #[arg(long, value_name = "NUMBER")]
    max_sessions: Option<u32>,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub struct Update {
    /// The clID
    handle: String,
    #[command(flatten)]
    fields: Fields,
}

/// What can be changed; one of them at least is named.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Fields {
    /// The name that the public sees
    #[arg(long)]
    name: Option<String>,
    /// The registrar's id at IANA; 0 for none
    #[arg(long, value_name = "NUMBER")]
    iana_id: Option<u32>,
    /// Its home page
    #[arg(long)]
    url: Option<String>,
    /// The host of its WHOIS service
    #[arg(long, value_name = "HOST")]
    whois_server: Option<String>,
    /// The base URL of its RDAP service, with a slash at its end
    #[arg(long, value_name = "URL")]
    rdap_url: Option<String>,
    /// Where abuse is reported
    #[arg(long, value_name = "ADDRESS")]
    abuse_email: Option<String>,
    /// Where abuse is reported by phone: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    abuse_phone: Option<String>,
    /// Its telephone: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Its fax: +CC.NUMBER
    #[arg(long, value_name = "NUMBER")]
    fax: Option<String>,
    /// Its public e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// SHA-256 fingerprint of the client certificate that it must show when it logs in
    #[arg(long, value_name = "FINGERPRINT")]
    certificate: Option<String>,
    /// EPP sessions that it may have at a time on one node
    #[arg(long, value_name = "NUMBER")]
    max_sessions: Option<u32>,
    /// A line of its street address; up to three. The address is replaced as a whole
    #[arg(long, value_name = "LINE", requires_all = ["city", "country"])]
    street: Vec<String>,
    /// The city of its seat
    #[arg(long, requires = "street")]
    city: Option<String>,
    /// State or province
    #[arg(long, requires = "street")]
    state: Option<String>,
    /// Postal code
    #[arg(long, value_name = "CODE", requires = "street")]
    postal_code: Option<String>,
    /// Country code of two letters
    #[arg(long, value_name = "CC", requires = "street")]
    country: Option<String>,
}

/// A write, and the password if nobody else knows it.
#[derive(Serialize)]
struct WithPassword<'a> {
    #[serde(flatten)]
    written: &'a Written,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

impl Command {
    pub async fn run(self, target: &Target) -> Result<Answer, Stop> {
        let client = target.client()?;
        match self {
            Command::Create(create) => create.run(&client).await,
            Command::Update(update) => {
                let text = format!("registrar {} is changed", update.handle);
                let written = client.call(&update.wire()).await?;
                Answer::new(&written, format!("{text} (svTRID {})", written.svtrid))
            }
            Command::List => list(&client).await,
            Command::Show { handle } => {
                let shown = client.call(&RegistrarShow { handle }).await?;
                Answer::new(&shown, text(&shown))
            }
            Command::SetPassword { handle, source } => {
                let chosen = source.choose()?;
                let change = RegistrarPassword { handle, password: chosen.password.clone() };
                let written = client.call(&change).await?;
                answer(&written, &chosen, &format!("registrar {} has a new password", change.handle))
            }
            Command::Suspend { handle, note } => {
                let text = format!("registrar {handle} is suspended");
                let written = client.call(&RegistrarSuspend { handle, note }).await?;
                Answer::new(&written, format!("{text} (svTRID {})", written.svtrid))
            }
            Command::Resume { handle } => {
                let text = format!("registrar {handle} can act again");
                let written = client.call(&RegistrarResume { handle }).await?;
                Answer::new(&written, format!("{text} (svTRID {})", written.svtrid))
            }
        }
    }
}

impl Update {
    fn wire(self) -> RegistrarUpdate {
        let Update { handle, fields: f } = self;
        RegistrarUpdate {
            handle,
            name: f.name,
            iana_id: f.iana_id,
            url: f.url,
            whois_server: f.whois_server,
            rdap_url: f.rdap_url,
            abuse_email: f.abuse_email,
            abuse_phone: f.abuse_phone,
            address: f.city.zip(f.country).map(|(city, country)| Seat {
                street: f.street,
                city,
                state: f.state,
                postal_code: f.postal_code,
                country,
            }),
            phone: f.phone,
            fax: f.fax,
            email: f.email,
            certificate: f.certificate,
            sessions_max: f.max_sessions,
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<Answer, Stop> {
        let chosen = self.source.choose()?;
        let address = self.city.zip(self.country).map(|(city, country)| Seat {
            street: self.street,
            city,
            state: self.state,
            postal_code: self.postal_code,
            country,
        });
        let create = RegistrarCreate {
            handle: self.handle,
            name: self.name,
            iana_id: self.iana_id,
            url: self.url,
            whois_server: self.whois_server,
            rdap_url: self.rdap_url,
            abuse_email: self.abuse_email,
            abuse_phone: self.abuse_phone,
            address,
            phone: self.phone,
            fax: self.fax,
            email: self.email,
            certificate: self.certificate,
            sessions_max: self.max_sessions,
            password: chosen.password.clone(),
        };
        let written = client.call(&create).await?;
        answer(&written, &chosen, &format!("registrar {} is accredited", create.handle))
    }
}

fn answer(written: &Written, chosen: &Chosen, what: &str) -> Result<Answer, Stop> {
    let password = chosen.generated.then(|| chosen.password.expose());
    let mut text = format!("{what} (svTRID {})\n", written.svtrid);
    if let Some(password) = password {
        text.push_str(&format!("password, shown only now: {password}\n"));
    }
    Answer::new(&WithPassword { written, password }, text)
}

async fn list(client: &Client) -> Result<Answer, Stop> {
    let all = client.call(&RegistrarList {}).await?;
    let row = |r: &RegistrarView| {
        [
            r.handle.clone(),
            or_dash(r.iana_id),
            r.name.clone(),
            or_dash(r.abuse_email.as_ref()),
            if r.suspended.is_some() { "suspended" } else { "active" }.to_owned(),
            r.created.to_string(),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    Answer::new(&all, columns(["REGISTRAR", "IANA ID", "NAME", "ABUSE E-MAIL", "STATE", "CREATED"], &rows))
}

fn line(seat: &Seat) -> String {
    let parts = seat.street.iter().chain([&seat.city]).chain(&seat.state).chain(&seat.postal_code);
    parts.chain([&seat.country]).cloned().collect::<Vec<_>>().join(", ")
}

fn text(r: &RegistrarView) -> String {
    Sheet::default()
        .with("registrar", &r.handle)
        .with("name", &r.name)
        .with_optional("IANA id", r.iana_id)
        .with_optional("URL", r.url.as_ref())
        .with_optional("WHOIS server", r.whois_server.as_ref())
        .with_optional("RDAP URL", r.rdap_url.as_ref())
        .with_optional("abuse e-mail", r.abuse_email.as_ref())
        .with_optional("abuse phone", r.abuse_phone.as_ref())
        .with_optional("address", r.address.as_ref().map(line))
        .with_optional("phone", r.phone.as_ref())
        .with_optional("fax", r.fax.as_ref())
        .with_optional("e-mail", r.email.as_ref())
        .with("certificate", r.certificate.as_deref().unwrap_or("none is demanded"))
        .with("sessions", &format!("at most {}", r.sessions_max))
        .with("created", &r.created)
        .with_optional("updated", r.updated)
        .with_optional("suspended since", r.suspended.as_ref().map(|s| s.since))
        .with_optional("note", r.suspended.as_ref().map(|s| &s.note).filter(|note| !note.is_empty()))
        .text()
}
