//! Answers without a network, so that a simulation may run in virtual time.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use wiremock::Request;

use crate::{
    error::{Error, ErrorKind, Fate},
    fake::{FakeKommo, Fallen},
};

pub(super) struct Memory {
    pub(super) fake: FakeKommo,
    pub(super) timeout: Duration,
}

impl Memory {
    pub(super) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, Error> {
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let request = Request {
            url: request.url().clone(),
            method: request.method().clone(),
            headers: request.headers().clone(),
            body,
        };
        let answering = async {
            let (answer, delay) =
                self.fake.answer_in_memory(&request).map_err(|fallen| match fallen {
                    Fallen::Unreachable => Error::new(ErrorKind::Connect, Fate::NotSent),
                    Fallen::Dropped => Error::new(ErrorKind::Transport, Fate::Unknown),
                })?;
            sleep(delay).await;
            Ok(answer)
        };
        match timeout(self.timeout, answering).await {
            Ok(answer) => answer.map(reqwest::Response::from),
            Err(elapsed) => Err(Error::new(ErrorKind::Timeout, Fate::Unknown).with_source(elapsed)),
        }
    }
}
