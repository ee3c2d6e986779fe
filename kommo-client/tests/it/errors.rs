//! What every answer is taken for.

use std::{collections::BTreeMap, time::Duration};

use kommo_client::{Error, ErrorKind, Fate, LeadId, LeadPatch};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{builder, client};

const HTML: &str = "<html><h1>nginx</h1></html>";
const PROBLEM: &str =
    r#"{"title":"T","type":"https://httpstatus.es/4xx","status":400,"detail":"What Kommo says"}"#;

async fn update(answer: ResponseTemplate) -> Error {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).expect(1).mount(&server).await;
    let patch = LeadPatch::new(LeadId::new(1)).price(1);
    client(&server).leads().update(&[patch]).await.unwrap_err()
}

#[tokio::test]
async fn k09_k13_k24_the_status_decides_whatever_the_body() {
    use ErrorKind::*;
    use Fate::*;
    let table: &[(u16, ErrorKind, Fate)] = &[
        (301, Redirect, Refused),
        // What these two answer has often been done.
        (302, Redirect, Unknown),
        (303, Redirect, Unknown),
        (307, Redirect, Refused),
        (308, Redirect, Refused),
        (400, Status(400), Refused),
        (401, Unauthorized, Refused),
        (402, PaymentRequired, Refused),
        (404, NotFound, Refused),
        (405, Status(405), Refused),
        (410, Status(410), Refused),
        (413, Status(413), Refused),
        (422, Status(422), Refused),
        (429, RateLimited, Refused),
        (451, Status(451), Refused),
        (500, Server(500), Unknown),
        (502, Server(502), Unknown),
        (503, Server(503), Unknown),
        (504, Server(504), Unknown),
        (599, Server(599), Unknown),
    ];
    for (status, kind, fate) in table {
        for body in [
            "",
            HTML,
            PROBLEM,
            "null",
            "[]",
            "7",
            r#"{"validation-errors":7}"#,
            "{\"a\":",
            "\u{0}\u{1}",
        ] {
            let answer = ResponseTemplate::new(*status)
                .insert_header("location", "https://evil.example/")
                .insert_header("x-request-id", "abc-123")
                .set_body_raw(body, "text/html");
            let error = update(answer).await;
            assert_eq!((error.kind(), error.fate()), (kind, *fate), "{status} {body}");
            assert_eq!(error.status(), Some(*status), "{status} {body}");
            assert_eq!(error.request_id(), Some("abc-123"), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_403_is_a_lack_of_rights_or_a_block() {
    for (body, kind) in [
        (PROBLEM, ErrorKind::Forbidden),
        ("{}", ErrorKind::Forbidden),
        (HTML, ErrorKind::Blocked),
        ("", ErrorKind::Blocked),
        ("{\"a\":", ErrorKind::Blocked),
    ] {
        let error = update(ResponseTemplate::new(403).set_body_raw(body, "text/html")).await;
        assert_eq!((error.kind(), error.fate()), (&kind, Fate::Refused), "{body}");
    }
}

#[tokio::test]
async fn a_400_says_what_is_wrong() {
    let body = r#"{"validation-errors":[{"request_id":"0","errors":[
        {"code":"NotSupportedChoice","path":"custom_fields_values.2.field_id","detail":"No choice."}]}],
        "title":"Bad Request","status":400,"detail":"Request validation failed"}"#;
    let error = update(ResponseTemplate::new(400).set_body_string(body)).await;
    let ErrorKind::Validation(items) = error.kind() else { panic!("{error:?}") };
    assert_eq!((items[0].index, items[0].request_id.as_str()), (Some(0), "0"));
    assert_eq!(items[0].errors[0].field_index(), Some(2));
    assert_eq!(error.detail(), Some("Request validation failed"));

    let body = r#"{"errors":{"11062353":"Only for lost leads"},"status":400,"detail":"Invalid request body"}"#;
    let error = update(ResponseTemplate::new(400).set_body_string(body)).await;
    let want = BTreeMap::from([("11062353".to_owned(), "Only for lost leads".to_owned())]);
    assert_eq!(error.kind(), &ErrorKind::Rule(want));
}

#[tokio::test]
async fn k01_k04_a_429_says_how_long_to_wait_in_any_way() {
    let limited = || ResponseTemplate::new(429);
    for (name, answer, seconds) in [
        ("seconds", limited().insert_header("retry-after", "3"), Some(3)),
        ("absurd", limited().insert_header("retry-after", "1000000000000"), Some(900)),
        ("body", limited().set_body_string(r#"{"retry_after":300}"#), Some(300)),
        ("HTML", limited().set_body_string(HTML), None),
        ("nothing", limited(), None),
    ] {
        let error = update(answer).await;
        assert_eq!(error.kind(), &ErrorKind::RateLimited, "{name}");
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{name}");
    }
    let date = limited()
        .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .insert_header("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
    assert_eq!(update(date).await.retry_after(), Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn k26_k27_a_refused_connection_was_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let patch = LeadPatch::new(LeadId::new(1)).price(1);
    let error = builder(&uri).build().unwrap().leads().update(&[patch]).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Connect, Fate::NotSent));
    assert_eq!(error.status(), None);
}

#[tokio::test]
async fn k24_a_redirect_is_not_followed() {
    let other = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&other).await;
    for location in [other.uri(), "/api/v4/leads?moved=1".to_owned(), String::new()] {
        let answer = ResponseTemplate::new(302).insert_header("location", location.as_str());
        assert_eq!(update(answer).await.kind(), &ErrorKind::Redirect, "{location}");
    }
}
