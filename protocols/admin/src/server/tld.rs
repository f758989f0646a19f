//! Zones and their marked labels.

use super::{Context, Control, Handle, scan};
use crate::wire::{
    Failure, Instant, Kind, Mark, MarkKind, MarkList, MarkPage, Marked, Rejected, TldCreate, TldList,
    TldMark, TldShow, TldUnmark, TldView, Written,
};
use futures_util::{StreamExt, stream};
use registry::{
    About, Backend, DomainName, Refusal, Reply, Verb, tables,
    tld::{self, MarkName, Tld, UnmarkName},
};
use std::ops::Bound;
use storage::{Read, View};

/// Labels under way at a time: enough to fill the log's batches, few beside what registrars send.
const AT_A_TIME: usize = 16;
/// Marks on one page.
const PAGE: usize = 1000;

impl<B: Backend, C: Control> Handle<B, C> for TldCreate {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let create = tld::TldCreate {
            name: self.name,
            model: self.model.into(),
            contacts_required: self.contacts_required.into_iter().map(Into::into).collect(),
            roid_suffix: self.roid_suffix,
        };
        let (svtrid, _) = context.write(Verb::TldCreate(Box::new(create))).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for TldList {
    async fn handle(self, context: &Context<B, C>) -> Result<Vec<TldView>, Failure> {
        scan(context.view().await?, |view| {
            tld::all(view)?.into_iter().map(|(name, tld)| shown(view, &name, tld)).collect()
        })
        .await
    }
}

impl<B: Backend, C: Control> Handle<B, C> for TldShow {
    async fn handle(self, context: &Context<B, C>) -> Result<TldView, Failure> {
        scan(context.view().await?, move |view| {
            let (name, tld) = find(view, &self.name)?;
            shown(view, &name, tld)
        })
        .await
    }
}

fn find(view: &View, text: &str) -> Result<(DomainName, Tld), Failure> {
    let name = DomainName::parse(text).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: text.into(),
        fault,
    })?;
    let tld = tld::by_name(view, &name)?
        .ok_or_else(|| Refusal::NotFound { about: About::Object, object: name.to_string() })?;
    Ok((name, tld))
}

fn shown(view: &View, name: &DomainName, tld: Tld) -> Result<TldView, Failure> {
    let (mut reserved, mut blocked) = (0, 0);
    for item in view.range(&tables::MARK, marks_after(tld.id, None)) {
        match item?.1.kind {
            tld::MarkKind::Reserved => reserved += 1,
            tld::MarkKind::Blocked => blocked += 1,
        }
    }
    Ok(TldView {
        name: name.to_string(),
        model: tld.model.into(),
        contacts_required: tld.contacts_required.into_iter().map(Into::into).collect(),
        roid_suffix: tld.roid_suffix,
        created: Instant(tld.created),
        reserved,
        blocked,
    })
}

type MarkRange = (Bound<(u64, String)>, Bound<(u64, String)>);

fn marks_after(tld: u64, after: Option<String>) -> MarkRange {
    (Bound::Excluded((tld, after.unwrap_or_default())), Bound::Excluded((tld + 1, String::new())))
}

impl<B: Backend, C: Control> Handle<B, C> for MarkList {
    async fn handle(self, context: &Context<B, C>) -> Result<MarkPage, Failure> {
        scan(context.view().await?, move |view| {
            let (_, tld) = find(view, &self.name)?;
            let mut marks = Vec::new();
            for item in view.range(&tables::MARK, marks_after(tld.id, self.after)).take(PAGE + 1) {
                let ((_, label), mark) = item?;
                let kind = MarkKind::from(mark.kind);
                marks.push(Mark { label, kind, since: Instant(mark.since), note: mark.note });
            }
            let more = marks.len() > PAGE;
            marks.truncate(PAGE);
            Ok(MarkPage { marks, more })
        })
        .await
    }
}

impl<B: Backend, C: Control> Handle<B, C> for TldMark {
    async fn handle(self, context: &Context<B, C>) -> Result<Marked, Failure> {
        let tld = zone(context, &self.name).await?;
        let (kind, note) = (self.kind.into(), self.note);
        let verbs = self.labels.into_iter().map(|label| {
            let verb = MarkName { tld: tld.clone(), label: label.clone(), kind, note: note.clone() };
            (label, Verb::MarkName(verb))
        });
        each(context, verbs).await
    }
}

impl<B: Backend, C: Control> Handle<B, C> for TldUnmark {
    async fn handle(self, context: &Context<B, C>) -> Result<Marked, Failure> {
        let (tld, kind) = (zone(context, &self.name).await?, self.kind.into());
        let verbs = self.labels.into_iter().map(|label| {
            let verb = UnmarkName { tld: tld.clone(), label: label.clone(), kind };
            (label, Verb::UnmarkName(verb))
        });
        each(context, verbs).await
    }
}

/// The name of a zone that is served: what is wrong with it is said once, not for each label.
async fn zone<B: Backend, C: Control>(context: &Context<B, C>, text: &str) -> Result<String, Failure> {
    find(&context.view().await?, text).map(|(name, _)| name.to_string())
}

/// One command per label, several at a time. A refused label does not stop the others; an unavailable cluster does.
async fn each<B: Backend, C: Control>(
    context: &Context<B, C>,
    verbs: impl ExactSizeIterator<Item = (String, Verb)> + Send,
) -> Result<Marked, Failure> {
    let most = TldMark::LABELS_MAX;
    if verbs.len() > most {
        return Err(Failure::bad_request("too_many_labels", format!("at most {most} labels at a time")));
    }
    let work: Vec<_> = verbs
        .map(|(label, verb)| {
            let context = context.clone();
            async move { (label, context.write(verb).await) }
        })
        .collect();
    let mut results = stream::iter(work).buffered(AT_A_TIME);
    let mut marked = Marked::default();
    while let Some((label, result)) = results.next().await {
        match result {
            Ok((_, reply)) => {
                marked.done += 1;
                if reply == (Reply::NameMarked { registered: true }) {
                    marked.registered.push(label);
                }
            }
            Err(failure) if failure.kind == Kind::Refused => {
                marked.rejected.push(Rejected { label, failure });
            }
            Err(failure) => {
                let message =
                    format!("at label {label:?}, after {} were done: {}", marked.done, failure.message);
                return Err(Failure { message, ..failure });
            }
        }
    }
    Ok(marked)
}
