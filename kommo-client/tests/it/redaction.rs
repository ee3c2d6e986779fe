//! What is printed, and what is not.

use std::{
    error::Error as _,
    io::Write,
    sync::{Arc, Mutex},
};

use kommo_client::{
    AccessToken, Client, EntityType, Error, LeadId, LeadPatch, NewNote, RetryPolicy,
};
use tracing_subscriber::fmt::MakeWriter;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{builder, raw_server, write};

const TOKEN: &str = "canary-token-7f3a";
const EMAIL: &str = "canary@mail.example";
const TEXT: &str = "canary of a note";
const SAID: &str = "canary said by Kommo";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn printed(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.kind());
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

async fn provoke(uri: &str) -> String {
    let token = AccessToken::new(TOKEN).unwrap();
    // A new one for each call, or a pause or a block after the first would hold the others back.
    let builder = || Client::builder(uri, token.clone()).retry(RetryPolicy::never());
    let client = || builder().build().unwrap();
    let note = NewNote::common(7, TEXT);
    let patch = LeadPatch::new(LeadId::new(7)).name(TEXT);
    let mut text = format!("{token:?} {:?} {:?}", builder(), client());
    text.push_str(&format!("{:?} {:?}", client().leads(), client().notes(EntityType::Leads)));
    text.push_str(&printed(&client().leads().get(LeadId::new(7)).await.unwrap_err()));
    text.push_str(&printed(&client().contacts().find_by_email(EMAIL).await.unwrap_err()));
    text.push_str(&printed(&client().notes(EntityType::Leads).create(&[note]).await.unwrap_err()));
    text.push_str(&printed(&client().leads().update(&[patch]).await.unwrap_err()));
    text
}

#[tokio::test]
async fn no_token_address_or_payload_is_printed_or_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    // For the whole binary, since callsites that other tests came by first would stay silent for one thread's.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut text = String::new();
    for (status, body) in [
        (200, format!(r#"{{"_embedded":"{SAID}"}}"#)),
        (200, SAID.to_owned()),
        (200, format!("\"{SAID}\"")),
        (302, SAID.to_owned()),
        (
            400,
            format!(
                r#"{{"validation-errors":[{{"request_id":"0","errors":[{{"code":"c","path":"p","detail":"{SAID}"}}]}}],"detail":"{SAID}"}}"#
            ),
        ),
        (400, format!(r#"{{"errors":{{"7":"{SAID}"}}}}"#)),
        (400, SAID.to_owned()),
        (403, SAID.to_owned()),
        (429, SAID.to_owned()),
        (500, SAID.to_owned()),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("location", format!("https://evil.example/?q={SAID}").as_str())
            .set_body_string(body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        text.push_str(&provoke(&server.uri()).await);
    }
    text.push_str(&provoke(&raw_server(|_| ())).await);
    text.push_str(
        &provoke(&raw_server(|stream| {
            write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        }))
        .await,
    );
    text.push_str(&provoke("http://127.0.0.1:1").await);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("AccessToken([redacted])"));
    assert!(log.contains("kommo request") && log.contains("/api/v4/contacts"), "{log}");
    for canary in [TOKEN, EMAIL, "canary%40mail", TEXT, SAID] {
        assert!(!text.contains(canary), "{canary} is printed: {text}");
        assert!(!log.contains(canary), "{canary} is logged: {log}");
    }
}

#[tokio::test]
async fn the_cause_of_a_lost_connection_is_kept() {
    let error = builder("http://127.0.0.1:1").build().unwrap().users().list().await.unwrap_err();
    assert_eq!(error.to_string(), "no connection to Kommo");
    assert!(error.source().is_some());
}
