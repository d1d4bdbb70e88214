//! What an events request is answered with.

use serde_json::{Value, json};

use super::http::Response;

/// The answer to an events request, all its keys present.
#[track_caller]
pub fn receipt(response: &Response, status: u16) -> Value {
    let receipt = response.expect(status);
    for key in ["accepted", "duplicates", "rejected", "lsn", "position", "errors"] {
        assert!(receipt.get(key).is_some(), "{key} is missing: {receipt}");
    }
    if let Some(position) = receipt["position"].as_str() {
        assert!(position.len() <= 80 && position.is_ascii(), "position: {receipt}");
    }
    receipt
}

#[track_caller]
pub fn counts(response: &Response, status: u16, accepted: u64, duplicates: u64, rejected: u64) -> Value {
    let receipt = receipt(response, status);
    let found = [&receipt["accepted"], &receipt["duplicates"], &receipt["rejected"]];
    assert_eq!(found, [&json!(accepted), &json!(duplicates), &json!(rejected)], "receipt: {receipt}");
    if accepted + duplicates == 0 {
        assert!(receipt["lsn"].is_null(), "nothing taken, yet an lsn: {receipt}");
    } else {
        assert!(receipt["lsn"].as_u64().is_some_and(|lsn| lsn > 0), "receipt: {receipt}");
        assert!(receipt["position"].is_string(), "receipt: {receipt}");
    }
    receipt
}

/// The codes of one reported rejection: the problem's own and those of its validation errors.
pub fn codes(receipt: &Value, index: u64) -> Vec<String> {
    let errors = receipt["errors"].as_array().expect("errors");
    let Some(error) = errors.iter().find(|error| error["index"] == index) else {
        return Vec::new();
    };
    let problem = &error["problem"];
    let mut codes = vec![problem["code"].as_str().unwrap_or("").to_owned()];
    for error in problem["errors"].as_array().into_iter().flatten() {
        assert!(error["pointer"].is_string() && error["detail"].is_string(), "validation error: {error}");
        codes.push(error["code"].as_str().expect("a code").to_owned());
    }
    codes
}

#[track_caller]
pub fn rejected_with(response: &Response, code: &str) {
    let receipt = counts(response, 422, 0, 0, 1);
    assert!(codes(&receipt, 0).iter().any(|found| found == code), "wanted {code}: {receipt}");
}
