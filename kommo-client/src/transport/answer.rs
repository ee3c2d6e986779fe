//! An answer: read whole, or said why not. Status before body, and no body without an end.

use std::{error::Error as StdError, time::Duration};

use reqwest::header::{DATE, RETRY_AFTER};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::timeout;

use crate::{
    error::{Error, ErrorKind, Fate},
    limit::Permit,
    pace::Verdict,
    problem::Problem,
    wire::{JsonFault, capped},
};

/// The most that is kept of a success.
const MOST_BODY: usize = 8 << 20;

/// The most that is read of a refusal: Kommo's are small, and a gateway's page has nothing to tell.
const MOST_REFUSAL: usize = 256 << 10;

/// A success: a status of the 2xx, with its whole body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(super) request_id: Option<String>,
    /// Kommo's own clock, as its `Date` has it.
    pub(crate) date: Option<OffsetDateTime>,
}

impl Answer {
    /// The body as JSON of the wanted shape.
    pub(crate) fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.undecodable(JsonFault::from(error)))
    }

    /// What to say when the body does not hold what was asked for.
    pub(crate) fn undecodable(&self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::decode(source).with_answer(self.status, self.request_id.clone())
    }
}

/// The status decides; the body only says which of its kinds.
pub(super) async fn read(
    response: reqwest::Response,
    permit: Permit,
    idle: Duration,
) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let permit = match status {
        // These say something about the pace, and their bodies say the rest of it.
        403 | 429 => Some(permit),
        _ => {
            // Kommo has counted the request by now; the body may take its time. A gateway's 5xx proves nothing.
            permit.learn(if status < 500 { Verdict::Heard } else { Verdict::Silence });
            drop(permit);
            None
        }
    };
    let outcome = read_body(response, status, idle).await;
    if let (Some(permit), Err(error)) = (permit, &outcome) {
        permit.learn(match error.kind() {
            ErrorKind::RateLimited => Verdict::TooFast(error.retry_after()),
            ErrorKind::Blocked => Verdict::Blocked,
            ErrorKind::Forbidden => Verdict::Heard,
            _ => Verdict::Silence,
        });
    }
    outcome
}

async fn read_body(
    response: reqwest::Response,
    status: u16,
    idle: Duration,
) -> Result<Answer, Error> {
    let request_id = header(&response, "x-request-id").map(|id| capped(id, 128));
    let date = header(&response, DATE.as_str())
        .and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    let answer = |error: Error| error.with_answer(status, request_id.clone());
    match status {
        200..=299 => match body(response, MOST_BODY, idle).await {
            Body::Whole(body) => Ok(Answer { status, body, request_id, date }),
            Body::TooLarge => Err(answer(Error::new(ErrorKind::TooLarge, Fate::Unknown))),
            Body::Cut(error) => {
                Err(answer(Error::new(error.0, Fate::Unknown).with_source(error.1)))
            }
        },
        // Many servers do what was asked and then send the client elsewhere with these two.
        302 | 303 => Err(answer(Error::new(ErrorKind::Redirect, Fate::Unknown))),
        300..=399 => Err(answer(Error::new(ErrorKind::Redirect, Fate::Refused))),
        400..=499 => {
            let advice = header(&response, RETRY_AFTER.as_str()).map(str::to_owned);
            let date = header(&response, DATE.as_str()).map(str::to_owned);
            let (problem, source) = match body(response, MOST_REFUSAL, idle).await {
                Body::Whole(body) => (Problem::read(&body), None),
                Body::TooLarge => (Problem::unreadable(), Some("its body has no end".into())),
                Body::Cut((_, source)) => (Problem::unreadable(), Some(source)),
            };
            let retry_after = (status == 429)
                .then(|| problem.retry_after(advice.as_deref(), date.as_deref()))
                .flatten();
            let detail = problem.detail();
            let error = match source {
                // Half a refusal proves nothing, and half a 403 does not tell a block from a lack of rights.
                Some(source) => Error::new(kind_of_cut(status), Fate::Unknown).with_source(source),
                None => Error::new(problem.into_kind(status), Fate::Refused),
            };
            Err(answer(error.with_retry_after(retry_after).with_detail(detail)))
        }
        500.. => {
            let advice = header(&response, RETRY_AFTER.as_str());
            let date = header(&response, DATE.as_str());
            let retry_after = Problem::unreadable().retry_after(advice, date);
            let error = Error::new(ErrorKind::Server(status), Fate::Unknown);
            Err(answer(error.with_retry_after(retry_after)))
        }
        _ => Err(answer(Error::new(ErrorKind::Transport, Fate::Unknown))),
    }
}

fn kind_of_cut(status: u16) -> ErrorKind {
    match status {
        400 | 403 => ErrorKind::Status(status),
        _ => Problem::unreadable().into_kind(status),
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

enum Body {
    Whole(Vec<u8>),
    TooLarge,
    Cut((ErrorKind, Box<dyn StdError + Send + Sync>)),
}

/// `idle` is not reqwest's `read_timeout`: that would also cut short the wait for an answer, which may be long.
async fn body(mut response: reqwest::Response, most: usize, idle: Duration) -> Body {
    let mut body = Vec::new();
    loop {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                if chunk.len() > most.saturating_sub(body.len()) {
                    return Body::TooLarge;
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => return Body::Whole(body),
            Ok(Err(error)) => {
                let kind =
                    if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
                return Body::Cut((kind, error.without_url().into()));
            }
            Err(elapsed) => return Body::Cut((ErrorKind::Timeout, elapsed.into())),
        }
    }
}
