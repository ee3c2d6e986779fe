//! What a long piece of work says while it goes on, one JSON object a line: to a terminal on this machine, or through the
//! running service.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use paddle_kommo_sync::{
    Backfilled,
    reconcile::{Progress, Repaired, Report},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// How far it is.
    Progress {
        /// What is being done.
        step: String,
        /// How much of it is done.
        done: usize,
        /// Of how much, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<usize>,
    },
    /// The report; after a repair, what it is by then.
    Report(Box<Report>),
    /// What a repair did.
    Repaired(Repaired),
    /// What one event would do.
    Preview(String),
    /// What a backfill did, or would do.
    Backfilled(Backfilled),
    /// It broke off.
    Failed(String),
}

impl From<Progress> for Line {
    fn from(progress: Progress) -> Self {
        Self::Progress { step: progress.step.to_owned(), done: progress.done, of: progress.of }
    }
}

/// The lines as the body of an answer, as they come.
pub(super) struct Lines(pub(super) mpsc::Receiver<Line>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| {
            // A line is made of numbers and texts: it can be written down.
            let mut text = serde_json::to_vec(&line?).unwrap_or_default();
            text.push(b'\n');
            Some(Ok(Frame::data(Bytes::from(text))))
        })
    }
}
