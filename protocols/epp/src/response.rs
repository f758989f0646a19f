//! Answers: what a command came to, and its XML (RFC 5730 section 2.6).

use registry::poll::News;
use registry::{SvTrid, Timestamp};

use crate::denial::Denial;
use crate::result::ResultCode;
use crate::xml::{Ns, Offender, Writer};
use crate::{contact, domain, ext, host};

/// Characters of a reason that are sent; those of rules are shorter.
const REASON_CHARS: usize = 1000;

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    pub code: ResultCode,
    pub data: Data,
    pub queue: Option<Queue>,
}

/// What an answer tells beside its code.
#[derive(Debug)]
pub enum Data {
    None,
    DomainChecked(Vec<Checked>),
    DomainInfo { info: Box<registry::domain::info::Info>, secdns: bool },
    DomainCreated { name: String, created: Timestamp, expiry: Timestamp },
    HostChecked(Vec<Checked>),
    HostInfo(Box<registry::host::info::Info>),
    HostCreated { name: String, created: Timestamp },
    ContactChecked(Vec<Checked>),
    ContactInfo { info: Box<registry::contact::info::Info>, data: Box<registry::contact::ContactData> },
    ContactCreated { handle: String, created: Timestamp },
    News(News),
}

/// One line of a check's answer.
#[derive(Debug)]
pub struct Checked {
    /// As it was asked.
    pub name: String,
    /// Why it is not available, in at most 32 characters.
    pub taken: Option<&'static str>,
}

/// The state of the client's message queue.
#[derive(Debug)]
pub struct Queue {
    pub count: u64,
    /// The message at its head.
    pub id: u64,
    /// The message itself, in the answer to `poll op="req"` only.
    pub message: Option<(Timestamp, String)>,
}

impl Answer {
    pub fn ok(data: Data) -> Answer {
        Answer { code: ResultCode::Ok, data, queue: None }
    }
}

/// The answer to one frame.
#[derive(Debug)]
pub struct Response {
    pub result: Result<Answer, Denial>,
    pub cltrid: Option<String>,
    pub svtrid: SvTrid,
}

impl Response {
    pub fn code(&self) -> ResultCode {
        match &self.result {
            Ok(answer) => answer.code,
            Err(denial) => denial.code,
        }
    }

    /// Whether the server closes the connection after it (RFC 5730: 1500 and the codes from 2500 on).
    pub fn ends_session(&self) -> bool {
        let number = self.code().number();
        number == 1500 || number >= 2500
    }

    /// The document.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::document();
        writer.element("epp", &[("xmlns", Ns::Epp.uri())], |w| {
            w.element("response", &[], |w| {
                self.write_result(w);
                if let Ok(answer) = &self.result {
                    answer.write(w);
                }
                w.element("trID", &[], |w| {
                    if let Some(cltrid) = &self.cltrid {
                        w.leaf("clTRID", cltrid);
                    }
                    w.plain("svTRID", self.svtrid);
                });
            });
        });
        writer.finish()
    }

    /// A reason may hold what the client sent, which may be as long as a frame, and a multiple of that once escaped.
    fn write_result(&self, w: &mut Writer) {
        let code = self.code();
        w.element("result", &[("code", &code.number().to_string())], |w| {
            let Err(denial) = &self.result else {
                return w.leaf("msg", code.message());
            };
            let reason = denial.reason.char_indices().nth(REASON_CHARS);
            let reason = reason.map_or(&*denial.reason, |(end, _)| &denial.reason[..end]);
            match &denial.offender {
                Some(offender) => {
                    w.leaf("msg", code.message());
                    w.element("extValue", &[], |w| {
                        w.element("value", &[], |w| write_offender(w, offender));
                        w.leaf("reason", reason);
                    });
                }
                // `extValue` demands a value; without one the reason can only follow the code's text.
                None => w.leaf("msg", &format!("{}: {reason}", code.message())),
            }
        });
    }
}

impl Answer {
    fn write(&self, w: &mut Writer) {
        if let Some(queue) = &self.queue {
            write_queue(w, queue);
        }
        if !matches!(self.data, Data::None) {
            w.element("resData", &[], |w| self.data.write(w));
        }
        self.data.write_extension(w);
    }
}

impl Data {
    /// The content of `resData`.
    fn write(&self, w: &mut Writer) {
        match self {
            Data::None => {}
            Data::DomainChecked(lines) => domain::check::render(w, lines),
            Data::DomainInfo { info, .. } => domain::info::render(w, info),
            Data::DomainCreated { name, created, expiry } => {
                domain::create::render(w, name, *created, *expiry);
            }
            Data::HostChecked(lines) => host::check::render(w, lines),
            Data::HostInfo(info) => host::info::render(w, info),
            Data::HostCreated { name, created } => host::create::render(w, name, *created),
            Data::ContactChecked(lines) => contact::check::render(w, lines),
            Data::ContactInfo { info, data } => contact::info::render(w, info, data),
            Data::ContactCreated { handle, created } => contact::create::render(w, handle, *created),
            Data::News(News::DomainAutoRenewed { name, expiry }) => domain::renew::render(w, name, *expiry),
        }
    }

    fn write_extension(&self, w: &mut Writer) {
        match self {
            Data::DomainInfo { info, secdns: true, .. } if !info.domain.ds.is_empty() => {
                w.element("extension", &[], |w| ext::secdns::render(w, &info.domain.ds));
            }
            _ => {}
        }
    }
}

fn write_queue(w: &mut Writer, queue: &Queue) {
    let (count, id) = (queue.count.to_string(), queue.id.to_string());
    let attributes = [("count", count.as_str()), ("id", id.as_str())];
    match &queue.message {
        None => w.empty("msgQ", &attributes),
        Some((at, text)) => w.element("msgQ", &attributes, |w| {
            w.plain("qDate", at);
            w.leaf("msg", text);
        }),
    }
}

/// The element that a client sent, its namespace declared in place.
fn write_offender(w: &mut Writer, offender: &Offender) {
    w.leaf_with(&offender.local, &[("xmlns", offender.ns.uri())], &offender.text);
}
