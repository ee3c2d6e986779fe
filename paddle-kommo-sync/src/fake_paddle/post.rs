//! The only file of the fake that names reqwest: sends deliveries.

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::Value;

use super::delivery::Outgoing;

/// The status of the answer; `None` where none came.
pub(super) type Heard = Option<u16>;

/// How long Paddle waits for an answer; then it is a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends as Paddle does: no redirects, five seconds. Made when it is first needed, as TLS takes its time to set up.
#[derive(Clone, Debug, Default)]
pub(super) struct Poster(Arc<OnceLock<reqwest::Client>>);

impl Poster {
    fn client(&self) -> &reqwest::Client {
        self.0.get_or_init(|| {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .timeout(PATIENCE)
                .user_agent("Paddle")
                .build()
                .expect("an HTTP client")
        })
    }

    pub(super) async fn post(&self, outgoing: &Outgoing) -> Heard {
        let request = self
            .client()
            .post(&outgoing.url)
            .header("paddle-signature", &outgoing.signature)
            .header("content-type", "application/json")
            .body(outgoing.body.clone());
        let response = request.send().await.ok()?;
        Some(response.status().as_u16())
    }
}

/// JSON as Paddle writes it: everything beyond ASCII is escaped, in the very bytes that are signed.
pub(super) fn ascii_json(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_ascii_is_escaped_and_reads_back() {
        let value = serde_json::json!({"name": "Jürgen \u{1f600} \"x\""});
        let text = ascii_json(&value);
        assert_eq!(text, "{\"name\":\"J\\u00fcrgen \\ud83d\\ude00 \\\"x\\\"\"}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
