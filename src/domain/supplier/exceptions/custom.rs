//! `custom.NAME`: an operator's own conditions over what a supplier shows.

use serde_json::Value;

use crate::domain::condition::JsonVariables;
use crate::domain::exception::custom::fields;
use crate::domain::exception::watch::{Assessment, Condition, Description, Watch};
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow};
use crate::domain::reference::Reference;
use crate::domain::settings::CustomSubject;
use crate::domain::supplier::judged::{Judged, assessed};

/// Judges them, and clears those that are configured no longer.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>, reference: &Reference) {
    let names: Vec<&str> = fields(CustomSubject::Supplier).iter().map(String::as_str).collect();
    let own = reference.own_kinds(CustomSubject::Supplier, &names);
    if !own.is_empty() {
        let view = judged.supplier.view(watch.tenant_number, judged.now, reference);
        let Ok(Value::Object(view)) = serde_json::to_value(view) else { return };
        for kind in own {
            let settings = watch.kind(&kind.exception_type);
            let condition = kind.condition(&JsonVariables(&view));
            let opened_at = watch.slots.open(&kind.exception_type).map_or(judged.now, |open| open.opened_at);
            let window = ExceptionWindow { from: Some(opened_at), until: None };
            watch.judge(
                &kind.exception_type,
                "",
                &settings,
                condition,
                || assessed(kind.severity, None),
                |_| judged.describe(kind.title.clone(), Some(window)),
            );
        }
    }
    let slots = watch.slots;
    for slot in slots.slots().iter().filter(|slot| slot.open.is_some() || slot.pending_since.is_some()) {
        let is_gone = matches!(slot.exception_type, ExceptionType::Custom(_))
            && own.iter().all(|kind| kind.exception_type != slot.exception_type);
        if is_gone {
            let settings = watch.kind(&slot.exception_type);
            let condition = Condition::Clear("it is not configured any more".into());
            // What clears is neither assessed nor described.
            let unsaid = |_: &Assessment| Description {
                subject: ExceptionSubject::default(),
                window: None,
                decide_by: None,
                act_by: None,
                cause: String::new(),
                evidence: Vec::new(),
            };
            let nothing = || assessed(crate::domain::exception::Severity::Low, None);
            watch.judge(&slot.exception_type, &slot.of, &settings, condition, nothing, unsaid);
        }
    }
}
