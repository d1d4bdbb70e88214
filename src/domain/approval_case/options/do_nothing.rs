//! Doing nothing: what everything else is compared with.

use super::Sketch;
use crate::domain::approval_case::item::OptionKind;
use crate::domain::ids::Name;

pub fn sketch() -> Sketch {
    Sketch {
        id: Name::const_new("do_nothing"),
        kind: OptionKind::DoNothing,
        title: "Do nothing".to_owned(),
        steps: Vec::new(),
        edited_by: None,
        editors: Vec::new(),
    }
}
