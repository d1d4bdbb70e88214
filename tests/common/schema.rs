//! What the tower said, held against the schemas that its documents show. Stricter than the documents: a member that no
//! schema has is a mistake here, so that none stays undocumented.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The schemas of a document's components, with no unknown members.
pub struct Schemas {
    components: Value,
}

impl Schemas {
    pub fn of(document: &Value) -> Schemas {
        let mut components = document["components"].clone();
        if let Some(schemas) = components["schemas"].as_object_mut() {
            for (name, schema) in schemas.iter_mut() {
                // Events are open by contract.
                if !name.starts_with("data.") && name != "CloudEvent" {
                    close(schema);
                }
            }
        }
        Schemas { components }
    }

    /// A validator for a schema that may refer to the components.
    pub fn validator(&self, schema: &Value) -> Validator {
        let mut root = schema.clone();
        root["components"] = self.components.clone();
        jsonschema::options().should_validate_formats(true).build(&root).expect("a schema")
    }

    /// What is wrong with a value; nothing if it fits.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// No members but those listed. A problem has more, by its code.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let is_object = map.get("type").is_some_and(|kind| {
                kind == "object"
                    || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
            });
            if is_object && map.contains_key("properties") {
                map.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The schema of an answer of an operation, as the OpenAPI document has it.
pub fn answer_schema<'d>(document: &'d Value, method: &str, path: &str, status: u16) -> Option<&'d Value> {
    let response = &document["paths"][path][method]["responses"][status.to_string()];
    let content: &Map<String, Value> = response["content"].as_object()?;
    content.values().next().map(|media| &media["schema"])
}
