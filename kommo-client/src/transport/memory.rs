//! Answers without a network, so that a simulation may run in virtual time.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    error::{Error, ErrorKind, Fate},
    fake::{Asked, FakeKommo, Fallen},
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
        let url = request.url();
        let authorization = request.headers().get(AUTHORIZATION);
        let asked = Asked {
            method: request.method().as_str().to_owned(),
            path: url.path().to_owned(),
            query: url.query().map(str::to_owned),
            authorization: authorization.and_then(|value| value.to_str().ok()).map(str::to_owned),
            body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec(),
        };
        let started = Instant::now();
        let answering = async {
            let (answer, delay) =
                self.fake.answer_in_memory(asked).map_err(|fallen| match fallen {
                    Fallen::Unreachable => Error::new(ErrorKind::Connect, Fate::NotSent),
                    Fallen::BadCertificate => Error::new(ErrorKind::Certificate, Fate::NotSent),
                    Fallen::Dropped => Error::new(ErrorKind::Transport, Fate::Unknown),
                })?;
            sleep(delay).await;
            let left = self.timeout.saturating_sub(started.elapsed());
            Ok(answer.map(|body| reqwest::Body::wrap(body.within(left))))
        };
        match timeout(self.timeout, answering).await {
            Ok(answer) => answer.map(reqwest::Response::from),
            Err(elapsed) => Err(Error::new(ErrorKind::Timeout, Fate::Unknown).with_source(elapsed)),
        }
    }
}
