use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::TargetConfig;
use crate::domain::approval_case::testing::action;
use crate::outbox::target::Target;

fn judged(status: u16, body: &str) -> Answer {
    judge(StatusCode::from_u16(status).unwrap(), None, body.as_bytes())
}

#[test]
fn two_hundreds_are_delivered_with_the_reference_that_they_name() {
    let delivered = |external_ref: Option<&str>| Answer::Delivered {
        status: 201,
        external_ref: external_ref.map(str::to_owned),
    };
    assert_eq!(judged(201, r#"{"external_ref":"PO-1"}"#), delivered(Some("PO-1")));
    assert_eq!(judged(201, r#"{"external_ref":4711}"#), delivered(Some("4711")));
    assert_eq!(judged(201, r#"{"external_ref":null}"#), delivered(None));
    assert_eq!(judged(201, r#"{"external_ref":"a\u0000b"}"#), delivered(None));
    assert_eq!(judged(201, ""), delivered(None));
}

#[test]
fn a_no_is_a_refusal_with_its_reason() {
    for status in [400, 422] {
        let refused = |detail: &str| Answer::Refused { status, detail: detail.to_owned() };
        assert_eq!(judged(status, r#"{"detail":"no budget"}"#), refused("no budget"));
        assert_eq!(judged(status, "no\nbudget\n"), refused("no budget"));
    }
    assert_eq!(
        judged(422, ""),
        Answer::Refused { status: 422, detail: "422 Unprocessable Entity".to_owned() }
    );
}

#[test]
fn everything_else_is_tried_again_and_some_of_it_may_have_arrived() {
    let may_have_arrived = |status| match judged(status, "") {
        Answer::Failed { status: told, may_have_arrived, .. } if told == Some(status) => may_have_arrived,
        other => panic!("{status}: {other:?}"),
    };
    for status in [301, 401, 403, 404, 408, 425, 429, 503] {
        assert!(!may_have_arrived(status), "{status}");
    }
    for status in [409, 500, 502, 504] {
        assert!(may_have_arrived(status), "{status}");
    }
}

#[test]
fn a_long_explanation_is_cut() {
    let Answer::Refused { detail, .. } = judged(400, &"ä".repeat(10_000)) else { panic!("no refusal") };
    assert_eq!(detail.chars().count(), DETAIL_CHARS_MAX);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let asked = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        // 2026-10-21 07:28:00 UTC.
        retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(1_792_567_680))
    };
    assert_eq!(asked("120"), Some(Duration::from_secs(120)));
    assert_eq!(asked("Wed, 21 Oct 2026 07:28:30 GMT"), Some(Duration::from_secs(30)));
    assert_eq!(asked("Wed, 21 Oct 2026 07:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(asked("soon"), None);
    assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
}

/// A target on a port of its own that takes one request and does what `answer` says; gives what it was told.
async fn exchange(answer: &'static str, timeout_ms: u64) -> (Answer, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/actions", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b"{}") {
            let mut buffer = [0; 4_096];
            let read = socket.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the request ended early");
            told.extend_from_slice(&buffer[..read]);
        }
        if answer == "silence" {
            // Until the other side has enough of it.
            let _ = socket.read(&mut [0; 1]).await;
        } else {
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        String::from_utf8(told).unwrap()
    });
    let config = TargetConfig {
        url: url.into(),
        authorization_env: "ERP_TOKEN".into(),
        timeout_ms,
        ..TargetConfig::with_defaults("erp")
    };
    let target =
        Target::new(&config, |name| (name == "ERP_TOKEN").then(|| "Bearer s3cret".to_owned())).unwrap();
    let answer = attempt(&target.endpoint.unwrap(), "act_1", b"{}".to_vec()).await;
    (answer, server.await.unwrap())
}

#[tokio::test]
async fn an_attempt_carries_key_secret_and_body() {
    let taken = "HTTP/1.1 201 Created\r\ncontent-length: 23\r\n\r\n{\"external_ref\":\"PO-1\"}";
    let (answer, told) = exchange(taken, 60_000).await;
    assert_eq!(answer, Answer::Delivered { status: 201, external_ref: Some("PO-1".to_owned()) });
    let told = told.to_lowercase();
    assert!(told.starts_with("post /actions http/1.1\r\n"), "{told}");
    for header in ["idempotency-key: act_1", "authorization: bearer s3cret", "content-type: application/json"]
    {
        assert!(told.contains(&format!("{header}\r\n")), "{header} in {told}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (answer, _) = exchange("HTTP/1.1 307 Go\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n", 60_000).await;
    assert!(matches!(answer, Answer::Failed { status: Some(307), .. }), "{answer:?}");
}

#[tokio::test]
async fn silence_and_a_cut_connection_may_have_arrived() {
    for (does, timeout_ms) in [("silence", 200), ("", 60_000)] {
        let (answer, _) = exchange(does, timeout_ms).await;
        let unknown = matches!(answer, Answer::Failed { status: None, may_have_arrived: true, .. });
        assert!(unknown, "{does:?}: {answer:?}");
    }
}

#[tokio::test]
async fn who_does_not_listen_has_surely_got_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let config = TargetConfig { url: url.into(), ..TargetConfig::with_defaults("erp") };
    let target = Target::new(&config, |_| None).unwrap();
    let answer = attempt(&target.endpoint.unwrap(), "act_1", Vec::new()).await;
    assert!(matches!(answer, Answer::Failed { status: None, may_have_arrived: false, .. }), "{answer:?}");
}

#[test]
fn the_body_names_every_field() {
    let mut action = action("act_1", "A", "L1", Some("DC"), Quantity::from_milli(2_500));
    action.step.unit_cost = UnitPrice::parse("1.25").ok();
    let (tenant, case) = (Name::from("default"), Name::from("case_1"));
    let body = serde_json::to_value(ActionRequest::new(&tenant, &case, &action)).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "action_id": "act_1", "kind": "transfer", "case_id": "case_1", "tenant": "default", "sku": "A",
            "location": "L1", "from": "DC", "supplier": null, "po_id": null, "line_id": null, "quantity": 2.5,
            "line_quantity": null,
            "arrives_at": null, "unit_cost": "1.25", "note": null, "approved_at": "1970-01-01T00:00:00Z",
        })
    );
}
