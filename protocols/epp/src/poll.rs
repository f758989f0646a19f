//! `poll` (RFC 5730 section 2.9.2.3): the oldest message, and its removal.

use registry::poll::{PollAck, first};
use registry::{Backend, Refusal, Reply, Stop, SvTrid};

use crate::denial::{Denial, decided, failed};
use crate::response::{Answer, Data, Queue};
use crate::result::ResultCode;
use crate::session::{Client, Session};
use crate::subject::Subject;
use crate::xml::types::word;
use crate::xml::{El, Ns, Syntax};

/// A poll as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    Request,
    /// The schema lets the identifier be absent; the rule does not.
    Acknowledge {
        message: Option<String>,
    },
}

/// `pollType`.
///
/// # Errors
/// When the element has another form.
pub fn parse(element: &El<'_>) -> Result<Poll, Syntax> {
    element.empty(|s| {
        let op = s.required_attr("op")?;
        let message = s.attr("msgID").map(|id| id.into_owned());
        let acknowledge = word(element, "the attribute op", &op, &[("ack", true), ("req", false)])?;
        Ok(if acknowledge { Poll::Acknowledge { message } } else { Poll::Request })
    })
}

impl<B: Backend> Session<B> {
    pub(crate) async fn poll(&self, poll: Poll, client: &Client, svtrid: SvTrid) -> Result<Answer, Denial> {
        match poll {
            Poll::Request => self.oldest_message(client).await,
            Poll::Acknowledge { message: None } => {
                Err(Denial::new(ResultCode::ParameterMissing, "an acknowledgement needs the attribute msgID"))
            }
            Poll::Acknowledge { message: Some(id) } => self.acknowledge(&id, client, svtrid).await,
        }
    }

    async fn oldest_message(&self, client: &Client) -> Result<Answer, Denial> {
        let view = self.view().await?;
        let oldest = first(&view, client.id).map_err(|fault| failed(Stop::Fault(fault)))?;
        let Some((id, message, count)) = oldest else {
            return Ok(Answer { code: ResultCode::NoMessages, data: Data::None, queue: None });
        };
        let queue = Queue { count, id, message: Some((message.at, message.news.to_string())) };
        // Data of an object goes to clients that manage such objects only.
        let data = if client.announced.contains(&Ns::Domain) { Data::News(message.news) } else { Data::None };
        Ok(Answer { code: ResultCode::MessageWaits, data, queue: Some(queue) })
    }

    async fn acknowledge(&self, id: &str, client: &Client, svtrid: SvTrid) -> Result<Answer, Denial> {
        let Ok(message) = id.parse() else {
            return Err(Denial::refused(&Refusal::MessageNotFound { id: id.to_owned() }));
        };
        let verb = registry::Verb::PollAck(PollAck { message });
        let subject = Subject::new(Ns::Epp, id);
        let outcome = registry::execute(&self.backend, verb, client.actor(), svtrid).await;
        // the identifier is an attribute, and <value> has room for elements only
        let reply = decided(outcome, &subject).map_err(|denial| Denial { offender: None, ..denial })?;
        let queue = match reply {
            Reply::Acknowledged { left, next: Some(id) } => Some(Queue { count: left, id, message: None }),
            _ => None,
        };
        Ok(Answer { code: ResultCode::Ok, data: Data::None, queue })
    }
}
