//! HTML out of Markdown and JSON.

use pulldown_cmark::{Options, Parser, html};
use serde_json::Value;

/// Markdown of this program's own, as HTML.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, Parser::new_ext(text, Options::ENABLE_TABLES));
    out
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON in a box.
pub fn code(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("<pre><code>{}</code></pre>\n", escape(&text))
}

/// A whole page. `title` is text, `body` HTML.
pub fn layout(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Tidewatch</title>\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n</head>\n<body>\n\
         <nav><a href=\"/docs\">Tidewatch</a> <a href=\"/docs/getting-started\">Getting started</a> \
         <a href=\"/docs/api\">API</a> <a href=\"/docs/exceptions\">Exceptions</a> <a href=\"/docs/cases\">Cases</a> \
         <a href=\"/docs/feed\">Feed</a> <a href=\"/docs/events\">Event types</a> \
         <a href=\"/docs/errors\">Error codes</a></nav>\n<main>\n{body}</main>\n</body>\n</html>\n",
        title = escape(title),
    )
}

/// What a schema's type is, in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escape(name));
    }
    if !schema["const"].is_null() {
        return format!("<code>{}</code>", escape(&schema["const"].to_string()));
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| format!("<code>{}</code>", escape(&value.to_string())));
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(several) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return several.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let named = match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    let items = &schema["items"];
    let named = if items.is_null() {
        named
    } else {
        named.replacen("array", &format!("array of {}", kind(items)), 1)
    };
    match schema["format"].as_str() {
        Some(format) => named.replacen("string", format, 1),
        None => named,
    }
}

/// The members of an object as a table; those of objects inside it follow with their path.
pub fn members(schema: &Value) -> String {
    let mut rows = String::new();
    add_rows(schema, "", &mut rows);
    if rows.is_empty() {
        return String::new();
    }
    format!("<table>\n<tr><th>member</th><th>type</th><th></th></tr>\n{rows}</table>\n")
}

fn add_rows(schema: &Value, prefix: &str, rows: &mut String) {
    let required = schema["required"].as_array();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|names| names.iter().any(|required| required == name));
        let path = format!("{prefix}{name}");
        let shown = if is_required { format!("<strong>{}</strong>", escape(&path)) } else { escape(&path) };
        let about = markdown(member["description"].as_str().unwrap_or_default());
        rows.push_str(&format!("<tr><td>{shown}</td><td>{}</td><td>{about}</td></tr>\n", kind(member)));
        if member["properties"].is_object() {
            add_rows(member, &format!("{path}."), rows);
        } else if member["items"]["properties"].is_object() {
            add_rows(&member["items"], &format!("{path}[]."), rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_breaks_out_of_a_page() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert!(code(&json!({"a": "</code>"})).contains("&lt;/code&gt;"));
        assert!(layout("a<b", "").contains("<title>a&lt;b · Tidewatch</title>"));
    }

    #[test]
    fn members_show_what_is_required_and_what_is_inside() {
        let schema = json!({
            "properties": {"sku": {"type": "string"}, "lines": {"type": "array", "items": {"properties": {"id": {"const": 1}}}}},
            "required": ["sku"],
        });
        let table = members(&schema);
        assert!(table.contains("<td><strong>sku</strong></td><td>string</td>"), "{table}");
        assert!(table.contains("<td>lines[].id</td><td><code>1</code></td>"), "{table}");
    }
}
