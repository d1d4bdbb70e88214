//! What a case has heard: of its exceptions, and of what systems of record did about its actions.
//!
//! It is kept apart from the case's item: the item changes by the case's own transitions alone, and those follow from
//! what was heard when the case reconciles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::item::{ActionDocument, ActionKind, CaseAction, CaseItem, OptionStep};
use crate::domain::event::{EventData, LineFulfilled};
use crate::domain::exception::{Evidence, ExceptionItem, ExceptionState};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, Delivery, Record, Transition};
use crate::domain::time::Timestamp;

/// Exceptions kept that a case has heard of; further ones are not taken.
const EXCEPTIONS_MAX: usize = 1_000;
/// Lines kept of one document.
const LINES_MAX: usize = 1_000;
/// Further documents remembered that carry the id of an action which has one.
const FURTHER_DOCUMENTS_MAX: usize = 8;

/// Everything heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseFacts {
    /// By id.
    exceptions: BTreeMap<Name, HeardException>,
    /// By action.
    actions: BTreeMap<Name, ActionFacts>,
}

/// An exception as it was when it last named the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeardException {
    pub entity: EntityKey,
    pub item: Box<ExceptionItem>,
}

/// What systems of record said about one action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionFacts {
    pub confirmed_at: Option<Timestamp>,
    /// Why it was refused.
    pub refused: Option<String>,
    pub external_ref: Option<String>,
    pub document: Option<DocumentFacts>,
    /// The last event that said any of it.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

/// The document that carries an action's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentFacts {
    kind: DocumentType,
    id: Name,
    lsn: Lsn,
    lines: BTreeMap<Name, LineFacts>,
    also: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DocumentType {
    PurchaseOrder,
    Transfer,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct LineFacts {
    quantity: Quantity,
    promised_at: Option<Timestamp>,
    received: Quantity,
    ended: bool,
    /// Event time of the statement in force.
    stated_at: Option<Timestamp>,
    /// Whether it is about what the action asked for.
    is_meant: bool,
}

/// One line of a document as an event states it.
struct StatedLine<'a> {
    line_id: &'a Name,
    is_meant: bool,
    quantity: Quantity,
    promised_at: Option<Timestamp>,
}

impl HeardException {
    /// Whether it waits for what the case of that id decides.
    pub fn is_in(&self, case: &Name) -> bool {
        self.item.state == ExceptionState::InCase && self.item.case_id.as_ref() == Some(case)
    }
}

impl CaseFacts {
    /// All exceptions heard of, in the order of their ids.
    pub fn exceptions(&self) -> impl Iterator<Item = (&Name, &HeardException)> {
        self.exceptions.iter()
    }

    /// The exception of that id.
    pub fn exception(&self, id: &str) -> Option<&HeardException> {
        self.exceptions.get(id)
    }

    /// What is known of that action.
    pub fn action(&self, id: &str) -> Option<&ActionFacts> {
        self.actions.get(id)
    }

    /// Takes a fact: an event, or what another entity decided.
    pub fn hear(&mut self, delivery: &Delivery<'_>, case: &Name, item: Option<&CaseItem>) {
        match &delivery.record.body {
            Body::Event { data, .. } => {
                if let Some(item) = item {
                    let evidence = evidence_of(delivery.record);
                    self.hear_event(data, delivery, &evidence, &item.actions);
                }
            }
            Body::Transition(body) => {
                if let Transition::Exception(change) = &body.transition {
                    let names_case = change.item.case_id.as_ref() == Some(case);
                    let is_known = self.exceptions.contains_key(&change.item.id);
                    if is_known || (names_case && self.exceptions.len() < EXCEPTIONS_MAX) {
                        let heard = HeardException {
                            entity: body.entity.clone(),
                            item: Box::new(ExceptionItem::clone(&change.item)),
                        };
                        self.exceptions.insert(change.item.id.clone(), heard);
                    }
                }
            }
            Body::System(_) => {}
        }
    }

    /// Forgets exceptions that are no part of the case and don't ask to be.
    pub fn forget_strangers(&mut self, case: &Name, item: &CaseItem) {
        self.exceptions
            .retain(|id, heard| heard.is_in(case) || item.members.iter().any(|member| member.id == *id));
    }

    fn hear_event(
        &mut self,
        data: &EventData,
        delivery: &Delivery<'_>,
        evidence: &Evidence,
        actions: &[CaseAction],
    ) {
        let record = delivery.record;
        let known = |id: &Name| actions.iter().find(|action| action.id == *id);
        match data {
            EventData::ActionConfirmed(answer) if known(&answer.action_id).is_some() => {
                let facts = self.actions.entry(answer.action_id.clone()).or_default();
                facts.confirmed_at.get_or_insert(record.event_time);
                let named = answer.external_ref.as_ref().map(ToString::to_string);
                facts.external_ref = named.or(facts.external_ref.take());
                facts.evidence = Some(evidence.clone());
            }
            EventData::ActionRefused(answer) if known(&answer.action_id).is_some() => {
                let facts = self.actions.entry(answer.action_id.clone()).or_default();
                let reason = answer.reason.as_ref().map(ToString::to_string);
                facts.refused = Some(reason.unwrap_or_else(|| "refused without a reason".to_owned()));
                facts.evidence = Some(evidence.clone());
            }
            EventData::PurchaseOrder(order) => {
                let only_line = order.lines.len() == 1;
                self.state(
                    DocumentType::PurchaseOrder,
                    &order.po_id,
                    order.action_id.as_ref().and_then(known),
                    actions,
                    delivery,
                    |step| {
                        let stated = order.lines.iter().map(|line| StatedLine {
                            line_id: &line.line_id,
                            is_meant: match step.kind {
                                ActionKind::Expedite => step.line_id.as_ref() == Some(&line.line_id),
                                _ => line.place.can_be(&step.sku, &step.location).unwrap_or(only_line),
                            },
                            quantity: line.quantity,
                            promised_at: line.promised_at,
                        });
                        stated.collect()
                    },
                );
            }
            EventData::Transfer(transfer) => self.state(
                DocumentType::Transfer,
                &transfer.transfer_id,
                transfer.action_id.as_ref().and_then(known),
                actions,
                delivery,
                |step| {
                    let stated = transfer.lines.iter().map(|line| StatedLine {
                        line_id: &line.line_id,
                        is_meant: line.sku == step.sku
                            && line.to == step.location
                            && step.from.as_ref() == Some(&line.from),
                        quantity: line.quantity,
                        promised_at: line.promised_at,
                    });
                    stated.collect()
                },
            ),
            EventData::PurchaseOrderReceived(received) => {
                self.receive(DocumentType::PurchaseOrder, received, record, evidence);
            }
            EventData::TransferReceived(received) => {
                self.receive(DocumentType::Transfer, received, record, evidence);
            }
            EventData::PurchaseOrderEnded(ended) => {
                self.end(DocumentType::PurchaseOrder, &ended.document, ended.line_id.as_ref(), evidence);
            }
            EventData::TransferCancelled(ended) => {
                self.end(DocumentType::Transfer, &ended.document, ended.line_id.as_ref(), evidence);
            }
            _ => {}
        }
    }

    /// A document as stated now: that of the action it names, or one that named an action before.
    fn state<'a>(
        &mut self,
        kind: DocumentType,
        id: &Name,
        named: Option<&CaseAction>,
        actions: &[CaseAction],
        delivery: &Delivery<'_>,
        lines: impl Fn(&OptionStep) -> SmallVec<[StatedLine<'a>; 1]>,
    ) {
        if let Some(action) = named {
            let facts = self.actions.entry(action.id.clone()).or_default();
            let document = facts.document.get_or_insert_with(|| DocumentFacts {
                kind,
                id: id.clone(),
                lsn: delivery.lsn,
                lines: BTreeMap::new(),
                also: Vec::new(),
            });
            let is_further = document.kind != kind || document.id != *id;
            if is_further && !document.also.contains(id) && document.also.len() < FURTHER_DOCUMENTS_MAX {
                document.also.push(id.clone());
                facts.evidence = Some(evidence_of(delivery.record));
            }
        }
        for (action_id, facts) in &mut self.actions {
            let Some(document) = &mut facts.document else { continue };
            let Some(action) = actions.iter().find(|action| action.id == *action_id) else { continue };
            if document.kind == kind && document.id == *id {
                document.lsn = document.lsn.max(delivery.lsn);
                facts.evidence = Some(evidence_of(delivery.record));
                for line in lines(&action.step) {
                    document.state_line(&line, delivery.record.event_time);
                }
            }
        }
    }

    /// The documents of that id, of which an event said something.
    fn documents(
        &mut self,
        kind: DocumentType,
        id: &Name,
        evidence: &Evidence,
    ) -> impl Iterator<Item = &mut DocumentFacts> {
        self.actions.values_mut().filter_map(move |facts| {
            let document = facts.document.as_mut();
            let document = document.filter(|document| document.kind == kind && document.id == *id)?;
            facts.evidence = Some(evidence.clone());
            Some(document)
        })
    }

    fn receive(
        &mut self,
        kind: DocumentType,
        received: &LineFulfilled,
        record: &Record,
        evidence: &Evidence,
    ) {
        for document in self.documents(kind, &received.document, evidence) {
            document.lsn = document.lsn.max(record.lsn);
            if let Some(line) = document.line(&received.line_id) {
                line.received += received.quantity;
            }
        }
    }

    fn end(&mut self, kind: DocumentType, id: &Name, line_id: Option<&Name>, evidence: &Evidence) {
        for document in self.documents(kind, id, evidence) {
            let ends = |known: &Name| line_id.is_none_or(|line_id| line_id == known);
            document
                .lines
                .iter_mut()
                .filter(|(known, _)| ends(known))
                .for_each(|(_, line)| line.ended = true);
        }
    }
}

/// The event as exceptions name it.
fn evidence_of(record: &Record) -> Evidence {
    let event_type = match &record.body {
        Body::Event { event_type, .. } => *event_type,
        Body::Transition(_) | Body::System(_) => None,
    };
    Evidence {
        source: record.source.clone(),
        id: record.id.clone(),
        event_type: event_type.map_or_else(Name::default, |kind| Name::const_new(kind.as_str())),
        time: record.event_time,
        lsn: record.lsn,
    }
}

impl DocumentFacts {
    fn line(&mut self, line_id: &Name) -> Option<&mut LineFacts> {
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(line_id) {
            return None;
        }
        Some(self.lines.entry(line_id.clone()).or_default())
    }

    fn state_line(&mut self, stated: &StatedLine<'_>, at: Timestamp) {
        let Some(line) = self.line(stated.line_id) else { return };
        if line.stated_at.is_some_and(|known| at < known) {
            return;
        }
        line.stated_at = Some(at);
        line.is_meant |= stated.is_meant;
        line.quantity = stated.quantity;
        line.promised_at = stated.promised_at.or(line.promised_at);
    }

    /// As the case shows it: the lines that are about what the action asked for.
    pub fn shown(&self) -> ActionDocument {
        let meant = || self.lines.values().filter(|line| line.is_meant);
        let quantity = |line: &LineFacts| if line.ended { line.received } else { line.quantity };
        ActionDocument {
            kind: match self.kind {
                DocumentType::PurchaseOrder => Name::const_new("purchase_order"),
                DocumentType::Transfer => Name::const_new("transfer"),
            },
            id: self.id.clone(),
            quantity: Some(meant().map(quantity).sum()),
            promised_at: meant().filter(|line| !line.ended).filter_map(|line| line.promised_at).max(),
            lsn: self.lsn,
            received: meant().map(|line| line.received).sum(),
            also: self.also.clone(),
        }
    }
}
