//! What Paddle's links to PDFs lead to: a storage host, not the API. No key goes there, and its refusals say nothing
//! about the API.

use reqwest::header::{ACCEPT, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::{MOST_BODY, Transport, from_reqwest, read_body};
use crate::paddle::error::{Error, ErrorKind, Fate};

impl Transport {
    /// The whole file. The link carries its own permission, so it is in no error and no log.
    pub(in crate::paddle) async fn download(&self, url: Url) -> Result<Vec<u8>, Error> {
        let started = Instant::now();
        let mut request = reqwest::Request::new(reqwest::Method::GET, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/pdf"));
        let outcome = match self.http.execute(request).await {
            Ok(response) => self.read_file(response).await,
            Err(error) => Err(from_reqwest(error)),
        };
        tracing::debug!(
            bytes = outcome.as_ref().map_or(0, Vec::len),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error = outcome.as_ref().err().map(tracing::field::display),
            "paddle document"
        );
        outcome
    }

    async fn read_file(&self, response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let status = response.status().as_u16();
        let kind = match status {
            200..=299 => match read_body(response, MOST_BODY, self.idle_timeout).await {
                Ok(Some(body)) => return Ok(body),
                Ok(None) => ErrorKind::TooLarge,
                Err(error) => return Err(error.with_status(status)),
            },
            300..=399 => ErrorKind::Redirect,
            404 => ErrorKind::NotFound,
            400..=499 => ErrorKind::Status(status),
            _ => ErrorKind::Server(status),
        };
        Err(Error::new(kind, Fate::Refused).with_status(status))
    }
}
