//! Which fields were asked for, so that the published schemas can be held against it. In tests only.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = RefCell::default();
}

/// Notes that a field of the object at that pointer was asked for.
pub fn note(object: &str, name: &str) {
    let steps = object.split('/').map(|step| if step.parse::<usize>().is_ok() { "*" } else { step });
    let path = steps.chain([name]).collect::<Vec<_>>().join("/");
    ASKED.with_borrow_mut(|asked| asked.insert(path));
}

/// The paths asked for on this thread since the last call, such as `/lines/*/sku`.
pub fn take() -> BTreeSet<String> {
    ASKED.take()
}
