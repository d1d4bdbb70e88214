//! Two sets of settings, value by value.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::settings::Settings;

/// A setting that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// As in the file: `exceptions.excess.raise`.
    pub key: String,
    /// `null` where there was none.
    pub old: Value,
    pub new: Value,
}

/// What is not the same, by key.
pub fn difference(old: &Settings, new: &Settings) -> Vec<Changed> {
    let (old, new) = (flat(old), flat(new));
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |of: &BTreeMap<String, Value>, key: &String| of.get(key).cloned().unwrap_or_default();
    keys.into_iter()
        .map(|key| Changed { key: key.clone(), old: value(&old, key), new: value(&new, key) })
        .filter(|changed| changed.old != changed.new)
        .collect()
}

fn flat(settings: &Settings) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    collect(String::new(), &serde_json::to_value(settings).unwrap_or_default(), &mut all);
    all
}

fn collect(key: String, value: &Value, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                // The file has the kinds beside the other settings of exceptions.
                let inner = match (key.as_str(), name.as_str()) {
                    ("exceptions", "kinds") => key.clone(),
                    ("", name) => name.to_owned(),
                    (key, name) => format!("{key}.{name}"),
                };
                collect(inner, member, all);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(format!("{key}[{index}]"), element, all);
            }
        }
        _ => {
            all.insert(key, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_told_apart_value_by_value() {
        let old = Settings::default();
        assert_eq!(difference(&old, &old), []);
        let mut new = old.clone();
        new.defaults.service_level = 0.5;
        new.exceptions.group_by_cause = !old.exceptions.group_by_cause;
        let told = difference(&old, &new);
        let keys: Vec<&str> = told.iter().map(|changed| changed.key.as_str()).collect();
        assert_eq!(keys, ["defaults.service_level", "exceptions.group_by_cause"]);
        assert_eq!(told[0].new, json!(0.5));
    }

    #[test]
    fn kinds_are_named_as_in_the_file() {
        let mut new = Settings::default();
        let kind = crate::domain::exception::ExceptionType::Excess;
        let mut excess = *new.exceptions.kinds.get(kind.index().unwrap()).unwrap();
        excess.raise = 9.0;
        new.exceptions.kinds.set(&kind, excess);
        let told = difference(&Settings::default(), &new);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].key.as_str(), &told[0].new), ("exceptions.excess.raise", &json!(9.0)));
    }
}
